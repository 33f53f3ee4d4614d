/**
 * The life of a network: asked for, made, ended. Commands emit and never move, facts move and never emit.
 *
 * Whether somebody still uses the network crosses entities, so the turn asks that (`src/engine/decisions`). Functions
 * given to `emit` are named as the fact without `Network`; the charts in `docs/machines` are drawn from those names.
 */
import { and, assign, emit, setup } from 'xstate'
import type {
  FactDraft,
  NetworkCreateFailed,
  NetworkCreateRequested,
  NetworkCreated,
  NetworkDeleteFailed,
  NetworkDeleteRequested,
  NetworkDeleted,
  NetworkFact,
  NetworkId,
} from '../events/index.ts'
import { streamOf } from '../events/index.ts'
import type { EffectsSettle, NetworkCommand, NetworkCreate, NetworkDelete } from './commands.ts'
import { inOrder } from './commands.ts'
import type { Waiting } from './settle.ts'
import { forgetPlan, nothingFailed, planIsCurrent, sweepOf, waitForPlan } from './settle.ts'

/** What a network's decisions need. Name and id are empty while it is absent. */
export type NetworkContext = Waiting & { readonly name: string; readonly network: NetworkId }

type Given<E> = { readonly context: NetworkContext; readonly event: E }

/** Read by the compiler only. */
const types = {} as {
  context: NetworkContext
  emitted: FactDraft<NetworkFact>
  events: FactDraft<NetworkFact> | NetworkCommand
}

/** The network's machine. */
export const networkMachine = setup({
  types,
  guards: { nothingFailed, planIsCurrent },
}).createMachine({
  id: 'network',
  context: { name: '', network: '' as NetworkId },
  initial: 'absent',
  states: {
    absent: {
      on: {
        'network.create': { actions: emit(createRequested) },
        NetworkCreateRequested: { target: 'creating', actions: assign(begin) },
      },
    },
    creating: {
      on: {
        'effects.settle': [
          { guard: and(['planIsCurrent', 'nothingFailed']), actions: emit(created) },
          { guard: 'planIsCurrent', actions: emit(createFailed) },
        ],
        'network.delete': { actions: emit(deleteRequested) },
        NetworkCreated: { target: 'created', actions: assign(forgetPlan) },
        NetworkCreateFailed: { target: 'failed', actions: assign(forgetPlan) },
        NetworkDeleteRequested: { target: 'deleting', actions: assign(waitForPlan) },
      },
    },
    created: {
      on: {
        'network.delete': { actions: emit(deleteRequested) },
        NetworkDeleteRequested: { target: 'deleting', actions: assign(waitForPlan) },
      },
    },
    failed: {
      on: {
        'network.delete': { actions: emit(deleteRequested) },
        NetworkDeleteRequested: { target: 'deleting', actions: assign(waitForPlan) },
      },
    },
    deleting: {
      on: {
        'effects.settle': [
          { guard: and(['planIsCurrent', 'nothingFailed']), actions: emit(deleted) },
          { guard: 'planIsCurrent', actions: emit(deleteFailed) },
        ],
        NetworkDeleted: { target: 'deleted', actions: assign(forgetPlan) },
        NetworkDeleteFailed: { target: 'failed', actions: assign(forgetPlan) },
      },
    },
    deleted: { type: 'final' },
  },
})

function begin({ event }: { readonly event: FactDraft<NetworkCreateRequested> }) {
  return { name: event.data.name, network: event.data.network, plan: event.data.plan }
}

function createRequested({ event }: Given<NetworkCreate>): FactDraft<NetworkCreateRequested> {
  const data = {
    bridge: event.bridge,
    ...(event.claim === undefined ? {} : { claim: event.claim }),
    driver: event.driver,
    ...(event.ifPrefix === undefined ? {} : { ifPrefix: event.ifPrefix }),
    internal: event.internal,
    labels: inOrder(event.labels),
    masquerade: event.masquerade,
    mtu: event.mtu,
    name: event.name,
    network: event.network,
    ...(event.options === undefined ? {} : { options: inOrder(event.options) }),
    plan: event.plan,
    subnets: event.subnets,
  }
  return { data, stream: streamOf.network(event.network), type: 'NetworkCreateRequested', v: 1 }
}

function created({ context, event }: Given<EffectsSettle>): FactDraft<NetworkCreated> {
  const data = { network: context.network, plan: event.plan }
  return { data, stream: streamOf.network(context.network), type: 'NetworkCreated', v: 1 }
}

function createFailed({ context, event }: Given<EffectsSettle>): FactDraft<NetworkCreateFailed> {
  const data = {
    failures: event.failures,
    network: context.network,
    plan: event.plan,
    ...sweepOf(event),
  }
  return { data, stream: streamOf.network(context.network), type: 'NetworkCreateFailed', v: 1 }
}

function deleteRequested({ context, event }: Given<NetworkDelete>): FactDraft<NetworkDeleteRequested> {
  const data = { network: context.network, plan: event.plan }
  return { data, stream: streamOf.network(context.network), type: 'NetworkDeleteRequested', v: 1 }
}

function deleted({ context, event }: Given<EffectsSettle>): FactDraft<NetworkDeleted> {
  const data = { network: context.network, plan: event.plan, ...sweepOf(event) }
  return { data, stream: streamOf.network(context.network), type: 'NetworkDeleted', v: 1 }
}

function deleteFailed({ context, event }: Given<EffectsSettle>): FactDraft<NetworkDeleteFailed> {
  const data = { failures: event.failures, network: context.network, plan: event.plan }
  return { data, stream: streamOf.network(context.network), type: 'NetworkDeleteFailed', v: 1 }
}
