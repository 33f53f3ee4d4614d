/**
 * The planner: from what was and is wanted, and what is there, to steps. Pure.
 *
 * It looks only at keys that changed, so a plan costs what changed (some µs), never what exists. The base is `applied`
 * with open intents taken as done, or at the start what was observed; {@link planAll} compares everything.
 *
 * Leaving is two plans. The cut takes links out of service, for which somebody waits, and removes what lies on links that
 * stay; the sweep removes links and namespaces, for which nobody waits (one deletion alone waits some 18 ms for RCU).
 */
import { keyOf, needsOf, providesOf, type ResourceKey, type Spec, type Step } from '../../events/index.ts'
import { baseOf, type Applied } from '../../projections/index.ts'
import type { Observation } from '../kernel/kernel.ts'
import { equalSpecs } from './diff.ts'
import type { Specs } from './specs.ts'

/** What is taken to stand under a key. `cut`: out of service, to be swept. `unknown`: it may be there, or in part. */
export type Base = { readonly spec: Spec; readonly state: 'cut' | 'present' | 'unknown' }
/** Looks a key up; undefined: nothing is there. */
export type BaseOf = (key: ResourceKey) => Base | undefined

/** What was wanted (only the keys count) and what is, of whatever changed. What is in neither is left alone. */
export type WantedChange = { readonly after: Specs; readonly before: ReadonlyMap<ResourceKey, unknown> }

/** Steps in an order that serves their needs. `realise` and `cut` go into one plan; `sweep` follows a cut that settled. */
export type Plan = {
  readonly cut: readonly Step[]
  readonly realise: readonly Step[]
  readonly sweep: readonly Step[]
}

/** What to do after a change of wants. */
export const plan = (change: WantedChange, applied: Applied): Plan =>
  planOn(change, (key) => baseOf(applied, key))

/** As {@link plan}, on any base. */
export function planOn(change: WantedChange, base: BaseOf): Plan {
  const gone: Base[] = []
  for (const key of change.before.keys()) {
    const there = change.after.has(key) ? undefined : base(key)
    if (there) gone.push(there)
  }
  return { realise: ensures(change.after, base), ...removals(gone) }
}

/**
 * What makes the whole of `bases` into the whole of `wanted`: for the start and for audits. Links are removed at once,
 * without a cut, and removals come first, since what goes may have the name or address that something new needs.
 */
export function planAll(wanted: Specs, bases: ReadonlyMap<ResourceKey, Base>): readonly Step[] {
  const gone = [...bases].flatMap(([key, there]) => (wanted.has(key) ? [] : [there]))
  const fallen = fallenWith(gone, wanted, bases)
  const { cut, sweep } = removals([...gone, ...fallen.values()])
  const realise = ensures(wanted, (key) => (fallen.has(key) ? undefined : bases.get(key)))
  return [...cut.filter((step) => step.op !== 'cut'), ...sweep, ...realise]
}

/** What is wanted, and stands on something that goes: it goes along, and is made again on what comes in its place. */
function fallenWith(
  gone: readonly Base[],
  wanted: Specs,
  bases: ReadonlyMap<ResourceKey, Base>,
): Map<ResourceKey, Base> {
  const fallen = new Map<ResourceKey, Base>()
  const lost = new Set(gone.flatMap(({ spec }) => providesOf(spec)))
  if (lost.size === 0) return fallen
  for (const key of wanted.keys()) {
    const there = bases.get(key)
    if (there === undefined || there.spec.kind === 'veth') continue
    if (needsOf(there.spec).some((need) => lost.has(need))) fallen.set(key, there)
  }
  return fallen
}

/**
 * What was observed, as a base for {@link planAll}. Strays count as present, so they are removed. What is not ours counts
 * as absent: it is never removed, and where it is in the way, the kernel port says so.
 */
export function basesOf({ found, strays }: Observation): ReadonlyMap<ResourceKey, Base> {
  const bases = new Map<ResourceKey, Base>()
  for (const { key, spec } of strays) bases.set(key, { spec, state: 'present' })
  for (const [key, { ours, spec }] of found) if (ours) bases.set(key, { spec, state: 'present' })
  return bases
}

/** Needs come before what stands on them. Host addresses have no rank of their own: they need only their bridge. */
const RANK = {
  netns: 0,
  bridge: 1,
  sysctl: 2,
  firewall: 3,
  'firewall-network': 4,
  veth: 5,
  addr: 6,
  route: 7,
} as const satisfies Record<Spec['kind'], number>

const rank = (step: Step): number => RANK[step.spec.kind]

function ensures(wanted: Specs, base: BaseOf): Step[] {
  const steps: Step[] = []
  for (const [key, spec] of wanted) {
    const there = base(key)
    if (there?.state === 'present' && equalSpecs(there.spec, spec)) continue
    steps.push({ key, op: 'ensure', spec })
  }
  return steps.sort((a, b) => rank(a) - rank(b))
}

/** Whatever vanishes with another that goes has no step of its own: that one takes it along. */
function removals(gone: readonly Base[]): { readonly cut: Step[]; readonly sweep: Step[] } {
  const takers = new Map<ResourceKey, ResourceKey[]>()
  for (const { spec } of gone) {
    const takes: ResourceKey[] = []
    for (const provided of providesOf(spec)) takers.set(provided, takes)
  }
  const cut: Step[] = []
  const sweep: Step[] = []
  for (const there of gone) {
    const takes = takerOf(there.spec, takers)
    if (takes) takes.push(keyOf(there.spec))
    else remove(there, takers.get(keyOf(there.spec)) ?? [], cut, sweep)
  }
  return { cut: cut.sort(lastFirst), sweep: sweep.sort(lastFirst) }
}

const lastFirst = (a: Step, b: Step): number => rank(b) - rank(a)

/** The list of the one that takes a spec along. A link outlives its bridge, and even its namespace while a process is in it. */
function takerOf(spec: Spec, takers: ReadonlyMap<ResourceKey, ResourceKey[]>): ResourceKey[] | undefined {
  if (spec.kind === 'veth') return undefined
  for (const need of needsOf(spec)) {
    const takes = takers.get(need)
    if (takes) return takes
  }
  return undefined
}

function remove({ spec, state }: Base, takes: readonly ResourceKey[], cut: Step[], sweep: Step[]): void {
  const key = keyOf(spec)
  const removal: Step = { key, op: 'remove', spec, takes }
  switch (spec.kind) {
    case 'veth':
    case 'bridge':
      if (state !== 'cut') cut.push({ key, op: 'cut', spec })
      sweep.push(removal)
      return
    case 'netns':
      sweep.push(removal)
      return
    case 'sysctl':
      // Shared with the whole host: others may count on it by now, so it is never put back.
      return
    default:
      cut.push(removal)
  }
}
