/**
 * Work for every core: a script starts itself again as so many processes, gives each of them something to do, and the next when it
 * has told what came of it.
 */
import { fork, type ChildProcess, type Serializable } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** @typeParam A what a job is given, plain data. @typeParam C what it tells */
export class Jobs<A extends Serializable, C> {
  readonly #children = new Set<ChildProcess>()
  readonly #lost: (what: string) => void
  readonly #script: string
  readonly #took: (came: C) => void
  readonly #work: Iterator<A>

  /**
   * @param url of the script, which begins with {@link beJob}
   * @param work what there is to do, taken when a job is free
   * @param lost hears at once, in words, of a job that ended by itself; the others go on
   */
  constructor(
    url: string,
    work: Iterable<A>,
    took: (came: C) => void,
    lost: (what: string) => void = () => undefined,
  ) {
    this.#lost = lost
    this.#script = fileURLToPath(url)
    this.#took = took
    this.#work = work[Symbol.iterator]()
  }

  /** Settles when all is done, or was stopped. @throws {Error} a job ended by itself: what it had then */
  async run(count: number): Promise<void> {
    const ended = await Promise.all(Array.from({ length: Math.max(1, count) }, () => this.#job()))
    const lost = ended.filter((each) => each !== undefined)
    if (lost.length > 0) throw new Error(lost.join('\n'))
  }

  /** What is begun is not waited for. */
  stop(): void {
    for (const child of this.#children) if (child.connected) child.disconnect()
  }

  /** @returns what was lost with it, if it ended by itself */
  #job(): Promise<string | undefined> {
    const child = fork(this.#script, { execArgv: process.execArgv })
    this.#children.add(child)
    let asked = this.#give(child)
    child.on('message', (came) => {
      this.#took(came as C)
      asked = this.#give(child)
    })
    return new Promise((resolve) => {
      child.once('exit', (status, signal) => {
        this.#children.delete(child)
        if (status === 0 || signal === 'SIGINT') {
          resolve(undefined)
          return
        }
        const what = `a job ended by itself (${status ?? signal}) in ${JSON.stringify(asked)}`
        this.#lost(what)
        resolve(what)
      })
    })
  }

  #give(child: ChildProcess): A | undefined {
    if (!child.connected) return undefined
    const next = this.#work.next()
    if (next.done === true) {
      child.disconnect()
      return undefined
    }
    child.send(next.value)
    return next.value
  }
}

/** Whether this process is a job. Then it does what it is given, a {@link Jobs}'s `A`, until it is let go. */
export function beJob(work: (asked: never) => Promise<unknown>): boolean {
  const tell = process.send?.bind(process)
  if (tell === undefined) return false
  // Ctrl-C is heard by all of the group; the parent says when it is over.
  process.on('SIGINT', () => undefined)
  process.on('disconnect', () => process.exit(0))
  process.on('message', (asked) => void work(asked as never).then(tell))
  return true
}
