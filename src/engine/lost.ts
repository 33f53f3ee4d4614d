/**
 * Wants that went when an end was asked for, of entities whose end then failed. Asking again must plan from what is still
 * there, and no difference between wants would say it.
 */
import type { Stream } from '../../events/index.ts'
import type { Desired, EndpointWant, NetworkWant, SandboxWant, Topology } from '../../projections/index.ts'
import { withWants } from '../reconcile/specs.ts'

/** The wants as if these entities were still wanted, those that are ended and failed. */
export function withLost(desired: Desired, topology: Topology, streams: readonly Stream[]): Desired {
  const ids = streams.map((stream) => stream.slice(stream.indexOf('/') + 1))
  const endpoints = ids.flatMap((id) => endpointWant(desired, topology, id) ?? [])
  const networks = ids.flatMap((id) => networkWant(desired, topology, id) ?? [])
  const sandboxes = ids.flatMap((id) => sandboxWant(desired, topology, id) ?? [])
  if (endpoints.length + networks.length + sandboxes.length === 0) return desired
  return withWants(desired, { endpoints, networks, sandboxes })
}

function endpointWant(desired: Desired, topology: Topology, id: string): EndpointWant | undefined {
  const view = topology.endpoints.get(id)
  if (view?.state !== 'failed' || desired.endpoints.has(id)) return undefined
  const { addresses, ifName, link, mac, network, priority = 0, sandbox } = view
  if (ifName === undefined || link === undefined || sandbox === undefined) return undefined
  return { addresses, id: view.id, ifName, link, mac, network, priority, sandbox }
}

function networkWant(desired: Desired, topology: Topology, id: string): NetworkWant | undefined {
  const view = topology.networks.get(id)
  if (view?.state !== 'failed' || desired.networks.has(id)) return undefined
  const { bridge, driver, internal, masquerade, mtu, subnets } = view
  return { bridge, driver, id: view.id, internal, masquerade, mtu, subnets }
}

function sandboxWant(desired: Desired, topology: Topology, id: string): SandboxWant | undefined {
  const view = topology.sandboxes.get(id)
  if (view?.state !== 'failed' || desired.sandboxes.has(id)) return undefined
  return { ...(view.adopts === undefined ? {} : { adopts: view.adopts }), id: view.id }
}
