/**
 * One simulated machine: what the kernel of a host remembers, as plain objects that refer to each other.
 *
 * Nothing here knows of specs, marks or steps. `links.ts`, `inet.ts` and `nft.ts` change a world as the kernel does when
 * asked by anybody; `index.ts` lets an engine ask, `humans.ts` people, `reach.ts` says whether a packet arrives.
 */
import type { Cidr, FirewallNetworkSpec, IfName, Ip, Step } from '../../../events/index.ts'
import type { StepResult } from '../kernel.ts'

/** A network interface, as `ip link` shows it. */
export type Link = {
  alias: string
  group: number
  readonly ifindex: number
  /** False: its `disable_ipv6` is set, and addresses of that family are refused. */
  ipv6: boolean
  readonly kind: 'bridge' | 'dummy' | 'loopback' | 'veth'
  mac: string
  /** The bridge that it is a port of. */
  master: Link | undefined
  mtu: number
  /** Of bridges: somebody set the MTU, so it no longer follows the smallest port's. */
  mtuIsSet: boolean
  name: string
  readonly ns: Namespace
  /** The other end of a veth. */
  peer: Link | undefined
  /** Of a bridge's port (`bridge link`, IFLA_BRPORT_STATE). Disabled: it has no carrier. Listening: it was cut. */
  portState: 'disabled' | 'forwarding' | 'listening'
  /** A person made it: an engine that changes it has a defect, and the world throws. */
  readonly stranger: boolean
  up: boolean
}

/** An address on a link, as `ip addr` shows it: `10.0.3.7/24`. */
export type Address = { readonly cidr: Cidr; readonly link: Link }

/** A unicast route of the main table. */
export type Route = {
  readonly dst: Cidr
  readonly link: Link
  readonly metric: number
  /** rtm_protocol: 2 is the kernel's own, for what an address reaches directly. */
  readonly protocol: number
  readonly via: Ip | undefined
}

/** An established connection, by its ends. */
export type Flow = { readonly ends: readonly [Ip, Ip] }

/** One network's part of a table. `intact`: nobody has taken rules or elements out of it. */
export type TableNetwork = { intact: boolean; spec: FirewallNetworkSpec }

/** An nftables table of family inet. */
export type Table = {
  /** Its forward chain drops all: what a stranger's firewall may do. */
  readonly drops: boolean
  /** The base chains have their rules. */
  intact: boolean
  readonly name: string
  readonly networks: Map<IfName, TableNetwork>
}

/** A network namespace. */
export type Namespace = {
  addresses: Address[]
  /** Where else it is mounted. */
  readonly binds: Set<string>
  readonly cookie: string
  readonly links: Map<number, Link>
  /** The same links, by name. */
  readonly named: Map<string, Link>
  nextIfindex: number
  /** Where it was mounted first; undefined: it is the machine's first. */
  readonly path: string | undefined
  routes: Route[]
  readonly sysctls: Map<string, string>
  readonly tables: Map<string, Table>
}

/** Something changed: what notifications are made of. `by`: the kernel handle that did it; undefined: somebody else. */
export type Change = {
  readonly by: object | undefined
  readonly ns: Namespace
  readonly subject: string
  readonly what: 'addr' | 'link' | 'nft' | 'route'
}

/** A step that fails. Each is used `times` times, then gone. */
export type Fault = {
  readonly errno: string
  readonly match: (step: Step) => boolean
  times: number
  /** `after`: the effect happens all the same, only the answer says that it failed. `within`: about half of it happens. */
  readonly when: 'after' | 'before' | 'within'
}

type Hooks = {
  afterStep?: (step: Step, nth: number, result: StepResult) => void
  beforeStep?: (step: Step, nth: number) => void
}

/** The machine. Change it through the functions beside this file, so that what hangs together dies together. */
export type KernelWorld = {
  /** The kernel handle whose step runs now; undefined: somebody else acts. */
  acting: object | undefined
  bootId: string
  /** The errno with which the step that runs now fails halfway. */
  breaking: string | undefined
  /** What engines did and never may: a stranger's link was changed. Each is told here, and thrown. */
  readonly defects: string[]
  readonly faults: Fault[]
  /** Connections of all namespaces; undefined: this kernel does not follow any. */
  flows: Set<Flow> | undefined
  host: Namespace
  /** Called around each step of any engine; if it throws, the engine that asked is dead and never sees the result. */
  hooks: Hooks
  /** When the links of a namespace die after it is unmounted; absent: at once. */
  later?: ((die: () => void) => void) | undefined
  /** Virtual milliseconds that a step takes. */
  latencyMs: (step: Step) => number
  readonly listeners: Set<(change: Change | 'overrun') => void>
  /** Namespaces by the path where they are mounted: all but the host's own. */
  mounts: Map<string, Namespace>
  /** How many namespaces this machine ever had: cookies count on, over boots too. */
  namespacesMade: number
  /** Give a new link the lowest free index instead of a fresh one, as a kernel does after 2^31 links. */
  reuseIfindex: boolean
  /** Steps that any engine ever asked for. */
  steps: number
}

/** The kernel says no. `code` is the errno's name. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** A machine that was just switched on. `bootId` makes it another one. */
export function createKernelWorld(options: { readonly bootId?: string } = {}): KernelWorld {
  return {
    acting: undefined,
    bootId: options.bootId ?? bootIdOf(1),
    breaking: undefined,
    defects: [],
    faults: [],
    flows: new Set(),
    host: bareNamespace('1', undefined),
    hooks: {},
    latencyMs: () => 0,
    listeners: new Set(),
    mounts: new Map(),
    namespacesMade: 1,
    reuseIfindex: false,
    steps: 0,
  }
}

/** All that the kernel knew is gone: namespaces, links, tables, sysctls. Disks are elsewhere and stay. */
export function reboot(world: KernelWorld): void {
  world.namespacesMade += 1
  world.bootId = bootIdOf(world.namespacesMade)
  world.host = bareNamespace(String(world.namespacesMade), undefined)
  world.mounts = new Map()
  world.flows?.clear()
}

/** Makes a namespace and mounts it. Throws EEXIST. */
export function addNamespace(world: KernelWorld, path: string): Namespace {
  if (world.mounts.has(path)) throw new Refusal('EEXIST', `${path} is mounted already`)
  world.namespacesMade += 1
  const ns = bareNamespace(String(world.namespacesMade), path)
  world.mounts.set(path, ns)
  return ns
}

/** Tells the listeners. */
export function emit(world: KernelWorld, change: Omit<Change, 'by'>): void {
  for (const listener of world.listeners) listener({ ...change, by: world.acting })
}

/** Notifications were lost (ENOBUFS): every listener must look for itself. */
export function overrun(world: KernelWorld): void {
  for (const listener of world.listeners) listener('overrun')
}

/** All namespaces: the host's first. */
export const namespacesOf = (world: KernelWorld): readonly Namespace[] => [
  ...new Set([world.host, ...world.mounts.values()]),
]

/** `mount --bind`: another path for the same namespace. */
export function bindNamespace(world: KernelWorld, ns: Namespace, path: string): void {
  ns.binds.add(path)
  world.mounts.set(path, ns)
}

const bootIdOf = (nth: number): string => `00000000-0000-4000-8000-${String(nth).padStart(12, '0')}`

/** As a new one is: only `lo`, down; IPv6 on, nothing forwarded. */
function bareNamespace(cookie: string, path: string | undefined): Namespace {
  const ns: Namespace = {
    addresses: [],
    binds: new Set(),
    cookie,
    links: new Map(),
    named: new Map(),
    nextIfindex: 2,
    path,
    routes: [],
    sysctls: new Map(DEFAULT_SYSCTLS),
    tables: new Map(),
  }
  const lo: Link = {
    alias: '',
    group: 0,
    ifindex: 1,
    ipv6: true,
    kind: 'loopback',
    mac: '00:00:00:00:00:00',
    master: undefined,
    mtu: 65536,
    mtuIsSet: false,
    name: 'lo',
    ns,
    peer: undefined,
    portState: 'disabled',
    stranger: false,
    up: false,
  }
  ns.links.set(1, lo)
  ns.named.set('lo', lo)
  return ns
}

/** The ones that anybody asked for so far; others do not exist here (ENOENT). */
const DEFAULT_SYSCTLS: readonly (readonly [string, string])[] = [
  ['net.bridge.bridge-nf-call-ip6tables', '1'],
  ['net.bridge.bridge-nf-call-iptables', '1'],
  ['net.ipv4.conf.all.forwarding', '0'],
  ['net.ipv4.conf.all.route_localnet', '0'],
  ['net.ipv4.ip_forward', '0'],
  ['net.ipv4.ping_group_range', '1\t0'],
  ['net.ipv6.conf.all.disable_ipv6', '0'],
  ['net.ipv6.conf.all.forwarding', '0'],
  ['net.ipv6.conf.default.disable_ipv6', '0'],
]
