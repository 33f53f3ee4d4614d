/** A worker process, begun anew when it hangs, or when what a mutant left running in it could be taken for the next one's. */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Answer, Asked, Bundle, Recorded, Run } from './protocol.ts'

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))
/** Longer than whatever the worker waits for by itself. */
const HUNG_MS = 30_000

export class MutantWorker {
  #child: ChildProcess | undefined
  readonly #directory: string

  /** @param directory what tests leave behind goes here */
  constructor(directory: string) {
    this.#directory = directory
  }

  /** @throws {Error} a test fails without any mutant. */
  async record(bundle: Bundle): Promise<Recorded> {
    const recorded = await this.#ask({ bundle }, 10 * HUNG_MS)
    if (recorded === undefined) throw new Error(`${bundle.file} hangs`)
    return recorded as Recorded
  }

  async try(mutant: number, runs: readonly Run[]): Promise<Answer> {
    const usualMs = runs.flatMap(({ cases }) => cases).reduce((sum, { ms }) => sum + ms, 0)
    const answer = (await this.#ask({ mutant, runs }, HUNG_MS + 10 * usualMs)) as Answer | undefined
    if (answer === undefined || answer.isDirty === true) this.close()
    return answer ?? { killer: [runs[0]?.bundle.file ?? '', -1] }
  }

  close(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }

  /** The answer; undefined: there was none in time. */
  #ask(asked: Asked, patienceMs: number): Promise<unknown> {
    const child = (this.#child ??= this.#begin())
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => (): void => {
        clearTimeout(timer)
        child.removeAllListeners()
        settle()
      }
      const timer = setTimeout(
        end(() => resolve(undefined)),
        patienceMs,
      )
      child.once(
        'exit',
        end(() => resolve(undefined)),
      )
      child.once('message', ({ error, value }: { readonly error?: string; readonly value?: unknown }) =>
        end(() => (error === undefined ? resolve(value) : reject(new Error(error))))(),
      )
      child.send(asked)
    })
  }

  #begin(): ChildProcess {
    const env = { ...process.env, TMPDIR: this.#directory }
    return fork(WORKER, { env, execArgv: process.execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  }
}
