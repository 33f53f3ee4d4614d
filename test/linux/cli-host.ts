/** `chronet` as people run it: processes in a namespace of their own, on the real kernel. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { built } from './built.ts'
import { RealHost } from './host.ts'

const SOURCES = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const BUILT = built('bin/chronet.js')

/** As users run it, or from the sources, which take seconds longer to start. */
const ENTRY = BUILT === undefined ? ['--import', 'tsx', SOURCES] : [BUILT]

export type Ran = { readonly err: string; readonly out: string; readonly status: number | null }

/** One that goes on, and what it has written so far. */
export class Running {
  err = ''
  out = ''
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>

  constructor(child: ChildProcess) {
    this.#child = child
    child.stdout?.on('data', (text) => (this.out += String(text)))
    child.stderr?.on('data', (text) => (this.err += String(text)))
    this.#ended = once(child, 'close').then(([status]) => status as number | null)
  }

  /** Settles when it has written that. */
  async says(pattern: RegExp, withinMs = 20_000): Promise<void> {
    const end = Date.now() + withinMs
    while (!pattern.test(this.out)) {
      if (Date.now() > end || this.#child.exitCode !== null)
        throw new Error(`it did not say ${String(pattern)}: ${this.out}${this.err}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async end(signal?: NodeJS.Signals): Promise<Ran> {
    if (signal !== undefined) this.#child.kill(signal)
    const status = await this.#ended
    return { err: this.err, out: this.out, status }
  }
}

export class CommandHost implements AsyncDisposable {
  readonly host: RealHost

  private constructor(host: RealHost) {
    this.host = host
  }

  static async make(): Promise<CommandHost> {
    return new CommandHost(await RealHost.make())
  }

  /**
   * Its words; what it is not told, it finds in its environment.
   * @param through a program that becomes it, with its options
   */
  start(words: readonly string[], env: NodeJS.ProcessEnv = {}, through: readonly string[] = []): Running {
    const { dataDir, netns, runDir } = this.host
    const argv = [`--net=${netns}`, '--', ...through, process.execPath, ...ENTRY, ...words]
    const own = { ...process.env, CHRONET_DATA_DIR: dataDir, CHRONET_RUN_DIR: runDir, SUDO_USER: '', ...env }
    // nsenter becomes what it runs, so signals arrive there.
    return new Running(spawn('nsenter', argv, { env: own, stdio: ['ignore', 'pipe', 'pipe'] }))
  }

  run(words: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ran> {
    return this.start(words, env).end()
  }

  /** A line; words are split at blanks. */
  do(line: string, env?: NodeJS.ProcessEnv): Promise<Ran> {
    return this.run(line.split(' '), env)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]()
  }
}
