/**
 * Queries over the topology. Tables have no order, so whatever lists things sorts them here, by name and then by id.
 */
import type { EndpointId, NetworkId, SandboxId } from '../events/index.ts'
import type { Table } from './table.ts'
import type { EndpointView, NetworkView, SandboxView, Topology } from './views.ts'

export const networkById = (t: Topology, id: NetworkId): NetworkView | undefined => t.networks.get(id)
export const endpointById = (t: Topology, id: EndpointId): EndpointView | undefined => t.endpoints.get(id)
export const sandboxById = (t: Topology, id: SandboxId): SandboxView | undefined => t.sandboxes.get(id)

/** Keys that begin with `prefix`, sorted. Looks at all keys: for what people type, not for hot paths. */
export const idsByPrefix = (table: Table<unknown>, prefix: string): readonly string[] =>
  [...table.keys()].filter((key) => key.startsWith(prefix)).sort()

/** All networks. */
export const networksOf = (t: Topology): readonly NetworkView[] => sorted(t.networks.values())

/** All sandboxes. */
export const sandboxesOf = (t: Topology): readonly SandboxView[] => sorted(t.sandboxes.values())

/** The endpoints of a network, or all. None for an unknown network. */
export function endpointsOf(t: Topology, network?: NetworkId): readonly EndpointView[] {
  if (network === undefined) return sorted(t.endpoints.values())
  const ids = [...(t.members.get(network)?.keys() ?? [])]
  return sorted(ids.map((id) => t.endpoints.get(id)).filter((view) => view !== undefined))
}

/** The endpoints that have an interface in a sandbox, or are getting it, in the order in which they were added. */
export function endpointsIn(t: Topology, sandbox: SandboxId): readonly EndpointView[] {
  const interfaces = t.sandboxes.get(sandbox)?.interfaces ?? []
  return interfaces.map((i) => t.endpoints.get(i.endpoint)).filter((view) => view !== undefined)
}

/**
 * The endpoints that failed on their way into a sandbox or out of it: they may have no interface there any more, and still
 * have a link.
 */
export const failedIn = (t: Topology, sandbox: SandboxId): readonly EndpointView[] =>
  [...t.failed.keys()]
    .map((id) => t.endpoints.get(id))
    .filter((view) => view !== undefined)
    .filter((view) => view.sandbox === sandbox)

/** The endpoints that join a network to a sandbox: those of its interfaces that are on the network. */
export const endpointsBetween = (
  t: Topology,
  network: NetworkId,
  sandbox: SandboxId,
): readonly EndpointView[] => endpointsIn(t, sandbox).filter((view) => view.network === network)

/** By code units, so that every locale gives the same order. */
const sorted = <V extends { readonly id: string; readonly name: string }>(views: Iterable<V>): readonly V[] =>
  [...views].sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id))

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
