/** Things to do later, that can all be called off: none outlives its owner, or keeps the process alive for it. */
import type { Subscription } from 'rxjs'
import type { Timers } from '../ports.ts'

export class Alarms {
  readonly #set = new Set<Subscription>()
  readonly #timers: Timers
  #off = false

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Runs it after so many milliseconds, unless called off. */
  after(ms: number, run: () => void): void {
    if (this.#off) return
    const alarm = this.#timers.scheduler.schedule(() => {
      this.#set.delete(alarm)
      run()
    }, ms)
    this.#set.add(alarm)
  }

  /** Calls all off, and takes no more. */
  clear(): void {
    this.#off = true
    for (const alarm of this.#set) alarm.unsubscribe()
    this.#set.clear()
  }
}
