/**
 * Commands: what may be asked of the engine. Imperative, dotted, may be refused. What is asked here is what the client said;
 * names and prefixes are resolved, and addresses, names and ids chosen, within the turn.
 */
import type {
  AddressLent,
  AddressReturned,
  ClaimGranted,
  ClaimLost,
  ClaimReleased,
  HostEvicted,
} from './claims.ts'
import type { Cidr, PlanId, Stream } from './fact.ts'
import type { Seen } from './effects.ts'
import type { NetworkCreateRequested } from './network.ts'
import type { Adopted, ResourceKey, Spec, Step, StepFailure } from './specs.ts'

/** An id (64 hex), a unique prefix of one (4 characters or more), or a name. */
export type Ref = string

/** A pool as asked for. */
export type SubnetRequest = {
  /** Addresses that endpoints never get, by what has them: a router, a printer. */
  readonly auxAddresses?: Readonly<Record<string, string>>
  /** Default: the first address of `ipRange`, or of the subnet, that is no auxiliary one. */
  readonly gateway?: string
  /** The part of the subnet out of which addresses are chosen. Others of the subnet can be asked for. */
  readonly ipRange?: string
  readonly subnet: string
}

/** What the host reaches by a link that is not ours: where a route leads, or the subnet of an address. */
export type HostRoute = { readonly dst: Cidr; readonly link: string }

/** What was claimed for a network before the turn that makes it. */
export type NetworkClaims = {
  /** Pools of the cluster that it must keep clear of. */
  readonly avoid: readonly Cidr[]
  readonly granted: readonly ClaimGranted['data'][]
  /** Nothing was claimed yet: the turn is taken to see what has to be, and writes nothing. */
  readonly trial?: true
}

export type CommandData = {
  /** Makes a network. Where `subnets` has none of a family, the first free default pool of it is taken. */
  'network.create': {
    /** Takes `subnets` even where they hide a route of the host. */
    readonly allowOverlap?: boolean
    /** Name of the link that carries the network. Default: one that follows from the network's id. */
    readonly bridge?: string
    /** What the engine claimed for it before the turn, if it is one of all hosts. No client can give it. */
    readonly claims?: NetworkClaims
    readonly driver: string
    /** What the engine read of the host before the turn, as far as it matters here. No client can give it. */
    readonly hostRoutes?: readonly HostRoute[]
    /** What names of interfaces on it begin with, inside sandboxes. Default: `eth`. */
    readonly ifPrefix?: string
    readonly internal?: boolean
    /** Default: true. */
    readonly ipv4?: boolean
    /** Default: whether `subnets` has one of IPv6. */
    readonly ipv6?: boolean
    readonly labels?: Readonly<Record<string, string>>
    readonly masquerade?: boolean
    readonly mtu?: number
    readonly name: string
    /** Options under their names in Docker (`com.docker.network.…`): the driver reads them, and refuses what it has not. */
    readonly options?: Readonly<Record<string, string>>
    readonly subnets?: readonly SubnetRequest[]
  }
  /** Ends a network that has no endpoints. */
  'network.delete': { readonly network: Ref }
  /** Makes a sandbox, with a namespace of its own or one that somebody else made. */
  'sandbox.create': {
    /** What the engine found at `netns` before the turn. No client can give it. */
    readonly adopts?: Adopted
    readonly domain?: string
    readonly hostname?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly name: string
    /** Path of the namespace to take, as `/proc/4711/ns/net`. Default: one is made. */
    readonly netns?: string
  }
  /** Ends a sandbox, and with it the endpoints joined to it. */
  'sandbox.delete': { readonly sandbox: Ref }
  /** Reserves an address of each of its families, and a name, on a network. */
  'endpoint.create': {
    /** Of IPv4. */
    readonly address?: string
    /** Of IPv6. */
    readonly address6?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly mac?: string
    readonly name: string
    readonly network: Ref
  }
  /** Gives a reserved endpoint's interface to a sandbox. `network` narrows an endpoint's name. */
  'endpoint.join': {
    readonly endpoint: Ref
    readonly ifName?: string
    /** What the interface's name begins with; the lowest free number follows. Default: the network's. */
    readonly ifPrefix?: string
    readonly network?: Ref
    readonly priority?: number
    readonly sandbox: Ref
  }
  /** Takes the interface back. `sandbox`, if given, must be the one that has it. */
  'endpoint.leave': { readonly endpoint: Ref; readonly network?: Ref; readonly sandbox?: Ref }
  /** Frees what an endpoint holds. `force` leaves first. */
  'endpoint.delete': { readonly endpoint: Ref; readonly force?: boolean; readonly network?: Ref }
  /** Reserve and join in one commit. The endpoint's name is the sandbox's, a dash and the network's, unless given. */
  connect: {
    readonly address?: string
    readonly address6?: string
    readonly ifName?: string
    readonly ifPrefix?: string
    readonly mac?: string
    readonly name?: string
    readonly network: Ref
    readonly priority?: number
    readonly sandbox: Ref
  }
  /** Leave and release in one commit, of the one endpoint that joins the two. */
  disconnect: { readonly network: Ref; readonly sandbox: Ref }
  /**
   * Puts a host out of the cluster: what it has stays as it is. With `dead`, of a host that was put out: it will not come back with
   * what it had, and others may claim that.
   */
  'cluster.evict': {
    readonly dead?: boolean
    /** What the engine told the cluster before the turn. No client can give it. */
    readonly evicted?: HostEvicted['data']
    /** Its name, its id, or the beginning of that. */
    readonly host: string
  }
  /** Publishes this host's log to a cluster's servers, and keeps those of others. Given again, it is where and how from now on. */
  'cluster.join': {
    readonly allowLegacyServer?: boolean
    readonly ca?: string
    readonly certificate?: string
    readonly credentials?: string
    /** What the host is called among its peers. */
    readonly host: string
    readonly key?: string
    readonly servers: readonly string[]
  }
  /**
   * Gives up what this host has in the cluster, networks of the cluster with it, and publishes and reads no more. Refused while such a
   * network has endpoints here.
   */
  'cluster.leave': {
    /** Gives nothing up: it stays claimed, for when this host joins again, or until it is evicted as dead. */
    readonly keep?: boolean
    /** Keys of what the engine could not give up before the turn, since other hosts use it. No client can give it. */
    readonly kept?: readonly string[]
  }
  /** Holds an address of a network of the cluster for a service: no host gives it to an endpoint, and no other service has it. */
  'vip.create': {
    /** Of the part that is kept for services. Default: the first that is free, of IPv4 if the network has that. */
    readonly address?: string
    /** What the engine claimed before the turn. No client can give it. */
    readonly grant?: ClaimGranted['data']
    /** What the service is called. */
    readonly name: string
    readonly network: Ref
  }
  /** Gives up a service's address, which rests then. */
  'vip.delete': { readonly network: Ref; readonly vip: string }
  /** The engine's own: what became of claims. */
  'claims.record': {
    readonly granted?: readonly ClaimGranted['data'][]
    readonly lost?: readonly ClaimLost['data'][]
    readonly released?: readonly ClaimReleased['data'][]
    readonly returned?: readonly AddressReturned['data'][]
  }
  /** The engine's own: another host asks for an address out of a block of this one; `address` without a prefix length. */
  'address.lend': Omit<AddressLent['data'], 'address'> & { readonly address: string }
  /** The engine's own: this host takes part in a network that another one made. */
  'network.adopt': {
    readonly claim: NonNullable<NetworkCreateRequested['data']['claim']>
    readonly definition: Omit<NetworkCreateRequested['data'], 'bridge' | 'claim' | 'plan'> & {
      readonly vni?: number
    }
  }
  /** The engine's own: a plan was run. Never refused. */
  'effects.settle': {
    readonly failures: readonly StepFailure[]
    readonly late: boolean
    readonly plan: PlanId
    readonly seen: readonly Seen[]
    readonly skipped?: readonly ResourceKey[]
  }
  /** The engine's own: a sweep that failed is tried again, for the same streams. */
  'effects.retry': {
    readonly for: readonly Stream[]
    readonly plan?: PlanId
    readonly steps: readonly Step[]
  }
  /** The engine's own: the kernel differs from the receipts (`differences`), or from what is wanted; `recover` are the steps. */
  'drift.report': {
    readonly differences: readonly {
      readonly fields: readonly string[]
      readonly found: 'changed' | 'missing'
      readonly key: ResourceKey
      readonly spec: Spec
    }[]
    readonly purpose: 'heal' | 'recover'
    readonly recover: readonly Step[]
  }
  /** The engine's own: what was seen of the kernel and is no difference of a live thing. */
  'host.observe': {
    readonly contention?: {
      readonly change: string
      readonly heals: number
      readonly key: ResourceKey
      readonly restMs: number
    }
    readonly orphans?: readonly string[]
  }
  /** The engine's own: an epoch begins. */
  'host.start': { readonly bootId: string; readonly code: string; readonly cookie: string }
}

export type CommandType = keyof CommandData
/** A command by its type; with no argument, any. */
export type Command<T extends CommandType = CommandType> = {
  [K in T]: { readonly data: CommandData[K]; readonly type: K }
}[T]

/** Commands that clients may give; the others are the engine's own. */
export type ClientCommandType = Exclude<
  CommandType,
  | 'address.lend'
  | 'claims.record'
  | 'drift.report'
  | 'effects.retry'
  | 'effects.settle'
  | 'host.observe'
  | 'host.start'
  | 'network.adopt'
>
export type ClientCommand = Command<ClientCommandType>
