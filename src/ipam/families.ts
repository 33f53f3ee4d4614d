/**
 * The families of a network, IPv4 unless it is left out and IPv6 if it is asked for, and the subnets of IPv6 that are taken
 * when nobody asks for one.
 */
import {
  addressAt,
  cidrFrom,
  familyOf,
  formatCidr,
  formatIp,
  firstHost,
  networkOf,
  overlaps,
  type Cidr,
  type CommandData,
  type Family,
  type IpPrefix,
  type Origin,
  type Problem,
  type Subnet,
} from '../../events/index.ts'
import type { Allocations } from '../../projections/index.ts'

type Request = CommandData['network.create']

/** IPv4 first. A subnet of IPv6 asks for that family; one of IPv4 does not ask for it alone. */
export function familiesFor({ ipv4, ipv6, name, subnets = [] }: Request): {
  readonly families: readonly Family[]
  readonly problems: readonly Problem[]
} {
  const isAsked = { 4: ipv4, 6: ipv6 } as const
  const of = (family: Family): string | undefined =>
    subnets.find(({ subnet }) => familyOf(subnet as Cidr) === family)?.subnet
  const problems = ([4, 6] as const).flatMap((family): Problem[] => {
    const subnet = of(family)
    if (isAsked[family] !== false || subnet === undefined) return []
    const message = `network ${name}: IPv${family} is off, and subnet ${subnet} is of IPv${family}; leave one of them out`
    return [{ code: 'ERR_INVALID', field: `ipv${family}`, message }]
  })
  const has = { 4: ipv4 ?? true, 6: ipv6 ?? of(6) !== undefined } as const
  const families = ([4, 6] as const).filter((family) => has[family])
  if (families.length > 0 || problems.length > 0) return { families, problems }
  const message = `network ${name}: with IPv4 off it has no addresses at all; ask for IPv6 (ipv6), or give a subnet of it`
  return { families, problems: [{ code: 'ERR_INVALID', field: 'ipv4', message }] }
}

const SUBNET_BITS = 16

/**
 * The /48 of this installation out of which subnets of IPv6 are taken: unique local addresses (RFC 4193 §3), whose 40 bits
 * follow from the origin as that RFC's do from a time and an EUI-64. So no two hosts are likely to have the same.
 */
export const localPrefix = (hash: (text: string) => string, origin: Origin): Cidr => {
  const [a = '', b = '', c = ''] = `fd${hash(`${origin} local prefix`).slice(0, 10)}`.match(/.{4}/g) ?? []
  return formatCidr(cidrFrom(`${a}:${b}:${c}::/48` as Cidr))
}

/** The first /64 of a /48 that overlaps no network's and none of `avoid`. Looks at every subnet that is held. */
export function chooseLocalSubnet(
  allocations: Allocations,
  local: Cidr,
  avoid: readonly Cidr[],
): { readonly subnet: Subnet } | { readonly problem: Problem } {
  const pool = cidrFrom(local)
  const taken = [...(allocations.subnets.keys() as Iterable<Cidr>), ...avoid]
    .filter((cidr) => familyOf(cidr) === 6)
    .map(cidrFrom)
    .filter((prefix) => overlaps(prefix, pool))
    .map(placesOf)
    .sort((a, b) => a.first - b.first)
  let free = 0
  for (const { first, last } of taken) if (first <= free) free = Math.max(free, last + 1)
  if (free >= 2 ** SUBNET_BITS) return { problem: exhausted(local) }
  const prefix = subnetAt(pool, free)
  return { subnet: { gateway: formatIp(firstHost(prefix)), subnet: formatCidr(prefix) } }
}

/** The /64s of a /48 that a prefix lies across, first and last. */
function placesOf({ address, length }: IpPrefix): { readonly first: number; readonly last: number } {
  if (length <= 48) return { first: 0, last: 2 ** SUBNET_BITS - 1 }
  const { value } = networkOf({ address, length: Math.min(length, 64) }).address
  const first = Number((BigInt(value) >> 64n) & 0xffffn)
  return { first, last: first + 2 ** Math.max(0, 64 - length) - 1 }
}

/** Counted in /64s, whose addresses are too many to count. */
function subnetAt(pool: IpPrefix, place: number): IpPrefix {
  const { value } = addressAt(pool, 0)
  return { address: { family: 6, value: BigInt(value) + (BigInt(place) << 64n) }, length: 64 }
}

const exhausted = (local: Cidr): Problem => ({
  code: 'ERR_ADDRESS_EXHAUSTED',
  field: 'subnets',
  message: `all ${2 ** SUBNET_BITS} subnets of ${local} are in use, here or by this host; name a subnet, or delete a network`,
})
