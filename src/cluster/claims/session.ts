/**
 * A connection to the servers on which claims are decided, and the table of all claims, read from the first message on at each
 * connection. Until the table is read to its end nothing is claimed, and nothing is given up.
 *
 * Who is cut off is told so at once: the first claim that nobody answers ends the connection, and until there is another one no
 * claim is even tried. A connection that was lost is often back in a moment (a server of three ended, or its stream has another
 * leader): then a claim waits for the first attempt to have another one, no longer than it may take anyway.
 */
import type { ClusterAccess, Origin } from '../../../events/index.ts'
import { EngineError } from '../../../events/index.ts'
import type { Bus } from '../../bus/bus.ts'
import { instant } from '../../engine/instant.ts'
import { Pauses } from '../../engine/pauses.ts'
import { busOf } from '../session.ts'
import type { ClaimHome } from './home.ts'
import type { Said } from './message.ts'
import { Register } from './register.ts'
import { CLAIM_STREAM } from './subjects.ts'
import { ClaimTable, type Head } from './table.ts'

/** How long a claim may take, and how long the first connection is waited for, in milliseconds. */
export const CLAIM_MS = 2000
/** First and longest pause before it begins again, in milliseconds. */
const AGAIN_MS_FIRST = 100
const AGAIN_MS_MAX = 5000
/** How often it is looked whether the log is published, in milliseconds. */
const LOOK_MS = 20
/** How often it is looked whether another host has answered, in milliseconds. */
const ANSWER_LOOK_MS = 2

/** How the message begins and ends that tells a command why it got nothing; it may be why the next one gets nothing. */
const NOTHING_NOW = 'nothing can be claimed in the cluster now: '
const LOCAL = '; what is local goes on'

export type Listening = {
  /** The table is whole. */
  readonly onReady: () => void
  /** These stand otherwise. */
  readonly onNews: (keys: readonly string[]) => void
}

export class ClaimSession {
  /** What stood in the way last; undefined: nothing does. */
  problem: EngineError | undefined
  readonly #access: ClusterAccess
  readonly #home: ClaimHome
  readonly #host: string
  readonly #listening: Listening
  #break: () => void = () => undefined
  #bus: Bus | undefined
  #end: () => void = () => undefined
  #isOver = false
  readonly #over: Promise<void>
  readonly #pauses: Pauses
  #ready: Register | undefined
  readonly #running: Promise<void>
  #table: ClaimTable | undefined
  /** Whoever waits for the first connection. */
  #tellFirst: () => void = () => undefined
  #first: Promise<void>
  #triedOnce = false
  /** Who waits for that waits no longer than until then, by monotonic time. */
  #triedByMs = Infinity

  constructor(access: ClusterAccess, host: string, home: ClaimHome, listening: Listening) {
    this.#access = access
    this.#home = home
    this.#host = host
    this.#listening = listening
    this.#pauses = new Pauses(home.ports.timers)
    this.#over = new Promise((resolve) => (this.#end = resolve))
    this.#first = new Promise((resolve) => (this.#tellFirst = resolve))
    this.#running = this.#run()
  }

  /** Where claims are made now; undefined: nowhere. */
  get register(): Register | undefined {
    return this.#home.isFirst() ? this.#ready : undefined
  }

  /** Who claims. */
  get origin(): Origin {
    return this.#home.origin
  }

  /** How claims stood when they were last read. */
  get table(): ClaimTable | undefined {
    return this.#table
  }

  async close(): Promise<void> {
    this.#isOver = true
    this.#pauses.endAll()
    this.#end()
    this.#tellFirst()
    await this.#running
  }

  /** Where claims are made now. @throws {EngineError} ERR_CLUSTER_UNAVAILABLE: nowhere */
  mustReach(): Register {
    const { register } = this
    if (register === undefined) throw this.#unavailable()
    return register
  }

  /** Settles when the servers were tried once, at first or since a connection was lost, or after so many milliseconds. */
  async tried(ms: number): Promise<void> {
    if (this.#triedOnce) return
    const leftMs = this.#triedByMs - this.#home.ports.clock.monotonicMs()
    if (leftMs > 0) await this.#pauses.atMost(Math.min(ms, leftMs), this.#first)
  }

  /**
   * Claims something, or asks; once more, if the connection was lost meanwhile.
   * @throws {EngineError} ERR_CLUSTER_UNAVAILABLE: at once where it is known that nobody answers, else within {@link CLAIM_MS}
   */
  async within<T>(work: (register: Register) => Promise<T>): Promise<T> {
    const { clock } = this.#home.ports
    const endMs = clock.monotonicMs() + CLAIM_MS
    for (let isLast = false; ; isLast = true) {
      const leftMs = endMs - clock.monotonicMs()
      await this.tried(leftMs)
      const { register } = this
      if (register === undefined) throw this.#unavailable()
      try {
        return await this.#atMost(endMs - clock.monotonicMs(), work(register))
      } catch (error) {
        if (!(error instanceof EngineError && error.code === 'ERR_CLUSTER_UNAVAILABLE')) throw error
        this.#breakOff(error, register)
        if (isLast || this.#triedOnce || clock.monotonicMs() >= endMs) throw error
      }
    }
  }

  async #atMost<T>(ms: number, work: Promise<T>): Promise<T> {
    const done = await this.#pauses.atMost(
      ms,
      work.then((value) => ({ value })),
    )
    if (done === undefined) throw this.#unavailable()
    return done.value
  }

  /** Settles when the table has a message. @throws {EngineError} ERR_CLUSTER_UNAVAILABLE: it does not come */
  read(seq: number): Promise<void> {
    return this.within(async ({ table }) => {
      const isFollowed = (): boolean => !this.#isOver && this.#ready?.table === table
      while (table.seq < seq && isFollowed()) await this.#pauses.wait(LOOK_MS)
    })
  }

  /** How a thing stands once something newer was said of it than a message; undefined: nothing is, within so many milliseconds. */
  newer(key: string, seq: number, withinMs: number): Promise<Head | undefined> {
    return this.#until(withinMs, (table) => {
      const head = table.head(key)
      return head !== undefined && head.seq > seq ? head : undefined
    })
  }

  /** Settles when something newer was said of a host than a message, or after so many milliseconds. */
  async heard(origin: Origin, seq: number, withinMs: number): Promise<void> {
    await this.#until(withinMs, (table) => ((table.host(origin)?.seq ?? 0) > seq ? true : undefined))
  }

  async #until<T>(withinMs: number, look: (table: ClaimTable) => T | undefined): Promise<T | undefined> {
    const { clock } = this.#home.ports
    const endMs = clock.monotonicMs() + withinMs
    for (;;) {
      const found = this.#table && look(this.#table)
      if (found !== undefined) return found
      if (this.#isOver || clock.monotonicMs() >= endMs) return undefined
      await this.#pauses.wait(ANSWER_LOOK_MS)
    }
  }

  /** Reads everything again. */
  breakOff(why: EngineError): void {
    if (this.#ready !== undefined) this.#breakOff(why, this.#ready)
  }

  #breakOff(why: EngineError, register: Register): void {
    if (this.#ready !== register) return
    this.#ready = undefined
    this.problem = why
    this.#break()
  }

  #unavailable(): EngineError {
    const why = this.problem?.message ?? "the cluster's servers are not reached"
    return new EngineError(
      'ERR_CLUSTER_UNAVAILABLE',
      why.startsWith(NOTHING_NOW) ? why : `${NOTHING_NOW}${why.replace(LOCAL, '')}${LOCAL}`,
    )
  }

  async #run(): Promise<void> {
    for (let tries = 0; !this.#isOver; tries++) {
      try {
        await this.#connected(() => (tries = 0))
      } catch (error) {
        this.#failed(error)
        this.#tried()
      }
      await this.#pauses.wait(Math.min(AGAIN_MS_FIRST * 2 ** tries, AGAIN_MS_MAX))
    }
  }

  #failed(error: unknown): void {
    const isOurs = error instanceof EngineError
    const problem = isOurs
      ? error
      : new EngineError('ERR_CLUSTER_UNAVAILABLE', `claims cannot be followed: ${String(error)}`, {
          cause: error,
        })
    if (problem.code !== this.problem?.code) this.#home.report(problem)
    this.problem = problem
  }

  async #connected(begun: () => void): Promise<void> {
    const { hash, clock } = this.#home.ports
    const bus = await busOf(this.#home.ports)(this.#access, CLAIM_STREAM)
    this.#bus = bus
    let isOver = false
    const broken = new Promise<void>((resolve) => (this.#break = resolve))
    const over = Promise.race([this.#over, broken, bus.disturbed]).then(() => void (isOver = true))
    void bus.disturbed.then(() => this.#lost(bus))
    try {
      const { created, lastSeq } = await bus.state()
      const table = new ClaimTable(hash, created)
      const options = {
        bus,
        hash,
        nowMs: () => clock.nowMs(),
        pause: (ms: number) => this.#pauses.wait(ms),
        said: () => this.#said(),
        table,
      }
      const ready = (): void => void this.#begin(new Register(options), bus, () => isOver, begun)
      if (lastSeq === 0) ready()
      for await (const message of bus.follow(1, over)) {
        const before = table.seq
        const keys = table.take(message)
        if (before < lastSeq && table.seq >= lastSeq) ready()
        else if (this.#ready?.table === table) this.#listening.onNews(keys)
      }
    } finally {
      this.#ready = undefined
      await bus.close()
    }
  }

  /** The table is whole; who may claim is known once the log is published. */
  async #begin(register: Register, bus: Bus, isOver: () => boolean, begun: () => void): Promise<void> {
    while (!this.#home.isFirst() && !isOver()) await this.#pauses.wait(LOOK_MS)
    if (isOver()) return
    this.#table = register.table
    this.#ready = register
    this.problem = undefined
    begun()
    this.#tried()
    this.#listening.onReady()
  }

  #tried(): void {
    this.#triedOnce = true
    this.#tellFirst()
  }

  /** Whoever claims in the next moments waits for the first attempt to have another connection. */
  #lost(bus: Bus): void {
    if (this.#bus !== bus || this.#ready === undefined) return
    this.#ready = undefined
    this.#triedOnce = false
    this.#triedByMs = this.#home.ports.clock.monotonicMs() + CLAIM_MS
    this.#first = new Promise((resolve) => (this.#tellFirst = resolve))
  }

  #said(): Said {
    const { clock } = this.#home.ports
    return { at: instant(clock.nowMs()), by: this.#home.origin, epoch: this.#home.epoch(), host: this.#host }
  }
}
