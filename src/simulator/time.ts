/**
 * Virtual time: a clock that stands still until somebody steps it, and rxjs schedulers on it. Between two events all
 * promises run to their end, as on a real event loop, so code that awaits behaves as it would, only at once.
 *
 * Many processes live on one time: each schedules as its own owner, and what a dead one had scheduled never comes.
 */
import { Subscription, type SchedulerAction, type SchedulerLike } from 'rxjs'
import type { Clock, Timers } from '../ports.ts'
import type { Guard } from './forbidden.ts'
import { DueQueue, NOBODY, type Due, type Owner } from './queue.ts'

/** More events than this in one `run` is a loop that never rests. */
export const EVENTS_MAX = 10_000_000

/** 2026-01-01T00:00:00Z: where wall time begins unless told otherwise. */
export const WALL_START_MS = 1_767_225_600_000

export class VirtualTime implements Clock, Timers {
  /** Is on while this runs. */
  guard: Guard | undefined
  readonly scheduler: SchedulerLike
  /** Events so far. */
  steps = 0
  #nowMs = 0
  readonly #queue = new DueQueue()
  #wallOffsetMs: number
  /**
   * Something that runs here may wait for turns of the process's own loop, as a service of the user's own. An engine waits for promises
   * alone: then each event costs a tenth.
   */
  waitsForTurns = true

  constructor(wallStartMs = WALL_START_MS) {
    this.#wallOffsetMs = wallStartMs
    this.scheduler = this.timersOf(NOBODY).scheduler
  }

  /** One event later than what is due now. */
  afterTurn(run: () => void): void {
    this.at(0, run)
  }

  /** Runs something in so many milliseconds, on behalf of an owner. */
  at(delayMs: number, run: () => void, owner: Owner = NOBODY): Due {
    return this.#queue.add(this.#nowMs + Math.max(0, delayMs), run, owner)
  }

  /** Settles in so many milliseconds; of an owner that is dead by then, never. */
  sleep(ms: number, owner: Owner = NOBODY): Promise<void> {
    return new Promise((resolve) => void this.at(ms, resolve, owner))
  }

  /** Timers whose events come only as long as their owner lives. */
  timersOf(owner: Owner): Timers {
    const at = (delayMs: number, run: () => void): Due => this.at(delayMs, run, owner)
    const scheduler: SchedulerLike = {
      now: () => this.#nowMs,
      schedule: <T>(
        work: (this: SchedulerAction<T>, state?: T) => void,
        delayMs = 0,
        state?: T,
      ): Subscription => new VirtualAction(at, work).schedule(state, delayMs),
    }
    return { afterTurn: (run) => void at(0, run), scheduler }
  }

  /** What an owner still waits for. */
  pendingOf(owner: Owner): number {
    return this.#queue.countOf(owner)
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  nowMs(): number {
    return Math.floor(this.#wallOffsetMs + this.#nowMs)
  }

  /** Somebody sets the clock: wall time jumps, back if negative; durations do not notice. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms
  }

  /** When the next event is due; undefined: there is none. */
  get nextMs(): number | undefined {
    return this.#queue.peek()?.atMs
  }

  /** Runs the next event and what its promises do. False: there was none. */
  async step(): Promise<boolean> {
    const due = this.#queue.take()
    if (due === undefined) return false
    this.steps++
    this.#nowMs = Math.max(this.#nowMs, due.atMs)
    due.run()
    await (this.waitsForTurns ? settle() : drained())
    return true
  }

  /** Runs events up to a moment and moves the clock there. Repeating timers that never end are fine here. */
  async runFor(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await this.run(() => (this.nextMs ?? Infinity) > endMs)
    // Whoever else lets time pass meanwhile may be further.
    this.#nowMs = Math.max(this.#nowMs, endMs)
  }

  /** Runs events until it is enough, or none is left. @returns how many. */
  async run(isEnough: () => boolean = () => false): Promise<number> {
    const { guard } = this
    guard?.on()
    try {
      await settle()
      for (let count = 0; count < EVENTS_MAX; count++) if (isEnough() || !(await this.step())) return count
      throw new Error(`more than ${EVENTS_MAX} events: something goes in circles`)
    } finally {
      guard?.off()
    }
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

/** What rxjs calls an action: work that can be scheduled again, and is off when unsubscribed. */
class VirtualAction<T> extends Subscription implements SchedulerAction<T> {
  readonly #at: (delayMs: number, run: () => void) => Due
  #due: Due | undefined
  readonly #work: (this: SchedulerAction<T>, state?: T) => void

  constructor(
    at: (delayMs: number, run: () => void) => Due,
    work: (this: SchedulerAction<T>, state?: T) => void,
  ) {
    super(() => this.#cancel())
    this.#at = at
    this.#work = work
  }

  schedule(state?: T, delayMs = 0): Subscription {
    if (this.closed) return this
    this.#cancel()
    this.#due = this.#at(delayMs, () => {
      this.#due = undefined
      this.#work(state)
    })
    return this
  }

  #cancel(): void {
    if (this.#due) this.#due.isOff = true
    this.#due = undefined
  }
}

/** Taken when this is loaded, so that fake timers of a test runner do not reach it. */
const immediate = setImmediate

/** Promises have run when an immediate does: Node drains them before it takes the next phase. Nothing depends on when that is. */
export const settle = (): Promise<void> => new Promise((resolve) => void immediate(resolve))

/** Taken when this is loaded, as the other. */
const nextTick = process.nextTick.bind(process)

/** Promises have run, as above, without a turn of the loop: a tick comes when none has anything to do. Twice, for one may ask for a tick. */
async function drained(): Promise<void> {
  await tick()
  await tick()
}

const tick = (): Promise<void> => new Promise((resolve) => nextTick(resolve))
