/**
 * Whether a packet arrives, in a simulated world: bridges and veths, routes, forwarding, our firewall and its
 * masquerading, and the way back of the answer. A port that is asked for is taken as listened on: what stands between is
 * in question, not who answers. Neighbour discovery, TTL and fragmentation are left out.
 */
import {
  cidrFrom,
  contains,
  type Family,
  familyOf,
  type IfName,
  type Ip,
  ipFrom,
  ipOf,
  type SandboxId,
} from '../../../events/index.ts'
import { addressesOf } from './inet.ts'
import { portsOf } from './links.ts'
import type { Link, Namespace, Route, KernelWorld } from './world.ts'

/** A place that sends or answers: the host, a sandbox by id, or a namespace by the path of its mount. */
export type Place = 'host' | SandboxId | `/${string}`

/** What is sent: an echo request, or the first packet to a port. */
export type Probe = 'icmp' | `tcp/${number}` | `udp/${number}`

/** What came of it. `why` is a sentence; `seenAs` the source that the target saw, if the packet got there. */
export type Reach = { readonly reached: boolean; readonly seenAs?: Ip; readonly why: string }

/** A host of a path forwards at most this often. */
const HOPS_MAX = 16

type Packet = { readonly dst: Ip; readonly isReply: boolean; readonly src: Ip | undefined }
/** One masquerading, to be undone on the way back: the answer to `as` goes to `was`. */
type Nat = { readonly as: Ip; readonly ns: Namespace; readonly was: Ip }
type Arrival =
  { readonly at: Namespace; readonly nats: readonly Nat[]; readonly ok: true; readonly src: Ip } | Lost
type Lost = { readonly ok: false; readonly why: string }

const lost = (why: string): Lost => ({ ok: false, why })

/** Does a packet from a place reach an address (or a sandbox, by its first address), and the answer come back? */
export function canReach(
  world: KernelWorld,
  from: Place,
  target: Ip | SandboxId,
  what: Probe = 'icmp',
): Reach {
  const start = namespaceAt(world, from)
  if (start === undefined) return { reached: false, why: `there is no namespace ${from}` }
  const dst = addressOf(world, target)
  if (dst === undefined) return { reached: false, why: `${target} has no address` }
  const there = travel(world, start, { dst, isReply: false, src: undefined }, [])
  if (!there.ok) return { reached: false, why: there.why }
  const answer = { dst: there.src, isReply: true, src: dst }
  const back = travel(world, there.at, answer, there.nats)
  const seenAs = there.src
  if (!back.ok) return { reached: false, seenAs, why: `the answer to ${there.src} is lost: ${back.why}` }
  if (back.at !== start) return { reached: false, seenAs, why: `the answer to ${there.src} goes elsewhere` }
  return { reached: true, seenAs, why: `${what} to ${dst} is answered` }
}

function namespaceAt(world: KernelWorld, place: Place): Namespace | undefined {
  if (place === 'host') return world.host
  for (const [path, ns] of world.mounts) if (path === place || path.endsWith(`/netns/${place}`)) return ns
  return undefined
}

function addressOf(world: KernelWorld, target: Ip | SandboxId): Ip | undefined {
  if (target.includes('.') || target.includes(':')) return target as Ip
  const address = namespaceAt(world, target as SandboxId)?.addresses[0]
  return address && ipOf(address.cidr)
}

/** Hop by hop, until somebody has the address. `nats` are those of the way there, when the answer travels. */
function travel(world: KernelWorld, start: Namespace, packet: Packet, nats: readonly Nat[]): Arrival {
  let { dst, src } = packet
  let at = start
  let from: Link | undefined
  const made: Nat[] = []
  for (let hop = 0; hop < HOPS_MAX; hop++) {
    const nat = from === undefined ? undefined : nats.find((each) => each.ns === at && each.as === dst)
    dst = nat?.was ?? dst
    if (has(at, dst)) return { at, nats: made, ok: true, src: src ?? dst }
    if (from !== undefined && !forwards(at, familyOf(dst)))
      return lost(`${nameOf(world, at)} does not forward`)
    const route = routeFor(at, dst)
    if (route === undefined) return lost(`${nameOf(world, at)} has no route to ${dst}`)
    src ??= sourceOf(route)
    if (src === undefined) return lost(`${nameOf(world, at)} has no address to send from`)
    if (from !== undefined) {
      const verdict = filter(at, from, route.link, packet.isReply)
      if (verdict !== undefined) return lost(verdict)
      const as = packet.isReply ? undefined : masqueraded(at, from, route, src)
      if (as !== undefined) made.push({ as, ns: at, was: src })
      src = as ?? src
    }
    const nextHop = route.via ?? dst
    const next = neighbours(route.link).find((link) => answersFor(link, nextHop))
    if (next === undefined)
      return lost(`nobody on ${route.link.name} of ${nameOf(world, at)} answers for ${nextHop}`)
    from = next
    at = next.ns
  }
  return lost(`the packet goes round in circles (${HOPS_MAX} hops)`)
}

// ---------------------------------------------------------------- links

/** The links that hear what is sent on `link`: a veth's other end, or all on the same bridge, over any number of bridges. */
function neighbours(link: Link): readonly Link[] {
  if (!link.up) return []
  const heard = new Set<Link>([link])
  if (link.kind === 'bridge') flood(link, undefined, heard)
  else if (link.peer !== undefined) arrive(link.peer, heard)
  heard.delete(link)
  return [...heard].filter((each) => each.master === undefined)
}

function arrive(link: Link, heard: Set<Link>): void {
  if (!link.up || heard.has(link)) return
  heard.add(link)
  if (link.master !== undefined && link.portState === 'forwarding') flood(link.master, link, heard)
}

function flood(bridge: Link, from: Link | undefined, heard: Set<Link>): void {
  if (!bridge.up) return
  heard.add(bridge)
  for (const port of portsOf(bridge))
    if (port !== from && port.up && port.portState === 'forwarding' && port.peer !== undefined)
      arrive(port.peer, heard)
}

/** IPv4 answers ARP for any address of the namespace (arp_ignore 0), IPv6 only for the link's own. */
const answersFor = (link: Link, ip: Ip): boolean =>
  familyOf(ip) === 4 ? has(link.ns, ip) : addressesOf(link).some((each) => ipOf(each.cidr) === ip)

// ---------------------------------------------------------------- routing

const has = (ns: Namespace, ip: Ip): boolean => ns.addresses.some((each) => ipOf(each.cidr) === ip)

const forwards = (ns: Namespace, family: Family): boolean =>
  ns.sysctls.get(family === 4 ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding') === '1'

/** The longest prefix wins, then the smallest metric. */
function routeFor(ns: Namespace, ip: Ip): Route | undefined {
  const address = ipFrom(ip)
  const length = (route: Route): number => cidrFrom(route.dst).length
  return ns.routes
    .filter((route) => route.link.up && contains(cidrFrom(route.dst), address))
    .sort((a, b) => length(b) - length(a) || a.metric - b.metric)[0]
}

/** The source that the kernel chooses: an address of the link that shares the next hop's subnet, else the link's first. */
function sourceOf(route: Route): Ip | undefined {
  const next = ipFrom(route.via ?? ipOf(route.dst))
  const own = addressesOf(route.link).filter((each) => familyOf(each.cidr) === next.family)
  const best = own.find((each) => contains(cidrFrom(each.cidr), next)) ?? own[0]
  return best && ipOf(best.cidr)
}

// ---------------------------------------------------------------- firewall

/** Why our tables, or strangers', drop what is forwarded from one link to another; undefined: they do not. */
function filter(ns: Namespace, from: Link, to: Link, isReply: boolean): string | undefined {
  for (const table of ns.tables.values()) {
    if (table.drops) return `table inet ${table.name} drops what is forwarded`
    if (!table.intact || isReply || from === to) continue
    const [source, target] = [from, to].map((link) => table.networks.get(link.name as IfName))
    if (target?.intact === true) return `only answers may enter the network on ${to.name}`
    if (source?.intact === true && source.spec.internal) return `the network on ${from.name} is internal`
  }
  return undefined
}

/** The source that postrouting gives the packet; undefined: it keeps its own. */
function masqueraded(ns: Namespace, from: Link, route: Route, src: Ip): Ip | undefined {
  if (from === route.link) return undefined
  for (const table of ns.tables.values()) {
    const network = table.networks.get(from.name as IfName)
    if (!table.intact || network?.intact !== true || !network.spec.masquerade || network.spec.internal)
      continue
    if (network.spec.subnets.some((subnet) => contains(cidrFrom(subnet), ipFrom(src)))) return sourceOf(route)
  }
  return undefined
}

function nameOf(world: KernelWorld, ns: Namespace): string {
  if (ns === world.host) return 'the host'
  const { cookie, path = `namespace ${cookie}` } = ns
  return path.includes('/netns/') ? `sandbox ${path.slice(-64, -52)}` : path
}
