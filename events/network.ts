/**
 * Facts of a network: a set of endpoints that reach each other.
 *
 * Life: (absent) → `creating` → `created` → `deleting` → `deleted`; `failed` from creating or deleting, and delete
 * (again) is its way out.
 */
import type { Cidr, Fact, IfName, Ip, Mac, NetworkId, Origin, PlanId } from './fact.ts'
import type { StepFailure } from './specs.ts'

/** A pool of addresses on a network, with the address its gateway has. */
export type Subnet = {
  /** Addresses that no endpoint gets, by what has them. Absent: none. */
  readonly auxAddresses?: Readonly<Record<string, Ip>>
  readonly gateway: Ip
  /** The part out of which addresses are chosen. Absent: all of it. */
  readonly ipRange?: Cidr
  readonly subnet: Cidr
}

/** A network was asked for; its name, pools, gateway and auxiliary addresses and bridge are held from here on. By: network machine. Since v1. */
export type NetworkCreateRequested = Fact<
  'NetworkCreateRequested',
  1,
  {
    /** The link that carries the network; empty for drivers without one. */
    readonly bridge: { readonly mac: Mac; readonly name: IfName }
    /** The claim by which it is the same on all hosts of a cluster: who made it, and its number. Absent: a network of this host. */
    readonly claim?: { readonly owner: Origin; readonly seq: number }
    readonly driver: string
    /** What names of interfaces on it begin with, inside sandboxes. Absent: `eth`. */
    readonly ifPrefix?: string
    readonly internal: boolean
    readonly labels: Readonly<Record<string, string>>
    readonly masquerade: boolean
    /** Bytes; 0 leaves the kernel's default. */
    readonly mtu: number
    readonly name: string
    readonly network: NetworkId
    /** The driver's options as they were asked for, by name: what they mean stands in the other fields. Absent: none. */
    readonly options?: Readonly<Record<string, string>>
    readonly plan: PlanId
    /** IPv4's first, else in the order given; at most one a family for the bridge driver. */
    readonly subnets: readonly Subnet[]
  }
>
/** The kernel has followed. By: network machine, on a current receipt. Since v1. */
export type NetworkCreated = Fact<'NetworkCreated', 1, { readonly network: NetworkId; readonly plan: PlanId }>
/** The kernel refused; what there is of it is swept; delete is the way out. Since v1. */
export type NetworkCreateFailed = Fact<
  'NetworkCreateFailed',
  1,
  {
    readonly failures: readonly StepFailure[]
    readonly network: NetworkId
    readonly plan: PlanId
    /** The plan that removes what there is of it, if anything. */
    readonly sweep?: PlanId
  }
>
/** Its end was asked for: its name is free from here on, its pools once its bridge is gone. Since v1. */
export type NetworkDeleteRequested = Fact<
  'NetworkDeleteRequested',
  1,
  { readonly network: NetworkId; readonly plan: PlanId }
>
/** It carries nothing any more. `sweep`: the plan that removes its bridge and holds its pools until then. Since v1. */
export type NetworkDeleted = Fact<
  'NetworkDeleted',
  1,
  { readonly network: NetworkId; readonly plan: PlanId; readonly sweep?: PlanId }
>
/** The cut failed; delete again is the way out. Since v1. */
export type NetworkDeleteFailed = Fact<
  'NetworkDeleteFailed',
  1,
  { readonly failures: readonly StepFailure[]; readonly network: NetworkId; readonly plan: PlanId }
>

export type NetworkFact =
  | NetworkCreateFailed
  | NetworkCreateRequested
  | NetworkCreated
  | NetworkDeleteFailed
  | NetworkDeleteRequested
  | NetworkDeleted
