/**
 * What the simulated kernel shows under the keys of specs, and what bears our mark beside them.
 */
import {
  assertNever,
  type BridgeSpec,
  cidrFrom,
  formatCidr,
  type HostRoute,
  type IfName,
  keyOf,
  type Mac,
  networkOf,
  type ResourceKey,
  type RouteSpec,
  type SandboxId,
  type Spec,
  type VethSpec,
} from '../../../events/index.ts'
import { ROUTE_PROTOCOL, tableName } from '../../reconcile/marks.ts'
import type { Found, FoundSpec, Observation, Stray } from '../kernel.ts'
import { type Hand, isOf, isOurs, mayUse, namespaceOf, refOf, sandboxesOf } from './hand.ts'
import { addressesOf, isReached, routeTo } from './inet.ts'
import { linkNamed } from './links.ts'
import { networkDiffers } from './tables.ts'
import type { Link, Route } from './world.ts'

/** Looks under the keys of `specs`; with `strays` also beside them. */
export function observe(hand: Hand, specs: readonly Spec[], strays: boolean): Observation {
  const found = new Map<ResourceKey, Found>()
  for (const spec of specs) {
    const there = find(hand, spec)
    if (there !== undefined) found.set(keyOf(spec), there)
  }
  return { found, strays: strays ? straysBeside(hand, specs) : [] }
}

function find(hand: Hand, spec: Spec): Found | undefined {
  switch (spec.kind) {
    case 'netns': {
      const ns = namespaceOf(hand, spec.sandbox)
      return (
        ns && {
          ...as(spec, {}, [
            ...(linkNamed(ns, 'lo')?.up === true ? [] : ['down']),
            ...(spec.adopts === undefined || spec.adopts.cookie === ns.cookie ? [] : ['adopts']),
          ]),
          seen: { key: keyOf(spec), netnsCookie: ns.cookie },
        }
      )
    }
    case 'bridge':
    case 'veth':
      return findLink(hand, spec)
    case 'addr': {
      const link = linkIn(hand, spec)
      const there = link && addressesOf(link).find((each) => each.cidr === spec.address)
      if (there === undefined) return undefined
      return { ...as(spec, {}, isReached(there) ? [] : ['route']), ours: mayUse(hand, there.link) }
    }
    case 'route': {
      const ns = namespaceOf(hand, spec.ns)
      const route = ns && routeTo(ns, spec.dst)
      return route && { ...as(spec, routeOf(route)), ours: route.protocol === ROUTE_PROTOCOL }
    }
    case 'sysctl': {
      const value = namespaceOf(hand, spec.ns)?.sysctls.get(spec.name)
      return value === undefined ? undefined : as(spec, { value })
    }
    case 'firewall': {
      const table = hand.host.tables.get(spec.table)
      return table && as(spec, {}, table.intact ? [] : ['rules'])
    }
    case 'firewall-network': {
      const network = hand.host.tables.get(spec.table)?.networks.get(spec.bridge)
      if (network === undefined) return undefined
      const { internal, masquerade, subnets } = network.spec
      const rules = network.intact || networkDiffers(network.spec, spec).length > 0 ? [] : ['rules']
      return as(spec, { internal, masquerade, subnets }, rules)
    }
    default:
      return assertNever(spec)
  }
}

/** Fields as the kernel shows them; undefined: it shows none. */
type Actual<S extends Spec> = { readonly [K in keyof S]?: S[K] | undefined }

/** The asked spec with the fields that are otherwise, and the names of those and of `flaws`. */
function as<S extends Spec>(spec: S, actual: Actual<S>, flaws: readonly string[] = []): Found {
  const fields = Object.entries(actual).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(spec[field as keyof S]),
  )
  const differs = [...fields.map(([field]) => field), ...flaws].sort()
  if (differs.length === 0) return { ours: true, spec }
  const all = Object.entries({ ...spec, ...Object.fromEntries(fields), differs })
  const ordered = all.filter(([, value]) => value !== undefined).sort(([a], [b]) => (a < b ? -1 : 1))
  return { ours: true, spec: Object.fromEntries(ordered) as FoundSpec }
}

function findLink(hand: Hand, spec: BridgeSpec | VethSpec): Found | undefined {
  const link = linkNamed(hand.host, spec.name)
  if (link === undefined) return undefined
  const seen = { ifindex: link.ifindex, key: keyOf(spec) }
  if (link.kind !== spec.kind) return { ours: false, seen, spec }
  const flaws = [...(isDown(link) ? ['down'] : []), ...(link.group === hand.sweptGroup ? ['swept'] : [])]
  const found =
    spec.kind === 'veth'
      ? as(spec, vethOf(hand, link, spec), flaws)
      : as(spec, bridgeOf(link, spec.mtu), flaws)
  return { ...found, ours: isOf(hand, link, spec), seen }
}

function isDown(link: Link): boolean {
  const portOff = link.kind === 'veth' && link.master?.up === true && link.portState !== 'forwarding'
  return !link.up || link.peer?.up === false || portOff
}

/** An MTU that was not asked for (0) is as asked whatever it is. */
const bridgeOf = (link: Link, mtuAsked: number): Pick<BridgeSpec, 'ipv6' | 'mac' | 'mtu'> => ({
  ipv6: link.ipv6,
  mac: link.mac as Mac,
  mtu: mtuAsked === 0 ? 0 : link.mtu,
})

/** What of a spec says how a veth is shown. A peer that shall speak IPv6 does so only where the loopback does. */
type Asked = { readonly mtu: number; readonly peer: { readonly ipv6: boolean } }

const vethOf = (hand: Hand, link: Link, asked: Asked): Omit<VethSpec, 'kind' | 'name'> => ({
  bridge: (link.master?.name ?? '') as IfName,
  mac: link.mac as Mac,
  mtu: asked.mtu === 0 ? 0 : link.mtu === asked.mtu && link.peer !== undefined ? link.peer.mtu : link.mtu,
  peer: {
    ipv6: link.peer?.ipv6 === true && (!asked.peer.ipv6 || linkNamed(link.peer.ns, 'lo')?.ipv6 === true),
    mac: (link.peer?.mac ?? '') as Mac,
    name: (link.peer?.name ?? '') as IfName,
    ns: (link.peer === undefined ? '' : (refOf(hand, link.peer.ns) ?? '')) as SandboxId,
  },
})

const routeOf = (route: Route): Actual<RouteSpec> => ({ link: route.link.name as IfName, via: route.via })

function linkIn(hand: Hand, spec: Spec & { kind: 'addr' }): Link | undefined {
  const ns = namespaceOf(hand, spec.ns)
  return ns && linkNamed(ns, spec.link)
}

/** Where routes lead and addresses lie, by links that are not ours. */
export function hostRoutes(hand: Hand): readonly HostRoute[] {
  const found = new Map<string, HostRoute>()
  const { addresses, routes } = hand.host
  for (const each of [...routes, ...addresses.map(({ cidr, link }) => ({ dst: cidr, link }))]) {
    const dst = formatCidr(networkOf(cidrFrom(each.dst)))
    const link = each.link.name
    if (!isOurs(hand, each.link)) found.set(`${dst} ${link}`, { dst, link })
  }
  return [...found.values()]
}

function straysBeside(hand: Hand, specs: readonly Spec[]): Stray[] {
  const asked = new Set(specs.map(keyOf))
  // A link that was renamed and is wanted is no stray: the next ensure finds it.
  const wantedMacs = new Set(specs.flatMap((spec) => ('mac' in spec ? [spec.mac as string] : [])))
  const all = [
    ...strayLinks(hand, wantedMacs),
    ...strayRoutes(hand),
    ...strayNamespaces(hand),
    ...strayTables(hand, asked),
  ]
  return all.filter((stray) => !asked.has(stray.key))
}

function strayLinks(hand: Hand, wantedMacs: ReadonlySet<string>): Stray[] {
  return [...hand.host.links.values()]
    .filter((link) => isOurs(hand, link) && !wantedMacs.has(link.mac))
    .map((link) => {
      const name = link.name as IfName
      const spec: Spec =
        link.kind === 'veth'
          ? { ...vethOf(hand, link, { mtu: link.mtu, peer: { ipv6: false } }), kind: 'veth', name }
          : { ...bridgeOf(link, link.mtu), kind: 'bridge', name }
      return { key: keyOf(spec), label: `link ${name} (index ${link.ifindex})`, spec }
    })
}

/** Routes of our protocol by links of ours, in all namespaces that we know. */
function strayRoutes(hand: Hand): Stray[] {
  const known = [['host', hand.host] as const, ...sandboxesOf(hand)]
  return known.flatMap(([ref, ns]) =>
    ns.routes
      .filter((route) => route.protocol === ROUTE_PROTOCOL && mayUse(hand, route.link))
      .map((route) => {
        const { dst, via } = route
        const link = route.link.name as IfName
        const spec: RouteSpec = { dst, kind: 'route', link, ns: ref, ...(via === undefined ? {} : { via }) }
        return { key: keyOf(spec), label: `route to ${dst} by ${link}`, spec }
      }),
  )
}

const strayNamespaces = (hand: Hand): Stray[] =>
  sandboxesOf(hand).map(([sandbox, ns]) => {
    const spec: Spec = { kind: 'netns', sandbox }
    return { key: keyOf(spec), label: `namespace ${sandbox.slice(0, 12)} (cookie ${ns.cookie})`, spec }
  })

/** A stray table stands for all that is in it. */
function strayTables(hand: Hand, asked: ReadonlySet<ResourceKey>): Stray[] {
  const name = tableName(hand.origin)
  const table = hand.host.tables.get(name)
  if (table === undefined) return []
  const whole: Spec = { kind: 'firewall', table: name }
  if (!asked.has(keyOf(whole))) return [{ key: keyOf(whole), label: `table inet ${name}`, spec: whole }]
  return [...table.networks.values()].map(({ spec }) => ({
    key: keyOf(spec),
    label: `chains of ${spec.bridge} in table inet ${name}`,
    spec,
  }))
}
