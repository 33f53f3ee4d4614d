/** Waiting for the next of many things, each as long at most: what is done with one that came does not count. */
import type { Subscription } from 'rxjs'
import type { Timers } from '../ports.ts'

export class Patience {
  /** It was waited as long in vain. */
  isOut = false
  /** Settles then. */
  readonly out: Promise<void>
  readonly #ms: number
  readonly #timers: Pick<Timers, 'scheduler'>
  #end: () => void = () => undefined
  #timer: Subscription | undefined

  /** Begins to wait. */
  constructor(timers: Pick<Timers, 'scheduler'>, ms: number) {
    this.#ms = ms
    this.#timers = timers
    this.out = new Promise((resolve) => (this.#end = resolve))
    this.begin()
  }

  begin(): void {
    this.rest()
    this.#timer = this.#timers.scheduler.schedule(() => {
      this.isOut = true
      this.#end()
    }, this.#ms)
  }

  /** It came. */
  rest(): void {
    this.#timer?.unsubscribe()
    this.#timer = undefined
  }
}
