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
  EffectsSettled,
  PlanId,
  ResourceKey,
  Seen,
  Spec,
  Step,
  StepFailure,
} from '../events/index.ts'
import { defineProjection } from './define.ts'
import { withTable } from './tables.ts'
import { Table } from './table.ts'

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
  readonly open: Table<OpenPlan>
  /** By resource key. */
  readonly resources: Table<AppliedResource>
}

/** The kernel of the past. */
export const applied = defineProjection({
  name: 'applied',
  version: 1,
  init: {
    open: Table.empty<OpenPlan>(),
    resources: Table.empty<AppliedResource>(),
  } satisfies Applied,
  on: {
    EffectsIntended: (state, { data }) => {
      const resources = intend(state.resources, data)
      return withTable(withTable(state, 'open', state.open.set(data.plan, data)), 'resources', resources)
    },

    EffectsSettled: (state, { data }) => {
      const { plan } = data
      const intended = state.open.get(plan)
      if (intended === undefined) return state
      const resources = intended.steps.reduce((all, step) => settle(all, step, data), state.resources)
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

type Resources = Table<AppliedResource>
type Outcome = EffectsSettled['data']

function intend(resources: Resources, { plan, steps }: OpenPlan): Resources {
  let next = resources
  for (const step of steps) {
    const { key, op, spec } = step
    if (op !== 'remove') {
      next = addIntent(next, key, spec, { op, plan, spec })
      continue
    }
    next = addIntent(next, key, spec, { op, plan, spec, takes: step.takes })
    for (const taken of step.takes)
      next = next.update(
        taken,
        (resource) =>
          resource && { ...resource, intents: resource.intents.concat({ op, plan, spec: resource.spec }) },
      )
  }
  return next
}

const addIntent = (resources: Resources, key: ResourceKey, spec: Spec, intent: Intent): Resources =>
  resources.update(key, (resource) =>
    resource === undefined
      ? { intents: [intent], spec, state: 'absent' }
      : { ...resource, intents: resource.intents.concat(intent) },
  )

/** Takes a step's intent off its resource, and puts what came of it there. */
function settle(resources: Resources, step: Step, outcome: Outcome): Resources {
  const { key } = step
  if (outcome.skipped?.includes(key)) return leave(resources, step, outcome.plan)
  const failure = outcome.failures.find((each) => each.key === key)
  const own = resources.update(key, (before) => settled(before, step, failure, outcome))
  if (step.op !== 'remove') return own
  return step.takes.reduce(
    (all, taken) => all.update(taken, (before) => before && removed(before, failure, outcome.plan)),
    own,
  )
}

/** A step that nobody wanted run: its resource, and what it would have taken along, are what they were. */
const leave = (resources: Resources, step: Step, plan: PlanId): Resources =>
  [step.key, ...(step.op === 'remove' ? step.takes : [])].reduce(
    (all, key) =>
      all.update(key, (before) => before && known({ ...before, intents: othersThan(plan, before) })),
    resources,
  )

/** What a step made of its resource; nothing: neither a receipt nor an intent speaks of it any more. */
function settled(
  before: AppliedResource | undefined,
  step: Step,
  failure: StepFailure | undefined,
  { plan, seen: told }: Outcome,
): AppliedResource | undefined {
  if (step.op === 'remove') return before && removed(before, failure, plan)
  const intents = before === undefined ? NONE : othersThan(plan, before)
  if (step.op === 'cut') {
    if (before === undefined || before.state === 'absent') return before && known({ ...before, intents })
    return { ...before, intents, state: failure ? 'unknown' : 'cut' }
  }
  // A step that never ran, since its need had failed, left its resource as it was.
  if (failure?.class === 'need') return before && known({ ...before, intents })
  const spec = failure && before && before.state !== 'absent' ? before.spec : step.spec
  const seen = told.find((each) => each.key === step.key) ?? before?.seen
  const next = { intents, spec, state: failure ? 'unknown' : 'present' } as const
  return seen === undefined ? next : { ...next, seen }
}

/** After a removal, of itself or of what it stood on. One that failed leaves it as it was. */
const removed = (
  before: AppliedResource,
  failure: StepFailure | undefined,
  plan: PlanId,
): AppliedResource | undefined => {
  const intents = othersThan(plan, before)
  return failure ? known({ ...before, intents }) : gone(before, intents)
}

function othersThan(plan: PlanId, { intents }: AppliedResource): readonly Intent[] {
  const others = intents.filter((intent) => intent.plan !== plan)
  return others.length === 0 ? NONE : others
}

const NONE: readonly Intent[] = []

/** A resource that is not there any more; what it had told went with it. */
const gone = ({ spec }: AppliedResource, intents: readonly Intent[]): AppliedResource | undefined =>
  known({ intents, spec, state: 'absent' })

/** Nothing, if neither a receipt nor an intent speaks of the resource. */
const known = (resource: AppliedResource): AppliedResource | undefined =>
  resource.state === 'absent' && resource.intents.length === 0 ? undefined : resource

/** What somebody else did: a missing resource is gone, a changed one is there, but nobody knows how. */
const drift = (
  resources: Resources,
  { found, key, spec }: DriftObserved['data']['differences'][number],
): Resources =>
  resources.update(key, (before) => {
    if (found === 'missing')
      return before?.state === 'absent' ? before : before && gone(before, before.intents)
    return before?.state === 'unknown' ? before : { ...(before ?? { intents: [], spec }), state: 'unknown' }
  })

/** With the kernel all resources went. Open intents stay: the new epoch settles each of their plans. */
function loseAll(resources: Resources): Resources {
  let next = resources
  for (const [key, before] of [...resources.entries()])
    if (before.state !== 'absent') next = next.update(key, () => gone(before, before.intents))
  return next
}

/** Plan ids are `<epoch>.<seq>`, and seq never falls: it alone gives the log's order. */
const seqOf = (plan: PlanId): number => Number(plan.slice(plan.indexOf('.') + 1))
const comparePlans = (a: PlanId, b: PlanId): number => seqOf(a) - seqOf(b)
