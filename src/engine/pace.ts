/**
 * Turns take their time, a plan's some tenths of a millisecond and others a tenth of that: a crowd that asks in one go would
 * hold the loop for all of them, and kernel, disk and everybody else would wait. So only so much is done in one turn of the
 * loop; the rest follows in the order in which it came.
 */
import { EngineError } from '../../events/index.ts'
import type { Timers } from '../ports.ts'

/** What may be done within one turn of the loop: so many turns that intend nothing. */
export const WORK_AT_ONCE = 32

/** What a turn is worth whose plan goes to the kernel, or that has to be taken again. */
export const WORK_OF_A_PLAN = 8

/** Commands that may wait for theirs: what waits is memory, and its asker should know. */
export const WAITING_MAX = 8192

export class Pace {
  readonly #afterTurn: Timers['afterTurn']
  /** Those who waited are let in, one after the other: whoever comes now comes after them. */
  #admitting = false
  #left = WORK_AT_ONCE
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
    if (this.#left > 0 && !this.#admitting && this.#queue.length === 0) {
      this.#left--
      return undefined
    }
    return new Promise((resolve) => this.#queue.push(resolve))
  }

  /** Whoever was let in took a turn that is worth {@link WORK_OF_A_PLAN}. */
  tookLong(): void {
    this.#left -= WORK_OF_A_PLAN - 1
  }

  /** The next turn of the loop has room again, and goes on as long as somebody waits. */
  #renew(): void {
    if (this.#renewing) return
    this.#renewing = true
    this.#afterTurn(() => {
      this.#renewing = false
      this.#left = WORK_AT_ONCE
      this.#admitting = true
      this.#admit()
    })
  }

  #admit(): void {
    const enter = this.#left > 0 ? this.#queue.shift() : undefined
    if (enter === undefined) {
      this.#admitting = false
      if (this.#queue.length > 0) this.#renew()
      return
    }
    this.#left--
    enter()
    // It takes its turn first, and says what that was worth.
    void Promise.resolve().then(() => this.#admit())
  }
}
