/**
 * Evolve: the table (state, fact) → (target, assigners), derived from the charts, folds facts into states, live and
 * in replay. It costs a hundredth of running the machine, and a property test holds the two equal.
 *
 * A fact is never refused. One that the chart does not know in the state it meets is a defect of ours, or a damaged
 * log: it is thrown, for to fold on would be to guess.
 */
import type { AnyFact, FactDraft } from '../events/index.ts'
import type { Assigner } from './chart.ts'
import { chartOf } from './chart.ts'
import type { EntityKind, EntityState } from './entities.ts'
import { initialState, kindOf, MACHINES } from './entities.ts'

type AnyState = { readonly context: object; readonly value: string }
/** A fact, numbered by the log or not yet. */
export type Foldable = FactDraft<AnyFact>

/**
 * The entity's state after one fact; of another kind's facts, the state as it was. The same object if nothing changed.
 * @param state undefined: nothing is known of the entity yet.
 * @throws {Error} a defect: the chart does not take this fact in this state.
 */
export function evolve<K extends EntityKind>(
  kind: K,
  state: EntityState<K> | undefined,
  fact: Foldable,
): EntityState<K> {
  const before: AnyState = state ?? initialState(MACHINES[kind])
  const after = kindOf(fact.stream) === kind ? step(kind, before, fact) : before
  return after as EntityState<K>
}

/**
 * As {@link evolve}, of the kind that the fact's stream says. Facts of `effects` and `host` change no entity: the
 * state comes back as it was given.
 */
export function evolveStream(state: EntityState | undefined, fact: Foldable): EntityState | undefined {
  const kind = kindOf(fact.stream)
  return kind === undefined ? state : (step(kind, state ?? initialState(MACHINES[kind]), fact) as EntityState)
}

function step(kind: EntityKind, state: AnyState, fact: Foldable): AnyState {
  const way = chartOf(MACHINES[kind]).states.get(state.value)?.facts.get(fact.type)
  if (way === undefined) throw unexpected(state, fact)
  const context = way.assigners.reduce((now, assign) => assigned(now, assign, fact), state.context)
  if (way.target === state.value && context === state.context) return state
  return { context, value: way.target }
}

/** Fields that an assigner sets to undefined are left out, so that a state and its JSON say the same. */
function assigned(context: object, assign: Assigner, fact: Foldable): object {
  const change = assign({ context, event: fact }) as Fields
  const now = context as Fields
  const next: Record<string, unknown> = {}
  for (const key in now) if (!(key in change)) next[key] = now[key]
  for (const key in change) if (change[key] !== undefined) next[key] = change[key]
  return next
}

type Fields = { readonly [field: string]: unknown }

const unexpected = (state: AnyState, fact: Foldable): Error =>
  new Error(
    `chronet defect: ${fact.stream} in state '${state.value}' met ${fact.type}, which its chart does not take`,
  )
