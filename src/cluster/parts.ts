/** Commits that are too large for a message, put together again: of each origin the one that is coming. */
import type { Origin } from '../../events/index.ts'
import type { BusMessage } from '../bus/bus.ts'
import type { RunHead } from './message.ts'

export class Parts {
  /** What came of a commit so far, and the number of the message that it began in. */
  readonly #open = new Map<Origin, { readonly bytes: Buffer; readonly message: number }>()

  /**
   * A message's whole payload. Undefined: more of it is to come, or what it goes on from is not here; then the beginning is let go.
   */
  join(origin: Origin, { part }: RunHead, { payload, seq }: BusMessage): Uint8Array | undefined {
    if (part === undefined) return payload
    const { end, offset, size } = part
    const before = offset === 0 ? { bytes: Buffer.alloc(0), message: seq } : this.#open.get(origin)
    this.#open.delete(origin)
    if (before?.bytes.length !== offset) return undefined
    const bytes = Buffer.concat([before.bytes, payload])
    if (end >= size) return bytes
    this.#open.set(origin, { ...before, bytes })
    return undefined
  }

  clear(): void {
    this.#open.clear()
  }

  /** The last message, up to a number, before those of which others are still to come. */
  wholeUpTo(seq: number): number {
    return Math.min(seq, ...[...this.#open.values()].map(({ message }) => message - 1))
  }
}
