/**
 * A sandbox's interfaces: who gives the default route, and what changes when one comes or goes.
 *
 * Order, first is best (after libnetwork's endpoint order): higher priority, then not internal, then network name by code
 * points. Of those that have addresses of a family, the first whose network is not internal gives that family's default
 * route. (libnetwork takes the family's of one endpoint only, and none where that has no IPv4.)
 */
import type { EndpointId, Family, SandboxId, Stream } from '../../../events/index.ts'
import { familyOf, streamOf } from '../../../events/index.ts'
import type { NetworkView, Topology } from '../../../projections/index.ts'
import type { Draft } from '../draft.ts'

/** A candidate for the default routes. */
export type Candidate = {
  readonly endpoint: EndpointId
  readonly families: readonly Family[]
  readonly internal: boolean
  readonly network: string
  readonly priority: number
}

/** The candidate that gives a family's default route; undefined: none can. */
export function gatewayAmong(candidates: readonly Candidate[], family: Family): EndpointId | undefined {
  const [best] = candidates.filter((c) => !c.internal && c.families.includes(family)).sort(byPrecedence)
  return best?.endpoint
}

const byPrecedence = (a: Candidate, b: Candidate): number =>
  b.priority - a.priority || compare(a.network, b.network) || compare(a.endpoint, b.endpoint)

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** An endpoint has an address of each family that its network has. */
export const candidateOf = (endpoint: EndpointId, network: NetworkView, priority: number): Candidate => ({
  endpoint,
  families: network.subnets.map(({ subnet }) => familyOf(subnet)),
  internal: network.internal,
  network: network.name,
  priority,
})

/** The endpoints that have an interface in the sandbox, as candidates. */
export function candidatesIn(topology: Topology, sandbox: SandboxId): Candidate[] {
  const interfaces = topology.sandboxes.get(sandbox)?.interfaces ?? []
  return interfaces.flatMap(({ endpoint: id }) => {
    const endpoint = topology.endpoints.get(id)
    const network = endpoint && topology.networks.get(endpoint.network)
    return endpoint && network ? [candidateOf(endpoint.id, network, endpoint.priority ?? 0)] : []
  })
}

/** Takes an endpoint's interface from its sandbox, and says who gives the default routes from now on. */
export function removeInterface(draft: Draft, sandbox: SandboxId, endpoint: Stream): void {
  const id = endpoint.slice('endpoint/'.length) as EndpointId
  const view = draft.view.projections.topology.sandboxes.get(sandbox)
  if (!view?.interfaces.some((i) => i.endpoint === id)) return
  const rest = candidatesIn(draft.view.projections.topology, sandbox).filter((c) => c.endpoint !== id)
  const gateway = gatewayAmong(rest, 4)
  const gateway6 = gatewayAmong(rest, 6)
  draft.decide(streamOf.sandbox(sandbox), {
    endpoint: id,
    ...(gateway === undefined ? {} : { gateway }),
    ...(gateway6 === undefined ? {} : { gateway6 }),
    type: 'sandbox.removeInterface',
  })
}
