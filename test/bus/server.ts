/**
 * Real nats-servers for tests: on free ports of 127.0.0.1, with their files in a folder that goes with them. They can be killed
 * as a crash does it, and come again on what they had written.
 *
 * Where the programs are is in the environment: `npm test` finds them (`scripts/lib/nats.mjs`).
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isOlder } from '../../src/bus/server-version.ts'

/** Undefined: there is none, and what needs it is skipped. */
export const CURRENT_SERVER = process.env.CHRONET_NATS_SERVER
/** One of the 2.9 series. */
export const LEGACY_SERVER = process.env.CHRONET_NATS_SERVER_LEGACY

const READY_MS_MAX = 20_000
const LOOK_MS = 20

export type ServerOptions = {
  /** Added to its configuration, in the server's own format. */
  readonly config?: string
  /** Without it, a server keeps no streams. */
  readonly jetStream?: boolean
  readonly program: string
}

type Peers = { readonly name: string; readonly ports: readonly number[]; readonly own: number }

export class NatsServer {
  readonly port: number
  readonly #dir: string
  readonly #healthPort: number
  readonly #program: string
  #process: ChildProcess | undefined

  private constructor(program: string, dir: string, port: number, healthPort: number) {
    this.#dir = dir
    this.#healthPort = healthPort
    this.#program = program
    this.port = port
  }

  /** One that runs alone, and answers. */
  static async start(options: ServerOptions): Promise<NatsServer> {
    const server = await NatsServer.#make(options)
    await server.restart()
    return server
  }

  /** Three that run as one, and answer. */
  static async startThree(options: ServerOptions): Promise<readonly NatsServer[]> {
    const ports = await Promise.all([freePort(), freePort(), freePort()])
    const name = `three-${ports.join('-')}`
    const servers = await Promise.all(ports.map((own) => NatsServer.#make(options, { name, own, ports })))
    await Promise.all(servers.map((server) => server.restart()))
    return servers
  }

  static async #make(
    { config = '', jetStream = true, program }: ServerOptions,
    peers?: Peers,
  ): Promise<NatsServer> {
    const dir = await mkdtemp(join(tmpdir(), 'chronet-nats-'))
    const [port, healthPort] = await Promise.all([freePort(), freePort()])
    // An acknowledged message is on disk with it; servers before 2.10 do not know the word.
    const sync = isOlder(versionOf(program), '2.10.0') ? '' : 'sync_interval: always'
    const cluster =
      peers &&
      `cluster { name: ${peers.name}, listen: "127.0.0.1:${peers.own}",
        routes: [${peers.ports.map((each) => `"nats://127.0.0.1:${each}"`).join(', ')}] }`
    const lines = [
      `listen: "127.0.0.1:${port}"`,
      `http: "127.0.0.1:${healthPort}"`,
      `server_name: "n${port}"`,
      jetStream ? `jetstream { store_dir: "${join(dir, 'store')}"\n${sync} }` : '',
      cluster ?? '',
      config,
    ]
    await writeFile(join(dir, 'server.conf'), lines.join('\n'))
    return new NatsServer(program, dir, port, healthPort)
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`
  }

  /** SIGKILL: what it had not written is lost. */
  async kill(): Promise<void> {
    const running = this.#process
    this.#process = undefined
    if (running === undefined) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    RUNNING.delete(running)
    running.kill('SIGKILL')
    await ended
  }

  /** Begins, or begins again, on the same ports and files; settles when it is healthy. */
  async restart(): Promise<void> {
    const child = spawn(this.#program, ['-c', join(this.#dir, 'server.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    RUNNING.add(child)
    this.#process = child
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)))
    for (let waitedMs = 0; !(await this.#isHealthy()); waitedMs += LOOK_MS) {
      if (child.exitCode !== null || waitedMs > READY_MS_MAX)
        throw new Error(`nats-server does not run: ${said}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  /** Ends it, and its files. */
  async remove(): Promise<void> {
    await this.kill()
    await rm(this.#dir, { force: true, recursive: true })
  }

  /** Says nothing to anybody, but keeps all its connections. */
  pause(): void {
    this.#process?.kill('SIGSTOP')
  }

  resume(): void {
    this.#process?.kill('SIGCONT')
  }

  async #isHealthy(): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.#healthPort}/healthz`).catch(() => undefined)
    return answer?.status === 200
  }
}

/** A port of 127.0.0.1 that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const versionOf = (program: string): string =>
  /v(\d+\.\d+\.\d+)/.exec(spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout)?.[1] ?? '0'

/** None outlives the tests, whatever becomes of them. */
const RUNNING = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of RUNNING) child.kill('SIGKILL')
})
