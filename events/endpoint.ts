/**
 * Facts of an endpoint: what joins one network to one sandbox. It owns the relation between the two.
 *
 * Life: (absent) → `reserved` → `joining` → `joined` → `leaving` → `reserved` → `releasing` → `released`; `failed`
 * from any working state, and leave is its way out. `joining`, `joined` and `failed` all take leave. A release asked
 * for while `leaving` is kept in mind: EndpointLeft and EndpointReleased then come in one commit.
 */
import type { Cidr, EndpointId, Fact, IfName, Mac, NetworkId, PlanId, SandboxId } from './fact.ts'
import type { StepFailure } from './specs.ts'

/** Addresses, MAC and name are held from here on. By: endpoint machine. Since v1. */
export type EndpointReserved = Fact<
  'EndpointReserved',
  1,
  {
    /** One a family the network has, with the subnet's prefix length. */
    readonly addresses: readonly Cidr[]
    readonly endpoint: EndpointId
    readonly labels: Readonly<Record<string, string>>
    readonly mac: Mac
    readonly name: string
    readonly network: NetworkId
  }
>
/** A sandbox asked for the endpoint's interface. Since v1. */
export type EndpointJoinRequested = Fact<
  'EndpointJoinRequested',
  1,
  {
    /** How often this endpoint has been joined, from 1: with its id it gives the link's name. */
    readonly attempt: number
    readonly endpoint: EndpointId
    /** Inside the sandbox. */
    readonly ifName: IfName
    /** The host end of the veth. */
    readonly link: { readonly mac: Mac; readonly name: IfName }
    readonly network: NetworkId
    readonly plan: PlanId
    /** Higher gives the default route sooner. */
    readonly priority: number
    /** True for connect: if the kernel refuses, what was reserved is released with the failure. */
    readonly releaseOnFailure: boolean
    readonly sandbox: SandboxId
  }
>
/** The interface is there and carries. By: endpoint machine, on a current receipt. Since v1. */
export type EndpointJoined = Fact<
  'EndpointJoined',
  1,
  { readonly endpoint: EndpointId; readonly plan: PlanId; readonly sandbox: SandboxId }
>
/** The kernel refused. The endpoint keeps its address; leave is the way out. Since v1. */
export type EndpointJoinFailed = Fact<
  'EndpointJoinFailed',
  1,
  {
    readonly endpoint: EndpointId
    readonly failures: readonly StepFailure[]
    readonly plan: PlanId
    readonly sandbox: SandboxId
    /** The plan that removes what there is of its link, if anything. */
    readonly sweep?: PlanId
  }
>
/** The sandbox gives the interface up. Since v1. */
export type EndpointLeaveRequested = Fact<
  'EndpointLeaveRequested',
  1,
  { readonly endpoint: EndpointId; readonly plan: PlanId; readonly sandbox: SandboxId }
>
/** The interface carries nothing any more. `sweep`: the plan that deletes its link and holds what lies on it until then. Since v1. */
export type EndpointLeft = Fact<
  'EndpointLeft',
  1,
  {
    readonly endpoint: EndpointId
    readonly plan: PlanId
    readonly sandbox: SandboxId
    readonly sweep?: PlanId
  }
>
/** The cut failed; leave again is the way out. Since v1. */
export type EndpointLeaveFailed = Fact<
  'EndpointLeaveFailed',
  1,
  {
    readonly endpoint: EndpointId
    readonly failures: readonly StepFailure[]
    readonly plan: PlanId
    readonly sandbox: SandboxId
  }
>
/** Its end was asked for: alone (delete), or with a leave that is under way (disconnect). EndpointReleased frees what it holds. Since v1. */
export type EndpointReleaseRequested = Fact<'EndpointReleaseRequested', 1, { readonly endpoint: EndpointId }>
/** Addresses, MAC and name are free, save what a sweep still holds. Since v1. */
export type EndpointReleased = Fact<'EndpointReleased', 1, { readonly endpoint: EndpointId }>

export type EndpointFact =
  | EndpointJoinFailed
  | EndpointJoinRequested
  | EndpointJoined
  | EndpointLeaveFailed
  | EndpointLeaveRequested
  | EndpointLeft
  | EndpointReleaseRequested
  | EndpointReleased
  | EndpointReserved
