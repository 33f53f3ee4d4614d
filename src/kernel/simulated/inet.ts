/**
 * Addresses and routes of the simulated kernel, with what Linux does on its own: a route to what an address reaches
 * directly, and what dies when an address goes or a link goes down (fib_frontend.c, addrconf.c). Left out: link-local
 * addresses that the kernel makes by itself, secondary addresses, multicast.
 */
import {
  bitsOf,
  cidrFrom,
  type Cidr,
  contains,
  familyOf,
  type Family,
  formatCidr,
  type Ip,
  ipFrom,
  ipOf,
  type IpPrefix,
  networkOf,
  prefixLengthOf,
} from '../../../events/index.ts'
import {
  type Address,
  emit,
  type Link,
  type Namespace,
  Refusal,
  type Route,
  type KernelWorld,
} from './world.ts'

const PROTOCOL_KERNEL = 2
const METRIC_IP6_KERNEL = 256
const METRIC_IP6_DEFAULT = 1024

/** Puts an address on a link. Throws EEXIST, EACCES (IPv6 is off on the link). */
export function addAddress(world: KernelWorld, link: Link, cidr: Cidr): void {
  if (familyOf(cidr) === 6 && !link.ipv6) throw new Refusal('EACCES', `IPv6 is disabled on ${link.name}`)
  if (addressesOf(link).some((each) => takesPlaceOf(each.cidr, cidr)))
    throw new Refusal('EEXIST', `${link.name} has ${cidr} already`)
  const address = { cidr, link }
  link.ns.addresses.push(address)
  if (link.up) connect(address)
  emit(world, { ns: link.ns, subject: link.name, what: 'addr' })
}

/** Takes an address off. False: it was not there. */
export function deleteAddress(world: KernelWorld, link: Link, cidr: Cidr): boolean {
  const address = addressesOf(link).find((each) => each.cidr === cidr)
  if (address === undefined) return false
  dropAddress(address)
  emit(world, { ns: link.ns, subject: link.name, what: 'addr' })
  return true
}

/** Addresses of one link. */
export const addressesOf = (link: Link): readonly Address[] =>
  link.ns.addresses.filter((address) => address.link === link)

/** What `addRoute` is asked for; the metric is the family's default. */
export type RouteBirth = Pick<Route, 'dst' | 'link' | 'protocol' | 'via'>

/**
 * Adds a route, with `replaced` in the place of that one. Throws EEXIST, ENETDOWN, ENETUNREACH (IPv4: invalid gateway),
 * EHOSTUNREACH (the same in IPv6); then what was there stays.
 */
export function addRoute(world: KernelWorld, birth: RouteBirth, replaced?: Route): void {
  const { dst, link, via } = birth
  const family = familyOf(dst)
  if (family === 6 && !link.ipv6) throw new Refusal('EACCES', `IPv6 is disabled on ${link.name}`)
  if (!link.up) throw new Refusal('ENETDOWN', `${link.name} is down`)
  if (via !== undefined && !reachesDirectly(link, via))
    throw new Refusal(family === 4 ? 'ENETUNREACH' : 'EHOSTUNREACH', `${link.name} does not reach ${via}`)
  if (routeTo(link.ns, dst) !== replaced) throw new Refusal('EEXIST', `a route to ${dst} exists already`)
  if (replaced !== undefined) deleteRoute(world, replaced)
  link.ns.routes.push({ ...birth, metric: metricOf(family) })
  emit(world, { ns: link.ns, subject: dst, what: 'route' })
}

/** Deletes a route. */
export function deleteRoute(world: KernelWorld, route: Route): void {
  const { ns } = route.link
  ns.routes = ns.routes.filter((each) => each !== route)
  emit(world, { ns, subject: route.dst, what: 'route' })
}

/** The route to exactly `dst` that would stand in the way of a new one. */
export function routeTo(ns: Namespace, dst: Cidr): Route | undefined {
  const metric = metricOf(familyOf(dst))
  return ns.routes.find((route) => route.metric === metric && sameNet(route.dst, dst))
}

/** A link came up: what its addresses reach directly is reached again. */
export function takeUpInet(world: KernelWorld, link: Link): void {
  for (const address of addressesOf(link)) connect(address)
  emit(world, { ns: link.ns, subject: link.name, what: 'route' })
}

/** A link went down: its routes go, and its IPv6 addresses (keep_addr_on_down is 0). IPv4 addresses stay. */
export function takeDownInet(world: KernelWorld, link: Link): void {
  const { ns } = link
  ns.addresses = ns.addresses.filter((each) => each.link !== link || familyOf(each.cidr) === 4)
  ns.routes = ns.routes.filter((route) => route.link !== link)
  emit(world, { ns, subject: link.name, what: 'addr' })
}

/** A link speaks IPv6 no more. */
export function dropInet6(world: KernelWorld, link: Link): void {
  const { ns } = link
  ns.addresses = ns.addresses.filter((each) => each.link !== link || familyOf(each.cidr) === 4)
  ns.routes = ns.routes.filter((route) => route.link !== link || familyOf(route.dst) === 4)
  emit(world, { ns, subject: link.name, what: 'addr' })
}

/** A link died. */
export function dropLinkInet(world: KernelWorld, link: Link): void {
  const { ns } = link
  ns.addresses = ns.addresses.filter((each) => each.link !== link)
  ns.routes = ns.routes.filter((route) => route.link !== link)
  emit(world, { ns, subject: link.name, what: 'addr' })
}

const metricOf = (family: Family): number => (family === 4 ? 0 : METRIC_IP6_DEFAULT)

/** IPv4 tells addresses on a link apart by address and length, IPv6 by address alone. */
const takesPlaceOf = (a: Cidr, b: Cidr): boolean =>
  ipOf(a) === ipOf(b) && (familyOf(a) === 6 || prefixLengthOf(a) === prefixLengthOf(b))

/** Are both the same subnet, whatever their host parts? */
function sameNet(a: Cidr, b: Cidr): boolean {
  if (a === b) return true
  const [left, right] = [prefixOf(a), prefixOf(b)]
  return left.length === right.length && contains(left, right.address)
}

/** Prefixes that were read, so that whoever looks at all routes again and again does not read them again and again. */
const prefixes = new Map<Cidr, IpPrefix>()
const PREFIXES_MAX = 4096

function prefixOf(cidr: Cidr): IpPrefix {
  const known = prefixes.get(cidr)
  if (known !== undefined) return known
  if (prefixes.size >= PREFIXES_MAX) prefixes.clear()
  const read = cidrFrom(cidr)
  prefixes.set(cidr, read)
  return read
}

function reachesDirectly(link: Link, ip: Ip): boolean {
  const address = ipFrom(ip)
  return link.ns.routes.some(
    (route) => route.link === link && route.via === undefined && contains(prefixOf(route.dst), address),
  )
}

/** Whether the kernel's own route to what an address reaches directly is there; a link that is down, or an address alone, has none. */
export const isReached = ({ cidr, link }: Address): boolean =>
  !link.up ||
  (familyOf(cidr) === 4 && prefixLengthOf(cidr) === bitsOf(4)) ||
  link.ns.routes.some((route) => route.link === link && route.via === undefined && sameNet(route.dst, cidr))

/** Puts that route back. False: it is there. */
export function reach(world: KernelWorld, address: Address): boolean {
  if (isReached(address)) return false
  connect(address)
  emit(world, { ns: address.link.ns, subject: address.cidr, what: 'route' })
  return true
}

function connect({ cidr, link }: Address): void {
  if (isReached({ cidr, link })) return
  const metric = familyOf(cidr) === 4 ? 0 : METRIC_IP6_KERNEL
  const dst = formatCidr(networkOf(cidrFrom(cidr)))
  link.ns.routes.push({ dst, link, metric, protocol: PROTOCOL_KERNEL, via: undefined })
}

/** With the last IPv4 address all IPv4 routes of the link go (fib_inetaddr_event); IPv6 routes by a gateway stay. */
function dropAddress({ cidr, link }: Address): void {
  const { ns } = link
  ns.addresses = ns.addresses.filter((each) => each.link !== link || each.cidr !== cidr)
  const left = addressesOf(link).map((each) => each.cidr)
  const isLast = familyOf(cidr) === 4 && !left.some((each) => familyOf(each) === 4)
  const isStillConnected = left.some((each) => sameNet(each, cidr))
  ns.routes = ns.routes.filter((route) => {
    if (route.link !== link) return true
    if (isLast && familyOf(route.dst) === 4) return false
    return isStillConnected || !isConnected(route, link) || !sameNet(route.dst, cidr)
  })
}

const isConnected = (route: Route, link: Link): boolean =>
  route.link === link && route.protocol === PROTOCOL_KERNEL
