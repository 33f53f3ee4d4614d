/**
 * The shapes of the topology: networks, endpoints and sandboxes as users see them.
 */
import type {
  Adopted,
  Cidr,
  EndpointId,
  IfName,
  Instant,
  Mac,
  NetworkCreateRequested,
  NetworkId,
  PlanId,
  SandboxId,
  StepFailure,
  Subnet,
} from '../events/index.ts'
import type { Table } from './table.ts'

/** States of networks and sandboxes, as the machines name them; what is deleted has no view. */
export type WorkState = 'created' | 'creating' | 'deleting' | 'failed'
/** States of sandboxes: `vanished` are those whose namespace was somebody else's, and is gone. */
export type SandboxState = WorkState | 'vanished'
/** States of endpoints, as the machine names them. */
export type EndpointState = 'failed' | 'joined' | 'joining' | 'leaving' | 'releasing' | 'reserved'

/** What every view tells: when it came to its state, the plan it waits for in a working state, the failures in `failed`. */
export type Progress = {
  readonly failures?: readonly StepFailure[]
  readonly plan?: PlanId
  readonly since: Instant
}

/** An address that is held for a service, and the key of its claim. */
export type Vip = { readonly address: Cidr; readonly key: string; readonly name: string }

/** A network that exists: asked for, and not yet deleted. */
export type NetworkView = Progress & {
  readonly bridge: NetworkCreateRequested['data']['bridge']
  /** It is the same network on all hosts of the cluster; absent: it is this host's alone. */
  readonly claim?: NonNullable<NetworkCreateRequested['data']['claim']>
  readonly driver: string
  readonly id: NetworkId
  /** What names of interfaces on it begin with, inside sandboxes; absent: `eth`. */
  readonly ifPrefix?: string
  readonly internal: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly masquerade: boolean
  /** Bytes; 0: the kernel's default. */
  readonly mtu: number
  readonly name: string
  /** The driver's, as they were asked for; absent: none. */
  readonly options?: Readonly<Record<string, string>>
  readonly state: WorkState
  readonly subnets: readonly Subnet[]
  /** Addresses that this host holds for services; absent: none. */
  readonly vips?: readonly Vip[]
  /** Its number among all networks of the cluster; absent: it has none. */
  readonly vni?: number
}

/** An endpoint that exists: reserved, and not yet released. */
export type EndpointView = Progress & {
  readonly addresses: readonly Cidr[]
  readonly id: EndpointId
  readonly labels: Readonly<Record<string, string>>
  readonly mac: Mac
  readonly name: string
  readonly network: NetworkId
  readonly state: EndpointState
  // From joining to left, also where that failed:
  /** Inside the sandbox. */
  readonly ifName?: IfName
  /** The host end of its veth. */
  readonly link?: { readonly mac: Mac; readonly name: IfName }
  readonly priority?: number
  readonly sandbox?: SandboxId
}

/** A sandbox that exists: asked for, and not yet deleted. */
export type SandboxView = Progress & {
  /** The namespace that it has, of somebody else; absent: one of its own. */
  readonly adopts?: Adopted
  readonly domain: string
  /** The endpoint that the default route of IPv4 goes by. */
  readonly gateway?: EndpointId
  /** The endpoint that the default route of IPv6 goes by. */
  readonly gateway6?: EndpointId
  readonly hostname: string
  readonly id: SandboxId
  /** In the order they were added. */
  readonly interfaces: readonly { readonly endpoint: EndpointId; readonly ifName: IfName }[]
  readonly labels: Readonly<Record<string, string>>
  readonly name: string
  readonly state: SandboxState
}

/** Who exists and who is on what. A deleted or released thing is in no table. */
export type Topology = {
  /** By `<network id>/<endpoint name>`. */
  readonly endpointNames: Table<EndpointId>
  readonly endpoints: Table<EndpointView>
  /** Ids of endpoints in the state `failed`: mostly none. */
  readonly failed: Table<true>
  /** Endpoint ids by network id. */
  readonly members: Table<Table<true>>
  readonly networkNames: Table<NetworkId>
  readonly networks: Table<NetworkView>
  readonly sandboxNames: Table<SandboxId>
  readonly sandboxes: Table<SandboxView>
}
