/**
 * The life of a sandbox: asked for, made, ended, or vanished where its namespace is somebody else's; and which endpoints' interfaces it has, under which names.
 *
 * Interfaces come in `created` only, but go in every state that may have some: a sandbox that is being deleted, or
 * whose deletion failed, must still be able to give them up. Which interface carries the default route is chosen in
 * the turn (priorities cross entities); the machine keeps the choice. Naming of functions: see `network.ts`.
 */
import { and, assign, emit, setup } from 'xstate'
import type {
  EndpointId,
  FactDraft,
  IfName,
  SandboxCreateFailed,
  SandboxCreateRequested,
  SandboxCreated,
  SandboxDeleteFailed,
  SandboxDeleteRequested,
  SandboxDeleted,
  SandboxFact,
  SandboxId,
  SandboxInterfaceAdded,
  SandboxInterfaceRemoved,
  SandboxVanished,
} from '../events/index.ts'
import { streamOf } from '../events/index.ts'
import type {
  EffectsSettle,
  SandboxAddInterface,
  SandboxCommand,
  SandboxCreate,
  SandboxDelete,
  SandboxRemoveInterface,
  SandboxVanish,
} from './commands.ts'
import { inOrder } from './commands.ts'
import type { Waiting } from './settle.ts'
import { forgetPlan, nothingFailed, planIsCurrent, waitForPlan } from './settle.ts'

/** An endpoint's interface in a sandbox. */
export type SandboxInterface = { readonly endpoint: EndpointId; readonly ifName: IfName }

/** What a sandbox's decisions need. Name and id are empty while it is absent. */
export type SandboxContext = Waiting & {
  /** Its namespace is somebody else's. */
  readonly adopts?: true | undefined
  /** The endpoint that the default route of IPv4 goes by: one of `interfaces`. */
  readonly gateway?: EndpointId | undefined
  /** The same for IPv6. */
  readonly gateway6?: EndpointId | undefined
  /** In the order in which they came. */
  readonly interfaces: readonly SandboxInterface[]
  readonly name: string
  readonly sandbox: SandboxId
}

type SandboxEvent = FactDraft<SandboxFact> | SandboxCommand
type Given<E> = { readonly context: SandboxContext; readonly event: E }

const hasInterfaceOf = (context: SandboxContext, endpoint: EndpointId): boolean =>
  context.interfaces.some((one) => one.endpoint === endpoint)

const guards = {
  namespaceIsForeign: ({ context }: Given<SandboxEvent>): boolean => context.adopts === true,
  endpointIsHere: ({ context, event }: Given<SandboxEvent>): boolean =>
    event.type === 'sandbox.removeInterface' && hasInterfaceOf(context, event.endpoint),
  endpointIsNew: ({ context, event }: Given<SandboxEvent>): boolean =>
    event.type === 'sandbox.addInterface' && !hasInterfaceOf(context, event.endpoint),
  ifNameIsFree: ({ context, event }: Given<SandboxEvent>): boolean =>
    event.type === 'sandbox.addInterface' && context.interfaces.every((one) => one.ifName !== event.ifName),
  newGatewayStays: ({ context, event }: Given<SandboxEvent>): boolean =>
    event.type === 'sandbox.removeInterface' &&
    [event.gateway, event.gateway6].every(
      (id) => id === undefined || (id !== event.endpoint && hasInterfaceOf(context, id)),
    ),
  nothingFailed,
  planIsCurrent,
}

/** Read by the compiler only. */
const types = {} as { context: SandboxContext; emitted: FactDraft<SandboxFact>; events: SandboxEvent }

/** The sandbox's machine. */
export const sandboxMachine = setup({
  types,
  guards,
}).createMachine({
  id: 'sandbox',
  context: { interfaces: [], name: '', sandbox: '' as SandboxId },
  initial: 'absent',
  states: {
    absent: {
      on: {
        'sandbox.create': { actions: emit(createRequested) },
        SandboxCreateRequested: { target: 'creating', actions: assign(begin) },
      },
    },
    creating: {
      on: {
        'effects.settle': [
          { guard: and(['planIsCurrent', 'nothingFailed']), actions: emit(created) },
          { guard: 'planIsCurrent', actions: emit(createFailed) },
        ],
        'sandbox.delete': { actions: emit(deleteRequested) },
        SandboxCreated: { target: 'created', actions: assign(forgetPlan) },
        SandboxCreateFailed: { target: 'failed', actions: assign(forgetPlan) },
        SandboxDeleteRequested: { target: 'deleting', actions: assign(waitForPlan) },
      },
    },
    created: {
      on: {
        'sandbox.addInterface': {
          guard: and(['endpointIsNew', 'ifNameIsFree']),
          actions: emit(interfaceAdded),
        },
        'sandbox.removeInterface': {
          guard: and(['endpointIsHere', 'newGatewayStays']),
          actions: emit(interfaceRemoved),
        },
        'sandbox.vanish': { guard: 'namespaceIsForeign', actions: emit(vanished) },
        'sandbox.delete': { actions: emit(deleteRequested) },
        SandboxInterfaceAdded: { target: 'created', actions: assign(addInterface) },
        SandboxInterfaceRemoved: { target: 'created', actions: assign(removeInterface) },
        SandboxVanished: { target: 'vanished' },
        SandboxDeleteRequested: { target: 'deleting', actions: assign(waitForPlan) },
      },
    },
    vanished: {
      on: {
        'sandbox.delete': { actions: emit(deleteRequested) },
        SandboxDeleteRequested: { target: 'deleting', actions: assign(waitForPlan) },
      },
    },
    failed: {
      on: {
        'sandbox.removeInterface': {
          guard: and(['endpointIsHere', 'newGatewayStays']),
          actions: emit(interfaceRemoved),
        },
        'sandbox.delete': { actions: emit(deleteRequested) },
        SandboxInterfaceRemoved: { target: 'failed', actions: assign(removeInterface) },
        SandboxDeleteRequested: { target: 'deleting', actions: assign(waitForPlan) },
      },
    },
    deleting: {
      on: {
        'effects.settle': [
          { guard: and(['planIsCurrent', 'nothingFailed']), actions: emit(deleted) },
          { guard: 'planIsCurrent', actions: emit(deleteFailed) },
        ],
        'sandbox.removeInterface': {
          guard: and(['endpointIsHere', 'newGatewayStays']),
          actions: emit(interfaceRemoved),
        },
        SandboxInterfaceRemoved: { target: 'deleting', actions: assign(removeInterface) },
        SandboxDeleted: { target: 'deleted', actions: assign(forgetPlan) },
        SandboxDeleteFailed: { target: 'failed', actions: assign(forgetPlan) },
      },
    },
    deleted: { type: 'final' },
  },
})

function begin({ event }: { readonly event: FactDraft<SandboxCreateRequested> }) {
  const { adopts, name, plan, sandbox } = event.data
  return { ...(adopts === undefined ? {} : { adopts: true as const }), name, plan, sandbox }
}

function addInterface({ context, event }: Given<FactDraft<SandboxInterfaceAdded>>) {
  const { endpoint, gateway, gateway6, ifName } = event.data
  return {
    gateway: gateway ? endpoint : context.gateway,
    gateway6: gateway6 ? endpoint : context.gateway6,
    interfaces: context.interfaces.concat({ endpoint, ifName }),
  }
}

function removeInterface({ context, event }: Given<FactDraft<SandboxInterfaceRemoved>>) {
  const interfaces = context.interfaces.filter((one) => one.endpoint !== event.data.endpoint)
  return { ...gatewaysAfter(context, event.data), interfaces }
}

/** A gateway that is named is the gateway; the one that goes is it no longer. */
function gatewaysAfter(
  context: SandboxContext,
  { endpoint, gateway, gateway6 }: Omit<SandboxRemoveInterface, 'type'>,
): Pick<SandboxContext, 'gateway' | 'gateway6'> {
  const stays = (id: EndpointId | undefined): EndpointId | undefined => (id === endpoint ? undefined : id)
  return { gateway: gateway ?? stays(context.gateway), gateway6: gateway6 ?? stays(context.gateway6) }
}

function createRequested({ event }: Given<SandboxCreate>): FactDraft<SandboxCreateRequested> {
  const data = {
    ...(event.adopts === undefined ? {} : { adopts: event.adopts }),
    domain: event.domain,
    hostname: event.hostname,
    labels: inOrder(event.labels),
    name: event.name,
    plan: event.plan,
    sandbox: event.sandbox,
  }
  return { data, stream: streamOf.sandbox(event.sandbox), type: 'SandboxCreateRequested', v: 1 }
}

function created({ context, event }: Given<EffectsSettle>): FactDraft<SandboxCreated> {
  const data = { plan: event.plan, sandbox: context.sandbox }
  return { data, stream: streamOf.sandbox(context.sandbox), type: 'SandboxCreated', v: 1 }
}

function createFailed({ context, event }: Given<EffectsSettle>): FactDraft<SandboxCreateFailed> {
  const data = { failures: event.failures, plan: event.plan, sandbox: context.sandbox }
  return { data, stream: streamOf.sandbox(context.sandbox), type: 'SandboxCreateFailed', v: 1 }
}

function interfaceAdded({ context, event }: Given<SandboxAddInterface>): FactDraft<SandboxInterfaceAdded> {
  const { endpoint, gateway, gateway6, ifName } = event
  const data = { endpoint, gateway, gateway6, ifName, sandbox: context.sandbox }
  return { data, stream: streamOf.sandbox(context.sandbox), type: 'SandboxInterfaceAdded', v: 1 }
}

/** The fact names the gateways from now on even if they stay the same, so that it explains itself. */
function interfaceRemoved({
  context,
  event,
}: Given<SandboxRemoveInterface>): FactDraft<SandboxInterfaceRemoved> {
  const { sandbox } = context
  const { gateway, gateway6 } = gatewaysAfter(context, event)
  const data = {
    endpoint: event.endpoint,
    ...(gateway === undefined ? {} : { gateway }),
    ...(gateway6 === undefined ? {} : { gateway6 }),
    sandbox,
  }
  return { data, stream: streamOf.sandbox(sandbox), type: 'SandboxInterfaceRemoved', v: 1 }
}

function vanished({ context, event }: Given<SandboxVanish>): FactDraft<SandboxVanished> {
  const data = { failures: event.failures, sandbox: context.sandbox }
  return { data, stream: streamOf.sandbox(context.sandbox), type: 'SandboxVanished', v: 1 }
}

function deleteRequested({ context, event }: Given<SandboxDelete>): FactDraft<SandboxDeleteRequested> {
  const data = { plan: event.plan, sandbox: context.sandbox }
  return { data, stream: streamOf.sandbox(context.sandbox), type: 'SandboxDeleteRequested', v: 1 }
}

function deleted({ context, event }: Given<EffectsSettle>): FactDraft<SandboxDeleted> {
  const data = { plan: event.plan, sandbox: context.sandbox }
  return { data, stream: streamOf.sandbox(context.sandbox), type: 'SandboxDeleted', v: 1 }
}

function deleteFailed({ context, event }: Given<EffectsSettle>): FactDraft<SandboxDeleteFailed> {
  const data = { failures: event.failures, plan: event.plan, sandbox: context.sandbox }
  return { data, stream: streamOf.sandbox(context.sandbox), type: 'SandboxDeleteFailed', v: 1 }
}
