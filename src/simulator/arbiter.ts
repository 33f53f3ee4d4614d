/**
 * The servers of a simulated cluster, as one that all hosts reach over links of their own, on virtual time: they answer late or
 * never, forget what they acknowledged, and links are cut and healed.
 */
import type { BusMessage, Outgoing, Published } from '../bus/bus.ts'
import { Links, type Way } from './links.ts'
import { SimulatedStream, type StreamNature } from './stream.ts'
import type { VirtualTime } from './time.ts'

/**
 * What becomes of the next publish; whoever sent it hears nothing. `late`: it comes to the stream when nobody waits for it any
 * more. `lost`: it never does. `unanswered`: it did, as it should.
 */
export type PublishFault = 'late' | 'lost' | 'unanswered'

export type ArbiterOptions = Partial<Pick<StreamNature, 'looksFirstAt'>> & {
  /** How long the way to a host takes, drawn for each message that goes it. */
  readonly latencyMs?: (host: string) => number
  /** Largest message in bytes. */
  readonly payloadMax?: number
  readonly version?: string
}

/** Where hosts find the servers of a simulated cluster. */
export const SERVERS: readonly string[] = ['nats://servers:4222']

/** How late `late` is, unless told otherwise. */
const LATE_MS = 7000

/** `back`: a link or the servers were away, and are there again. */
type Change = 'back' | 'stored'

/** What came of a publish: as {@link Published} says, or a fault. `again`: it was there already. */
export type PublishOutcome = PublishFault | 'again' | 'refused' | 'stored'

/** Where a message stands: its number, and its stream by the time of its making. */
export type Stored = { readonly seq: number; readonly stream: string }

/** Who publishes. */
export type Publisher = {
  /** {@link BusHolder.name} */
  readonly name: string
  /** How many messages it has not read on its connection that were there when that was made. */
  readonly unread: number
}

/** What is known of a publish beside what came of it. `stored`: where, if it is there now and was not before. */
export type Circumstances = { readonly stored?: Stored; readonly unread: number }

export class SimulatedArbiter {
  /** Each publish takes the first one. */
  readonly faults: PublishFault[] = []
  /** They take nothing more: a quota is used up. */
  isFull = false
  /** How late `late` is, in milliseconds. */
  lateMs = LATE_MS
  /** Who is cut off, and who is slow. */
  readonly links: Links
  /** Hears of every publish that came to the servers, or was lost before. @param from {@link Publisher} */
  onPublish:
    ((message: Outgoing, outcome: PublishOutcome, from: string, more: Circumstances) => void) | undefined
  /** Hears of streams that lost their end, or all that they had. */
  onLoss: ((stream: string) => void) | undefined
  readonly payloadMax: number
  readonly time: VirtualTime
  readonly version: string
  #isSilent = false
  /** By stream: how often it lost something. */
  readonly #losses = new Map<string, number>()
  readonly #listeners = new Set<(change: Change, host?: string) => void>()
  #made = 0
  readonly #nature: StreamNature
  readonly #repeats = new Map<string, number>()
  readonly #streams = new Map<string, SimulatedStream>()

  constructor(time: VirtualTime, options: ArbiterOptions = {}) {
    this.time = time
    this.links = new Links(options.latencyMs ?? (() => 1), (host) => this.#tell('back', host))
    this.payloadMax = options.payloadMax ?? 1 << 20
    this.version = options.version ?? '2.15.1'
    this.#nature = { looksFirstAt: options.looksFirstAt ?? 'expectation', nowMs: () => time.monotonicMs() }
  }

  /** Made when somebody first asks for it. */
  stream(name: string): SimulatedStream {
    return this.#streams.get(name) ?? this.#make(name)
  }

  /** A stream is lost, and there is an empty one in its place. */
  remake(name: string): SimulatedStream {
    const made = this.#make(name)
    this.#lost(name)
    this.#tell('back')
    return made
  }

  /** The servers come back without a stream's last messages, which they had acknowledged. `silently`: nobody's connection was lost. */
  regress(name: string, count: number, silently = false): void {
    this.stream(name).lose(count)
    this.#lost(name)
    if (!silently) this.#tell('back')
  }

  /** How often a stream has lost something. */
  lossesOf(name: string): number {
    return this.#losses.get(name) ?? 0
  }

  /** What is on its way to a host or from it is lost; with a way, only what goes that way. */
  cut(host: string, way?: Way): void {
    this.links.cut(host, way)
  }

  heal(host: string): void {
    this.links.heal(host)
  }

  /** @param way absent: any */
  isCut(host: string, way?: Way): boolean {
    return this.links.isCut(host, way)
  }

  /** All connections are lost, until {@link start}. What is stored stays. */
  stop(): void {
    this.links.isDown = true
  }

  start(): void {
    if (!this.links.isDown) return
    this.links.isDown = false
    this.#tell('back')
  }

  /** Nobody leads, and nothing is answered; connections stay. */
  hush(isSilent: boolean): void {
    this.#isSilent = isSilent
  }

  get isSilent(): boolean {
    return this.#isSilent
  }

  /** Deliveries to a host come again: so many messages before the next. */
  repeat(host: string, count: number): void {
    this.#repeats.set(host, count)
    this.#tell('stored', host)
  }

  /** How many messages come again to a host now. */
  takeRepeat(host: string): number {
    const count = this.#repeats.get(host) ?? 0
    this.#repeats.delete(host)
    return count
  }

  /** Nothing fails any more. What was lost stays lost. */
  mend(): void {
    this.faults.length = 0
    this.#isSilent = false
    this.isFull = false
    this.lateMs = LATE_MS
    this.#repeats.clear()
    this.start()
    this.links.mend()
  }

  latencyMs(host: string): number {
    return this.links.latencyMs(host)
  }

  /** @returns undefined: nobody hears of it */
  publish(
    name: string,
    message: Outgoing,
    expect: number,
    from: Publisher = { name: '', unread: 0 },
  ): Published | undefined {
    const publish = (): Published => this.#take(name, message, expect, from)
    const fault = this.faults.shift()
    if (fault !== undefined) this.onPublish?.(message, fault, from.name, { unread: from.unread })
    if (fault === 'late') this.time.at(this.lateMs, publish)
    if (fault === 'late' || fault === 'lost') return undefined
    const published = publish()
    return fault === 'unanswered' ? undefined : published
  }

  /** Tells of what a host may have to know, until it is called off. */
  onChange(host: string, listener: (change: Change) => void): () => void {
    const heard = (change: Change, whose?: string): void => {
      if (whose === undefined || whose === host) listener(change)
    }
    this.#listeners.add(heard)
    return () => void this.#listeners.delete(heard)
  }

  /** Every message that a stream has now. */
  messages(name: string): readonly BusMessage[] {
    return this.stream(name).from(1, Infinity)
  }

  #take(name: string, message: Outgoing, expect: number, { name: from, unread }: Publisher): Published {
    const stream = this.stream(name)
    const before = stream.lastSeq
    const published = this.isFull ? FULL : stream.publish(message, expect)
    const isNew = published.kind === 'stored' && published.seq > before
    const outcome = isNew ? 'stored' : published.kind === 'stored' ? 'again' : 'refused'
    const stored = isNew ? { stored: { seq: published.seq, stream: stream.created } } : {}
    this.onPublish?.(message, outcome, from, { ...stored, unread })
    if (isNew) this.#tell('stored')
    return published
  }

  #lost(name: string): void {
    this.#losses.set(name, this.lossesOf(name) + 1)
    this.onLoss?.(name)
  }

  #make(name: string): SimulatedStream {
    const made = new SimulatedStream(`stream ${++this.#made}`, this.#nature)
    this.#streams.set(name, made)
    return made
  }

  #tell(change: Change, host?: string): void {
    for (const listener of [...this.#listeners]) listener(change, host)
  }
}

const FULL: Published = { kind: 'refused', why: 'the stream is full' }
