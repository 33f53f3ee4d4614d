/** Small pieces of refusing that all decisions share. */
import type { PlanId, Problem, SandboxId } from '../../../events/index.ts'
import { RefusedError } from '../../../events/index.ts'
import type { NetworkView } from '../../../projections/index.ts'
import type { Draft } from '../draft.ts'
import type { Resolved } from '../resolve.ts'

/** What was found, or the end of the turn. */
export function orRefuse<T>(resolved: Resolved<T>): T {
  if ('problem' in resolved) throw new RefusedError([resolved.problem])
  return resolved.found
}

/** All that was found, or the end of the turn with everything that was not. */
export function allOrRefuse<A, B>(a: Resolved<A>, b: Resolved<B>): readonly [A, B] {
  const problems: Problem[] = []
  if ('problem' in a) problems.push(a.problem)
  if ('problem' in b) problems.push(b.problem)
  const [first, ...rest] = problems
  if (first) throw new RefusedError([first, ...rest])
  return [orRefuse(a), orRefuse(b)]
}

/** `until` for a problem that is over when all these plans are: the last one, if none is missing. */
export function untilPlan(plans: readonly (PlanId | undefined)[]): { readonly until?: PlanId } {
  const last = plans.at(-1)
  return last === undefined || plans.includes(undefined) ? {} : { until: last }
}

/** As messages call a sandbox: by its name, or if it has none any more, by the beginning of its id. */
export const sandboxName = (draft: Draft, id: SandboxId): string =>
  draft.view.projections.topology.sandboxes.get(id)?.name ?? id.slice(0, 12)

/** Nothing is given out of a network that is not there yet, or not any more. */
export function networkIsUp(network: NetworkView): readonly Problem[] {
  if (network.state === 'created') return []
  return [
    {
      code: 'ERR_STATE',
      field: 'network',
      holder: network.id,
      message: `network '${network.name}' takes no endpoints in state '${network.state}'; ${network.state === 'creating' ? 'wait for it' : 'delete it and create it again'}`,
      ...(network.state === 'creating' && network.plan !== undefined ? { until: network.plan } : {}),
    },
  ]
}
