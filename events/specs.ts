/**
 * Specs: plain data that says what should exist in the kernel, and the steps that make it so.
 *
 * They stand in facts (EffectsIntended), so they are part of the log's language: the drivers write them, the
 * planner compares them, the kernel port obeys them. Two specs are equal when their canonical JSON is equal.
 */
import type { Cidr, IfName, Ip, Mac, SandboxId } from './fact.ts'

/** A network namespace: the one that the controller takes as the host, or a sandbox's. */
export type NsRef = 'host' | SandboxId

/** A namespace that somebody else made. What it is says its cookie, in that boot; the path only leads to it. */
export type Adopted = {
  readonly bootId: string
  /** SO_NETNS_COOKIE, decimal text. */
  readonly cookie: string
  /** Where it was found: `/proc/4711/ns/net`. */
  readonly path: string
}

/**
 * A sandbox's namespace, bind-mounted at `<run-dir>/<origin12>/netns/<sandbox id>`, with `lo` up. IPv6 is off in it from
 * birth (`net.ipv6.conf.{default,lo}.disable_ipv6 = 1`), until an interface comes that has it.
 */
export type NetnsSpec = {
  /** The namespace is somebody else's, and only the mount is ours. Absent: we make it. */
  readonly adopts?: Adopted
  readonly kind: 'netns'
  readonly sandbox: SandboxId
}

/** A bridge in the host namespace, up, with our birth mark (group, name, MAC), and no link-local address of its own making. */
export type BridgeSpec = {
  /** Whether it speaks IPv6 (`disable_ipv6`). It takes no router advertisements either way (`accept_ra` 0). */
  readonly ipv6: boolean
  readonly kind: 'bridge'
  readonly mac: Mac
  /** Bytes; 0 leaves the kernel's default. */
  readonly mtu: number
  readonly name: IfName
}

/** A veth pair: the host end a port of a bridge, the peer born directly in the sandbox's namespace. Both up. */
export type VethSpec = {
  readonly bridge: IfName
  readonly kind: 'veth'
  /** Of the host end: part of the birth mark. */
  readonly mac: Mac
  readonly mtu: number
  /** Of the host end. */
  readonly name: IfName
  readonly peer: {
    /** Whether it, and with it the sandbox's `lo`, speaks IPv6: a link-local address at once, no router advertisements. */
    readonly ipv6: boolean
    readonly mac: Mac
    readonly name: IfName
    readonly ns: SandboxId
  }
}

/** An address on a link of ours. */
export type AddrSpec = {
  readonly address: Cidr
  readonly kind: 'addr'
  readonly link: IfName
  readonly ns: NsRef
}

/** A unicast route by a link of ours, protocol number ours (`ROUTE_PROTOCOL`). `0.0.0.0/0` and `::/0` are defaults. */
export type RouteSpec = {
  readonly dst: Cidr
  readonly kind: 'route'
  readonly link: IfName
  readonly ns: NsRef
  readonly via?: Ip
}

/** A sysctl that must have a value. It is shared with the whole host: ensured, never put back. */
export type SysctlSpec = {
  readonly kind: 'sysctl'
  /** As `sysctl` prints it: `net.ipv4.ip_forward`. */
  readonly name: string
  readonly ns: NsRef
  readonly value: string
}

/**
 * Our nftables table in the host namespace, `inet chronet_<origin 8 hex>`: base chains and verdict maps, no rule
 * of any network. Base chains: `forward` (filter), `postrouting` (srcnat). Maps by interface name: `from` and
 * `to` (looked up in forward by iifname and oifname), `nat` (looked up in postrouting by iifname).
 */
export type FirewallSpec = {
  readonly kind: 'firewall'
  readonly table: string
}

/**
 * One network's chains in our table and its elements in the verdict maps. What it allows:
 * between ports of the bridge everything; from the bridge to elsewhere unless `internal`; towards the bridge only
 * replies (ct established,related); and masquerades what leaves `subnets` by another link, unless `internal`.
 */
export type FirewallNetworkSpec = {
  readonly bridge: IfName
  readonly internal: boolean
  readonly kind: 'firewall-network'
  readonly masquerade: boolean
  readonly subnets: readonly Cidr[]
  readonly table: string
}

export type Spec =
  AddrSpec | BridgeSpec | FirewallNetworkSpec | FirewallSpec | NetnsSpec | RouteSpec | SysctlSpec | VethSpec

export type SpecKind = Spec['kind']

/** Identity of a resource, as in receipts, plans and locks: see {@link keyOf}. */
export type ResourceKey = string

/** The key under which a resource is planned, applied and observed. Equal keys are one thing in the kernel. */
export function keyOf(spec: Spec): ResourceKey {
  switch (spec.kind) {
    case 'netns':
      return `netns/${spec.sandbox}`
    case 'bridge':
    case 'veth':
      return `link/host/${spec.name}`
    case 'addr':
      return `addr/${spec.ns}/${spec.link}/${spec.address}`
    case 'route':
      return `route/${spec.ns}/${spec.dst}`
    case 'sysctl':
      return `sysctl/${spec.ns}/${spec.name}`
    case 'firewall':
      return `nft/${spec.table}`
    case 'firewall-network':
      return `nft/${spec.table}/${spec.bridge}`
  }
}

/** The links a spec brings into being, as keys: a veth brings its two ends. What stands on them needs these. */
export function providesOf(spec: Spec): readonly ResourceKey[] {
  if (spec.kind === 'veth') return [keyOf(spec), `link/${spec.peer.ns}/${spec.peer.name}`]
  return [keyOf(spec)]
}

/** What must exist before a spec can, as provided keys ({@link providesOf}). What goes takes along what stands on it. */
export function needsOf(spec: Spec): readonly ResourceKey[] {
  switch (spec.kind) {
    case 'netns':
    case 'bridge':
    case 'firewall':
      return []
    case 'veth':
      return [`link/host/${spec.bridge}`, `netns/${spec.peer.ns}`]
    case 'addr':
    case 'route':
      return [`link/${spec.ns}/${spec.link}`]
    case 'sysctl':
      return spec.ns === 'host' ? [] : [`netns/${spec.ns}`]
    case 'firewall-network':
      return [`nft/${spec.table}`]
  }
}

/** One thing to do, idempotent and keyed. */
export type Step =
  /** Make it exist as the spec says; what is equal already is success and no write. */
  | { readonly key: ResourceKey; readonly op: 'ensure'; readonly spec: Spec }
  /** Take it out of service in microseconds: a veth's bridge port off and its sweep bit set, a bridge down and its sweep bit
   *  set. Of absent things: success. Only of veth and bridge. */
  | { readonly key: ResourceKey; readonly op: 'cut'; readonly spec: Spec }
  /** Make it not exist; absent is success. `takes`: keys that vanish with it. */
  | {
      readonly key: ResourceKey
      readonly op: 'remove'
      readonly spec: Spec
      readonly takes: readonly ResourceKey[]
    }

/** Why a step failed, classified once (`src/kernel/errno.ts`). */
export type StepFailure = {
  /** `conflict`: somebody else holds it. `retry`: may pass. `fatal`: will not. `need`: another step of the plan failed first. */
  readonly class: 'conflict' | 'fatal' | 'need' | 'retry'
  /** Errno name: `EEXIST`. */
  readonly code: string
  readonly key: ResourceKey
  /** A sentence: what failed, on what, what the kernel said. */
  readonly message: string
}
