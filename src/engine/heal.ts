/**
 * Drift: hints from the kernel say where to look, dumps say what is true, and what differs from the receipts is logged and
 * healed.
 *
 *   hints ─▶ [gather until we ourselves are quiet] ─▶ look ─▶ compare three ways ─▶ drift.report ─▶ a plan as any other
 *   every few minutes: look at everything ──────────┘   (and for orphans that no start could remove)
 */
import { auditTime, concatMap, interval, map, merge, Observable, Subject, tap, type Subscription } from 'rxjs'
import type { ResourceKey } from '../../events/index.ts'
import type { AppliedResource } from '../../projections/index.ts'
import type { Hint, Kernel, Observation } from '../kernel/kernel.ts'
import type { Ports } from '../ports.ts'
import { Damping } from '../reconcile/damping.ts'
import { isVouchedFor, lacksOf, type Difference } from '../reconcile/diff.ts'
import { basesOf, planAll } from '../reconcile/plan.ts'
import { specsWithin } from '../reconcile/near.ts'
import { EVERYWHERE, NOWHERE, widen, type Scope } from '../reconcile/scope.ts'
import type { Specs } from '../reconcile/specs.ts'
import { Alarms } from './alarms.ts'
import { ENGINE, type By, type Life } from './life.ts'
import { removeOrphans } from './orphans.ts'
import { plantedIn } from './planted.ts'
import { reportDrift } from './report.ts'
import type { TurnContext } from './context.ts'

/** How long hints gather, in milliseconds. One act of a person makes several. */
export const GATHER_MS = 10
/** How long we must have been quiet, so that our own changes are not looked at one by one; and how long that may last. */
export const QUIET_MS = 40
export const QUIET_MS_MAX = 120
/** How often everything is looked at, whatever the hints say. */
export const AUDIT_MS = 300_000

/** First and longest pause before a healing that the kernel refused is tried again, in milliseconds. */
const AGAIN_MS_FIRST = 500
const AGAIN_MS_MAX = 60_000

export type HealerParts = {
  readonly context: TurnContext
  readonly kernel: Kernel
  /** Hears of what went wrong while looking. */
  readonly onProblem: (problem: unknown) => void
  /** The life that takes commands now, if any. */
  readonly life: () => Life | undefined
  readonly ports: Ports
}

export class Healer {
  readonly #again = new Subject<void>()
  readonly #alarms: Alarms
  readonly #damping: Damping
  readonly #parts: HealerParts
  readonly #watching: Subscription
  /** The life that was looked at last. */
  #known: Life | undefined
  /** How often in a row orphans were left. */
  #orphanTries = 0
  #scope: Scope = NOWHERE
  /** How many healings in a row had a step that the kernel refused. */
  #tries = 0
  #working: Promise<unknown> = Promise.resolve()

  constructor(parts: HealerParts) {
    this.#parts = parts
    const { kernel, ports } = parts
    this.#damping = plantedIn(ports).damping?.() ?? new Damping()
    this.#alarms = new Alarms(ports.timers)
    const hints = new Observable<Hint>((out) => kernel.onHint((hint) => out.next(hint)))
    const noted = hints.pipe(map((hint) => this.#note(widen(this.#scope, hint))))
    const audits = interval(AUDIT_MS, ports.timers.scheduler).pipe(map(() => this.#note(EVERYWHERE)))
    this.#watching = merge(noted, audits, this.#again)
      .pipe(
        auditTime(GATHER_MS, ports.timers.scheduler),
        concatMap(() => (this.#working = this.#look())),
        tap({ error: () => undefined }),
      )
      .subscribe()
    // What happened between recovery's look and the first hint is seen now.
    this.#later(0)
  }

  /** Looks at everything now, for whoever asks. Settles when what it found is healed; rejects with what went wrong while looking. */
  async audit(by: By): Promise<void> {
    await this.#working
    this.#note(EVERYWHERE)
    const failure = await this.#look(by)
    if (failure) throw failure.error
  }

  async close(): Promise<void> {
    this.#watching.unsubscribe()
    this.#alarms.clear()
    await this.#working
  }

  #note(scope: Scope): void {
    this.#scope = scope
  }

  async #look(by: By = ENGINE): Promise<{ readonly error: unknown } | undefined> {
    const life = await this.#quiet()
    const scope = this.#scope
    if (life === undefined || scope === NOWHERE) return undefined
    this.#scope = NOWHERE
    this.#follow(life)
    try {
      await this.#heal(life, scope, by)
      return undefined
    } catch (error) {
      this.#parts.onProblem(error)
      // The kernel could not be read, or the store fell: what was hinted at is still to be looked at.
      this.#scope = EVERYWHERE
      this.#later(AGAIN_MS_FIRST)
      return { error }
    }
  }

  /** A life that begins anew removes what no fact speaks of; what it could not remove is looked for soon. */
  #follow(life: Life): void {
    if (life === this.#known) return
    this.#known = life
    void life.whenOver.then(() => this.#afterNext(1))
  }

  #afterNext(tries: number): void {
    this.#alarms.after(pauseAfter(tries), () => {
      if (this.#parts.life() === undefined) this.#afterNext(tries + 1)
      else this.#later(0)
    })
  }

  async #heal(life: Life, scope: Scope, by: By): Promise<void> {
    const before = life.heads.decided.projections
    const near = (places: Scope): Specs => specsWithin(before, places, this.#parts.context)
    const seen = await this.#observe(near(scope), near, scope.all)
    if (life.over) return
    const { applied } = life.heads.decided.projections
    if (applied === before.applied) await this.#removeOrphans(life, seen, by)
    const now = life.heads.decided.projections.applied.resources
    // Only what no plan touched while we looked can be judged by what we saw.
    const steady = (key: ResourceKey): boolean => isSteady(before.applied.resources.get(key), now.get(key))
    const lacks = lacksOf(seen.asked, seen).filter(({ key }) => steady(key))
    const due = lacks.filter(({ key }) => !this.#damping.rests(key, this.#nowMs()))
    if (due.length < lacks.length) this.#afterRest()
    if (due.length === 0) return
    await this.#report(life, due, seen, by)
  }

  /** An orphan holds addresses that the log gives to others: one that the kernel would not remove is tried again soon. */
  async #removeOrphans(life: Life, { strays }: Observation, by: By): Promise<void> {
    const isLeft = await removeOrphans(life, this.#parts.kernel, strays, by)
    this.#orphanTries = isLeft ? this.#orphanTries + 1 : 0
    if (isLeft) this.#later(pauseAfter(this.#orphanTries))
  }

  /** What was there and drifted is logged; what an earlier healing failed to put back is only healed. */
  async #report(life: Life, due: readonly Difference[], seen: Observation, by: By): Promise<void> {
    const { applied } = life.heads.decided.projections
    const differences = due.filter(({ key }) => isVouchedFor(key, applied))
    const wanted = new Map(due.map(({ key, spec }) => [key, spec]))
    const recover = planAll(wanted, basesOf({ found: pick(seen.found, wanted), strays: [] }))
    const failures = await reportDrift(life, { differences, purpose: 'heal', recover }, by)
    for (const { key } of differences) this.#noteHeal(life, key)
    this.#tries = failures.length === 0 ? 0 : this.#tries + 1
    if (this.#tries > 0) this.#later(pauseAfter(this.#tries))
  }

  /** Only a heal that was logged counts. One too many is a quarrel, and that is logged too. */
  #noteHeal(life: Life, key: ResourceKey): void {
    const rest = this.#damping.note(key, this.#nowMs())
    if (rest === undefined) return
    const change = `${key} was changed or removed by somebody else ${rest.heals} times within seconds`
    life.own('host.observe', { contention: { change, ...rest } })
  }

  /** Looks under the keys asked for, with `strays` beside them as well; where a link is missing, also at what stands in its namespace. */
  async #observe(
    asked: Specs,
    near: (scope: Scope) => Specs,
    strays: boolean,
  ): Promise<Observation & { readonly asked: Specs }> {
    const first = await this.#parts.kernel.observe([...asked.values()], { strays })
    const lost = [...asked.values()].filter(
      (s) => s.kind === 'veth' && !first.found.has(`link/host/${s.name}`),
    )
    const places = new Set(lost.flatMap((s) => (s.kind === 'veth' ? [s.peer.ns as string] : [])))
    if (places.size === 0) return { ...first, asked }
    const more = new Map([...near({ all: false, places })].filter(([key]) => !asked.has(key)))
    if (more.size === 0) return { ...first, asked }
    const second = await this.#parts.kernel.observe([...more.values()])
    return {
      asked: new Map([...asked, ...more]),
      found: new Map([...first.found, ...second.found]),
      strays: first.strays,
    }
  }

  /** Waits until no plan of ours is open and none was a moment ago; not for ever. */
  async #quiet(): Promise<Life | undefined> {
    const end = this.#nowMs() + QUIET_MS_MAX
    for (;;) {
      const life = this.#parts.life()
      if (life === undefined || life.isQuiet(QUIET_MS) || this.#nowMs() > end) return life
      await new Promise<void>((resolve) => this.#schedule(resolve, GATHER_MS))
    }
  }

  #afterRest(): void {
    const end = this.#damping.nextEnd(this.#nowMs())
    if (end !== undefined) this.#later(end - this.#nowMs() + 1)
  }

  #later(ms: number): void {
    this.#alarms.after(ms, () => {
      this.#note(EVERYWHERE)
      this.#again.next()
    })
  }

  #schedule(run: () => void, ms: number): void {
    this.#parts.ports.timers.scheduler.schedule(() => run(), ms)
  }

  #nowMs(): number {
    return this.#parts.ports.clock.monotonicMs()
  }
}

/** @param tries in vain, until now */
const pauseAfter = (tries: number): number => Math.min(AGAIN_MS_FIRST * 2 ** (tries - 1), AGAIN_MS_MAX)

const isSteady = (before: AppliedResource | undefined, now: AppliedResource | undefined): boolean =>
  before === now && (before === undefined || before.intents.length === 0)

function pick<V>(
  map: ReadonlyMap<ResourceKey, V>,
  keys: ReadonlyMap<ResourceKey, unknown>,
): ReadonlyMap<ResourceKey, V> {
  return new Map([...map].filter(([key]) => keys.has(key)))
}
