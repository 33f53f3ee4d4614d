/**
 * What is on its way out: the plan whose receipt ends an endpoint or a network, for a command that needs what it still holds.
 * What only a sweep holds is told by the holds themselves (`src/ipam/held.ts`).
 */
import type { PlanId, Problem, Subnet } from '../../../events/index.ts'
import { cidrFrom, contains, streamOf } from '../../../events/index.ts'
import type { EndpointView, NetworkView } from '../../../projections/index.ts'
import { orderOf } from '../../ipam/index.ts'
import type { Draft } from '../draft.ts'

/** The plan after which the endpoint is gone, if its end was asked for. */
export function planOfEnd(draft: Draft, endpoint: EndpointView): PlanId | undefined {
  const state = draft.view.machines.get(streamOf.endpoint(endpoint.id))
  const context = state?.context as { readonly plan?: PlanId; readonly release?: true } | undefined
  return state?.value === 'leaving' && context?.release ? context.plan : undefined
}

/** The problems, those whose holder is on its way out with the plan that ends it: a sweep may follow, which is asked for then. */
export const untilEnds = (draft: Draft, problems: readonly Problem[]): readonly Problem[] =>
  problems.map((problem) => {
    if (problem.until !== undefined || problem.holder === undefined) return problem
    const until = endOf(draft, problem.holder)
    return until === undefined ? problem : { ...problem, until }
  })

function endOf(draft: Draft, holder: string): PlanId | undefined {
  const { endpoints, networks } = draft.view.projections.topology
  const endpoint = endpoints.get(holder)
  if (endpoint !== undefined) return planOfEnd(draft, endpoint)
  const network = networks.get(holder)
  return network?.state === 'deleting' ? network.plan : undefined
}

/**
 * The problem of a pool that is exhausted, with what is known of endpoints on their way out that hold an address of its order.
 * Looks at every endpoint of the network.
 */
export function untilOneEnds(draft: Draft, network: NetworkView, subnet: Subnet, problem: Problem): Problem {
  const { endpoints, members } = draft.view.projections.topology
  const { range } = orderOf(subnet)
  const plans = [...(members.get(network.id)?.keys() ?? [])].flatMap((id) => {
    const endpoint = endpoints.get(id)
    if (endpoint?.state !== 'leaving') return []
    const isInOrder = endpoint.addresses.some((cidr) => contains(range, cidrFrom(cidr).address))
    const plan = isInOrder ? planOfEnd(draft, endpoint) : undefined
    return plan === undefined ? [] : [plan]
  })
  const [first] = plans
  if (first === undefined) return problem
  const who = plans.length === 1 ? 'one endpoint is on its' : `${plans.length} endpoints are on their`
  return { ...problem, message: `${problem.message}; ${who} way out`, until: problem.until ?? first }
}
