/**
 * Facts of a sandbox: one container's network stack.
 *
 * Life: (absent) → `creating` → `created` → `deleting` → `deleted`; `failed` from creating or deleting, and delete
 * (again) is its way out. Interfaces come and go in `created`. One that has somebody else's namespace is `vanished` when that is
 * gone, and delete is its way out too.
 */
import type { EndpointId, Fact, IfName, PlanId, SandboxId } from './fact.ts'
import type { Adopted, StepFailure } from './specs.ts'

/** A sandbox was asked for; its name is held from here on. By: sandbox machine. Since v1. */
export type SandboxCreateRequested = Fact<
  'SandboxCreateRequested',
  1,
  {
    /** The namespace that it takes, of somebody else. Absent: it gets one of its own. */
    readonly adopts?: Adopted
    readonly domain: string
    readonly hostname: string
    readonly labels: Readonly<Record<string, string>>
    /** The container's id or name, as the client calls it. */
    readonly name: string
    readonly plan: PlanId
    readonly sandbox: SandboxId
  }
>
/** Its namespace is there. Since v1. */
export type SandboxCreated = Fact<'SandboxCreated', 1, { readonly plan: PlanId; readonly sandbox: SandboxId }>
/** The kernel refused; delete is the way out. Since v1. */
export type SandboxCreateFailed = Fact<
  'SandboxCreateFailed',
  1,
  { readonly failures: readonly StepFailure[]; readonly plan: PlanId; readonly sandbox: SandboxId }
>
/**
 * An endpoint's interface has its name here. `gateway`, `gateway6`: the default route of IPv4, of IPv6, goes by it from now
 * on. Since v1.
 */
export type SandboxInterfaceAdded = Fact<
  'SandboxInterfaceAdded',
  1,
  {
    readonly endpoint: EndpointId
    readonly gateway: boolean
    readonly gateway6: boolean
    readonly ifName: IfName
    readonly sandbox: SandboxId
  }
>
/**
 * An interface is no longer wanted here. `gateway`, `gateway6`: the endpoint that the default route of IPv4, of IPv6, goes by
 * from now on; absent: none. Since v1.
 */
export type SandboxInterfaceRemoved = Fact<
  'SandboxInterfaceRemoved',
  1,
  {
    readonly endpoint: EndpointId
    readonly gateway?: EndpointId
    readonly gateway6?: EndpointId
    readonly sandbox: SandboxId
  }
>
/** Its end was asked for: its name is free from here on. Since v1. */
export type SandboxDeleteRequested = Fact<
  'SandboxDeleteRequested',
  1,
  { readonly plan: PlanId; readonly sandbox: SandboxId }
>
/** Its namespace is gone from us. Since v1. */
export type SandboxDeleted = Fact<'SandboxDeleted', 1, { readonly plan: PlanId; readonly sandbox: SandboxId }>
/** The removal failed; delete again is the way out. Since v1. */
export type SandboxDeleteFailed = Fact<
  'SandboxDeleteFailed',
  1,
  { readonly failures: readonly StepFailure[]; readonly plan: PlanId; readonly sandbox: SandboxId }
>

/** The namespace of somebody else that it had is no more; its endpoints have left it. Delete is the way out. Since v1. */
export type SandboxVanished = Fact<
  'SandboxVanished',
  1,
  { readonly failures: readonly StepFailure[]; readonly sandbox: SandboxId }
>

export type SandboxFact =
  | SandboxCreateFailed
  | SandboxCreateRequested
  | SandboxCreated
  | SandboxDeleteFailed
  | SandboxDeleteRequested
  | SandboxDeleted
  | SandboxInterfaceAdded
  | SandboxInterfaceRemoved
  | SandboxVanished
