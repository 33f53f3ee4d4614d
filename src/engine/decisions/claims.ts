/** Claims in the turn: what was fetched before it is checked again, and what became of claims is written. */
import type {
  Cidr,
  CommandData,
  IfName,
  Mac,
  NetworkClaims,
  NetworkCreateRequested,
  NetworkId,
  Subnet,
} from '../../../events/index.ts'
import { familyOf, RefusedError } from '../../../events/index.ts'
import { refuseIf } from '../../../events/refuse.ts'
import { ownBlocks } from '../../../projections/index.ts'
import { checkAddress } from '../../ipam/index.ts'
import type { Draft } from '../draft.ts'
import { resolveNetwork } from '../resolve.ts'
import type { DecisionContext, Handler } from './decision.ts'
import { networkIsUp, orRefuse } from './refuse.ts'

/** Networks of a cluster are carried by no bridge. */
export const NO_LINK = { mac: '' as Mac, name: '' as IfName }

/** A network of all hosts needs a cluster, and an engine that is in it. */
export function mustBeClaimed(draft: Draft, { claims, driver, name }: CommandData['network.create']): void {
  if (claims !== undefined) return
  const isMember = draft.view.projections.host.cluster !== null
  throw new RefusedError([
    isMember
      ? {
          code: 'ERR_CLUSTER_UNAVAILABLE',
          field: 'driver',
          message: `network '${name}': a network of driver '${driver}' is claimed in the cluster, and no engine runs here that could do that; start one (chronet engine)`,
        }
      : {
          code: 'ERR_STATE',
          field: 'driver',
          message: `network '${name}': driver '${driver}' makes networks of a cluster, and this host is in none; join one first (chronet cluster join)`,
        },
  ])
}

/** What a network is called, and its pools. */
type Claimed = { readonly name: string; readonly network: NetworkId; readonly subnets: readonly Subnet[] }

/** Writes the grants, if they are of just this network; they are used from here on. @returns what its fact says of them */
export function grantsFor(
  draft: Draft,
  { name, network, subnets }: Claimed,
  claims: NetworkClaims | undefined,
  { origin }: DecisionContext,
): NonNullable<NetworkCreateRequested['data']['claim']> {
  const granted = claims?.granted ?? []
  if (claims?.trial === true) return { owner: origin, seq: 0 }
  const named = granted.find(
    (grant) => grant.kind === 'network' && grant.name === name && grant.network === network,
  )
  const pools = subnets.filter(({ subnet }) =>
    granted.some(({ cidr, kind, network: of }) => kind === 'pool' && of === network && cidr === subnet),
  )
  if (named === undefined || pools.length !== subnets.length)
    throw new RefusedError([
      {
        code: 'ERR_OVERLAP',
        field: 'subnets',
        message: `network '${name}': other subnets would be chosen now than were claimed in the cluster a moment ago; ask again`,
      },
    ])
  for (const data of granted) draft.add({ data, stream: 'host', type: 'ClaimGranted', v: 2 })
  return { owner: origin, seq: named.seq }
}

/** Writes a network's number, if it has one: behind the fact that makes the network. */
export function numberNetwork(draft: Draft, network: NetworkId, vni: number | undefined): void {
  if (vni !== undefined) draft.add({ data: { network, vni }, stream: 'host', type: 'VniAssigned', v: 1 })
}

/** The number that was claimed for a network. */
export const vniIn = (claims: NetworkClaims | undefined, network: NetworkId): number | undefined =>
  claims?.granted.find((grant) => grant.kind === 'vni' && grant.network === network)?.vni

export const recordClaims: Handler<'claims.record'> = (
  draft,
  { granted = [], lost = [], released = [], returned = [] },
) => {
  const { grants, lent } = draft.view.projections.claims
  for (const data of granted) {
    const known = grants.get(data.key)
    const isKnown =
      known?.seq === data.seq && known.stream === data.stream && known.contested === data.contested
    if (isKnown && known.lost === undefined) continue
    draft.add({ data, stream: 'host', type: 'ClaimGranted', v: 2 })
  }
  for (const data of lost)
    if (grants.get(data.key)?.lost === undefined && grants.has(data.key))
      draft.add({ data, stream: 'host', type: 'ClaimLost', v: 1 })
  for (const data of released)
    if (grants.has(data.key)) draft.add({ data, stream: 'host', type: 'ClaimReleased', v: 1 })
  for (const data of returned)
    if (lent.get(data.key)?.to === data.to) draft.add({ data, stream: 'host', type: 'AddressReturned', v: 1 })
  return { purpose: 'none' }
}

/** Another host gets an address, if any endpoint of this one could. */
export const lendAddress: Handler<'address.lend'> = (draft, { address: text, ...asked }) => {
  const { allocations, claims, topology } = draft.view.projections
  const network = orRefuse(resolveNetwork(topology, asked.network))
  const blocks = (subnet: Cidr): readonly Cidr[] => ownBlocks(claims, network.id, subnet)
  const checked = checkAddress(allocations, network, text, familyOf(text as Cidr), blocks)
  const problems = [...networkIsUp(network), ...('problem' in checked ? [checked.problem] : [])]
  refuseIf(problems)
  if ('problem' in checked) return { purpose: 'none' }
  const { host, key, seq, stream, to } = asked
  const data = { address: checked.address, host, key, network: network.id, seq, stream, to }
  draft.add({ data, stream: 'host', type: 'AddressLent', v: 1 })
  return { purpose: 'none' }
}

export const evictHost: Handler<'cluster.evict'> = (draft, { evicted, host }) => {
  if (evicted === undefined)
    throw new RefusedError([
      {
        code: 'ERR_CLUSTER_UNAVAILABLE',
        field: 'host',
        message: `host '${host}': who is evicted is told to the cluster, and no engine runs here that is in it; start one (chronet engine)`,
      },
    ])
  draft.add({ data: evicted, stream: 'host', type: 'HostEvicted', v: 1 })
  return { purpose: 'none' }
}
