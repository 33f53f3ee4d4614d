/**
 * Turns take their time, some tenths of a millisecond each: a crowd that asks in one go would hold the loop for all of
 * them, and kernel, disk and everybody else would wait. So only some turns are taken in one turn of the loop; the rest
 * follow in the order in which they came.
 */
import { EngineError } from '../../events/index.ts'
import type { Timers } from '../ports.ts'

/** Commands that are let in within one turn of the loop. */
export const TURNS_AT_ONCE = 4

/** Commands that may wait for theirs: what waits is memory, and its asker should know. */
export const WAITING_MAX = 8192

export class Pace {
  readonly #afterTurn: Timers['afterTurn']
  #left = TURNS_AT_ONCE
  readonly #queue: (() => void)[] = []
  #renewing = false

  constructor(timers: Pick<Timers, 'afterTurn'>) {
    this.#afterTurn = (run) => timers.afterTurn(run)
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#queue.length
  }

  /**
   * Lets one in: undefined at once, or settles when its time has come. Nobody overtakes.
   * @throws {EngineError} ERR_BACKPRESSURE: so many wait already.
   */
  enter(): Promise<void> | undefined {
    if (this.#queue.length >= WAITING_MAX)
      throw new EngineError(
        'ERR_BACKPRESSURE',
        `${WAITING_MAX} commands wait for their turn; wait for an answer, then go on`,
      )
    this.#renew()
    if (this.#left > 0 && this.#queue.length === 0) {
      this.#left--
      return undefined
    }
    return new Promise((resolve) => this.#queue.push(resolve))
  }

  /** The next turn of the loop has room again, and goes on as long as somebody waits. */
  #renew(): void {
    if (this.#renewing) return
    this.#renewing = true
    this.#afterTurn(() => {
      this.#renewing = false
      const due = this.#queue.splice(0, TURNS_AT_ONCE)
      if (this.#queue.length > 0) this.#renew()
      this.#left = 0
      for (const enter of due) enter()
      // Whoever comes while these take their turns comes after them.
      void Promise.resolve().then(() => (this.#left = TURNS_AT_ONCE - due.length))
    })
  }
}
