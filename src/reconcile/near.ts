/**
 * The wanted specs near a few places, without a look at all others: hints come with every attach, and what there is may be
 * thousands.
 *
 * A sandbox leads to its endpoints by the topology, a link of the host to its sandbox or network by its last receipt. A
 * link that no receipt speaks of is not ours to look after: recovery has put receipts on all that is wanted.
 */
import type { EndpointId, IfName, SandboxId } from '../../events/index.ts'
import {
  Table,
  type Desired,
  type EndpointWant,
  type NetworkWant,
  type Projections,
} from '../../projections/index.ts'
import { readPlace, within, type Scope } from './scope.ts'
import { specsOf, type SpecContext, type Specs } from './specs.ts'

/** As `within(scope, specsOf(all))`. Costs what is near, and what exists only if the scope is everywhere. */
export function specsWithin(all: Projections, scope: Scope, context: SpecContext): Specs {
  const near = scope.all ? undefined : wantsNear(all, scope)
  return within(scope, specsOf(near ?? all.desired, context))
}

/** The wants that have something at these places; undefined: all may have. */
function wantsNear({ applied, desired, topology }: Projections, scope: Scope): Desired | undefined {
  const sandboxes = new Set<SandboxId>()
  let shared = false
  for (const place of scope.places) {
    const named = readPlace(place)
    if (named === 'nft') shared = true
    else if ('link' in named) {
      const spec = applied.resources.get(`link/host/${named.link as IfName}`)?.spec
      if (spec?.kind === 'veth') sandboxes.add(spec.peer.ns)
      else shared = true
    } else if (named.ns !== 'host') sandboxes.add(named.ns as SandboxId)
    else if (place === 'host') return undefined
    else shared = true
  }
  const ids = [...sandboxes].flatMap((id) => topology.sandboxes.get(id)?.interfaces ?? [])
  const endpoints = known(
    desired.endpoints,
    ids.map(({ endpoint }) => endpoint),
  )
  const networks = shared
    ? desired.networks
    : Table.of(
        known(
          desired.networks,
          endpoints.map(([, want]) => want.network),
        ),
      )
  return {
    ...desired,
    endpoints: Table.of<EndpointWant>(endpoints),
    networks: networks satisfies Table<NetworkWant>,
    sandboxes: Table.of(known(desired.sandboxes, sandboxes)),
  }
}

/** The entries of these keys, of those that there are. */
function known<K extends EndpointId | string, V>(
  table: Table<V>,
  keys: Iterable<K>,
): readonly (readonly [K, V])[] {
  const entries: (readonly [K, V])[] = []
  for (const key of keys) {
    const value = table.get(key)
    if (value !== undefined) entries.push([key, value])
  }
  return entries
}
