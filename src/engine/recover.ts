/**
 * What a new epoch does before it takes commands: settle what the last one left open, remove what no fact speaks of, and
 * make the kernel as the log wants it. On an undamaged kernel it writes nothing to it.
 */
import type { Cut, ResourceKey, Seq, Spec, Step } from '../../events/index.ts'
import { keyOf, needsOf, providesOf } from '../../events/index.ts'
import { baseOf, openPlans, unswept, type Desired } from '../../projections/index.ts'
import type { Kernel, Observation } from '../kernel/kernel.ts'
import { differencesOf } from '../reconcile/diff.ts'
import { receiptOf } from '../reconcile/execute.ts'
import { basesOf, planAll } from '../reconcile/plan.ts'
import { specsOf } from '../reconcile/specs.ts'
import type { By, Life } from './life.ts'
import { removeStrays } from './orphans.ts'
import { reportDrift } from './report.ts'
import type { TurnContext } from './context.ts'
import type { View } from './view.ts'

/** What recovery found and did, for the one who started the engine. */
export type Recovered = {
  /** A torn last group that was cut off the log: nobody had been told of it. */
  readonly cut?: Cut
  /** Steps taken because kernel and log differed. */
  readonly healed: number
  /** Plans of earlier epochs that were settled. */
  readonly late: number
  /** Labels of the strays that were removed. */
  readonly orphans: readonly string[]
  /** Commits that the disk lacked and the cluster had: it was an older copy. */
  readonly restored?: { readonly from: Seq; readonly to: Seq }
  /** The store's write-ahead log ended within a record, as after a power cut: where. What was being written then, nobody was told of. */
  readonly torn?: { readonly at?: number; readonly file: string }
}

/**
 * @param fresh another boot than the last epoch's, or another namespace
 * @param heals puts back what others changed; else that is left to whoever heals
 * @param by who asked for that
 */
export async function recover(
  life: Life,
  kernel: Kernel,
  context: TurnContext,
  { by, fresh, heals }: { readonly by: By; readonly fresh: boolean; readonly heals: boolean },
): Promise<Recovered> {
  // In another boot nothing stands that an open intent could be added to: first what is wanted is built, as a whole. What stands
  // all the same (an older log was accepted, of the boot before) has its receipt by that, and will be removed with its owner.
  const rebuilt = fresh
    ? await converge(life, specsOf(life.heads.decided.projections.desired, context), UNSEEN, by)
    : await underpin(life, kernel, context, by)
  // What that made follow (a namespace of somebody else was not there any more) is over before anything else is touched.
  await life.executor.idle()
  const late = await settleOpen(life, kernel, context)
  await life.executor.idle()
  const [desired, seen] = await look(life, kernel, context)
  const { gone: orphans, left } = await removeStrays(life, kernel, seen.strays, by)
  const healed = rebuilt + (heals ? await converge(life, desired, seen, by) : 0)
  sweepAgain(life, desired, left)
  const { cut } = life.log.opened
  return { ...(cut ? { cut } : {}), healed, late, orphans }
}

type Wanted = ReadonlyMap<ResourceKey, Spec>

const UNSEEN: Observation = { found: new Map(), strays: [] }

async function look(life: Life, kernel: Kernel, context: TurnContext): Promise<[Wanted, Observation]> {
  const wanted = specsOf(life.heads.decided.projections.desired, context)
  return [wanted, await kernel.observe([...wanted.values()], { strays: true })]
}

/**
 * Makes what open intents stand on. A client may have been told that such an intent was done, before its receipt was on
 * disk; if since then a person took away what it needs, or a start in another boot was cut off, it must not fail for that. So this much
 * is mended also where drift is left to others.
 */
async function underpin(life: Life, kernel: Kernel, context: TurnContext, by: By): Promise<number> {
  const { applied, desired } = life.heads.decided.projections
  const open = openPlans(applied).flatMap(({ steps }) => steps)
  if (!open.some(({ op }) => op === 'ensure')) return 0
  const bases = standingUnder(open, specsOf(desired, context))
  if (bases.size === 0) return 0
  return converge(life, bases, await kernel.observe([...bases.values()]), by)
}

/** What is wanted and needed by steps that add something, at first or second hand. */
function standingUnder(steps: readonly Step[], wanted: Wanted): Wanted {
  const providers = new Map(
    [...wanted.values()].flatMap((spec) => providesOf(spec).map((key) => [key, spec] as const)),
  )
  const found = new Map<ResourceKey, Spec>()
  const descend = (spec: Spec): void => {
    for (const need of needsOf(spec)) {
      const under = providers.get(need)
      if (under === undefined || found.has(keyOf(under))) continue
      found.set(keyOf(under), under)
      descend(under)
    }
  }
  for (const { op, spec } of steps) if (op === 'ensure' && wanted.has(keyOf(spec))) descend(spec)
  return found
}

/** Runs open intents of earlier epochs again, in log order, as far as they are still wanted; each gets its one receipt. */
async function settleOpen(life: Life, kernel: Kernel, context: TurnContext): Promise<number> {
  // Those of this one are the executor's, and may not be on disk yet.
  const open = openPlans(life.heads.decided.projections.applied).filter(
    ({ plan }) => !plan.startsWith(`${life.epoch}.`),
  )
  let wants: Desired | undefined
  let wanted: Wanted = new Map()
  for (const intended of open) {
    // The store fell meanwhile: the kernel is left as it is.
    if (life.over) break
    const { desired } = life.heads.decided.projections
    // A receipt that failed may have changed the wants; mostly none did, and thousands need not be translated for each plan.
    if (desired !== wants) [wants, wanted] = [desired, specsOf(desired, context)]
    const steps = intended.steps.filter((step) => isStillWanted(step, wanted))
    const skipped = intended.steps.filter((step) => !steps.includes(step)).map(({ key }) => key)
    const receipt = receiptOf(intended.plan, await kernel.apply(steps))
    life.settle(skipped.length === 0 ? receipt : { ...receipt, skipped }, true)
  }
  return open.length
}

/** An addition that nobody wants any more is not made, and a removal of something that is wanted again is not either. */
function isStillWanted(step: Step, desired: Wanted): boolean {
  return (step.op === 'ensure') === desired.has(step.key)
}

/**
 * A sweep that failed in the last epoch waited to be intended again: that is due now. Nobody waits for it. Of one that held nothing, as
 * that of a sandbox alone, nobody knows any more but by what is left of it.
 */
function sweepAgain(life: Life, desired: Wanted, left: ReadonlySet<ResourceKey>): void {
  const { allocations, applied } = life.heads.decided.projections
  const owners = unswept(allocations)
  const plan = owners.flatMap((owner) => allocations.remnants.get(owner) ?? []).find((r) => r.failed)?.plan
  const links = [...applied.resources.values()].filter(
    ({ spec, state }) => state !== 'absent' && isLink(spec),
  )
  const steps = links
    .map(({ spec }): Step => ({ key: keyOf(spec), op: 'remove', spec, takes: [] }))
    .filter(({ key }) => !desired.has(key) && (plan !== undefined || left.has(key)))
  if (plan === undefined && steps.length === 0) return
  life.own('effects.retry', { for: owners, ...(plan === undefined ? {} : { plan }), steps })
}

/** What a sweep removes. */
const isLink = ({ kind }: Spec): boolean => kind === 'bridge' || kind === 'netns' || kind === 'veth'

/**
 * What was found, but as unknown where no fact says that it is there: an earlier start made it and died before that
 * was written. It is made again, so that a fact does, and whoever deletes its owner knows of it.
 */
function knownBases({ applied }: View['projections'], { found }: Observation): ReturnType<typeof basesOf> {
  return new Map(
    [...basesOf({ found, strays: [] })].map(([key, base]) => [
      key,
      baseOf(applied, key) === undefined ? { ...base, state: 'unknown' } : base,
    ]),
  )
}

async function converge(
  life: Life,
  desired: ReadonlyMap<ResourceKey, Spec>,
  seen: Observation,
  by: By,
): Promise<number> {
  const { projections } = life.heads.decided
  const steps = planAll(desired, knownBases(projections, seen))
  if (steps.length === 0) return 0
  const differences = differencesOf(desired, seen, projections.applied)
  await reportDrift(life, { differences, purpose: 'recover', recover: steps }, by)
  return steps.length
}
