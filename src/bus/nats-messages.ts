/** Messages of a stream as they come from NATS, and following them: whatever is strange on the way ends it, for then the reader begins again. */
import {
  AckPolicy,
  ConsumerEvents,
  DeliverPolicy,
  type ConsumerMessages,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
  type MsgHdrs,
} from 'nats'
import type { BusMessage } from './bus.ts'

/** Messages that are on their way to us at once. */
const READ_AHEAD = 256
/** A server that has nothing says so as often, in milliseconds; who missed two of them looks elsewhere. */
const HEARTBEAT_MS = 2000
/** A reader that asks for nothing as long is forgotten by the server, in nanoseconds. */
const FORGOTTEN_NS = 300e9

/** What a reader is told when the server has lost it, the stream, or itself. */
const LOST: ReadonlySet<unknown> = new Set([
  ConsumerEvents.ConsumerDeleted,
  ConsumerEvents.ConsumerNotFound,
  ConsumerEvents.NoResponders,
  ConsumerEvents.StreamNotFound,
])

export type Source = {
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
  readonly stream: string
  /** The one whose messages are wanted; undefined: those of all. */
  readonly subject: string | undefined
}

/**
 * All messages from a number on, until `over` settles.
 * @throws anything: look at the stream and begin again. The client's own ordered consumer would wait for a stream that was lost,
 *   and mend gaps after up to a minute.
 */
export async function* followStream(
  { client, manager, stream, subject }: Source,
  from: number,
  over: Promise<unknown>,
): AsyncGenerator<BusMessage, void, void> {
  const { name } = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    ...(subject === undefined ? {} : { filter_subject: subject }),
    inactive_threshold: FORGOTTEN_NS,
    mem_storage: true,
    num_replicas: 1,
    opt_start_seq: from,
  })
  const consumer = await client.consumers.get(stream, name)
  const reading = new Reading(
    await consumer.consume({ bind: true, idle_heartbeat: HEARTBEAT_MS, max_messages: READ_AHEAD }),
  )
  void over.then(() => reading.stop())
  try {
    // Server 2.9 begins where the stream ends, if the number is beyond it.
    for await (const message of reading.messages()) if (message.seq >= from) yield message
  } finally {
    reading.stop()
    consumer.delete().catch(() => undefined) // else the server does it
  }
}

class Reading {
  /** What is wrong. */
  #broken: string | undefined
  #isOver = false
  /** Its reader waits for more: then something should be heard of the server. */
  #isWaiting = true
  readonly #messages: ConsumerMessages

  constructor(messages: ConsumerMessages) {
    this.#messages = messages
    void this.#watch()
  }

  async *messages(): AsyncGenerator<BusMessage, void, void> {
    let delivered = 0
    for await (const message of this.#messages) {
      if (this.#isOver) return
      if (message.info.deliverySequence !== ++delivered) throw new Error('messages were lost on the way')
      this.#isWaiting = false
      yield messageOf(received(message))
      this.#isWaiting = true
    }
    if (!this.#isOver) throw new Error(this.#broken ?? 'the server let the reader go')
  }

  stop(): void {
    this.#isOver = true
    void this.#messages.close()
  }

  async #watch(): Promise<void> {
    for await (const { type } of await this.#messages.status()) {
      if (!LOST.has(type) && !(type === ConsumerEvents.HeartbeatsMissed && this.#isWaiting)) continue
      this.#broken = type
      void this.#messages.close()
      return
    }
  }
}

type Received = {
  readonly data: Uint8Array
  readonly header: MsgHdrs | undefined
  readonly seq: number
  readonly subject: string
}

const received = ({ data, headers: header, seq, subject }: JsMsg): Received => ({
  data,
  header,
  seq,
  subject,
})

/** Without the headers that are between publisher and server. */
export function messageOf({ data, header, seq, subject }: Received): BusMessage {
  // Asked one by one, each name is looked for among all of them.
  const named = [...(header ?? [])].map(([name, [value = '']]) => [name.toLowerCase(), value] as const)
  const id = named.find(([name]) => name === 'nats-msg-id')?.[1] ?? ''
  const headers = Object.fromEntries(named.filter(([name]) => !name.startsWith('nats-')))
  return { headers, id, payload: data, seq, subject }
}
