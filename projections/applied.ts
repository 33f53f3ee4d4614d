/**
 * The kernel of the past: for each resource what the last receipt said of it, and every intent that has no receipt yet.
 *
 * From here the planner knows what a removal has to remove and what a need can stand on, without looking at the kernel;
 * {@link baseOf} answers as if all open intents were done. The kernel itself corrects what is wrong here: by errno on the
 * way, by observation at the start of an epoch and from time to time.
 */
import type {
  DriftObserved,
  EffectsIntended,
  PlanId,
  ResourceKey,
  Seen,
  Spec,
  Step,
} from '../events/index.ts'
import { defineProjection } from './define.ts'
import { withTable } from './tables.ts'
import { Trie } from './trie.ts'

/** A step of a plan that has no receipt yet, as it concerns one resource. */
export type Intent = {
  readonly op: Step['op']
  readonly plan: PlanId
  readonly spec: Spec
  /** Of a removal: what vanishes with it. Those have an intent of the same plan too, without `takes`. */
  readonly takes?: readonly ResourceKey[]
}

/**
 * What receipts say. `absent`: nothing yet, or not any more; only intents speak of it. `unknown`: it may be there, but
 * not as the spec says: a step failed on the way, or somebody else changed it.
 */
export type AppliedState = 'absent' | 'cut' | 'present' | 'unknown'

export type AppliedResource = {
  /** Open, in the order of the log. */
  readonly intents: readonly Intent[]
  /** What the kernel told of it, if the resource has something to tell. */
  readonly seen?: Seen
  /** As last received. Where nothing was: as intended. */
  readonly spec: Spec
  readonly state: AppliedState
}

/** A plan without receipt. */
export type OpenPlan = EffectsIntended['data']

export type Applied = {
  /** By plan id. */
  readonly open: Trie<OpenPlan>
  /** By resource key. */
  readonly resources: Trie<AppliedResource>
}

/** The kernel of the past. */
export const applied = defineProjection({
  name: 'applied',
  version: 1,
  init: {
    open: Trie.empty<OpenPlan>(),
    resources: Trie.empty<AppliedResource>(),
  } satisfies Applied as Applied,
  on: {
    EffectsIntended: (state, { data }) => {
      const resources = intend(state.resources, data)
      return withTable(withTable(state, 'open', state.open.set(data.plan, data)), 'resources', resources)
    },

    EffectsSettled: (state, { data: { failures, plan, seen } }) => {
      const intended = state.open.get(plan)
      if (intended === undefined) return state
      const outcome: Outcome = {
        failures: new Map(failures.map((failure) => [failure.key, failure.class === 'need'])),
        plan,
        seen: new Map(seen.map((each) => [each.key, each])),
      }
      const resources = intended.steps.reduce((all, step) => settle(all, step, outcome), state.resources)
      return withTable(withTable(state, 'open', state.open.delete(plan)), 'resources', resources)
    },

    DriftObserved: (state, { data }) =>
      withTable(state, 'resources', data.differences.reduce(drift, state.resources)),

    HostStarted: (state, { data }) =>
      data.fresh ? withTable(state, 'resources', loseAll(state.resources)) : state,
  },
})

/** What is there when all open intents are done: absent if nothing. */
export function baseOf(
  { resources }: Applied,
  key: ResourceKey,
): { readonly spec: Spec; readonly state: Exclude<AppliedState, 'absent'> } | undefined {
  const resource = resources.get(key)
  if (resource === undefined) return undefined
  let { spec, state } = resource
  for (const intent of resource.intents) {
    if (intent.op === 'ensure') spec = intent.spec
    if (intent.op === 'remove') state = 'absent'
    else if (intent.op === 'ensure') state = 'present'
    else if (state !== 'absent') state = 'cut'
  }
  return state === 'absent' ? undefined : { spec, state }
}

/** Plans without receipt, in the order of the log. */
export const openPlans = ({ open }: Applied): readonly OpenPlan[] =>
  [...open.values()].sort((a, b) => comparePlans(a.plan, b.plan))

type Resources = Trie<AppliedResource>
/** How a plan went: keys that failed, each with whether its step never ran because its need had failed. */
type Outcome = {
  readonly failures: ReadonlyMap<ResourceKey, boolean>
  readonly plan: PlanId
  readonly seen: ReadonlyMap<ResourceKey, Seen>
}

function intend(resources: Resources, { plan, steps }: OpenPlan): Resources {
  let next = resources
  for (const step of steps) {
    const { key, op, spec } = step
    if (op !== 'remove') {
      next = addIntent(next, key, spec, { op, plan, spec })
      continue
    }
    next = addIntent(next, key, spec, { op, plan, spec, takes: step.takes })
    for (const taken of step.takes) {
      const resource = next.get(taken)
      if (resource) next = addIntent(next, taken, resource.spec, { op, plan, spec: resource.spec })
    }
  }
  return next
}

function addIntent(resources: Resources, key: ResourceKey, spec: Spec, intent: Intent): Resources {
  const resource = resources.get(key)
  if (resource === undefined) return resources.set(key, { intents: [intent], spec, state: 'absent' })
  return resources.set(key, { ...resource, intents: [...resource.intents, intent] })
}

/** Takes a step's intent off its resource and puts what came of it there. */
function settle(resources: Resources, step: Step, outcome: Outcome): Resources {
  const { key } = step
  const failed = outcome.failures.has(key)
  const before = resources.get(key)
  const intents = before?.intents.filter((intent) => intent.plan !== outcome.plan) ?? []
  const seen = outcome.seen.get(key) ?? before?.seen
  switch (step.op) {
    case 'ensure': {
      // A step that never ran left its resource as it was.
      if (outcome.failures.get(key) === true) return put(resources, key, before && { ...before, intents })
      const known = failed && before !== undefined && before.state !== 'absent' ? before.spec : step.spec
      const state = failed ? 'unknown' : 'present'
      const next = { intents, spec: known, state } as const
      return put(resources, key, seen === undefined ? next : { ...next, seen })
    }
    case 'cut':
      if (before === undefined || before.state === 'absent')
        return put(resources, key, before && { ...before, intents })
      return put(resources, key, { ...before, intents, state: failed ? 'unknown' : 'cut' })
    case 'remove': {
      const own = put(resources, key, before && (failed ? { ...before, intents } : gone(before, intents)))
      return step.takes.reduce((all, taken) => settleTaken(all, taken, outcome.plan, failed), own)
    }
  }
}

function settleTaken(resources: Resources, key: ResourceKey, plan: PlanId, failed: boolean): Resources {
  const before = resources.get(key)
  if (before === undefined) return resources
  const intents = before.intents.filter((intent) => intent.plan !== plan)
  return put(resources, key, failed ? { ...before, intents } : gone(before, intents))
}

/** A resource that is not there any more; what it had to tell went with it. */
const gone = (before: AppliedResource, intents: readonly Intent[]): AppliedResource => ({
  intents,
  spec: before.spec,
  state: 'absent',
})

/** Stores a resource, or forgets it when neither a receipt nor an intent speaks of it. */
function put(resources: Resources, key: ResourceKey, resource: AppliedResource | undefined): Resources {
  if (resource === undefined) return resources
  const forgotten = resource.state === 'absent' && resource.intents.length === 0
  return forgotten ? resources.delete(key) : resources.set(key, resource)
}

/** What somebody else did: a missing resource is gone, a changed one is there, but nobody knows how. */
function drift(
  resources: Resources,
  { found, key, spec }: DriftObserved['data']['differences'][number],
): Resources {
  const before = resources.get(key)
  if (found === 'missing') return put(resources, key, before && gone(before, before.intents))
  if (before?.state === 'unknown') return resources
  return put(resources, key, { ...(before ?? { intents: [], spec }), state: 'unknown' })
}

/** With the kernel all resources went. Open intents stay: the new epoch settles each of their plans. */
function loseAll(resources: Resources): Resources {
  let next = resources
  for (const [key, before] of [...resources.entries()])
    if (before.state !== 'absent') next = put(next, key, gone(before, before.intents))
  return next
}

/** Plan ids are `<epoch>.<seq>`, and seq never falls: it alone gives the log's order. */
const seqOf = (plan: PlanId): number => Number(plan.slice(plan.indexOf('.') + 1))
const comparePlans = (a: PlanId, b: PlanId): number => seqOf(a) - seqOf(b)
