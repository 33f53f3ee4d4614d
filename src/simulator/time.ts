/**
 * Virtual time: a clock that stands still until somebody steps it, and the rxjs scheduler on it. Between two events all
 * promises run to their end, as on a real event loop, so code that awaits behaves as it would, only at once.
 *
 * rxjs's own `flush` runs all events in one go, without letting promises run between; hence `step` and `run`.
 */
import { VirtualTimeScheduler } from 'rxjs'
import type { Clock, Timers } from '../ports.ts'

/** More events than this in one `run` is a loop that never rests. */
export const EVENTS_MAX = 10_000_000

/** 2026-01-01T00:00:00Z: where wall time begins unless told otherwise. */
const WALL_START_MS = 1_767_225_600_000

export class VirtualTime implements Clock, Timers {
  readonly scheduler = new VirtualTimeScheduler()
  #wallOffsetMs: number

  constructor(wallStartMs = WALL_START_MS) {
    this.#wallOffsetMs = wallStartMs
  }

  /** One event later than what is due now. */
  afterTurn(run: () => void): void {
    this.scheduler.schedule(run)
  }

  monotonicMs(): number {
    return this.scheduler.frame
  }

  nowMs(): number {
    return Math.floor(this.#wallOffsetMs + this.scheduler.frame)
  }

  /** Somebody sets the clock: wall time jumps, back if negative; durations do not notice. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms
  }

  /** When the next event is due; undefined: there is none. */
  get nextMs(): number | undefined {
    return this.scheduler.actions[0]?.delay
  }

  /** Runs the next event and what its promises do. False: there was none. */
  async step(): Promise<boolean> {
    const action = this.scheduler.actions.shift()
    if (action === undefined) return false
    this.scheduler.frame = action.delay
    const error: unknown = action.execute(action.state, action.delay)
    if (error instanceof Error) throw error
    if (error !== undefined) throw new Error('an event threw what is no error', { cause: error })
    await settle()
    return true
  }

  /** Runs events up to a moment and moves the clock there. Repeating timers that never end are fine here. */
  async runFor(ms: number): Promise<void> {
    const endMs = this.scheduler.frame + ms
    await this.run(() => (this.nextMs ?? Infinity) > endMs)
    this.scheduler.frame = endMs
  }

  /** Runs events until it is enough, or none is left. @returns how many. */
  async run(isEnough: () => boolean = () => false): Promise<number> {
    await settle()
    for (let count = 0; count < EVENTS_MAX; count++) if (isEnough() || !(await this.step())) return count
    throw new Error(`more than ${EVENTS_MAX} events: something goes in circles`)
  }

  /** Lets virtual time pass until a promise settles; throws if nothing is left that could settle it. */
  async until<T>(promise: Promise<T>): Promise<T> {
    const open = new Set([promise])
    const settled = (): boolean => open.size === 0
    const mark = (): void => void open.delete(promise)
    promise.then(mark, mark)
    await this.run(settled)
    if (!settled()) throw new Error('nothing is left to happen, and the promise is still open')
    return promise
  }
}

/** Promises have run when an immediate does: Node drains them before it takes the next phase. */
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
