/**
 * A stream's items as they come in, for one reader. Room is given back by halves of the window, so that the engine seldom waits
 * for us and nobody sends a message for each item.
 */
import { decodeError, WINDOW, type FromEngine } from './protocol.ts'

type Answer = Extract<FromEngine, { readonly id: number }>

/** What an inbox tells the other side. */
export type InboxOptions = {
  readonly cancel: () => void
  readonly more: (items: number) => void
}

export class Inbox implements AsyncIterableIterator<unknown, void, void> {
  readonly #options: InboxOptions
  #end: { readonly error?: Error } | undefined
  #queue: unknown[] = []
  /** Items read since room was last given back. */
  #read = 0
  #wake = (): void => undefined

  constructor(options: InboxOptions) {
    this.#options = options
  }

  /** @returns whether more may come */
  take(answer: Answer): boolean {
    if (!('item' in answer)) {
      this.fail('error' in answer ? decodeError(answer.error) : undefined)
      return false
    }
    this.#queue.push(answer.item)
    this.#wake()
    return true
  }

  /** Nothing more comes; the reader hears why, behind what is there. */
  fail(error?: Error): void {
    this.#end ??= error ? { error } : {}
    this.#wake()
  }

  async next(): Promise<IteratorResult<unknown, void>> {
    while (this.#queue.length === 0) {
      const end = this.#end
      if (end) {
        this.#end = {}
        if (end.error) throw end.error
        return { done: true, value: undefined }
      }
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    if (++this.#read === WINDOW / 2) {
      this.#read = 0
      if (!this.#end) this.#options.more(WINDOW / 2)
    }
    return { done: false, value: this.#queue.shift() }
  }

  /** Ends a `next` that waits, too. */
  async return(): Promise<IteratorResult<unknown, void>> {
    if (!this.#end) this.#options.cancel()
    this.#queue = []
    this.#end = {}
    this.#wake()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
