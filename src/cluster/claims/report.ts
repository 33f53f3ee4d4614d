/** How claims stand, as plain data: of the whole cluster where it is followed, else of this host, as its log has it. */
import type { Cidr, Claim, Instant, NetworkId, Origin, Problem } from '../../../events/index.ts'
import { familyOf, sizeOf, cidrFrom } from '../../../events/index.ts'
import { poolKey, type Grant, type Projections } from '../../../projections/index.ts'
import { roomIn } from '../../ipam/index.ts'
import type { ClaimSession } from './session.ts'
import { clusterNetworks, type ClusterNetwork } from './shared.ts'
import type { Head } from './table.ts'

/** `contested`: two hosts were granted it, so that nothing new is given out of it. `lost`: this host was granted it, and another one has it. `unsaid`: the log has it, and the servers cannot be asked. */
export type ClaimState = 'contested' | 'free' | 'frozen' | 'held' | 'lost' | 'resting' | 'unsaid'

export type ClaimView = {
  readonly at: Instant
  readonly cidr?: Cidr
  /** Of a block of this host: addresses that are free. */
  readonly free?: number
  /** What the host is called that has it, or had it. */
  readonly host: string
  readonly key: string
  readonly kind: Claim['kind']
  /** Of an address: whose block it lies in. */
  readonly lender?: string
  readonly name?: string
  readonly network: NetworkId
  /** Whether this host has it. */
  readonly own: boolean
  /** Of a block: addresses in it. */
  readonly size?: number
  readonly state: ClaimState
  readonly subnet?: Cidr
  /** Of a VNI: the number. */
  readonly vni?: number
  /** When it may be claimed again. */
  readonly until?: Instant
}

export type ClaimedHost = {
  readonly at: Instant
  readonly host: string
  readonly origin: Origin
  readonly state: 'dead' | 'evicted' | 'present'
}

export type ClaimsReport = {
  readonly claims: readonly ClaimView[]
  /** What this host is called in the cluster; absent: it is in none. */
  readonly host?: string
  /** Hosts of which somebody said something: that they were put out, or that they are there all the same. */
  readonly hosts: readonly ClaimedHost[]
  /** Those that other hosts made and nobody here uses yet, too, as far as claims were read. */
  readonly networks: readonly ClusterNetwork[]
  readonly origin: Origin
  /** What stands in the way of claiming. */
  readonly problem?: Problem
  /** How far claims were read: up to now, up to when the servers fell silent, or not at all since the start. */
  readonly read: 'all' | 'before' | 'nothing'
  /** Whether claims can be made now. */
  readonly ready: boolean
}

type Source = {
  readonly origin: Origin
  readonly projections: Projections
  readonly session: ClaimSession | undefined
}

export function claimsReport({ origin, projections, session }: Source): ClaimsReport {
  const host = projections.host.cluster?.host
  const { grants } = projections.claims
  const heads = session?.register === undefined ? [] : session.register.table.heads()
  const known = new Set(heads.map(({ key }) => key))
  const told = heads.map((head) => viewOf(head, projections, origin, session))
  const unsaid = [...grants.values()]
    .filter(({ key }) => !known.has(key))
    .map((grant) => ownView(grant, projections, host ?? ''))
  const problem = session?.problem
  return {
    claims: [...told, ...unsaid].sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1)),
    ...(host === undefined ? {} : { host }),
    hosts: (session?.register?.table.hosts() ?? []).map(({ at, host: name, origin: of, state }) => ({
      at,
      host: name,
      origin: of,
      state,
    })),
    networks: clusterNetworks(session?.table, projections.topology),
    origin,
    ...(problem === undefined ? {} : { problem: { code: problem.code, message: problem.message } }),
    read: session?.table === undefined ? 'nothing' : session.register === undefined ? 'before' : 'all',
    ready: session?.register !== undefined,
  }
}

/** Where nobody follows the cluster. */
export const restingClaims = (projections: Projections, origin: Origin): ClaimsReport =>
  claimsReport({ origin, projections, session: undefined })

/** Networks, then their numbers, pools, addresses for services, blocks and lent addresses; each by network, and then by address. */
const orderOf = ({ key, kind, network }: ClaimView): string =>
  `${['network', 'vni', 'pool', 'vip', 'block', 'address'].indexOf(kind)} ${network} ${key}`

function viewOf(
  head: Head,
  projections: Projections,
  origin: Origin,
  session: ClaimSession | undefined,
): ClaimView {
  const { at, by, cidr, host, key, kind, lender, name, network, subnet, vni } = head
  const standing = session?.register?.standing(head) ?? { state: 'held' }
  const isLost = projections.claims.grants.get(key)?.lost !== undefined
  const isContested = head.contested === true && standing.state === 'held'
  const own = by === origin && standing.state === 'held'
  return {
    at,
    ...(cidr === undefined ? {} : { cidr }),
    ...(kind === 'block' && own ? freeIn(projections, { cidr, network, subnet }) : {}),
    host,
    key,
    kind,
    ...(lender === undefined ? {} : { lender: lender.host }),
    ...nameOf(projections, network, name),
    network,
    own,
    ...sizeIn(kind, cidr),
    state: isLost ? 'lost' : isContested ? 'contested' : standing.state,
    ...(subnet === undefined ? {} : { subnet }),
    ...(standing.state === 'resting' ? { until: standing.until } : {}),
    ...(vni === undefined ? {} : { vni }),
  }
}

function ownView(
  { cidr, key, kind, lender, lost, name, network, since, subnet, vni }: Grant,
  projections: Projections,
  host: string,
): ClaimView {
  return {
    at: since,
    ...(cidr === undefined ? {} : { cidr }),
    ...(kind === 'block' ? freeIn(projections, { cidr, network, subnet }) : {}),
    host: lost?.host ?? host,
    key,
    kind,
    ...(lender === undefined ? {} : { lender: lender.host }),
    ...nameOf(projections, network, name),
    network,
    own: lost === undefined,
    ...sizeIn(kind, cidr),
    state: lost === undefined ? 'unsaid' : 'lost',
    ...(subnet === undefined ? {} : { subnet }),
    ...(vni === undefined ? {} : { vni }),
  }
}

const sizeIn = (kind: string, cidr: Cidr | undefined): { readonly size?: number } =>
  kind === 'block' && cidr !== undefined ? { size: sizeOf(cidrFrom(cidr)) } : {}

function nameOf(
  { topology }: Projections,
  network: NetworkId,
  name: string | undefined,
): { readonly name?: string } {
  const known = name ?? topology.networks.get(network)?.name
  return known === undefined ? {} : { name: known }
}

function freeIn(
  { allocations, topology }: Projections,
  {
    cidr,
    network,
    subnet,
  }: { readonly cidr: Cidr | undefined; readonly network: NetworkId; readonly subnet: Cidr | undefined },
): { readonly free?: number } {
  const pool = topology.networks.get(network)?.subnets.find((each) => each.subnet === subnet)
  const state = pool && allocations.pools.get(poolKey(network, pool.subnet))
  if (
    cidr === undefined ||
    pool === undefined ||
    state === undefined ||
    familyOf(cidr) !== familyOf(pool.subnet)
  )
    return {}
  return { free: roomIn(state, pool, cidr).free }
}
