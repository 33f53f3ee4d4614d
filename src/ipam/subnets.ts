/**
 * Subnets: those that are taken when nobody asks for one, and what a subnet that somebody asks for must be like.
 *
 * The defaults are libnetwork's, and in its order. Unlike there, the first free one is given, not the one after the last
 * given: a pool whose bridge is being removed is held anyway, so there is nothing to let rest.
 */
import {
  ADDRESS_REASONS,
  cidrFrom,
  firstHost,
  formatCidr,
  formatIp,
  networkOf,
  overlaps,
  parseCidr,
  parseSubnet,
  type Cidr,
  type IpPrefix,
  type Problem,
  type Subnet,
  type SubnetRequest,
} from '../../events/index.ts'
import type { Allocations, Hold } from '../../projections/index.ts'
import { freedBy, heldFields, heldSince } from './held.ts'
import { quoted } from './names.ts'
import { malformedParts, partsOf } from './parts.ts'

/** 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/20 to 192.168.240.0/20: 31 pools. There are none of IPv6. */
export const DEFAULT_SUBNETS: readonly Cidr[] = [
  ...Array.from({ length: 15 }, (_, i) => `172.${17 + i}.0.0/16` as Cidr),
  ...Array.from({ length: 16 }, (_, i) => `192.168.${16 * i}.0/20` as Cidr),
]

/** Where pools of networks of a cluster are taken from. */
export const CLUSTER_POOL = '10.0.0.0/8' as Cidr

/**
 * 10.0.0.0/20 to 10.255.240.0/20: pools of networks of a cluster, apart from those of a host's own networks, and each with room for
 * the blocks of 128 hosts.
 */
export const CLUSTER_SUBNETS: readonly Cidr[] = Array.from(
  { length: 4096 },
  (_, i) => `10.${i >>> 4}.${16 * (i & 15)}.0/20` as Cidr,
)

/** Prefix lengths that a network can have: there must be a gateway and one endpoint at least. */
export const PREFIX_LENGTHS = { 4: { least: 8, most: 31 }, 6: { least: 8, most: 127 } } as const

/** Where no endpoint can be, with the reason. Of the IANA special-purpose registries (RFC 6890), what the kernel minds. */
const RESERVED: readonly { readonly prefix: IpPrefix; readonly why: string }[] = [
  { text: '0.0.0.0/8', why: '"this network"' },
  { text: '127.0.0.0/8', why: 'loopback' },
  { text: '224.0.0.0/4', why: 'multicast' },
  { text: '240.0.0.0/4', why: 'reserved' },
  { text: '::/127', why: 'unspecified and loopback' },
  { text: '::ffff:0:0/96', why: 'IPv4 written as IPv6' },
  { text: 'fe80::/10', why: 'link-local' },
  { text: 'ff00::/8', why: 'multicast' },
].map(({ text, why }) => ({ prefix: cidrFrom(text as Cidr), why }))

/**
 * The first default subnet that overlaps no network's and none of `avoid` (the host's routes and name servers, say).
 * Looks at every subnet that is held.
 */
export function chooseSubnet(
  allocations: Allocations,
  avoid: readonly Cidr[],
  pools: readonly Cidr[] = DEFAULT_SUBNETS,
): { readonly subnet: Subnet } | { readonly problem: Problem } {
  const taken = [...(allocations.subnets.keys() as Iterable<Cidr>), ...avoid].map(cidrFrom)
  const text = pools.find((cidr) => isClear(cidrFrom(cidr), taken))
  const free = text && cidrFrom(text)
  if (free) return { subnet: { gateway: formatIp(firstHost(free)), subnet: formatCidr(free) } }
  const until = pools.map((cidr) => freedBy(allocations, 'subnets', cidr)).find(Boolean)
  return {
    problem: {
      code: 'ERR_ADDRESS_EXHAUSTED',
      field: 'subnets',
      message: `all ${pools.length} default pools (${pools[0]} to ${pools.at(-1)}) are in use, here or by this host; name a subnet, or delete a network`,
      ...(until === undefined ? {} : { until }),
    },
  }
}

const isClear = (prefix: IpPrefix, taken: readonly IpPrefix[]): boolean =>
  !taken.some((other) => overlaps(prefix, other))

/**
 * Subnets as asked for, in canonical text and with their gateways, and all that speaks against them. `subnets` is to be
 * used only if there is no problem. Looks at every subnet that is held.
 */
export function checkSubnets(
  allocations: Allocations,
  requests: readonly SubnetRequest[],
): { readonly problems: readonly Problem[]; readonly subnets: readonly Subnet[] } {
  const problems: Problem[] = []
  const subnets: Subnet[] = []
  const earlier: IpPrefix[] = []
  for (const request of requests) {
    const parsed = parseSubnet(request.subnet)
    if (!parsed.ok) {
      problems.push(malformed(request.subnet, parsed.reason), ...besides(request))
      continue
    }
    const prefix = parsed.value
    const subnet = formatCidr(prefix)
    const parts = partsOf(prefix, request)
    problems.push(
      ...sizeProblems(prefix, subnet),
      ...overlapProblems(allocations, prefix, subnet, earlier),
      ...parts.problems,
    )
    if (parts.subnet) subnets.push(parts.subnet)
    earlier.push(prefix)
  }
  return { problems, subnets }
}

const invalid = (message: string): Problem => ({ code: 'ERR_ADDRESS_INVALID', field: 'subnets', message })

function malformed(text: string, reason: keyof typeof ADDRESS_REASONS): Problem {
  const address = parseCidr(text)
  const advice = address.ok ? `; ${formatCidr(networkOf(address.value))} is the subnet` : ''
  return invalid(`subnet ${quoted(text)}: ${ADDRESS_REASONS[reason]}${advice}`)
}

/** What else is wrong with a request whose subnet is: measured by the subnet that was meant, where that can be told. */
function besides(request: SubnetRequest): readonly Problem[] {
  const address = parseCidr(request.subnet)
  return address.ok ? partsOf(networkOf(address.value), request).problems : malformedParts(request)
}

function sizeProblems(prefix: IpPrefix, subnet: Cidr): Problem[] {
  const { family } = prefix.address
  const { least, most } = PREFIX_LENGTHS[family]
  const problems: Problem[] = []
  if (prefix.length < least || prefix.length > most)
    problems.push(
      invalid(`subnet ${subnet}: the prefix length of an IPv${family} network is from /${least} to /${most}`),
    )
  const reserved = RESERVED.find((range) => overlaps(range.prefix, prefix))
  if (reserved)
    problems.push(
      invalid(
        `subnet ${subnet}: addresses in ${formatCidr(reserved.prefix)} (${reserved.why}) cannot be given to endpoints; take another`,
      ),
    )
  return problems
}

/** Overlaps with networks, and with what stands before it in the same request. */
function overlapProblems(
  allocations: Allocations,
  prefix: IpPrefix,
  subnet: Cidr,
  earlier: readonly IpPrefix[],
): Problem[] {
  const own = earlier
    .filter((other) => overlaps(prefix, other))
    .map((other): Problem => {
      const message = `subnet ${subnet} overlaps ${formatCidr(other)} of the same request; leave one out`
      return { code: 'ERR_OVERLAP', field: 'subnets', message }
    })
  const others = [...allocations.subnets.entries()]
    .filter(([held]) => overlaps(prefix, cidrFrom(held as Cidr)))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([held, hold]) => overlapWith(allocations, subnet, held as Cidr, hold))
  return [...own, ...others]
}

function overlapWith(allocations: Allocations, subnet: Cidr, held: Cidr, hold: Hold): Problem {
  const until = freedBy(allocations, 'subnets', held)
  return {
    code: 'ERR_OVERLAP',
    field: 'subnets',
    message: `subnet ${subnet} overlaps ${held}, which ${heldSince(hold, until, 'take another subnet')}`,
    ...heldFields(hold, until),
  }
}
