/**
 * Addresses of endpoints: the next free one of a subnet, or the one that was asked for.
 *
 * They are given in rising order after the one given last, so an address that was just freed rests as long as it can. A
 * choice takes a few steps however full the subnet is.
 */
import {
  ADDRESS_REASONS,
  addressAt,
  cidrFrom,
  contains,
  familyOf,
  formatCidr,
  formatIp,
  hostOffsets,
  networkOf,
  parseCidr,
  parseIp,
  type Cidr,
  type Family,
  type IpAddress,
  type IpPrefix,
  type PlanId,
  type Problem,
} from '../../events/index.ts'
import { nextFree, poolKey, type Allocations, type NetworkView } from '../../projections/index.ts'
import { freedBy, heldFields, heldSince, holderName } from './held.ts'
import { quoted } from './names.ts'
import { whyNoHost } from './subnets.ts'

/** Of a network, what its addresses need. */
export type AddressedNetwork = Pick<NetworkView, 'id' | 'name' | 'subnets'>

/** How many holders a message about an exhausted pool names. */
const HOLDERS_NAMED_MAX = 3

/** The next free address of one of a network's subnets, with the subnet's prefix length. */
export function chooseAddress(
  allocations: Allocations,
  network: AddressedNetwork,
  subnet: Cidr,
): { readonly address: Cidr } | { readonly problem: Problem } {
  const prefix = cidrFrom(subnet)
  const pool = allocations.pools.get(poolKey(network.id, subnet))
  const offset = pool && nextFree(pool, hostOffsets(prefix))
  if (offset === undefined) return { problem: exhausted(allocations, network, prefix) }
  return { address: formatCidr({ address: addressAt(prefix, offset), length: prefix.length }) }
}

/** The field in which an address of a family is asked for. */
const FIELDS = { 4: 'address', 6: 'address6' } as const

/**
 * An address of a family that was asked for, `10.0.3.7` or `10.0.3.7/24`, if it is free: with the prefix length of its
 * subnet, and that subnet.
 */
export function checkAddress(
  allocations: Allocations,
  network: AddressedNetwork,
  text: string,
  family: Family,
): { readonly address: Cidr; readonly subnet: Cidr } | { readonly problem: Problem } {
  const asked = parseAsked(text)
  const invalid = invalidIn(network, FIELDS[family])
  if ('why' in asked) return invalid(quoted(text), asked.why)
  const ip = formatIp(asked.address)
  const other = asked.address.family
  if (other !== family) return invalid(ip, `it is of IPv${other}, so it belongs into ${FIELDS[other]}`)
  const subnets = network.subnets.map(({ subnet }) => subnet).filter((each) => familyOf(each) === family)
  if (subnets.length === 0) return invalid(ip, `the network has no IPv${family}`)
  const subnet = subnets.find((each) => contains(cidrFrom(each), asked.address))
  if (subnet === undefined) return invalid(ip, `it lies outside of ${subnets.join(' and ')}`)
  const prefix = cidrFrom(subnet)
  if (asked.length !== undefined && asked.length !== prefix.length)
    return invalid(ip, `its subnet is ${subnet}, so the prefix length is not /${asked.length}`)
  const why = whyNoHost(prefix, asked.address)
  if (why !== undefined) return invalid(ip, `of ${subnet} ${why}`)
  const taken = takenBy(allocations, network, asked.address)
  if (taken) return { problem: taken }
  return { address: formatCidr({ address: asked.address, length: prefix.length }), subnet }
}

type AskedAddress = { readonly address: IpAddress; readonly length?: number } | { readonly why: string }

function parseAsked(text: string): AskedAddress {
  const parsed = text.includes('/') ? parseCidr(text) : parseIp(text)
  if (!parsed.ok) return { why: ADDRESS_REASONS[parsed.reason] }
  return 'length' in parsed.value ? parsed.value : { address: parsed.value }
}

const invalidIn =
  (network: AddressedNetwork, field: string) =>
  (address: string, why: string): { readonly problem: Problem } => ({
    problem: {
      code: 'ERR_ADDRESS_INVALID',
      field,
      message: `address ${address} on network '${network.name}': ${why}; take another, or leave it open`,
    },
  })

function takenBy(
  allocations: Allocations,
  network: AddressedNetwork,
  address: IpAddress,
): Problem | undefined {
  const ip = formatIp(address)
  const key = `${network.id}/${ip}`
  const hold = allocations.addresses.get(key)
  if (!hold) return undefined
  const until = freedBy(allocations, 'addresses', key)
  const gateway = network.subnets.some((subnet) => subnet.gateway === ip) ? ' (its gateway)' : ''
  return {
    code: 'ERR_ADDRESS_TAKEN',
    field: FIELDS[address.family],
    message: `address ${ip} on network '${network.name}'${gateway} ${heldSince(hold, until, 'take another, or leave it open')}`,
    ...heldFields(hold, until),
  }
}

function exhausted(allocations: Allocations, network: AddressedNetwork, prefix: IpPrefix): Problem {
  const { first, last } = hostOffsets(prefix)
  // The gateway is one of them, and no endpoint's.
  const count = last - first
  const named = someHolders(allocations, network, prefix)
  const until = firstSweep(allocations, network, prefix)
  const more = count > named.length ? ' and others' : ''
  return {
    code: 'ERR_ADDRESS_EXHAUSTED',
    field: FIELDS[prefix.address.family],
    message: `network '${network.name}': all ${count} addresses of ${formatCidr(prefix)} are held, by ${named.join(', ')}${more}; delete endpoints, or make a network with a larger subnet`,
    ...(until === undefined ? {} : { until }),
  }
}

/** The endpoints that hold the lowest addresses of an exhausted subnet. */
function someHolders(allocations: Allocations, network: AddressedNetwork, prefix: IpPrefix): string[] {
  const { first, last } = hostOffsets(prefix)
  const named: string[] = []
  for (let offset = first; offset <= last && offset <= first + HOLDERS_NAMED_MAX; offset++) {
    const hold = allocations.addresses.get(`${network.id}/${formatIp(addressAt(prefix, offset))}`)
    if (hold?.holder.startsWith('endpoint/')) named.push(holderName(hold))
  }
  return named.slice(0, HOLDERS_NAMED_MAX)
}

/** A sweep under way that will free an address of the subnet. Looks at what waits to be swept, not at what is held. */
function firstSweep(
  allocations: Allocations,
  network: AddressedNetwork,
  prefix: IpPrefix,
): PlanId | undefined {
  const pool = poolKey(network.id, formatCidr(networkOf(prefix)))
  for (const remnants of allocations.remnants.values())
    for (const { held } of remnants)
      for (const each of held) {
        if (each.table !== 'addresses' || each.place.pool !== pool) continue
        const until = freedBy(allocations, 'addresses', each.key)
        if (until !== undefined) return until
      }
  return undefined
}
