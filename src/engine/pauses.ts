/** Waiting that ends early when its owner does: none outlives it, or keeps the process alive for it. */
import type { Timers } from '../ports.ts'

type Pause = { readonly end: () => void; readonly over: Promise<void> }

export class Pauses {
  readonly #ends = new Set<() => void>()
  #isOver = false
  readonly #timers: Timers

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Is over after `ms` milliseconds, when it is ended, or when all are. */
  begin(ms: number): Pause {
    if (this.#isOver) return { end: () => undefined, over: Promise.resolve() }
    let end = (): void => undefined
    const over = new Promise<void>((resolve) => {
      end = (): void => {
        timer.unsubscribe()
        this.#ends.delete(end)
        resolve()
      }
      const timer = this.#timers.scheduler.schedule(() => end(), ms)
      this.#ends.add(end)
    })
    return { end, over }
  }

  /** Settles when a pause of `ms` milliseconds is over. */
  wait(ms: number): Promise<void> {
    return this.begin(ms).over
  }

  /** What comes of some work; undefined: nothing did within so many milliseconds, or all pauses were ended. It may go on. */
  async atMost<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
    const { end, over } = this.begin(ms)
    void work.then(end, end)
    return Promise.race([work, over.then(() => undefined)])
  }

  /** Ends all, and those that are begun from now on. */
  endAll(): void {
    this.#isOver = true
    for (const end of this.#ends) end()
  }
}
