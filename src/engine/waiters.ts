/**
 * Who waits for which plan's receipt. A receipt is told once; whoever asks later for a plan that is not open must look in
 * the log.
 */
import type { AnyFact, PlanId, Seq, StepFailure } from '../../events/index.ts'

/** What a plan came to, as told to those who wait for it. */
export type Settled = {
  /** The facts of the commit that settled it. */
  readonly facts: readonly AnyFact[]
  readonly failures: readonly StepFailure[]
  readonly plan: PlanId
  readonly seq: Seq
}

type Waiter = { readonly reject: (error: unknown) => void; readonly resolve: (settled: Settled) => void }

export class Waiters {
  readonly #byPlan = new Map<PlanId, Waiter[]>()

  get size(): number {
    return this.#byPlan.size
  }

  /** Settles with the plan's receipt. Rejections are the engine's: the store failed, or it closed. */
  wait(plan: PlanId): Promise<Settled> {
    const settled = new Promise<Settled>((resolve, reject) => {
      const waiters = this.#byPlan.get(plan)
      if (waiters) waiters.push({ reject, resolve })
      else this.#byPlan.set(plan, [{ reject, resolve }])
    })
    // Somebody may have been promised it and gone away.
    settled.catch(() => undefined)
    return settled
  }

  tell(settled: Settled): void {
    const waiters = this.#byPlan.get(settled.plan) ?? []
    this.#byPlan.delete(settled.plan)
    for (const waiter of waiters) waiter.resolve(settled)
  }

  /** Ends the waiting for plans that `fallen` says; default: all. */
  fail(error: unknown, fallen: (plan: PlanId) => boolean = () => true): void {
    for (const [plan, waiters] of this.#byPlan) {
      if (!fallen(plan)) continue
      this.#byPlan.delete(plan)
      for (const waiter of waiters) waiter.reject(error)
    }
  }
}
