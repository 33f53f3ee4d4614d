/**
 * The servers of a simulated cluster, as one that all hosts reach over links of their own, on virtual time: they answer late or
 * never, forget what they acknowledged, and links are cut and healed.
 */
import type { Outgoing, Published } from '../bus/bus.ts'
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

/** How late `late` is. */
const LATE_MS = 7000

/** `back`: a link or the servers were away, and are there again. */
type Change = 'back' | 'stored'

export class SimulatedArbiter {
  /** Each publish takes the first one. */
  readonly faults: PublishFault[] = []
  readonly payloadMax: number
  readonly time: VirtualTime
  readonly version: string
  readonly #cut = new Set<string>()
  readonly #latencyMs: (host: string) => number
  readonly #listeners = new Set<(change: Change, host?: string) => void>()
  #made = 0
  readonly #nature: StreamNature
  readonly #streams = new Map<string, SimulatedStream>()

  constructor(time: VirtualTime, options: ArbiterOptions = {}) {
    this.time = time
    this.payloadMax = options.payloadMax ?? 1 << 20
    this.version = options.version ?? '2.15.1'
    this.#latencyMs = options.latencyMs ?? (() => 1)
    this.#nature = { looksFirstAt: options.looksFirstAt ?? 'expectation', nowMs: () => time.monotonicMs() }
  }

  /** Made when somebody first asks for it. */
  stream(name: string): SimulatedStream {
    return this.#streams.get(name) ?? this.remake(name)
  }

  /** A stream is lost, and there is an empty one in its place. */
  remake(name: string): SimulatedStream {
    const made = new SimulatedStream(`stream ${++this.#made}`, this.#nature)
    this.#streams.set(name, made)
    this.#tell('back')
    return made
  }

  /** The servers come back without a stream's last messages, which they had acknowledged. */
  regress(name: string, count: number): void {
    this.stream(name).lose(count)
    this.#tell('back')
  }

  /** What is on its way to a host or from it is lost. */
  cut(host: string): void {
    this.#cut.add(host)
  }

  heal(host: string): void {
    if (this.#cut.delete(host)) this.#tell('back', host)
  }

  isCut(host: string): boolean {
    return this.#cut.has(host)
  }

  latencyMs(host: string): number {
    return this.#latencyMs(host)
  }

  /** @returns undefined: nobody hears of it */
  publish(name: string, message: Outgoing, expect: number): Published | undefined {
    const publish = (): Published => {
      const published = this.stream(name).publish(message, expect)
      if (published.kind === 'stored') this.#tell('stored')
      return published
    }
    const fault = this.faults.shift()
    if (fault === 'late') this.time.at(LATE_MS, publish)
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

  #tell(change: Change, host?: string): void {
    for (const listener of [...this.#listeners]) listener(change, host)
  }
}
