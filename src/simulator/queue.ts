/**
 * What is due, in order of time, and of asking where times are equal. A binary heap: thousands of events a virtual minute,
 * most of them due at once.
 */

/** Whose event it is: a dead owner's never comes, a stalled one's comes when it goes on. */
export type Owner = { readonly isDead: boolean; readonly wakesAtMs: number }

/** Something that will happen. */
export type Due = {
  atMs: number
  isOff: boolean
  readonly owner: Owner
  readonly run: () => void
  seq: number
}

/** An owner that neither dies nor sleeps: whoever simulates. */
export const NOBODY: Owner = { isDead: false, wakesAtMs: 0 }

export class DueQueue {
  readonly #heap: Due[] = []
  #seq = 0

  add(atMs: number, run: () => void, owner: Owner): Due {
    const due: Due = { atMs, isOff: false, owner, run, seq: ++this.#seq }
    this.#push(due)
    return due
  }

  /** The next one that will happen, not taken out; undefined: nothing will. */
  peek(): Due | undefined {
    for (;;) {
      const first = this.#heap[0]
      if (first === undefined) return undefined
      const { wakesAtMs } = first.owner
      if (!first.isOff && !first.owner.isDead && wakesAtMs <= first.atMs) return first
      this.#pop()
      if (first.isOff || first.owner.isDead) continue
      // What a stalled process should have done it does when it goes on, in the same order.
      first.atMs = wakesAtMs
      first.seq = ++this.#seq
      this.#push(first)
    }
  }

  take(): Due | undefined {
    const first = this.peek()
    if (first !== undefined) this.#pop()
    return first
  }

  /** What an owner still waits for. */
  countOf(owner: Owner): number {
    return this.#heap.filter((due) => due.owner === owner && !due.isOff).length
  }

  #push(due: Due): void {
    const heap = this.#heap
    let at = heap.push(due) - 1
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = heap[up]
      if (parent === undefined || isBefore(parent, due)) break
      heap[at] = parent
      at = up
    }
    heap[at] = due
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      const left = heap[2 * at + 1]
      const right = heap[2 * at + 2]
      const isRight = left !== undefined && right !== undefined && isBefore(right, left)
      const child = isRight ? right : left
      if (child === undefined || isBefore(last, child)) break
      heap[at] = child
      at = 2 * at + (isRight ? 2 : 1)
    }
    heap[at] = last
  }
}

const isBefore = (a: Due, b: Due): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.seq < b.seq)
