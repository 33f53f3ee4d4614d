/** The command line on a simulated machine: words in, what it wrote and its exit status out. No process, no kernel, no disk. */
import type { Controller } from '../../src/index.ts'
import { operationsOf } from '../../src/operations/engine-operations.ts'
import type { Io } from '../../src/cli/io.ts'
import { withOthers, type Operations, type Picture, type Status } from '../../src/operations/operations.ts'
import { run } from '../../src/cli/run.ts'
import type { Reach } from '../../src/cli/session.ts'
import { Lab } from '../engine/lab.ts'

export type Said = {
  readonly err: string
  /** What it wrote, each line as JSON. */
  json(): readonly Readonly<Record<string, unknown>>[]
  readonly out: string
  readonly status: number
}

export class CommandLab {
  readonly lab: Lab
  readonly #controller: Controller

  private constructor(lab: Lab, controller: Controller) {
    this.lab = lab
    this.#controller = controller
  }

  static async open(): Promise<CommandLab> {
    const lab = new Lab('cli')
    return new CommandLab(lab, await lab.open({ heal: false }))
  }

  /** The command line of a controller that is open already. */
  static of(lab: Lab, controller: Controller): CommandLab {
    return new CommandLab(lab, controller)
  }

  picture(): Promise<Picture> {
    return this.#pump(operationsOf(this.#controller).picture())
  }

  status(): Promise<Status> {
    return this.#pump(operationsOf(this.#controller).status())
  }

  /** A line as it is typed; words are split at blanks, and quotes hold them together. */
  do(line: string, env: NodeJS.ProcessEnv = {}, width?: number): Promise<Said> {
    const reach = (): Promise<Operations> => Promise.resolve(lent(operationsOf(this.#controller)))
    return this.#pump(
      say(line, reach, { env, nowMs: () => this.lab.ports.clock.nowMs(), ...(width ? { width } : {}) }),
    )
  }

  /** Modules are loaded in real time, while virtual time stands. */
  async #pump<T>(promise: Promise<T>): Promise<T> {
    let open = true
    const done = (): void => void (open = false)
    promise.then(done, done)
    while (open)
      if (!(await this.lab.ports.time.step())) await new Promise((resolve) => setImmediate(resolve))
    return promise
  }
}

/** The same operations, but for `close`: the engine stays for the next command. */
const lent = (operations: Operations): Operations =>
  withOthers(operations, { close: () => Promise.resolve() })

/** Nobody is there: a command that wants an engine is one too many. */
export const nobody = (): Promise<Operations> => Promise.reject(new Error('the log was opened'))

export async function say(line: string, reach: Reach = nobody, of: Partial<Io> = {}): Promise<Said> {
  let [out, err] = ['', '']
  const io: Io = {
    env: {},
    flush: () => Promise.resolve(),
    nowMs: () => Date.parse('2026-01-01T12:00:00.000Z'),
    signal: new AbortController().signal,
    stdin: (async function* () {})(),
    write: (text) => void (out += text),
    writeError: (text) => void (err += text),
    ...of,
  }
  const status = await run(wordsOf(line), io, reach)
  const json = () =>
    out
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => JSON.parse(text) as Readonly<Record<string, unknown>>)
  return { err, json, out, status }
}

const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
