/** A stream as a nats-server keeps it, in memory: messages in order, the last of each subject, ids of the last two minutes. */
import type { BusMessage, Outgoing, Published, StreamState } from '../bus/bus.ts'

/** How long ids are remembered, as `src/bus/nats.ts` asks for it. */
const DUPLICATES_MS = 120_000

export type StreamNature = {
  /**
   * What is looked at first: a server alone refuses a second attempt, since its expectation is not met any more; three say that
   * they have it already. Measured on 2.15.
   */
  readonly looksFirstAt: 'duplicates' | 'expectation'
  /** Monotonic time. */
  readonly nowMs: () => number
}

export class SimulatedStream {
  readonly created: string
  /** It takes no more. */
  isFull = false
  readonly #ids = new Map<string, { readonly atMs: number; readonly seq: number }>()
  /** Of all payloads: a host's cluster asks for it often. */
  #bytes = 0
  /** Message n at n - 1: nothing is ever deleted. */
  readonly #messages: BusMessage[] = []
  readonly #nature: StreamNature

  constructor(created: string, nature: StreamNature) {
    this.created = created
    this.#nature = nature
  }

  from(seq: number, countMax: number): readonly BusMessage[] {
    return this.#messages.slice(seq - 1, seq - 1 + countMax)
  }

  get lastSeq(): number {
    return this.#messages.length
  }

  last(subject: string): BusMessage | undefined {
    return this.#messages.findLast((message) => message.subject === subject)
  }

  publish(message: Outgoing, expect: number): Published {
    const known = this.#duplicateOf(message)
    const isExpected = (this.last(message.subject)?.seq ?? 0) === expect
    if (known !== undefined && (isExpected || this.#nature.looksFirstAt === 'duplicates'))
      return { kind: 'stored', seq: known }
    if (!isExpected) return { kind: 'refused', why: 'the subject is not where it was expected' }
    if (this.isFull) return { kind: 'refused', why: 'the stream is full' }
    const seq = this.#messages.push({ ...message, seq: this.#messages.length + 1 })
    this.#bytes += message.payload.length
    this.#ids.set(message.id, { atMs: this.#nature.nowMs(), seq })
    return { kind: 'stored', seq }
  }

  state(): StreamState {
    const messages = this.#messages.length
    return {
      bytes: this.#bytes,
      created: this.created,
      firstSeq: Math.min(messages, 1),
      lastSeq: messages,
      messages,
    }
  }

  subjects(): readonly string[] {
    return [...new Set(this.#messages.map(({ subject }) => subject))].sort()
  }

  /** Its last messages are gone, as after a power cut; their numbers are given again. */
  lose(count: number): void {
    for (const { id, payload } of this.#messages.splice(Math.max(0, this.#messages.length - count))) {
      this.#bytes -= payload.length
      this.#ids.delete(id)
    }
  }

  #duplicateOf({ id }: Outgoing): number | undefined {
    const known = this.#ids.get(id)
    return known && known.atMs + DUPLICATES_MS > this.#nature.nowMs() ? known.seq : undefined
  }
}
