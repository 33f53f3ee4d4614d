/**
 * Steps of the simulated kernel: makes a spec so, takes it out of service, removes it. Each says whether it changed
 * anything, and refuses as Linux does (a `Refusal` with the errno's name).
 */
import {
  type Adopted,
  type AddrSpec,
  assertNever,
  type BridgeSpec,
  type IfName,
  keyOf,
  type NetnsSpec,
  type NsRef,
  type RouteSpec,
  type Seen,
  type Spec,
  type SysctlSpec,
  type VethSpec,
} from '../../../events/index.ts'
import { aliasOf, bridgeText, ROUTE_PROTOCOL, vethText } from '../../reconcile/marks.ts'
import { type Hand, isOf, mayUse, namespaceOf, ownLink, pathOf } from './hand.ts'
import { addAddress, addressesOf, addRoute, deleteAddress, deleteRoute, reach, routeTo } from './inet.ts'
import {
  addLink,
  addVeth,
  deleteLink,
  deleteNamespace,
  hasCarrier,
  linkNamed,
  setIpv6,
  setMaster,
  setMtu,
  setName,
  setPlain,
  setUp,
} from './links.ts'
import { deleteTable, deleteTableNetwork, ensureTable, ensureTableNetwork } from './tables.ts'
import { addNamespace, bindNamespace, type Link, type Namespace, Refusal } from './world.ts'

/** What a step did. */
export type Done = { readonly changed: boolean; readonly seen?: Seen }

/** Makes it so. */
export function ensure(hand: Hand, spec: Spec): Done {
  switch (spec.kind) {
    case 'netns':
      return ensureNetns(hand, spec)
    case 'bridge':
      return ensureBridge(hand, spec)
    case 'veth':
      return ensureVeth(hand, spec)
    case 'addr':
      return { changed: ensureAddr(hand, spec) }
    case 'route':
      return { changed: ensureRoute(hand, spec) }
    case 'sysctl':
      return { changed: ensureSysctl(hand, spec) }
    case 'firewall':
      return { changed: ensureTable(hand.world, hand.host, spec.table) }
    case 'firewall-network':
      return { changed: ensureTableNetwork(hand.world, hand.host, spec) }
    default:
      return assertNever(spec)
  }
}

/** Takes a veth or bridge of ours out of service. */
export function cut(hand: Hand, spec: Spec): Done {
  if (spec.kind !== 'veth' && spec.kind !== 'bridge')
    throw new Refusal('EOPNOTSUPP', `a ${spec.kind} is not cut`)
  const link = ownLink(hand, spec)
  if (link === undefined) return { changed: false }
  return { changed: applied(hand, spec.kind === 'veth' ? cutsOfVeth(hand, link) : cutsOfBridge(hand, link)) }
}

/** Removes it, if it is there and ours. */
export function remove(hand: Hand, spec: Spec): Done {
  switch (spec.kind) {
    case 'netns':
      return { changed: removeNetns(hand, spec) }
    case 'bridge':
    case 'veth':
      return { changed: removeLink(hand, spec) }
    case 'addr':
      return { changed: removeAddr(hand, spec) }
    case 'route':
      return { changed: removeRoute(hand, spec) }
    case 'sysctl':
      return { changed: false }
    case 'firewall':
      return { changed: deleteTable(hand.world, hand.host, spec.table) }
    case 'firewall-network':
      return { changed: deleteTableNetwork(hand.world, hand.host, spec) }
    default:
      return assertNever(spec)
  }
}

/** A change that is made unless things are so already. */
type Wish = { readonly isSo: boolean; readonly make: () => void }

/** Makes what is not so yet; says whether there was anything. A step that breaks stops in the middle. */
function applied({ world }: Hand, wishes: readonly Wish[]): boolean {
  const open = wishes.filter((wish) => !wish.isSo)
  const { breaking } = world
  for (const wish of breaking === undefined ? open : open.slice(0, open.length >> 1)) wish.make()
  if (breaking !== undefined && open.length > 0)
    throw new Refusal(breaking, 'halfway, as a fault was ordered')
  return open.length > 0
}

// ---------------------------------------------------------------- namespaces and sysctls

function ensureNetns(hand: Hand, spec: NetnsSpec): Done {
  const { world } = hand
  const found = namespaceOf(hand, spec.sandbox)
  const foreign = spec.adopts && foreignOf(hand, spec.adopts, found)
  if (foreign !== undefined && found === undefined) bindNamespace(world, foreign, pathOf(hand, spec.sandbox))
  const ns = found ?? foreign ?? addNamespace(world, pathOf(hand, spec.sandbox))
  const lo = linkNamed(ns, 'lo')
  if (found === undefined && foreign === undefined) {
    ns.sysctls.set('net.ipv6.conf.default.disable_ipv6', '1')
    if (lo !== undefined) setIpv6(world, lo, false)
  }
  const changed = applied(hand, lo === undefined ? [] : [wishUp(hand, lo)])
  return { changed: changed || found === undefined, seen: { key: keyOf(spec), netnsCookie: ns.cookie } }
}

/** The namespace that is to be adopted, or was, and is mounted. */
function foreignOf({ world }: Hand, adopts: Adopted, mounted: Namespace | undefined): Namespace {
  const { bootId, cookie, path } = adopts
  const ns = mounted ?? world.mounts.get(path)
  if (ns !== undefined && bootId === world.bootId && ns.cookie === cookie) return ns
  throw new Refusal('ESTALE', `the namespace that was at ${path} (cookie ${cookie}) is not there any more`)
}

function removeNetns(hand: Hand, spec: NetnsSpec): boolean {
  if (namespaceOf(hand, spec.sandbox) === undefined) return false
  deleteNamespace(hand.world, pathOf(hand, spec.sandbox))
  return true
}

function ensureSysctl(hand: Hand, spec: SysctlSpec): boolean {
  const { sysctls } = needNamespace(hand, spec.ns)
  const value = sysctls.get(spec.name)
  if (value === undefined) throw new Refusal('ENOENT', `there is no sysctl ${spec.name}`)
  sysctls.set(spec.name, spec.value)
  return value !== spec.value
}

// ---------------------------------------------------------------- links

function ensureBridge(hand: Hand, spec: BridgeSpec): Done {
  const { world } = hand
  const found = ownOrRenamed(hand, spec)
  const { kind, mac, name } = spec
  const link = found ?? addLink(world, hand.host, { group: hand.group, kind, mac, name })
  const changed = applied(hand, [
    wishName(hand, link, spec.name),
    wishAlias(hand, link, bridgeText(spec)),
    wishIpv6(hand, link, spec.ipv6),
    wishGroup(hand, link),
    wishMtu(hand, link, spec.mtu),
    wishUp(hand, link),
  ])
  return { changed: changed || found === undefined, seen: { ifindex: link.ifindex, key: keyOf(spec) } }
}

function ensureVeth(hand: Hand, spec: VethSpec): Done {
  const { world } = hand
  const bridge = needOwnLink(hand, { link: spec.bridge, ns: 'host' })
  const ns = needNamespace(hand, spec.peer.ns)
  const found = ownOrRenamed(hand, spec)
  const keeps = found?.peer?.ns === ns
  // Its other end is gone to another namespace: nothing brings it back, so the pair is born anew.
  if (found !== undefined && !keeps) deleteLink(world, found)
  const { mac, name } = spec
  const birth = { group: hand.group, mac, name, peer: { ...spec.peer, ns } }
  const link = keeps ? found : addVeth(world, hand.host, birth)
  const peer = link.peer
  const changed = applied(hand, [
    wishName(hand, link, spec.name),
    wishAlias(hand, link, vethText(spec)),
    wishGroup(hand, link),
    { isSo: link.master === bridge, make: () => setMaster(world, link, bridge) },
    wishMtu(hand, link, spec.mtu),
    ...(peer === undefined ? [] : wishesOfPeer(hand, peer, spec)),
    wishUp(hand, link),
  ])
  const opened = applied(hand, [wishPort(hand, link)])
  return { changed: changed || opened || !keeps, seen: { ifindex: link.ifindex, key: keyOf(spec) } }
}

/** A peer that speaks IPv6 brings the sandbox's loopback to speak it: packets to an own address go by it. */
const wishesOfPeer = (hand: Hand, peer: Link, spec: VethSpec): Wish[] => [
  wishName(hand, peer, spec.peer.name),
  wishIpv6(hand, peer, spec.peer.ipv6),
  ...[linkNamed(peer.ns, 'lo')].flatMap((lo) => (lo && spec.peer.ipv6 ? [wishIpv6(hand, lo, true)] : [])),
  wishGroup(hand, peer),
  { isSo: peer.mac === spec.peer.mac, make: () => setPlain(hand.world, peer, { mac: spec.peer.mac }) },
  wishMtu(hand, peer, spec.mtu),
  wishUp(hand, peer),
]

/** The link under the spec's name, or the one of ours that was born under it and that somebody renamed. */
function ownOrRenamed(hand: Hand, spec: BridgeSpec | VethSpec): Link | undefined {
  const link = linkNamed(hand.host, spec.name)
  if (link === undefined) return [...hand.host.links.values()].find((each) => isOf(hand, each, spec))
  if (!isOf(hand, link, spec)) throw new Refusal('EEXIST', `a link ${spec.name} exists that is not ours`)
  return link
}

function removeLink(hand: Hand, spec: BridgeSpec | VethSpec): boolean {
  const link = ownLink(hand, spec)
  if (link === undefined) return false
  deleteLink(hand.world, link)
  return true
}

/** A port without carrier cannot be told to listen, and would forward when the carrier comes: it goes down instead. */
const cutsOfVeth = (hand: Hand, link: Link): Wish[] => [
  {
    isSo: link.master === undefined || !link.up || link.portState === 'listening',
    make: () =>
      hasCarrier(link)
        ? setPlain(hand.world, link, { portState: 'listening' })
        : setUp(hand.world, link, false),
  },
  wishSwept(hand, link),
]

const cutsOfBridge = (hand: Hand, link: Link): Wish[] => [
  { isSo: !link.up, make: () => setUp(hand.world, link, false) },
  wishSwept(hand, link),
]

const wishSwept = (hand: Hand, link: Link): Wish => ({
  isSo: link.group === hand.sweptGroup,
  make: () => setPlain(hand.world, link, { group: hand.sweptGroup }),
})

const wishGroup = (hand: Hand, link: Link): Wish => ({
  isSo: link.group === hand.group,
  make: () => setPlain(hand.world, link, { group: hand.group }),
})

/** Anybody may have changed it: it is only given where there is none. */
const wishAlias = (hand: Hand, link: Link, text: string): Wish => ({
  isSo: link.alias !== '',
  make: () => setPlain(hand.world, link, { alias: aliasOf(hand.origin, text) }),
})

const wishName = (hand: Hand, link: Link, name: IfName): Wish => ({
  isSo: link.name === name,
  make: () => setName(hand.world, link, name),
})

const wishUp = (hand: Hand, link: Link): Wish => ({
  isSo: link.up,
  make: () => setUp(hand.world, link, true),
})

const wishIpv6 = (hand: Hand, link: Link, on: boolean): Wish => ({
  isSo: link.ipv6 === on,
  make: () => setIpv6(hand.world, link, on),
})

const wishMtu = (hand: Hand, link: Link, mtu: number): Wish => ({
  isSo: mtu === 0 || link.mtu === mtu,
  make: () => setMtu(hand.world, link, mtu),
})

/** A port without carrier cannot forward, and is not asked to. */
const wishPort = (hand: Hand, link: Link): Wish => ({
  isSo: link.portState === 'forwarding' || !hasCarrier(link),
  make: () => setPlain(hand.world, link, { portState: 'forwarding' }),
})

// ---------------------------------------------------------------- addresses and routes

function ensureAddr(hand: Hand, spec: AddrSpec): boolean {
  const link = needOwnLink(hand, spec)
  const there = addressesOf(link).find((each) => each.cidr === spec.address)
  if (there !== undefined) return reach(hand.world, there)
  addAddress(hand.world, link, spec.address)
  return true
}

function removeAddr(hand: Hand, spec: AddrSpec): boolean {
  const link = usableLink(hand, spec)
  return link !== undefined && deleteAddress(hand.world, link, spec.address)
}

function ensureRoute(hand: Hand, spec: RouteSpec): boolean {
  const link = needOwnLink(hand, spec)
  const found = routeTo(link.ns, spec.dst)
  if (found !== undefined && found.protocol !== ROUTE_PROTOCOL)
    throw new Refusal('EEXIST', `a route to ${spec.dst} exists that is not ours`)
  if (found?.link === link && found.via === spec.via) return false
  addRoute(hand.world, { dst: spec.dst, link, protocol: ROUTE_PROTOCOL, via: spec.via }, found)
  return true
}

function removeRoute(hand: Hand, spec: RouteSpec): boolean {
  const link = usableLink(hand, spec)
  const route = link === undefined ? undefined : routeTo(link.ns, spec.dst)
  if (route?.protocol !== ROUTE_PROTOCOL || route.link !== link) return false
  deleteRoute(hand.world, route)
  return true
}

// ---------------------------------------------------------------- needs

function needNamespace(hand: Hand, ref: NsRef): Namespace {
  const ns = namespaceOf(hand, ref)
  if (ns === undefined) throw new Refusal('ENOENT', `sandbox ${ref} has no namespace`)
  return ns
}

function needLink(ns: Namespace, name: IfName): Link {
  const link = linkNamed(ns, name)
  if (link === undefined) throw new Refusal('ENODEV', `there is no link ${name}`)
  return link
}

function needOwnLink(hand: Hand, spec: Pick<AddrSpec, 'link' | 'ns'>): Link {
  const link = needLink(needNamespace(hand, spec.ns), spec.link)
  if (!mayUse(hand, link)) throw new Refusal('EEXIST', `the link ${spec.link} is not ours`)
  return link
}

function usableLink(hand: Hand, spec: AddrSpec | RouteSpec): Link | undefined {
  const ns = namespaceOf(hand, spec.ns)
  const link = ns === undefined ? undefined : linkNamed(ns, spec.link)
  return link !== undefined && mayUse(hand, link) ? link : undefined
}
