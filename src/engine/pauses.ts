/** Waiting that ends early when the engine closes. */
import type { Timers } from '../ports.ts'

export class Pauses {
  readonly #timers: Timers
  readonly #ends = new Set<() => void>()

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Settles after `ms` milliseconds, or at {@link endAll}. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.unsubscribe()
        this.#ends.delete(end)
        resolve()
      }
      const timer = this.#timers.scheduler.schedule(end, ms)
      this.#ends.add(end)
    })
  }

  endAll(): void {
    for (const end of this.#ends) end()
  }
}
