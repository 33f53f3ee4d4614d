/** The union of all facts of this version, and selection by type name. */
import type { EffectsFact } from './effects.ts'
import type { EndpointFact } from './endpoint.ts'
import type { HostFact } from './host.ts'
import type { NetworkFact } from './network.ts'
import type { SandboxFact } from './sandbox.ts'

/** Any fact of this version. */
export type AnyFact = EffectsFact | EndpointFact | HostFact | NetworkFact | SandboxFact
/** The name of a fact's type. */
export type FactType = AnyFact['type']
/** Facts after which their entity is no more. */
const LAST: ReadonlySet<string> = new Set<FactType>(['EndpointReleased', 'NetworkDeleted', 'SandboxDeleted'])

/** Whether a fact is the last of its stream: an entity's id never comes again. */
export const isLast = ({ type }: { readonly type: string }): boolean => LAST.has(type)

/** A fact by its type's name. */
export type FactOf<T extends FactType> = Extract<AnyFact, { readonly type: T }>
