/**
 * What stands under the keys of specs, and what bears our mark beside them: from dumps, one per namespace and kind, read
 * only when a spec asks for it.
 */
import {
  type AddrSpec,
  assertNever,
  type BridgeSpec,
  keyOf,
  type NetnsSpec,
  type NsRef,
  type ResourceKey,
  type RouteSpec,
  type Spec,
  type SysctlSpec,
  type VethSpec,
} from '../../../events/index.ts'
import { ROUTE_PROTOCOL } from '../../reconcile/marks.ts'
import type { Found, FoundSpec, Observation } from '../kernel.ts'
import { isFirewall, seenOf } from './apply.ts'
import type { Context } from './context.ts'
import { isReached } from './ensure-inet.ts'
import type { Firewall } from './firewall.ts'
import { BR_STATE_FORWARDING, type Link } from './links.ts'
import { straysBeside } from './strays.ts'
import { type View, Views } from './views.ts'

/** So many links are looked up one by one rather than among all of the host's; more, if that is a small part of ours. */
const FEW_LINKS = 16
/** A look-up costs about what so many links cost in a dump. */
const LINKS_A_LOOKUP = 4

/** Looks under the keys of `specs`; with `strays`, also beside them. */
export async function observe(
  context: Context,
  firewall: Firewall,
  specs: readonly Spec[],
  strays: boolean,
): Promise<Observation> {
  const links = specs.filter(({ kind }) => kind === 'veth' || kind === 'bridge').length
  const few = Math.max(FEW_LINKS, context.namespaces.host.rememberedLinks / LINKS_A_LOOKUP)
  const views = new Views(context, !strays && links <= few)
  const found = new Map<ResourceKey, Found>()
  // All at once: while the worker opens one namespace, another is read here.
  const looks = specs.map(async (spec) => (isFirewall(spec) ? undefined : find(views, spec)))
  for (const [index, there] of (await Promise.all(looks)).entries()) {
    const spec = specs[index]
    if (spec !== undefined && there !== undefined) found.set(keyOf(spec), there)
  }
  if (!strays && !specs.some(isFirewall)) return { found, strays: [] }
  const wall = await firewall.observe(specs.filter(isFirewall), strays)
  for (const [key, there] of wall.found) found.set(key, there)
  return { found, strays: strays ? [...(await straysBeside(views, specs)), ...wall.strays] : [] }
}

type Plain = Exclude<Spec, { kind: 'firewall' | 'firewall-network' }>

function find(views: Views, spec: Plain): Promise<Found | undefined> {
  switch (spec.kind) {
    case 'netns':
      return findNetns(views, spec)
    case 'bridge':
    case 'veth':
      return findLink(views, spec)
    case 'addr':
      return findAddress(views, spec)
    case 'route':
      return findRoute(views, spec)
    case 'sysctl':
      return findSysctl(views, spec)
    default:
      return assertNever(spec)
  }
}

async function findNetns(views: Views, spec: NetnsSpec): Promise<Found | undefined> {
  const view = await views.of(spec.sandbox)
  if (view === undefined) return undefined
  const { adopts } = spec
  const { cookie } = view.ns
  const flaws = [
    ...(view.linkNamed('lo')?.up === true ? [] : ['down']),
    ...(adopts === undefined || adopts.cookie === cookie ? [] : ['adopts']),
  ]
  const found = compare(spec, {}, flaws)
  return { ours: true, seen: seenOf(keyOf(spec), { netnsCookie: cookie }), spec: found }
}

async function findLink(views: Views, spec: BridgeSpec | VethSpec): Promise<Found | undefined> {
  const { context, host } = views
  const { mark } = context
  const link = host.linkNamed(spec.name)
  if (link === undefined) {
    // Somebody renamed it: so it is not under its key, but the next ensure finds it by its index.
    const renamed = host.links.find((each) => mark.isOf(each, spec))
    if (renamed !== undefined) host.ns.remember({ index: renamed.index, name: spec.name })
    return undefined
  }
  const seen = seenOf(keyOf(spec), { ifindex: link.index })
  if (link.kind !== spec.kind) return { ours: false, seen, spec }
  const ours = mark.isOf(link, spec)
  if (ours) host.ns.remember(link)
  const peer = spec.kind === 'veth' ? await peerOf(views, link, spec.peer.ns) : undefined
  const flaws = [
    ...(isDown(link, peer, host) ? ['down'] : []),
    ...(link.group === mark.swept ? ['swept'] : []),
    ...(obeysRouters(spec, spec.kind === 'veth' ? peer : link)
      ? [spec.kind === 'veth' ? 'peer' : 'ipv6']
      : []),
  ]
  const loIsOn = spec.kind === 'veth' && (await views.of(spec.peer.ns))?.ipv6 === true
  const actual = spec.kind === 'veth' ? vethOf(host, link, peer, spec, loIsOn) : bridgeOf(link, spec.mtu)
  return { ours, seen, spec: compare<BridgeSpec | VethSpec>(spec, actual, flaws) }
}

/** The other end, if it is in that sandbox: both ends name each other by index. */
async function peerOf(views: Views, link: Link, sandbox: NsRef): Promise<Link | undefined> {
  const peer = (await views.of(sandbox))?.linkAt(link.peer)
  return peer?.kind === 'veth' && peer.peer === link.index ? peer : undefined
}

/**
 * A port forwards as soon as its carrier was noted; before that, nothing is wrong. One of a bridge that is down cannot
 * forward, which is the bridge's flaw and not its own.
 */
function isDown(link: Link, peer: Link | undefined, host: View): boolean {
  const bridgeIsUp = host.linkAt(link.master)?.up === true
  const mayForward = link.kind === 'veth' && bridgeIsUp && link.operational
  return !link.up || peer?.up === false || (mayForward && link.portState !== BR_STATE_FORWARDING)
}

/** Whether a link that shall speak IPv6 takes orders from whoever advertises itself as a router. */
const obeysRouters = (spec: BridgeSpec | VethSpec, link: Link | undefined): boolean =>
  (spec.kind === 'veth' ? spec.peer.ipv6 : spec.ipv6) && link?.ipv6 === true && link.acceptsRa

/** An MTU that was not asked for (0) is as asked whatever it is. */
const bridgeOf = (link: Link, mtuAsked: number): Pick<BridgeSpec, 'ipv6' | 'mac' | 'mtu'> => ({
  ipv6: link.ipv6,
  mac: link.mac,
  mtu: mtuAsked === 0 ? 0 : link.mtu,
})

/** A peer that shall speak IPv6 does so only where the loopback does. */
function vethOf(
  host: View,
  link: Link,
  peer: Link | undefined,
  spec: VethSpec,
  loIsOn: boolean,
): Partial<VethSpec> {
  const mtu = peer !== undefined && link.mtu === spec.mtu ? peer.mtu : link.mtu
  return {
    bridge: (host.linkAt(link.master)?.name ?? '') as VethSpec['bridge'],
    mac: link.mac,
    mtu: spec.mtu === 0 ? 0 : mtu,
    peer: {
      ipv6: peer?.ipv6 === true && (loIsOn || !spec.peer.ipv6),
      mac: (peer?.mac ?? '') as VethSpec['mac'],
      name: (peer?.name ?? '') as VethSpec['name'],
      ns: (peer === undefined ? '' : spec.peer.ns) as VethSpec['peer']['ns'],
    },
  }
}

async function findAddress({ context, of }: Views, spec: AddrSpec): Promise<Found | undefined> {
  const view = await of(spec.ns)
  const link = view?.linkNamed(spec.link)
  if (link === undefined || view?.hasAddress(link.index, spec.address) !== true) return undefined
  // Somebody deleted the route that came with it: whoever has the address reaches nobody by it.
  const isAlone = link.up && !isReached(spec.address, link.index, view.routes)
  return {
    ours: context.mark.mayUse(link, spec.ns),
    spec: compare(spec, {}, isAlone ? ['route'] : []),
  }
}

async function findRoute({ of }: Views, spec: RouteSpec): Promise<Found | undefined> {
  const view = await of(spec.ns)
  const route = view?.routeTo(spec.dst)
  if (view === undefined || route === undefined) return undefined
  const link = (view.linkAt(route.index)?.name ?? '') as RouteSpec['link']
  return { ours: route.protocol === ROUTE_PROTOCOL, spec: compare(spec, { link, via: route.via }, []) }
}

async function findSysctl({ context, of }: Views, spec: SysctlSpec): Promise<Found | undefined> {
  const view = await of(spec.ns)
  if (view === undefined) return undefined
  const { worker } = context.namespaces
  const value = await worker.call('sysctlGet', { fd: view.ns.fd, name: spec.name })
  return value === undefined ? undefined : { ours: true, spec: compare(spec, { value }, []) }
}

/** Fields as the kernel shows them; undefined: it shows none. */
type Actual<S extends Spec> = { readonly [K in keyof S]?: S[K] | undefined }

/** The asked spec, or, if anything is otherwise, with those fields and the names of them and of `flaws` in `differs`. */
function compare<S extends Spec>(spec: S, actual: Actual<S>, flaws: readonly string[]): FoundSpec {
  const others = Object.entries(actual).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(spec[field as keyof S]),
  )
  const differs = [...new Set([...others.map(([field]) => field), ...flaws])].sort()
  if (differs.length === 0) return spec
  const entries = Object.entries({ ...spec, ...Object.fromEntries(others), differs })
  const sorted = entries.filter(([, value]) => value !== undefined).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(sorted) as FoundSpec
}
