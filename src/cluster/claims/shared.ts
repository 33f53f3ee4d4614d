/** The networks of a cluster as plain data: those that are used here, and those that other hosts made and nobody here uses yet. */
import type { Instant, NetworkId, Origin } from '../../../events/index.ts'
import type { NetworkView, Topology } from '../../../projections/index.ts'
import { definitionOf } from './grants.ts'
import type { Definition } from './message.ts'
import type { ClaimTable, Head } from './table.ts'

/** A network as whoever made it defined it. */
export type ClusterNetwork = Omit<Definition, 'network'> & {
  /** Whether it is used on this host. */
  readonly here: boolean
  /** What the host is called that made it; absent: only its id is known. */
  readonly host?: string
  readonly id: NetworkId
  /** The host that made it, and alone can end it for all. */
  readonly owner: Origin
  /** When it was claimed last; of one that is only in the own log, when it came to be as it is. */
  readonly since: Instant
}

export type SharedNetwork = Head & { readonly definition: Definition }

/** Whether it is the claim of a network that is there. */
export const isShared = (head: Head): head is SharedNetwork =>
  head.kind === 'network' && head.restsUntil === undefined && head.definition !== undefined

/** The network of that name or id that some host made, and that is there; by the beginning of its id, if that is enough. */
export function findShared(table: ClaimTable | undefined, ref: string): SharedNetwork | undefined {
  const all = (table?.heads() ?? []).filter(isShared)
  const exact = all.find(({ name, network }) => name === ref || network === ref)
  if (exact !== undefined || !/^[0-9a-f]{4,63}$/.test(ref)) return exact
  const [one, other] = all.filter(({ network }) => network.startsWith(ref))
  return other === undefined ? one : undefined
}

/** What the claims say, and what the own log says where they do not. By name. @param table absent: no claim was ever read */
export function clusterNetworks(
  table: ClaimTable | undefined,
  { networks }: Topology,
): readonly ClusterNetwork[] {
  const claimed = (table?.heads() ?? [])
    .filter(isShared)
    .map(({ at, by, definition: { network, ...defined }, host }): ClusterNetwork => ({
      ...defined,
      here: networks.has(network),
      host,
      id: network,
      owner: by,
      since: at,
    }))
  const known = new Set(claimed.map(({ id }) => id))
  const own = [...networks.values()].flatMap((view) => (known.has(view.id) ? [] : ownOf(view)))
  return [...claimed, ...own].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

function ownOf(view: NetworkView): readonly ClusterNetwork[] {
  if (view.claim === undefined) return []
  const { network: id, ...defined } = definitionOf(view)
  return [{ ...defined, here: true, id, owner: view.claim.owner, since: view.since }]
}
