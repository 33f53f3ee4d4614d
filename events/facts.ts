/** The union of all facts of this version, and selection by type name. */
import type { ClaimFact } from './claims.ts'
import type { EffectsFact } from './effects.ts'
import type { EndpointFact } from './endpoint.ts'
import type { HostFact } from './host.ts'
import type { NetworkFact } from './network.ts'
import type { SandboxFact } from './sandbox.ts'

/** Any fact of this version. */
export type AnyFact = ClaimFact | EffectsFact | EndpointFact | HostFact | NetworkFact | SandboxFact
/** The name of a fact's type. */
export type FactType = AnyFact['type']
/** The newest version of each type that this program knows; {@link UPCASTERS} take older ones there. */
export const FACT_VERSIONS: { readonly [T in FactType]: FactOf<T>['v'] } = {
  AddressLent: 1,
  AddressReturned: 1,
  ClaimGranted: 2,
  ClaimLost: 1,
  ClaimReleased: 1,
  ClockSteppedBack: 1,
  ClusterJoined: 1,
  ClusterLeft: 1,
  Contention: 1,
  DriftObserved: 1,
  EffectsIntended: 1,
  EffectsSettled: 1,
  EndpointJoinFailed: 1,
  EndpointJoinRequested: 1,
  EndpointJoined: 1,
  EndpointLeaveFailed: 1,
  EndpointLeaveRequested: 1,
  EndpointLeft: 1,
  EndpointReleaseRequested: 1,
  EndpointReleased: 1,
  EndpointReserved: 1,
  HostEvicted: 1,
  HostStarted: 1,
  NetworkCreateFailed: 1,
  NetworkCreateRequested: 1,
  NetworkCreated: 1,
  NetworkDeleteFailed: 1,
  NetworkDeleteRequested: 1,
  NetworkDeleted: 1,
  OrphansRemoved: 1,
  SandboxCreateFailed: 1,
  SandboxCreateRequested: 1,
  SandboxCreated: 1,
  SandboxDeleteFailed: 1,
  SandboxDeleteRequested: 1,
  SandboxDeleted: 1,
  SandboxInterfaceAdded: 1,
  SandboxInterfaceRemoved: 1,
  SandboxVanished: 1,
  VniAssigned: 1,
}

/** Facts after which their entity is no more. */
const LAST: ReadonlySet<string> = new Set<FactType>(['EndpointReleased', 'NetworkDeleted', 'SandboxDeleted'])

/** Whether a fact is the last of its stream: an entity's id never comes again. */
export const isLast = ({ type }: { readonly type: string }): boolean => LAST.has(type)

/** A fact by its type's name. */
export type FactOf<T extends FactType> = Extract<AnyFact, { readonly type: T }>
