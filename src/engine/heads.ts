/**
 * The heads of the log, as views: `decided` serves the next turn, `visible` serves queries.
 *
 * `visible` is the longest prefix of the log in which everything but receipts of pure success is durable: such a receipt, if it
 * is lost, is observed again, so waiting for its sync would only make answers late (design: two heads).
 */
import type { Seq } from '../../events/index.ts'
import type { View } from './view.ts'

type Waiting = {
  readonly reject: (error: unknown) => void
  readonly resolve: () => void
  readonly seq: Seq
}
type Pending = { readonly seq: Seq; readonly soft: boolean; readonly view: View }

export class Heads {
  #decided: View
  #durable: Seq
  #pending: Pending[] = []
  #visible: View
  #waiting: Waiting[] = []

  constructor(view: View) {
    this.#decided = view
    this.#visible = view
    this.#durable = view.seq
  }

  get decided(): View {
    return this.#decided
  }

  get visible(): View {
    return this.#visible
  }

  /** A commit was queued; `soft` says that it is a receipt of pure success. */
  push(view: View, soft: boolean): void {
    this.#decided = view
    this.#pending.push({ seq: view.seq, soft, view })
    this.#advance()
  }

  /** All up to `seq` is on disk. */
  markDurable(seq: Seq): void {
    if (seq > this.#durable) this.#durable = seq
    this.#advance()
  }

  /** Settles when queries see commit `seq`. */
  covers(seq: Seq): Promise<void> {
    if (this.#visible.seq >= seq) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({ reject, resolve, seq }))
  }

  /** No more commits become durable: whoever waits for one hears this. */
  fail(error: unknown): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const { reject } of waiting) reject(error)
  }

  #advance(): void {
    let shown = 0
    for (const entry of this.#pending) {
      if (entry.seq > this.#durable && !entry.soft) break
      this.#visible = entry.view
      shown++
    }
    if (shown === 0) return
    this.#pending = this.#pending.slice(shown)
    const seq = this.#visible.seq
    const due = this.#waiting.filter((w) => w.seq <= seq)
    if (due.length === 0) return
    this.#waiting = this.#waiting.filter((w) => w.seq > seq)
    for (const waiter of due) waiter.resolve()
  }
}
