/**
 * An entity as xstate's users know an actor: a snapshot, subscriptions, events. There is no live actor behind it: the
 * snapshot is made from the machine and the folded state, and sending is dispatching a command.
 */
import type { AnyMachineSnapshot, InspectionEvent } from 'xstate'
import type { AnyFact, ClientCommand, FactOf, FactType, Stream } from '../../events/index.ts'
import { kindOf, machineOf, type EntityState } from '../../machines/index.ts'
import type { Engine } from '../engine/engine.ts'
import type { View } from '../engine/view.ts'

type Next<T> = (value: T) => void
type Observer<T> = { readonly complete?: () => void; readonly next?: Next<T> }
type Subscription = { readonly unsubscribe: () => void }

/** What xstate calls an ActorRef, as far as one can be had of an entity. It shows what is decided, the newest there is. */
export interface EntityActor {
  getSnapshot(): AnyMachineSnapshot
  /** The entity's stream: `endpoint/<id>`. */
  readonly id: string
  /** Calls back for each fact of the type, as `actor.on` does for emitted events. */
  on<T extends FactType>(type: T, handler: (fact: FactOf<T>) => void): Subscription
  /** Gives a command and does not wait. Refusals go to `onRefused`. */
  send(command: ClientCommand): void
  readonly sessionId: string
  /** Each new snapshot; after the final one (`status: 'done'`), complete. */
  subscribe(
    observer: Next<AnyMachineSnapshot> | Observer<AnyMachineSnapshot>,
    error?: (error: unknown) => void,
    complete?: () => void,
  ): Subscription
}

type See = (facts: readonly AnyFact[]) => void

/** What is known of an entity that somebody looks at. */
type Looked = { readonly actor: EntityActor; last: EntityState | undefined; readonly watchers: Set<See> }

/**
 * The entities that somebody looks at as actors: one of each, however often it is asked for, and one listener for all of
 * them. Of an entity that ended nothing is kept, save by whoever has its actor.
 */
export class Actors {
  readonly #dispatch: (command: ClientCommand) => Promise<unknown>
  readonly #engine: Engine
  readonly #looked = new Map<Stream, Looked>()
  readonly #onRefused: (error: unknown) => void

  constructor(
    engine: Engine,
    dispatch: (command: ClientCommand) => Promise<unknown>,
    onRefused: (error: unknown) => void,
  ) {
    this.#dispatch = dispatch
    this.#engine = engine
    this.#onRefused = onRefused
    engine.onTaken(({ commit }, view) => this.#follow(commit.facts, view))
  }

  /** Of a stream that never was it shows the machine's initial state, of one that ended while it was looked at, the final one. */
  of(stream: Stream): EntityActor {
    const known = this.#looked.get(stream)
    if (known) return known.actor
    const watchers = new Set<See>()
    const looked: Looked = {
      actor: this.#actorOf(stream, watchers, () => looked.last),
      last: this.#engine.decided.machines.get(stream),
      watchers,
    }
    this.#looked.set(stream, looked)
    return looked.actor
  }

  #follow(facts: readonly AnyFact[], view: View): void {
    if (this.#looked.size === 0) return
    for (const stream of new Set(facts.map((fact) => fact.stream))) {
      const looked = this.#looked.get(stream)
      if (looked === undefined) continue
      looked.last = view.machines.get(stream) ?? finalState(stream, looked.last)
      if (!view.machines.has(stream)) this.#looked.delete(stream)
      const its = facts.filter((fact) => fact.stream === stream)
      for (const see of looked.watchers) this.#tell(see, its)
    }
  }

  /** A watcher that throws harms no other. */
  #tell(see: See, facts: readonly AnyFact[]): void {
    try {
      see(facts)
    } catch (error) {
      this.#engine.report(error)
    }
  }

  #actorOf(stream: Stream, watchers: Set<See>, last: () => EntityState | undefined): EntityActor {
    const watch = (see: See): Subscription => {
      watchers.add(see)
      return { unsubscribe: () => void watchers.delete(see) }
    }
    return {
      getSnapshot: () => snapshotOf(stream, last()),
      id: stream,
      on: (type, handler) =>
        watch((facts) => {
          for (const fact of facts) if (fact.type === type) handler(fact as FactOf<typeof type>)
        }),
      send: (command) => void this.#dispatch(command).catch(this.#onRefused),
      sessionId: stream,
      subscribe: (observer, _error, complete) => {
        const heard = typeof observer === 'function' ? { complete, next: observer } : observer
        return watch(() => {
          const snapshot = snapshotOf(stream, last())
          heard.next?.(snapshot)
          if (snapshot.status === 'done') heard.complete?.()
        })
      },
    }
  }
}

/** Ended entities are in no view: their end is known from the chart. */
function finalState(stream: Stream, before: EntityState | undefined): EntityState | undefined {
  if (before === undefined) return undefined
  return {
    context: before.context,
    value: kindOf(stream) === 'endpoint' ? 'released' : 'deleted',
  } as EntityState
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
  actors: Actors,
  inspect: (event: InspectionEvent) => void,
): () => void {
  const known = new Map<Stream, EntityActor>()
  const rootId = 'chronet'
  const refOf = (stream: Stream): EntityActor => {
    const ref = known.get(stream) ?? actors.of(stream)
    if (!known.has(stream)) {
      known.set(stream, ref)
      inspect({ actorRef: ref, rootId, type: '@xstate.actor' } as unknown as InspectionEvent)
    }
    return ref
  }
  return engine.onTaken(({ commit }, view) => {
    for (const fact of commit.facts) {
      if (machineOf(fact.stream) === undefined) continue
      const actorRef = refOf(fact.stream)
      const base = { actorRef, event: fact, rootId }
      inspect({ ...base, sourceRef: undefined, type: '@xstate.event' } as unknown as InspectionEvent)
      const snapshot = actorRef.getSnapshot()
      inspect({ ...base, snapshot, type: '@xstate.snapshot' } as unknown as InspectionEvent)
      if (!view.machines.has(fact.stream)) known.delete(fact.stream)
    }
  })
}
