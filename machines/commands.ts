/**
 * What the engine's turn asks of a machine, after names are resolved and ids, addresses and plans are chosen: full
 * values, so that a machine only decides. What clients may ask is in `events/commands.ts`.
 *
 * A command's fields are those of the fact it asks for, without what the machine knows itself. Objects inside a
 * field (failures, subnets) go into facts as they are: their keys must already be in alphabetical order. Labels and
 * options are put in order here.
 */
import type {
  EndpointId,
  EndpointJoinRequested,
  EndpointReserved,
  IfName,
  NetworkCreateRequested,
  PlanId,
  SandboxCreateRequested,
  StepFailure,
} from '../events/index.ts'

/** A plan was run. Never refused: a machine whose plan it is not, or no longer, stays silent. */
export type EffectsSettle = {
  /** Empty: all is done. */
  readonly failures: readonly StepFailure[]
  readonly plan: PlanId
  /** The plan, intended in the same commit, that removes what is left of it. */
  readonly sweep?: PlanId
  readonly type: 'effects.settle'
}

/** Asks for a network; all of its values are chosen. */
export type NetworkCreate = NetworkCreateRequested['data'] & { readonly type: 'network.create' }
/** Asks for a network's end. That nobody uses it was checked in the turn, since it crosses entities. */
export type NetworkDelete = { readonly plan: PlanId; readonly type: 'network.delete' }
/** All that the network machine takes. */
export type NetworkCommand = EffectsSettle | NetworkCreate | NetworkDelete

/** Holds addresses, MAC and name on a network. */
export type EndpointReserve = EndpointReserved['data'] & { readonly type: 'endpoint.reserve' }
/** Gives the interface to a sandbox. `attempt` is one more than the context's `attempts`: the link's name hangs on it. */
export type EndpointJoin = EndpointJoinRequested['data'] & { readonly type: 'endpoint.join' }
/** Takes the interface back from the sandbox that has it. */
export type EndpointLeave = { readonly plan: PlanId; readonly type: 'endpoint.leave' }
/** Frees what the endpoint holds: now, or with a leave that is under way. */
export type EndpointRelease = { readonly type: 'endpoint.release' }
/** All that the endpoint machine takes. */
export type EndpointCommand = EffectsSettle | EndpointJoin | EndpointLeave | EndpointRelease | EndpointReserve

/** Asks for a sandbox; all of its values are chosen. */
export type SandboxCreate = SandboxCreateRequested['data'] & { readonly type: 'sandbox.create' }
/** Gives an endpoint's interface its name here. `gateway`, `gateway6`: the family's default route goes by it from now on. */
export type SandboxAddInterface = {
  readonly endpoint: EndpointId
  readonly gateway: boolean
  readonly gateway6: boolean
  readonly ifName: IfName
  readonly type: 'sandbox.addInterface'
}
/** Takes it away. `gateway`, `gateway6`: where the family's default route moves to; absent: it stays, or there is none. */
export type SandboxRemoveInterface = {
  readonly endpoint: EndpointId
  readonly gateway?: EndpointId
  readonly gateway6?: EndpointId
  readonly type: 'sandbox.removeInterface'
}
/** The namespace of somebody else that it has is gone. `failures`: how that showed. Its interfaces were taken away before. */
export type SandboxVanish = { readonly failures: readonly StepFailure[]; readonly type: 'sandbox.vanish' }
/** Asks for a sandbox's end. */
export type SandboxDelete = { readonly plan: PlanId; readonly type: 'sandbox.delete' }
/** All that the sandbox machine takes. */
export type SandboxCommand =
  EffectsSettle | SandboxAddInterface | SandboxCreate | SandboxDelete | SandboxRemoveInterface | SandboxVanish

/** Any command that some machine takes. */
export type MachineCommand = EndpointCommand | NetworkCommand | SandboxCommand

/** Labels or options with their keys in the order of the canonical form (UTF-16 code units, RFC 8785). */
export const inOrder = (labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
