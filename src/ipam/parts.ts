/**
 * The parts of a subnet: the range out of which addresses are chosen, the gateway's address, and auxiliary ones, which are
 * others' on the same link and no endpoint's.
 *
 * As in libnetwork, a range is any part of the subnet, its first and last address included, and the gateway is chosen out of
 * it. Unlike there, it must lie in the subnet, auxiliary addresses outside of it are held too, and the gateway is chosen
 * around them.
 */
import {
  ADDRESS_REASONS,
  addressAt,
  cidrFrom,
  contains,
  formatCidr,
  formatIp,
  hostOffsets,
  ipFrom,
  networkOf,
  offsetOf,
  parseCidr,
  parseIp,
  parseSubnet,
  sizeOf,
  type Cidr,
  type Ip,
  type IpAddress,
  type IpPrefix,
  type Problem,
  type Subnet,
  type SubnetRequest,
} from '../../events/index.ts'
import { quoted } from './names.ts'

/** Names of auxiliary addresses that give the containers' default gateway, as libnetwork's bridge driver has them. */
export const DEFAULT_GATEWAY_NAMES = { 4: 'DefaultGatewayIPv4', 6: 'DefaultGatewayIPv6' } as const

/** Addresses in order: from `first` to `last`, counted from the base of `range`. None if `last` is below `first`. */
export type Order = { readonly first: number; readonly last: number; readonly range: IpPrefix }

/** The order of each subnet that was asked for: every choice of an address asks anew, and reading prefixes takes longer than choosing. */
const orders = new WeakMap<object, Order>()

/** The addresses that are chosen of a subnet, in order. Costs nothing that grows with it. */
export function orderOf(subnet: Pick<Subnet, 'ipRange' | 'subnet'>): Order {
  const known = orders.get(subnet)
  if (known !== undefined) return known
  const order = readOrder(subnet)
  orders.set(subnet, order)
  return order
}

function readOrder({ ipRange, subnet }: Pick<Subnet, 'ipRange' | 'subnet'>): Order {
  const prefix = cidrFrom(subnet)
  const hosts = hostOffsets(prefix)
  if (ipRange === undefined) return { ...hosts, range: prefix }
  const range = cidrFrom(ipRange)
  const start = offsetOf({ address: range.address, length: prefix.length })
  const behind = sizeOf(prefix) - 1 - hosts.last
  const endsTogether = start + sizeOf(range) === sizeOf(prefix)
  return {
    first: start === 0 ? hosts.first : 0,
    last: sizeOf(range) - 1 - (endsTogether ? behind : 0),
    range,
  }
}

/** A subnet as facts have it, of one that is well-formed, or all that is wrong with its parts. */
export function partsOf(
  prefix: IpPrefix,
  request: SubnetRequest,
): { readonly problems: readonly Problem[]; readonly subnet?: Subnet } {
  const subnet = formatCidr(prefix)
  const range = rangeFor(prefix, subnet, request.ipRange)
  const aux = auxFor(prefix, subnet, request.auxAddresses ?? {})
  const order = orderOf({ subnet, ...('range' in range && range.range ? { ipRange: range.range } : {}) })
  const gateway = gatewayFor(prefix, order, aux.addresses, request.gateway)
  const problems = [
    ...('problem' in range ? [range.problem] : []),
    ...aux.problems,
    ...('problem' in gateway ? [gateway.problem] : []),
  ]
  if (problems.length > 0 || 'problem' in range || 'problem' in gateway) return { problems }
  const parts: Subnet = {
    ...(Object.keys(aux.addresses).length === 0 ? {} : { auxAddresses: aux.addresses }),
    gateway: gateway.ip,
    ...(range.range === undefined ? {} : { ipRange: range.range }),
    subnet,
  }
  return { problems: nothingLeft(order, parts), subnet: parts }
}

/** The parts of a subnet that are wrong whatever it is: no address, no range, or of another family than its text. */
export function malformedParts({
  auxAddresses = {},
  gateway,
  ipRange,
  subnet,
}: SubnetRequest): readonly Problem[] {
  const odd = (
    what: string,
    text: string,
    parsed: { ok: true } | { ok: false; reason: Reason },
  ): Problem[] => {
    const wrong = (why: string): Problem[] => [
      invalid(`${what} ${quoted(text)} of ${quoted(subnet)}: ${why}`),
    ]
    if (!parsed.ok) return wrong(ADDRESS_REASONS[parsed.reason])
    const [family, own] = [seemingFamily(subnet), seemingFamily(text)]
    return family === undefined || own === undefined || family === own
      ? []
      : wrong(`it is of IPv${own}, and the subnet of IPv${family}`)
  }
  return [
    ...(ipRange === undefined ? [] : odd('range', ipRange, parseSubnet(ipRange))),
    ...Object.entries(auxAddresses)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, text]) => odd(`auxiliary address ${quoted(name)},`, text, parseIp(text))),
    ...(gateway === undefined ? [] : odd('gateway', gateway, parseIp(gateway))),
  ]
}

/** Of something that is written like an address, well or not. */
function seemingFamily(text: string): 4 | 6 | undefined {
  if (text.includes(':')) return 6
  return /^\d+(\.\d+)+/.test(text) ? 4 : undefined
}

type Reason = keyof typeof ADDRESS_REASONS

const invalid = (message: string): Problem => ({ code: 'ERR_ADDRESS_INVALID', field: 'subnets', message })

function rangeFor(
  prefix: IpPrefix,
  subnet: Cidr,
  text: string | undefined,
): { readonly problem: Problem } | { readonly range?: Cidr } {
  if (text === undefined) return {}
  const parsed = parseSubnet(text)
  const wrong = (why: string) => ({ problem: invalid(`range ${quoted(text)} of ${subnet}: ${why}`) })
  if (!parsed.ok) {
    const address = parseCidr(text)
    const advice = address.ok ? `; ${formatCidr(networkOf(address.value))} is the range` : ''
    return wrong(`${ADDRESS_REASONS[parsed.reason]}${advice}`)
  }
  const { address, length } = parsed.value
  if (address.family !== prefix.address.family)
    return wrong(`it is of IPv${address.family}, and the subnet of IPv${prefix.address.family}`)
  if (length < prefix.length || !contains(prefix, address))
    return wrong('it does not lie in the subnet; take a part of that')
  return { range: formatCidr(parsed.value) }
}

type AuxAddresses = Readonly<Record<string, Ip>>

/** In the order of their names by code units, as facts have them. */
function auxFor(
  prefix: IpPrefix,
  subnet: Cidr,
  asked: Readonly<Record<string, string>>,
): { readonly addresses: AuxAddresses; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const names = new Map<Ip, string>()
  for (const [name, text] of Object.entries(asked).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const wrong = (why: string): void =>
      void problems.push(invalid(`auxiliary address ${quoted(name)} of ${subnet}, ${quoted(text)}: ${why}`))
    const parsed = parseIp(text)
    const why = parsed.ok ? whyNoHost(prefix, parsed.value) : ADDRESS_REASONS[parsed.reason]
    if (!parsed.ok || why !== undefined) {
      wrong(why ?? 'it is no address')
      continue
    }
    const ip = formatIp(parsed.value)
    const other = names.get(ip)
    if (other === undefined) names.set(ip, name)
    else wrong(`${quoted(other)} has it already`)
  }
  return { addresses: Object.fromEntries([...names].map(([ip, name]) => [name, ip])), problems }
}

/** The gateway asked for, or the first in order that is no auxiliary address. */
function gatewayFor(
  prefix: IpPrefix,
  { first, last, range }: Order,
  aux: AuxAddresses,
  text: string | undefined,
): { readonly ip: Ip } | { readonly problem: Problem } {
  const subnet = formatCidr(prefix)
  if (text === undefined) {
    const taken = new Set(Object.values(aux))
    for (let offset = first; offset <= last; offset++) {
      const ip = formatIp(addressAt(range, offset))
      if (!taken.has(ip)) return { ip }
    }
    return { problem: invalid(`subnet ${subnet}: no address is left for its gateway; give it one`) }
  }
  const parsed = parseIp(text)
  const wrong = (why: string) => ({ problem: invalid(`gateway ${quoted(text)} of ${subnet}: ${why}`) })
  if (!parsed.ok) return wrong(ADDRESS_REASONS[parsed.reason])
  const why = whyNoHost(prefix, parsed.value)
  if (why !== undefined) return wrong(`${why}; take another`)
  const ip = formatIp(parsed.value)
  const [name] = Object.entries(aux).find(([, each]) => each === ip) ?? []
  return name === undefined ? { ip } : wrong(`it is the auxiliary address ${quoted(name)} too; take another`)
}

/** A network whose every address is taken from birth would be of no use. That a subnet is one address is told elsewhere. */
function nothingLeft(
  { first, last, range }: Order,
  { auxAddresses = {}, gateway, subnet }: Subnet,
): Problem[] {
  const own = [gateway, ...Object.values(auxAddresses)].map(ipFrom)
  const inOrder = own
    .filter((ip) => contains(range, ip))
    .map((address) => offsetOf({ address, length: range.length }))
  const taken = inOrder.filter((offset) => offset >= first && offset <= last).length
  const isWhole = range.length === cidrFrom(subnet).length
  if (last - first + 1 > taken || (isWhole && sizeOf(range) === 1)) return []
  const where = isWhole ? `subnet ${subnet}` : `range ${formatCidr(range)} of ${subnet}`
  return [invalid(`${where}: no address is left for endpoints; take a larger one`)]
}

/** Why a host cannot have an address of a subnet; undefined: it can. */
export function whyNoHost(prefix: IpPrefix, address: IpAddress): string | undefined {
  const { family } = prefix.address
  if (family !== address.family) return `it is of IPv${address.family}, and the subnet of IPv${family}`
  if (!contains(prefix, address)) return 'it lies outside'
  const offset = offsetOf({ address, length: prefix.length })
  const { first, last } = hostOffsets(prefix)
  if (offset < first) return 'it is the address of the subnet itself'
  if (offset > last) return 'it is the broadcast address'
  return undefined
}
