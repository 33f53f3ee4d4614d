/** Messages for tests of a bus, and those that were followed. */
import type { EngineError } from '../../events/index.ts'
import type { Bus, BusMessage, Outgoing } from '../../src/bus/bus.ts'

/** Each takes up to five seconds. */
const TRIES_MAX = 6

export const messageOf = (subject: string, id: string): Outgoing => ({
  headers: { 'chronet-from': '1', 'content-type': 'text/plain' },
  id,
  payload: Buffer.from(`what ${id} says`),
  subject,
})

/** Publishes one behind the other on a subject that has none. @returns their numbers */
export async function publishChain(bus: Bus, subject: string, ids: readonly string[]): Promise<number[]> {
  const seqs: number[] = []
  for (const id of ids) {
    const published = await bus.publish(messageOf(subject, id), seqs.at(-1) ?? 0)
    if (published.kind !== 'stored') throw new Error(`${id} is ${published.kind}: ${published.why}`)
    seqs.push(published.seq)
  }
  return seqs
}

/**
 * As a publisher does it: what nobody knows is looked up, and published again if it is not there.
 * @param how `expect`: the subject's last message; `rest`: between attempts
 */
export async function publishSettled(
  bus: Bus,
  subject: string,
  ids: readonly string[],
  how: { readonly expect?: number; readonly rest: () => Promise<void> },
): Promise<void> {
  let expected = how.expect ?? 0
  for (const id of ids)
    for (let seq: number | undefined; seq === undefined; expected = seq ?? expected) {
      const published = await bus.publish(messageOf(subject, id), expected)
      const last = published.kind === 'stored' ? undefined : await bus.last(subject).catch(() => undefined)
      seq = published.kind === 'stored' ? published.seq : last?.id === id ? last.seq : undefined
      if (seq === undefined) await how.rest()
    }
}

export const idsOf = (messages: readonly BusMessage[]): readonly string[] => messages.map(({ id }) => id)

/** To be compared: bytes come as arrays of several kinds. */
export const plain = (message: BusMessage | undefined): unknown =>
  message && { ...message, payload: Buffer.from(message.payload).toString('hex') }

/** Asks until servers that are just back agree on who answers. */
export async function answered<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await ask()
    } catch (error) {
      if (tries === TRIES_MAX || (error as EngineError).code !== 'ERR_CLUSTER_UNAVAILABLE') throw error
    }
}

/** Reads a bus to its end, or to its error. */
export class Reader {
  readonly messages: BusMessage[] = []
  /** Settles when it has read to the end. */
  readonly done: Promise<void>
  #end: () => void = () => undefined
  #onMessage: () => void = () => undefined

  constructor(bus: Bus, from: number) {
    const end = new Promise<void>((resolve) => (this.#end = resolve))
    this.done = this.#read(bus.follow(from, end))
    this.done.catch(() => undefined) // whoever awaits it hears of it
  }

  /** Settles when so many have come; rejects if it ends before. */
  async until(count: number): Promise<readonly BusMessage[]> {
    const ended = this.done.then(() => {
      throw new Error(`it ended after ${this.messages.length} messages`)
    })
    while (this.messages.length < count)
      await Promise.race([new Promise<void>((resolve) => (this.#onMessage = resolve)), ended])
    ended.catch(() => undefined)
    return this.messages
  }

  async end(): Promise<void> {
    this.#end()
    await this.done
  }

  async #read(messages: AsyncIterable<BusMessage>): Promise<void> {
    for await (const message of messages) {
      this.messages.push(message)
      this.#onMessage()
    }
  }
}
