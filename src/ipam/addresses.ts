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
  ipFrom,
  parseCidr,
  parseIp,
  prefixLengthOf,
  type Cidr,
  type Family,
  type Ip,
  type IpAddress,
  type PlanId,
  type Problem,
  type Subnet,
} from '../../events/index.ts'
import {
  isInOrder,
  nextFree,
  poolKey,
  type Allocations,
  type Hold,
  type NetworkView,
} from '../../projections/index.ts'
import { nextInBlocks, vipBlockOf } from './blocks.ts'
import { freedBy, heldFields, heldSince, holderName, idOf } from './held.ts'
import { quoted } from './names.ts'
import { orderOf, whyNoHost } from './parts.ts'

/** Of a network, what its addresses need. */
export type AddressedNetwork = Pick<NetworkView, 'id' | 'name' | 'subnets'>

/** How many holders a message about an exhausted pool names. */
const HOLDERS_NAMED_MAX = 3

/**
 * The next free address of one of a network's subnets, out of its range, with the subnet's prefix length.
 * @param blocks where the network is one of a cluster: those of this host, out of which alone it gives addresses
 */
export function chooseAddress(
  allocations: Allocations,
  network: AddressedNetwork,
  subnet: Subnet,
  blocks?: readonly Cidr[],
): { readonly address: Cidr } | { readonly problem: Problem } {
  const order = orderOf(subnet)
  const pool = allocations.pools.get(poolKey(network.id, subnet.subnet))
  const offset = pool && (blocks === undefined ? nextFree(pool, order) : nextInBlocks(pool, subnet, blocks))
  if (offset === undefined && blocks !== undefined) return { problem: noBlock(network, subnet, blocks) }
  if (offset === undefined) return { problem: exhausted(allocations, network, subnet) }
  const length = prefixLengthOf(subnet.subnet)
  return { address: formatCidr({ address: addressAt(order.range, offset), length }) }
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
  blocks?: (subnet: Cidr) => readonly Cidr[],
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
  const ours = blocks?.(subnet)
  if (ours !== undefined && !ours.some((block) => contains(cidrFrom(block), asked.address)))
    return { problem: elsewhere(network, ip, ours, isForVips(network, asked.address)) }
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
  const what = ownOf(network, ip)
  return {
    code: 'ERR_ADDRESS_TAKEN',
    field: FIELDS[address.family],
    message: `address ${ip} on network '${network.name}'${what} ${heldSince(hold, until, 'take another, or leave it open')}`,
    ...heldFields(hold, until),
  }
}

/** What an address is that the network itself has. */
function ownOf({ subnets }: AddressedNetwork, ip: Ip): string {
  if (subnets.some((subnet) => subnet.gateway === ip)) return ' (its gateway)'
  const all = subnets.flatMap(({ auxAddresses = {} }) => Object.entries(auxAddresses))
  const [name] = all.find(([, each]) => each === ip) ?? []
  return name === undefined ? '' : ` (its auxiliary address ${quoted(name)})`
}

/** What is claimed for a command before its turn is there in the turn: so this is told by whoever may not claim. */
const noBlock = (network: AddressedNetwork, { subnet }: Subnet, blocks: readonly Cidr[]): Problem => ({
  code: 'ERR_ADDRESS_EXHAUSTED',
  field: FIELDS[familyOf(subnet)],
  message: `network '${network.name}': ${blocks.length === 0 ? `this host has no block of ${subnet}` : `all addresses of this host's blocks of ${subnet} (${blocks.join(', ')}) are held; delete endpoints here`}, or ask again when the cluster answers`,
})

const isForVips = ({ subnets }: AddressedNetwork, address: IpAddress): boolean =>
  subnets.some((pool) => {
    const block = vipBlockOf(pool)
    return block !== undefined && contains(cidrFrom(block), address)
  })

const elsewhere = (
  network: AddressedNetwork,
  ip: Ip,
  blocks: readonly Cidr[],
  isForVips: boolean,
): Problem => ({
  code: 'ERR_ADDRESS_INVALID',
  field: FIELDS[familyOf(ip)],
  message: isForVips
    ? `address ${ip} on network '${network.name}': it is kept for services; take another, or leave it open`
    : `address ${ip} on network '${network.name}': it lies in no block of this host (${blocks.join(', ') || 'it has none'}); an engine that is in the cluster asks the host that has it ('chronet cluster blocks'); or leave it open`,
})

function exhausted(allocations: Allocations, network: AddressedNetwork, subnet: Subnet): Problem {
  const { first, last, range } = orderOf(subnet)
  const own = new Set<string>([subnet.gateway, ...Object.values(subnet.auxAddresses ?? {})])
  const ownInOrder = [...own].filter((ip) => contains(range, ipFrom(ip as Ip)))
  const { swept, until } = beingFreed(allocations, network, subnet)
  const count = last - first + 1 - ownInOrder.length
  const holders = someHolders(allocations, network, subnet)
  const named = holders.map(holderName)
  const more = count - swept > named.length ? ' and others' : ''
  const by = named.length === 0 ? '' : `, by ${named.join(', ')}${more}`
  const freed =
    until === undefined
      ? ''
      : `; ${swept === 1 ? 'one lies on a link that is' : `${swept} lie on links that are`} being removed (plan ${until})`
  const ranged = subnet.ipRange === undefined ? '' : `the range ${subnet.ipRange} of `
  const outside = subnet.ipRange === undefined ? '' : ', ask for one outside of the range'
  return {
    code: 'ERR_ADDRESS_EXHAUSTED',
    field: FIELDS[range.address.family],
    holders: holders.map(({ holder }) => idOf(holder)),
    message: `network '${network.name}': all ${count} addresses of ${ranged}${subnet.subnet} are held${by}${freed}; delete endpoints${outside}, or make a network with a larger subnet`,
    ...(until === undefined ? {} : { until }),
  }
}

/** The endpoints that hold the lowest addresses of an exhausted subnet. */
function someHolders(allocations: Allocations, network: AddressedNetwork, subnet: Subnet): Hold[] {
  const { first, last, range } = orderOf(subnet)
  const found: Hold[] = []
  const looks = HOLDERS_NAMED_MAX + 1 + Object.keys(subnet.auxAddresses ?? {}).length
  for (let offset = first; offset <= last && offset < first + looks; offset++) {
    const hold = allocations.addresses.get(`${network.id}/${formatIp(addressAt(range, offset))}`)
    if (hold?.holder.startsWith('endpoint/')) found.push(hold)
  }
  return found.slice(0, HOLDERS_NAMED_MAX)
}

/**
 * How many addresses of the subnet are chosen again once sweeps that are under way have ended, and the first of these. Looks
 * at what waits to be swept, not at what is held.
 */
function beingFreed(
  allocations: Allocations,
  network: AddressedNetwork,
  subnet: Subnet,
): { readonly swept: number; readonly until?: PlanId } {
  const pool = poolKey(network.id, subnet.subnet)
  const plans = new Map<string, PlanId>()
  for (const remnants of allocations.remnants.values())
    for (const { held } of remnants)
      for (const each of held) {
        if (each.table !== 'addresses' || each.place.pool !== pool || !isInOrder(each.place)) continue
        const plan = freedBy(allocations, 'addresses', each.key)
        if (plan !== undefined) plans.set(each.key, plan)
      }
  const [until] = plans.values()
  return { swept: plans.size, ...(until === undefined ? {} : { until }) }
}
