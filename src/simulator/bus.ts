/**
 * The bus port of one simulated process, to an arbiter (`arbiter.ts`). What is on its way goes on without the process; what it
 * hears, it hears by its own timers, and so never when it is dead.
 */
import type { Subscription } from 'rxjs'
import { EngineError } from '../../events/index.ts'
import type { Bus, BusMessage, BusServer, OpenBus, Outgoing, Published, StreamState } from '../bus/bus.ts'
import { checkServer } from '../bus/server-version.ts'
import type { Timers } from '../ports.ts'
import type { SimulatedArbiter } from './arbiter.ts'
import type { Way } from './links.ts'
import type { SimulatedStream } from './stream.ts'
import { directly, type Via } from './store.ts'

/** As the real one has them, in milliseconds. */
const ANSWER_MS = 5000
const AGAIN_MS = 250
const READ_AHEAD = 256

/** Who opens it. */
export type BusHolder = {
  /** Called when the process dies; absent: it does not. */
  readonly atDeath?: (run: () => void) => void
  /** The link that it goes over: see {@link SimulatedArbiter.cut}. */
  readonly host: string
  /** What the servers know it by; absent: as the host. */
  readonly name?: string
  readonly timers: Timers
  readonly via?: Via
}

/** The port for a process. */
export function simulatedBus(arbiter: SimulatedArbiter, holder: BusHolder): OpenBus {
  const { via = directly } = holder
  return ({ allowLegacyServer = false }, { name }) =>
    via('openBus', async () => {
      const bus = new SimulatedBus(arbiter, holder, name)
      try {
        await bus.state()
        checkServer(arbiter.version, allowLegacyServer)
      } catch (error) {
        await bus.close()
        throw error
      }
      return bus
    })
}

class SimulatedBus implements Bus {
  readonly disturbed: Promise<void>
  readonly server: BusServer
  readonly #arbiter: SimulatedArbiter
  readonly #holder: BusHolder
  #isClosed = false
  #offs: (() => void)[] = []
  /** What waits for an answer: hears that there is none when the bus is closed. */
  readonly #open = new Set<() => void>()
  readonly #timers = new Set<Subscription>()
  /** When what went each way last arrives: nothing overtakes on a connection. */
  readonly #arrivesMs = { here: 0, there: 0 }
  readonly #losses: number
  /** The last message that was read, and the last that was there when somebody first asked. */
  #read = 0
  #there: number | undefined
  readonly #stream: string
  readonly #via: Via

  constructor(arbiter: SimulatedArbiter, holder: BusHolder, stream: string) {
    this.#arbiter = arbiter
    this.#holder = holder
    this.#losses = arbiter.lossesOf(stream)
    this.#stream = stream
    this.#via = holder.via ?? directly
    this.server = { name: 'simulated', payloadMax: arbiter.payloadMax, version: arbiter.version }
    this.disturbed = new Promise((resolve) => {
      const off = arbiter.onChange(holder.host, (change) => {
        if (change === 'back') this.#later(resolve, AGAIN_MS)
      })
      this.#atClose(off)
      this.#offs.push(resolve)
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const end of [...this.#offs, ...this.#open]) end()
    this.#offs = []
    for (const timer of this.#timers) timer.unsubscribe()
    this.#timers.clear()
  }

  async *follow(from: number, end: Promise<void>, subject?: string): AsyncGenerator<BusMessage, void, void> {
    const { created } = await this.#ask('follow', (stream) => stream)
    let over = false
    const isOver = (): boolean => over
    let wake = (): void => undefined
    const stop = (): void => {
      over = true
      wake()
    }
    void end.then(stop)
    const off = this.#arbiter.onChange(this.#holder.host, () =>
      this.#later(() => wake(), this.#wayMs('here')),
    )
    this.#atClose(off)
    this.#offs.push(stop)
    try {
      for (let next = from; !isOver();) {
        next = Math.max(1, next - this.#arbiter.takeRepeat(this.#holder.host))
        const messages = this.#isCut('here') ? [] : this.#readFrom(created, next)
        for (const message of messages) {
          if (isOver()) return
          next = message.seq + 1
          this.#read = Math.max(this.#read, message.seq)
          if (subject === undefined || message.subject === subject) yield message
        }
        if (messages.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      off()
    }
  }

  last(subject: string): Promise<BusMessage | undefined> {
    return this.#ask(
      `last of ${subject}`,
      (stream) => ({ found: stream.last(subject) }),
      ({ found }) => `message ${found?.seq ?? 0}`,
    ).then(({ found }) => found)
  }

  async publish(message: Outgoing, expect: number): Promise<Published> {
    const { id, payload, subject } = message
    if (payload.length > this.server.payloadMax) return { kind: 'refused', why: 'it is too large' }
    const from = { name: this.#name, unread: this.#unread }
    return this.#via(
      `publish ${id} to ${subject}`,
      async () =>
        (await this.#call(() => this.#arbiter.publish(this.#stream, message, expect, from))) ??
        ({ kind: 'unknown', why: 'no answer' } as const),
      ({ kind }) => kind,
    )
  }

  async state(): Promise<StreamState> {
    const state = await this.#ask(
      'state',
      (stream) => stream.state(),
      ({ created, lastSeq }) => `${created} up to ${lastSeq}`,
    )
    this.#there ??= state.lastSeq
    return state
  }

  subjects(): Promise<readonly string[]> {
    return this.#ask(
      'subjects',
      (stream) => stream.subjects(),
      (subjects) => `${subjects.length} subjects`,
    )
  }

  /** A dead process stops listening too, and does nothing more. */
  #atClose(off: () => void): void {
    this.#offs.push(off)
    this.#holder.atDeath?.(off)
  }

  /** What was there and is not read; of what the servers have lost since nothing can be. */
  get #unread(): number {
    if (this.#arbiter.lossesOf(this.#stream) !== this.#losses) return 0
    return Math.max(0, (this.#there ?? 0) - this.#read)
  }

  get #name(): string {
    return this.#holder.name ?? this.#holder.host
  }

  #isCut(way: Way): boolean {
    return this.#arbiter.isCut(this.#holder.host, way)
  }

  #readFrom(created: string, from: number): readonly BusMessage[] {
    const stream = this.#arbiter.stream(this.#stream)
    if (stream.created !== created) throw unavailable('the stream is another')
    return stream.from(from, READ_AHEAD)
  }

  async #ask<T>(
    what: string,
    work: (stream: SimulatedStream) => T & {},
    told?: (value: T) => string,
  ): Promise<T> {
    return this.#via(
      what,
      async () => {
        const answer = await this.#call(() => work(this.#arbiter.stream(this.#stream)))
        if (answer === undefined) throw unavailable('no answer')
        return answer
      },
      told,
    )
  }

  /** There, and back. @returns undefined: nothing came in time */
  #call<T>(work: () => T | undefined): Promise<T | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const end = (answer?: T): void => {
        limit.unsubscribe()
        this.#open.delete(end)
        resolve(answer)
      }
      const limit = this.#later(() => end(), ANSWER_MS)
      this.#open.add(end)
      if (this.#isCut('there')) return
      this.#arbiter.time.at(this.#wayMs('there'), () => {
        if (this.#isCut('there') || this.#arbiter.isSilent) return
        const answer = work()
        // Who has closed hears nothing, though it was done.
        if (answer === undefined || this.#isClosed) return
        this.#later(() => {
          if (!this.#isCut('here')) end(answer)
        }, this.#wayMs('here'))
      })
    })
  }

  /** Never, once the bus is closed. */
  #later(run: () => void, ms: number): Subscription {
    const timer = this.#holder.timers.scheduler.schedule(() => {
      this.#timers.delete(timer)
      if (!this.#isClosed) run()
    }, ms)
    this.#timers.add(timer)
    return timer
  }

  /** From now to when it arrives. */
  #wayMs(way: Way): number {
    const nowMs = this.#arbiter.time.monotonicMs()
    const atMs = Math.max(this.#arrivesMs[way], nowMs + this.#arbiter.latencyMs(this.#holder.host))
    this.#arrivesMs[way] = atMs
    return atMs - nowMs
  }
}

const unavailable = (why: string): EngineError =>
  new EngineError(
    'ERR_CLUSTER_UNAVAILABLE',
    `the cluster's servers do not answer (${why}); what is local goes on`,
  )
