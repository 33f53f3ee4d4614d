/**
 * The life of an endpoint: what it holds on its network, and the sandbox that it is joined to. It owns the relation
 * between the two. Leave is the way out of `joining`, `joined` and `failed`.
 *
 * A release that comes while a leave is under way is remembered, and follows the leave's receipt in one commit; a
 * leave that fails forgets it, for a link that was not cut may still carry the address. Naming of functions: see
 * `network.ts`.
 */
import { and, assign, emit, setup } from 'xstate'
import type {
  EndpointFact,
  EndpointId,
  EndpointJoinFailed,
  EndpointJoinRequested,
  EndpointJoined,
  EndpointLeaveFailed,
  EndpointLeaveRequested,
  EndpointLeft,
  EndpointReleaseRequested,
  EndpointReleased,
  EndpointReserved,
  FactDraft,
  SandboxId,
} from '../events/index.ts'
import { assert, streamOf } from '../events/index.ts'
import type {
  EffectsSettle,
  EndpointCommand,
  EndpointJoin,
  EndpointLeave,
  EndpointRelease,
  EndpointReserve,
} from './commands.ts'
import { inOrder } from './commands.ts'
import type { Waiting } from './settle.ts'
import { nothingFailed, planIsCurrent, sweepOf } from './settle.ts'

/** What an endpoint's decisions need. Name and id are empty while it is absent. */
export type EndpointContext = Waiting & {
  /** How often it was joined; the next join's `attempt` is one more. */
  readonly attempts: number
  readonly endpoint: EndpointId
  /** In `failed` after a leave: its interface may still be in the sandbox. */
  readonly leaveFailed?: true | undefined
  readonly name: string
  /** In `leaving`: a release was asked for, and follows. */
  readonly release?: true | undefined
  /** In `joining`: if the kernel refuses, what is reserved is released. */
  readonly releaseOnFailure?: true | undefined
  /** From the request to join until it has left. */
  readonly sandbox?: SandboxId | undefined
}

type EndpointEvent = EndpointCommand | FactDraft<EndpointFact>
type Given<E> = { readonly context: EndpointContext; readonly event: E }

const guards = {
  attemptIsNext: ({ context, event }: Given<EndpointEvent>): boolean =>
    event.type === 'endpoint.join' && event.attempt === context.attempts + 1,
  nothingFailed,
  planIsCurrent,
  releaseIsNew: ({ context }: Given<EndpointEvent>): boolean => context.release === undefined,
  releaseIsOnFailure: ({ context }: Given<EndpointEvent>): boolean => context.releaseOnFailure === true,
  releaseWasAsked: ({ context }: Given<EndpointEvent>): boolean => context.release === true,
  sandboxGaveItUp: ({ context }: Given<EndpointEvent>): boolean => context.leaveFailed === undefined,
}

/** Read by the compiler only. */
const types = {} as { context: EndpointContext; emitted: FactDraft<EndpointFact>; events: EndpointEvent }

/** The endpoint's machine. */
export const endpointMachine = setup({
  types,
  guards,
}).createMachine({
  id: 'endpoint',
  context: { attempts: 0, endpoint: '' as EndpointId, name: '' },
  initial: 'absent',
  states: {
    absent: {
      on: {
        'endpoint.reserve': { actions: emit(reserved) },
        EndpointReserved: { target: 'reserved', actions: assign(begin) },
      },
    },
    reserved: {
      on: {
        'endpoint.join': { guard: 'attemptIsNext', actions: emit(joinRequested) },
        'endpoint.release': { actions: [emit(releaseRequested), emit(released)] },
        EndpointJoinRequested: { target: 'joining', actions: assign(join) },
        EndpointReleaseRequested: { target: 'releasing' },
        EndpointReleased: { target: 'released' },
      },
    },
    joining: {
      on: {
        'effects.settle': [
          { guard: and(['planIsCurrent', 'nothingFailed']), actions: emit(joined) },
          {
            guard: and(['planIsCurrent', 'releaseIsOnFailure']),
            actions: [emit(joinFailed), emit(releaseRequested), emit(released)],
          },
          { guard: 'planIsCurrent', actions: emit(joinFailed) },
        ],
        'endpoint.leave': { actions: emit(leaveRequested) },
        EndpointJoined: { target: 'joined', actions: assign(endJoin) },
        EndpointJoinFailed: { target: 'failed', actions: assign(endJoin) },
        EndpointLeaveRequested: { target: 'leaving', actions: assign(leave) },
      },
    },
    joined: {
      on: {
        'endpoint.leave': { actions: emit(leaveRequested) },
        EndpointLeaveRequested: { target: 'leaving', actions: assign(leave) },
      },
    },
    failed: {
      on: {
        'endpoint.leave': { actions: emit(leaveRequested) },
        'endpoint.release': {
          guard: 'sandboxGaveItUp',
          actions: [emit(releaseRequested), emit(released)],
        },
        EndpointLeaveRequested: { target: 'leaving', actions: assign(leave) },
        EndpointReleaseRequested: { target: 'releasing' },
        EndpointReleased: { target: 'released' },
      },
    },
    leaving: {
      on: {
        'effects.settle': [
          {
            guard: and(['planIsCurrent', 'nothingFailed', 'releaseWasAsked']),
            actions: [emit(left), emit(released)],
          },
          { guard: and(['planIsCurrent', 'nothingFailed']), actions: emit(left) },
          { guard: 'planIsCurrent', actions: emit(leaveFailed) },
        ],
        'endpoint.release': { guard: 'releaseIsNew', actions: emit(releaseRequested) },
        EndpointReleaseRequested: { target: 'leaving', actions: assign(rememberRelease) },
        EndpointLeft: { target: 'reserved', actions: assign(endLeave) },
        EndpointLeaveFailed: { target: 'failed', actions: assign(failLeave) },
      },
    },
    releasing: { on: { EndpointReleased: { target: 'released' } } },
    released: { type: 'final' },
  },
})

function begin({ event }: { readonly event: FactDraft<EndpointReserved> }) {
  return { endpoint: event.data.endpoint, name: event.data.name }
}

function join({ event }: { readonly event: FactDraft<EndpointJoinRequested> }) {
  const { attempt, plan, releaseOnFailure, sandbox } = event.data
  return { attempts: attempt, plan, releaseOnFailure: releaseOnFailure || undefined, sandbox }
}

function endJoin() {
  return { plan: undefined, releaseOnFailure: undefined }
}

function leave({ event }: { readonly event: FactDraft<EndpointLeaveRequested> }) {
  return { leaveFailed: undefined, plan: event.data.plan, releaseOnFailure: undefined }
}

function rememberRelease() {
  return { release: true as const }
}

function endLeave() {
  return { plan: undefined, release: undefined, sandbox: undefined }
}

function failLeave() {
  return { leaveFailed: true as const, plan: undefined, release: undefined }
}

function reserved({ event }: Given<EndpointReserve>): FactDraft<EndpointReserved> {
  const data = {
    addresses: event.addresses,
    endpoint: event.endpoint,
    labels: inOrder(event.labels),
    mac: event.mac,
    name: event.name,
    network: event.network,
  }
  return { data, stream: streamOf.endpoint(event.endpoint), type: 'EndpointReserved', v: 1 }
}

function joinRequested({ context, event }: Given<EndpointJoin>): FactDraft<EndpointJoinRequested> {
  const data = {
    attempt: event.attempt,
    endpoint: context.endpoint,
    ifName: event.ifName,
    link: { mac: event.link.mac, name: event.link.name },
    network: event.network,
    plan: event.plan,
    priority: event.priority,
    releaseOnFailure: event.releaseOnFailure,
    sandbox: event.sandbox,
  }
  return { data, stream: streamOf.endpoint(context.endpoint), type: 'EndpointJoinRequested', v: 1 }
}

/** Who has it: known in every state that may still have something in a sandbox. */
function sandboxOf(context: EndpointContext): SandboxId {
  assert(context.sandbox !== undefined, `endpoint ${context.endpoint} is in no sandbox`)
  return context.sandbox
}

function joined({ context, event }: Given<EffectsSettle>): FactDraft<EndpointJoined> {
  const data = { endpoint: context.endpoint, plan: event.plan, sandbox: sandboxOf(context) }
  return { data, stream: streamOf.endpoint(context.endpoint), type: 'EndpointJoined', v: 1 }
}

function joinFailed({ context, event }: Given<EffectsSettle>): FactDraft<EndpointJoinFailed> {
  const data = {
    endpoint: context.endpoint,
    failures: event.failures,
    plan: event.plan,
    sandbox: sandboxOf(context),
    ...sweepOf(event),
  }
  return { data, stream: streamOf.endpoint(context.endpoint), type: 'EndpointJoinFailed', v: 1 }
}

function leaveRequested({ context, event }: Given<EndpointLeave>): FactDraft<EndpointLeaveRequested> {
  const data = { endpoint: context.endpoint, plan: event.plan, sandbox: sandboxOf(context) }
  return { data, stream: streamOf.endpoint(context.endpoint), type: 'EndpointLeaveRequested', v: 1 }
}

function left({ context, event }: Given<EffectsSettle>): FactDraft<EndpointLeft> {
  const data = {
    endpoint: context.endpoint,
    plan: event.plan,
    sandbox: sandboxOf(context),
    ...sweepOf(event),
  }
  return { data, stream: streamOf.endpoint(context.endpoint), type: 'EndpointLeft', v: 1 }
}

function leaveFailed({ context, event }: Given<EffectsSettle>): FactDraft<EndpointLeaveFailed> {
  const data = {
    endpoint: context.endpoint,
    failures: event.failures,
    plan: event.plan,
    sandbox: sandboxOf(context),
  }
  return { data, stream: streamOf.endpoint(context.endpoint), type: 'EndpointLeaveFailed', v: 1 }
}

function releaseRequested({
  context,
}: Given<EffectsSettle | EndpointRelease>): FactDraft<EndpointReleaseRequested> {
  const data = { endpoint: context.endpoint }
  return { data, stream: streamOf.endpoint(context.endpoint), type: 'EndpointReleaseRequested', v: 1 }
}

function released({ context }: Given<EffectsSettle | EndpointRelease>): FactDraft<EndpointReleased> {
  const data = { endpoint: context.endpoint }
  return { data, stream: streamOf.endpoint(context.endpoint), type: 'EndpointReleased', v: 1 }
}
