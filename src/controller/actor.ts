/**
 * An entity as xstate's users know an actor: a snapshot, subscriptions, events. There is no live actor behind it: the
 * snapshot is made from the machine and the folded state, and sending is dispatching a command.
 */
import type { AnyMachineSnapshot, InspectionEvent } from 'xstate'
import type { AnyFact, ClientCommand, FactOf, FactType, Stream } from '../../events/index.ts'
import { machineOf, type EntityState } from '../../machines/index.ts'
import type { Engine } from '../engine/engine.ts'
import type { View } from '../engine/view.ts'

type Observer<T> = ((value: T) => void) | { readonly next?: (value: T) => void }
type Subscription = { readonly unsubscribe: () => void }

/** What xstate calls an ActorRef, as far as one can be had of an entity. */
export interface EntityActor {
  /** The entity's stream: `endpoint/<id>`. */
  readonly id: string
  getSnapshot(): AnyMachineSnapshot
  /** Calls back for each fact of the type, as `actor.on` does for emitted events. Queued facts count: they may yet fall with a store. */
  on<T extends FactType>(type: T, handler: (fact: FactOf<T>) => void): Subscription
  /** Gives a command and does not wait. Refusals go to `onRefused`. */
  send(command: ClientCommand): void
  readonly sessionId: string
  subscribe(observer: Observer<AnyMachineSnapshot>): Subscription
}

/** The actor of a stream. Of an absent or ended entity it shows the machine's initial or last state. */
export function actorOf(
  engine: Engine,
  stream: Stream,
  dispatch: (command: ClientCommand) => Promise<unknown>,
  onRefused: (error: unknown) => void,
): EntityActor {
  let last = engine.view.machines.get(stream)
  const watch = (see: (facts: readonly AnyFact[], state: EntityState | undefined) => void): Subscription => {
    const end = engine.onTaken(({ commit }, view) => {
      const facts = commit.facts.filter((fact) => fact.stream === stream)
      if (facts.length > 0) see(facts, view.machines.get(stream))
    })
    return { unsubscribe: end }
  }
  return {
    getSnapshot: () => snapshotOf(stream, (last = engine.view.machines.get(stream) ?? last)),
    id: stream,
    on: (type, handler) =>
      watch((facts) => {
        for (const fact of facts) if (fact.type === type) handler(fact as FactOf<typeof type>)
      }),
    send: (command) => void dispatch(command).catch(onRefused),
    sessionId: stream,
    subscribe: (observer) => {
      const next = typeof observer === 'function' ? observer : observer.next?.bind(observer)
      return watch((_facts, state) => next?.(snapshotOf(stream, (last = state ?? last))))
    },
  }
}

function snapshotOf(stream: Stream, state: EntityState | undefined): AnyMachineSnapshot {
  const machine = machineOf(stream)
  if (machine === undefined)
    throw new TypeError(`'${stream}' is no entity; give network/<id>, endpoint/<id> or sandbox/<id>`)
  return state === undefined
    ? (machine.resolveState({ value: 'absent' } as never) as AnyMachineSnapshot)
    : (machine.resolveState(state as never) as AnyMachineSnapshot)
}

/** Inspection events in xstate's own shape, for its inspectors and hooks. Returns the end of it. */
export function inspectEngine(
  engine: Engine,
  actor: (stream: Stream) => EntityActor,
  inspect: (event: InspectionEvent) => void,
): () => void {
  const known = new Map<Stream, EntityActor>()
  const rootId = 'chronet'
  const refOf = (stream: Stream): EntityActor => {
    const ref = known.get(stream) ?? actor(stream)
    if (!known.has(stream)) {
      known.set(stream, ref)
      inspect({ actorRef: ref, rootId, type: '@xstate.actor' } as unknown as InspectionEvent)
    }
    return ref
  }
  return engine.onTaken(({ commit }, view: View) => {
    for (const fact of commit.facts) {
      if (machineOf(fact.stream) === undefined) continue
      const actorRef = refOf(fact.stream)
      const base = { actorRef, event: fact, rootId }
      inspect({ ...base, sourceRef: undefined, type: '@xstate.event' } as unknown as InspectionEvent)
      const snapshot = snapshotOf(fact.stream, view.machines.get(fact.stream))
      inspect({ ...base, snapshot, type: '@xstate.snapshot' } as unknown as InspectionEvent)
      if (!view.machines.has(fact.stream)) known.delete(fact.stream)
    }
  })
}
