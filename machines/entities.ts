/**
 * The machines by kind of entity, and the types that follow from each: its states, its commands, its facts.
 */
import type { ContextFrom, EmittedFrom, EventFrom, StateValueFrom } from 'xstate'
import { chartOf } from './chart.ts'
import type { MachineCommand } from './commands.ts'
import { endpointMachine } from './endpoint.ts'
import { networkMachine } from './network.ts'
import { sandboxMachine } from './sandbox.ts'

/** Every machine under its kind, which is also the first part of its entities' streams. */
export const MACHINES = { endpoint: endpointMachine, network: networkMachine, sandbox: sandboxMachine }

/** `endpoint`, `network` or `sandbox`. */
export type EntityKind = keyof typeof MACHINES
/** The machine of a kind; with no argument, any. */
export type EntityMachine<K extends EntityKind = EntityKind> = (typeof MACHINES)[K]

/** What a machine knows of one entity: its state's name, and a context that is plain JSON. */
export type StateOf<M extends EntityMachine> = M extends EntityMachine
  ? { readonly context: ContextFrom<M>; readonly value: StateValueFrom<M> }
  : never
/** The commands that a machine takes. */
export type CommandOf<M extends EntityMachine> = Extract<EventFrom<M>, MachineCommand>
/** The facts that a machine emits, before the log has numbered them. */
export type DraftOf<M extends EntityMachine> = EmittedFrom<M>

/** State of an entity of a kind; with no argument, of any. */
export type EntityState<K extends EntityKind = EntityKind> = StateOf<EntityMachine<K>>
/** State of an endpoint. */
export type EndpointState = EntityState<'endpoint'>
/** State of a network. */
export type NetworkState = EntityState<'network'>
/** State of a sandbox. */
export type SandboxState = EntityState<'sandbox'>

const STREAMS = Object.keys(MACHINES).map((kind) => ({ kind: kind as EntityKind, prefix: `${kind}/` }))

/** The kind of entity that a stream is of; undefined for `effects` and `host`, which no machine sees. */
export function kindOf(stream: string): EntityKind | undefined {
  for (const { kind, prefix } of STREAMS) if (stream.startsWith(prefix)) return kind
  return undefined
}

/** The machine of the entity that a stream is of; undefined as in {@link kindOf}. */
export function machineOf(stream: string): EntityMachine | undefined {
  const kind = kindOf(stream)
  return kind === undefined ? undefined : MACHINES[kind]
}

/** What is known of an entity before its first fact: `absent`. The same object each time. */
export function initialState<M extends EntityMachine>(machine: M): StateOf<M> {
  let state = initials.get(machine)
  if (state === undefined) {
    const { context, initial } = chartOf(machine)
    initials.set(machine, (state = { context, value: initial }))
  }
  return state as StateOf<M>
}

const initials = new Map<EntityMachine, { readonly context: object; readonly value: string }>()
