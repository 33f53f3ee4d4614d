/**
 * The executor: intents in, receipts out, in one pipeline.
 *
 *   intents ─┬─▶ wait for lanes and disk ──────────────────────────┬─▶ gate: 3 jobs a loop turn ─▶ kernel ─▶ receipts
 *            └─▶ sweeps: wait, then gather for 20 ms or 64 plans ──┘
 *
 * A job may run twice at any time: steps are idempotent. A job whose commit fell with its group is dropped if it has not begun.
 */
import {
  auditTime,
  buffer,
  concatMap,
  filter,
  from,
  map,
  merge,
  mergeMap,
  Observable,
  share,
  Subject,
  type Subscription,
} from 'rxjs'
import type { EffectsIntended, PlanId, ResourceKey, Seen, Step, StepFailure } from '../../events/index.ts'
import type { Kernel, StepResult } from '../kernel/kernel.ts'
import type { Timers } from '../ports.ts'
import { Lanes, type Place } from './lanes.ts'

/** How many plans one sweep gathers at most. */
export const SWEEP_PLANS_MAX = 64
/** How long a sweep waits for company, in milliseconds. */
export const SWEEP_WAIT_MS = 20

/**
 * Jobs that begin in one turn of the loop: the second finds the processor's caches as the first left them, which makes it a
 * third quicker. More would be quicker still, and hold the loop for longer than 8 ms.
 */
export const JOBS_AT_ONCE = 3

/** A plan to run, and when it may begin. If `begin` rejects, its commit fell: it is dropped. */
export type Job = {
  readonly begin: Promise<void>
  readonly intended: EffectsIntended['data']
}

/** What came of a plan. */
export type Receipt = {
  readonly failures: readonly StepFailure[]
  readonly plan: PlanId
  readonly seen: readonly Seen[]
  /** Steps that were not run, since nobody wants what they do any more. */
  readonly skipped?: readonly ResourceKey[]
}

type Ready = { readonly intended: EffectsIntended['data']; readonly place: Place }

export class Executor {
  /** A plan is open until its receipt has been heard here. */
  readonly receipts: Observable<Receipt>
  readonly #flush = new Subject<void>()
  /** Sweeps that somebody waits for, and that may not have begun to gather yet. */
  readonly #hurried = new Set<PlanId>()
  readonly #jobs = new Subject<Ready & { readonly begin: Promise<void> }>()
  readonly #kernel: Kernel
  readonly #lanes = new Lanes()
  readonly #running: Subscription
  readonly #timers: Timers
  readonly #begun = new Set<Promise<unknown>>()
  readonly #receipts = new Subject<Receipt>()
  #begunInTurn = 0
  #open = 0
  #idle: (() => void)[] = []

  constructor(kernel: Kernel, timers: Timers) {
    this.#kernel = kernel
    this.#timers = timers
    this.receipts = this.#receipts.asObservable()
    const ready = this.#jobs.pipe(
      mergeMap((job) => whenReady(job, () => this.#drop())),
      share(),
    )
    const isSweep = (job: Ready): boolean => job.intended.purpose === 'sweep'
    const alone = ready.pipe(filter((job) => !isSweep(job)))
    const swept = ready.pipe(filter(isSweep), share())
    const full = swept.pipe(everyNth(SWEEP_PLANS_MAX))
    const awaited = swept.pipe(filter(({ intended }) => this.#hurried.delete(intended.plan)))
    const due = merge(swept.pipe(auditTime(SWEEP_WAIT_MS, timers.scheduler)), full, awaited, this.#flush)
    const groups = merge(alone.pipe(map((job) => [job])), swept.pipe(buffer(due)))
    this.#running = groups
      .pipe(
        filter((group) => group.length > 0),
        concatMap((group) => this.#gate(group)),
        mergeMap((result) => result),
        mergeMap((receipts) => from(receipts)),
      )
      .subscribe((receipt) => {
        this.#hurried.delete(receipt.plan)
        this.#receipts.next(receipt)
        this.#drop()
      })
  }

  /** How many plans have neither receipt nor been dropped. */
  get open(): number {
    return this.#open
  }

  /** Takes a plan's place on its lanes now, in the order of calls, and runs it when it may begin. */
  submit(job: Job): void {
    this.#open++
    const place = this.#lanes.enter(job.intended.steps)
    this.#jobs.next({ begin: job.begin, intended: job.intended, place })
  }

  /** Somebody waits for what a sweep holds: gather no longer. @param plan the sweep, if it may not be gathering yet */
  hurry(plan?: PlanId): void {
    if (plan !== undefined) this.#hurried.add(plan)
    this.#flush.next()
  }

  /** Settles when no plan is open. */
  async idle(): Promise<void> {
    while (this.#open > 0) {
      this.hurry()
      await new Promise<void>((resolve) => {
        this.#idle.push(resolve)
        this.#timers.scheduler.schedule(() => this.hurry(), SWEEP_WAIT_MS)
      })
    }
  }

  /** Ends the pipeline: plans that have not begun are dropped, what the kernel is doing is awaited, receipts go nowhere. */
  async close(): Promise<void> {
    this.#running.unsubscribe()
    this.#jobs.complete()
    await Promise.all(this.#begun)
    this.#open = 0
    this.#wake()
  }

  /** Starts a group's kernel work at once; the next may start with it, until the turn has its fill. */
  #gate(group: readonly Ready[]): Observable<Promise<readonly Receipt[]>> {
    return new Observable((out) => {
      const isFirst = this.#begunInTurn++ === 0
      const isLast = this.#begunInTurn === JOBS_AT_ONCE
      out.next(this.#begin(group))
      if (isFirst || isLast)
        this.#timers.afterTurn(() => {
          this.#begunInTurn = 0
          if (isLast) out.complete()
        })
      if (!isLast) out.complete()
    })
  }

  #begin(group: readonly Ready[]): Promise<readonly Receipt[]> {
    const run = this.#run(group)
    this.#begun.add(run)
    void run.finally(() => this.#begun.delete(run))
    return run
  }

  async #run(group: readonly Ready[]): Promise<readonly Receipt[]> {
    try {
      const results = await this.#kernel.apply(group.flatMap((job) => job.intended.steps))
      let from = 0
      return group.map((job) => {
        const mine = results.slice(from, (from += job.intended.steps.length))
        return receiptOf(job.intended.plan, mine)
      })
    } catch (error) {
      return group.map((job) => ({
        failures: job.intended.steps.map((step) => crashed(step, error)),
        plan: job.intended.plan,
        seen: [],
      }))
    } finally {
      for (const job of group) job.place.leave()
    }
  }

  /** A plan has its receipt, or was dropped. */
  #drop(): void {
    this.#open--
    if (this.#open === 0) this.#wake()
  }

  #wake(): void {
    const waiting = this.#idle
    this.#idle = []
    for (const resolve of waiting) resolve()
  }
}

/** Emits the job when those before it on its lanes are done and its commit allows it; nothing if its commit fell. */
function whenReady(job: Ready & { readonly begin: Promise<void> }, drop: () => void): Observable<Ready> {
  return new Observable((out) => {
    const wait = async (): Promise<void> => {
      try {
        if (job.place.ready) await job.place.ready
        await job.begin
      } catch {
        // Whoever queued the commit hears of its fall; here it only means: do not begin.
        job.place.leave()
        drop()
        out.complete()
        return
      }
      out.next({ intended: job.intended, place: job.place })
      out.complete()
    }
    void wait()
  })
}

const everyNth =
  (n: number) =>
  <T>(source: Observable<T>): Observable<void> =>
    new Observable((out) => {
      let count = 0
      return source.subscribe({
        complete: () => out.complete(),
        error: (error) => out.error(error),
        next: () => {
          if (++count % n === 0) out.next()
        },
      })
    })

/** What the results of a plan's steps, in any order, come to. */
export function receiptOf(plan: PlanId, results: readonly StepResult[]): Receipt {
  const failures: StepFailure[] = []
  const seen: Seen[] = []
  for (const result of results) {
    if (!result.ok) failures.push(result.failure)
    else if (result.seen) seen.push(result.seen)
  }
  return { failures, plan, seen }
}

/** The kernel port itself broke: every step of the job is in doubt, and says so. */
const crashed = (step: Step, error: unknown): StepFailure => ({
  class: 'retry',
  code: 'EIO',
  key: step.key satisfies ResourceKey,
  message: `${step.key}: the kernel port failed: ${error instanceof Error ? error.message : String(error)}`,
})
