/**
 * What the host reaches already, and a new network must not hide: which of its routes matter to a request, and what speaks
 * against a subnet that overlaps one.
 */
import {
  cidrFrom,
  familyOf,
  formatCidr,
  overlaps,
  parseSubnet,
  type Cidr,
  type CommandData,
  type Family,
  type HostRoute,
  type IpPrefix,
  type Problem,
  type Subnet,
} from '../../events/index.ts'
import { familiesFor } from './families.ts'
import { CLUSTER_POOL, DEFAULT_SUBNETS, PREFIX_LENGTHS } from './subnets.ts'

type Request = CommandData['network.create']

/** At most so many routes across the local prefix of IPv6 are told of. */
const LOCAL_ROUTES_MAX = 256

/**
 * Of the host's routes those that a request must know of: the first, in order of their text, across each pool that may
 * become the network's, and those across `local`, out of which subnets of IPv6 are taken. So what is recorded stays small
 * on a host that knows the whole internet.
 */
export function routesThatMatter(
  request: Request,
  routes: readonly HostRoute[],
  local: Cidr,
  isShared = false,
): readonly HostRoute[] {
  const sorted = routes
    .map((route) => ({ prefix: cidrFrom(route.dst), route }))
    .filter(({ prefix }) => isSomewhere(prefix))
    .sort(({ route: a }, { route: b }) => (textOf(a) < textOf(b) ? -1 : 1))
  const first = poolsOf(request, isShared).flatMap(
    (pool) => sorted.find(({ prefix }) => overlaps(prefix, pool)) ?? [],
  )
  const wide = [
    ...(needsPool(request, 6) ? [local] : []),
    ...(needsPool(request, 4) && isShared ? [CLUSTER_POOL] : []),
  ]
  const within = wide
    .map(cidrFrom)
    .flatMap((pool) => sorted.filter(({ prefix }) => overlaps(prefix, pool)).slice(0, LOCAL_ROUTES_MAX))
  return [...new Set([...first, ...within])].map(({ route }) => route)
}

/** A route wider than any network may be is a default route by another name: 0.0.0.0/1 and 128.0.0.0/1, 2000::/3. */
const isSomewhere = ({ address, length }: IpPrefix): boolean => length >= PREFIX_LENGTHS[address.family].least

const textOf = ({ dst, link }: HostRoute): string => `${dst} ${link}`

/** Those asked for, and the default ones if one of them may be taken. Malformed ones are refused in the turn. */
function poolsOf(request: Request, isShared: boolean): readonly IpPrefix[] {
  const asked = (request.subnets ?? []).flatMap(({ subnet }) => {
    const parsed = parseSubnet(subnet)
    return parsed.ok ? [parsed.value] : []
  })
  return needsPool(request, 4) && !isShared ? [...asked, ...DEFAULT_SUBNETS.map(cidrFrom)] : asked
}

/** Whether a pool of the family is to be chosen. */
export const needsPool = (request: Request, family: Family): boolean =>
  familiesFor(request).families.includes(family) &&
  !(request.subnets ?? []).some(({ subnet }) => familyOf(subnet as Cidr) === family)

/** What speaks against subnets that somebody asked for: they would hide routes of the host. */
export function checkHostRoutes(
  subnets: readonly Pick<Subnet, 'subnet'>[],
  { allowOverlap = false, hostRoutes = [] }: Request,
): readonly Problem[] {
  if (allowOverlap) return []
  return subnets.flatMap(({ subnet }) => {
    const prefix = cidrFrom(subnet)
    return hostRoutes
      .filter(({ dst }) => overlaps(cidrFrom(dst), prefix))
      .map((route) => hides(subnet, route))
  })
}

const hides = (subnet: Cidr, { dst, link }: HostRoute): Problem => ({
  code: 'ERR_OVERLAP_HOST',
  field: 'subnets',
  message: `subnet ${subnet} overlaps ${formatCidr(cidrFrom(dst))}, which this host reaches by ${link}; take another subnet, or allow the overlap (--allow-overlap; in code, allowOverlap)`,
})
