/**
 * One membership at work: a connection, the own log going out, the others' coming in, and beginning again whenever something of
 * that breaks, at growing distance. What can only be mended by somebody ends it, and is told.
 */
import type { AnyFact, ClusterJoined, Log, Seq } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import type { Bus, BusServer, OpenBus, StreamState } from '../bus/bus.ts'
import type { Ports, Store } from '../ports.ts'
import { Pauses } from '../engine/pauses.ts'
import { isAsBelieved, type Believed } from './audit.ts'
import { behindOf } from './behind.ts'
import { Importer, type ImporterOptions } from './importer.ts'
import { LOG_STREAM } from './message.ts'
import { PeerLogs, type PeerRecord } from './peer-logs.ts'
import { publishLog, type PublishedTo } from './publisher.ts'
import type { ClusterState, PeerStatus } from './status.ts'

/** What a session needs of the engine. */
export type Home = {
  readonly arriving?: NonNullable<ImporterOptions['arriving']>
  /** The log of now. */
  readonly log: () => Log<AnyFact>
  /** Settles when its life ends: then there is another, or none. */
  readonly logEnds: () => Promise<unknown>
  readonly onPeer: NonNullable<ImporterOptions['onPeer']>
  readonly ports: Ports
  /** Hears of what nobody awaits. */
  readonly report: (problem: unknown) => void
  readonly store: () => Store
}

export type SessionState = Extract<ClusterState, 'connected' | 'connecting' | 'stopped'>

/** First and longest pause before it begins again, in milliseconds. */
const AGAIN_MS_FIRST = 100
const AGAIN_MS_MAX = 2000
/** How long a host that leaves tries to say so, and how often it looks, in milliseconds. */
const LAST_WORDS_MS = 2000
/** How long it reads on where it could not publish, in milliseconds. */
const READ_ON_MS = 1000
/** How often it is looked whether the stream is still as it was taken for, in milliseconds. */
const AUDIT_MS = 60_000
const LOOK_MS = 10
/** How long it may take to say how the stream stands, in milliseconds. */
const STATUS_MS = 2000

/** What no attempt mends. */
const FOR_EVER: ReadonlySet<string> = new Set([
  'ERR_FENCED',
  'ERR_LOG_BEHIND',
  'ERR_LOG_FORKED',
  'ERR_SERVER_UNSUPPORTED',
  'ERR_UNSUPPORTED',
])

/** @throws {EngineError} ERR_UNSUPPORTED: these ports have none */
export function busOf({ openBus }: Ports): OpenBus {
  if (openBus !== undefined) return openBus
  throw new EngineError('ERR_UNSUPPORTED', 'these ports have no bus: give `ports.openBus`')
}

const silent = (): EngineError =>
  new EngineError('ERR_CLUSTER_UNAVAILABLE', "the cluster's servers do not answer; what is local goes on")

const lost = (): EngineError =>
  new EngineError(
    'ERR_CLUSTER_UNAVAILABLE',
    "the connection to the cluster's servers was lost; what is local goes on",
  )

export class Session {
  readonly access: ClusterJoined['data']
  /** What stood in the way last; absent: nothing does. */
  problem: EngineError | undefined
  published: PublishedTo | undefined
  server: BusServer | undefined
  state: SessionState = 'connecting'
  readonly #home: Home
  #bus: Bus | undefined
  #end: () => void = () => undefined
  #importer: Importer | undefined
  #isOver = false
  readonly #over: Promise<void>
  readonly #pauses: Pauses
  readonly #running: Promise<void>
  /** The problem that nobody was told: it may be over in a moment. */
  #untold: EngineError | undefined

  constructor(access: ClusterJoined['data'], home: Home) {
    this.access = access
    this.#home = home
    this.#over = new Promise((resolve) => (this.#end = resolve))
    this.#pauses = new Pauses(home.ports.timers)
    this.#running = this.#run()
  }

  get peers(): readonly PeerRecord[] | undefined {
    return this.#importer?.peers
  }

  /** Settles when nothing that came is being written. */
  async taken(): Promise<void> {
    for (let taking = this.#importer?.taking; taking; taking = this.#importer?.taking) await taking
  }

  /** Number of the last message that was read. */
  get read(): number {
    return this.#importer?.cursor.seq ?? 0
  }

  /** @throws {EngineError} ERR_CLUSTER_UNAVAILABLE: also if it is not said soon: somebody waits */
  async stream(): Promise<StreamState | undefined> {
    if (this.state !== 'connected' || this.#bus === undefined) return undefined
    const told = await this.#pauses.atMost(STATUS_MS, this.#bus.state())
    if (told === undefined) throw silent()
    return told
  }

  /** The peers, and how far each is behind the stream, if that is known. @throws {EngineError} ERR_CLUSTER_UNAVAILABLE */
  async peersIn(stream: StreamState | undefined): Promise<readonly PeerStatus[] | undefined> {
    if (stream === undefined || this.#bus === undefined || this.peers === undefined) return this.peers
    const behind = await behindOf(this.#bus, this.peers, this.read >= stream.lastSeq)
    return this.peers.map((peer) => ({ ...peer, behind: behind.get(peer.origin) ?? 0 }))
  }

  /** @param seq published before it ends, if that can be done soon: peers should hear that we leave */
  async close(seq?: Seq): Promise<void> {
    if (seq !== undefined) await this.#publishedTo(seq)
    this.#isOver = true
    this.#pauses.endAll()
    this.#end()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock } = this.#home.ports
    for (let tries = 0; !this.#isOver; tries++) {
      const startMs = clock.monotonicMs()
      try {
        await this.#connected()
        tries = 0
      } catch (error) {
        if (!this.#failed(error)) return
        // What breaks as soon as it is begun (servers that are full, say) must not be begun at full speed.
        if (clock.monotonicMs() - startMs > AGAIN_MS_MAX) tries = 0
      }
      await this.#pauses.wait(Math.min(AGAIN_MS_FIRST * 2 ** tries, AGAIN_MS_MAX))
    }
  }

  /** @returns whether to begin again */
  #failed(error: unknown): boolean {
    const problem =
      error instanceof EngineError
        ? error
        : new EngineError('ERR_CLUSTER_UNAVAILABLE', `the cluster cannot be followed: ${String(error)}`, {
            cause: error,
          })
    // The log closed under the reader: its next life is taken up.
    if (problem.code === 'ERR_CLOSED') return !this.#isOver
    if (problem.code !== this.problem?.code || this.problem === this.#untold) this.#home.report(problem)
    this.problem = problem
    this.state = FOR_EVER.has(problem.code) ? 'stopped' : 'connecting'
    return this.state !== 'stopped'
  }

  /** From a connection to its end, whoever ends it. */
  async #connected(): Promise<void> {
    const log = this.#home.log()
    const { hash } = this.#home.ports
    const bus = await busOf(this.#home.ports)(this.access, LOG_STREAM)
    this.#bus = bus
    this.published = undefined
    try {
      if (this.#isOver) return
      const logs = new PeerLogs(this.#home.store(), hash)
      const { arriving, onPeer } = this.#home
      const importing = { ...(arriving ? { arriving } : {}), hash, logs, onPeer, origin: log.origin }
      const importer = (this.#importer = await Importer.open(importing))
      this.server = bus.server
      this.state = 'connected'
      this.problem = undefined
      await this.#exchange(bus, log, importer)
    } finally {
      if (!this.#isOver) this.state = 'connecting'
      await bus.close()
    }
  }

  /** Out and in, until one of them ends, the connection is disturbed, or nobody wants it any more. */
  async #exchange(bus: Bus, log: Log<AnyFact>, importer: Importer): Promise<void> {
    let isOver = false
    let end = (): void => undefined
    const over = new Promise<void>((resolve) => {
      end = (): void => {
        isOver = true
        resolve()
      }
    })
    void Promise.race([this.#over, bus.disturbed, this.#home.logEnds()]).then(end)
    // What is under way may take a while to end.
    void bus.disturbed.then(() => {
      if (this.#bus !== bus || this.state !== 'connected' || this.#isOver) return
      this.state = 'connecting'
      this.problem = this.#untold = lost()
    })
    const told = (at: PublishedTo): void => void (this.published = at)
    const both = [
      publishLog(bus, { host: this.access.host, log }, { isOver: () => isOver, over }, told).catch(
        (error: unknown) => this.#readOn(error, over),
      ),
      importer.run(bus, over),
      this.#audit(bus, { importer, origin: log.origin, published: () => this.published }, over),
    ]
    const results = await Promise.allSettled(both.map((one) => one.finally(end)))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  /** Who may not write, or not now, reads for a while all the same. */
  async #readOn(error: unknown, over: Promise<void>): Promise<never> {
    if (this.#failed(error)) await Promise.race([over, this.#pauses.wait(READ_ON_MS)])
    throw error
  }

  /** Until the stream is not as it was taken for, or it is over. */
  #audit(bus: Bus, believed: Believed, over: Promise<void>): Promise<void> {
    const { scheduler } = this.#home.ports.timers
    return new Promise((resolve, reject) => {
      let isOver = false
      const look = (): void => {
        isAsBelieved(bus, believed).then((isSo) => {
          if (!isSo) resolve()
          else if (!isOver) timer = scheduler.schedule(look, AUDIT_MS)
        }, reject)
      }
      let timer = scheduler.schedule(look, AUDIT_MS)
      void over.then(() => {
        isOver = true
        timer.unsubscribe()
        resolve()
      })
    })
  }

  async #publishedTo(seq: Seq): Promise<void> {
    const { clock } = this.#home.ports
    const isThere = (): boolean => (this.published?.next ?? 0) > seq
    for (const endMs = clock.monotonicMs() + LAST_WORDS_MS; !isThere() && clock.monotonicMs() < endMs;) {
      if (this.state === 'stopped') return
      await this.#pauses.wait(LOOK_MS)
    }
  }
}
