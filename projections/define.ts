/**
 * A projection from a table of handlers, one for each type of fact that it wants; the table's keys are its `types`.
 */
import type { FactType } from '../events/index.ts'
import type { Handler, Projection } from './projection.ts'

/** What each type of fact does to a state. */
export type Handlers<S, T extends FactType> = {
  readonly [K in T]: Handler<S, K>
}

/** @param version to be raised when the meaning of the state changes */
export function defineProjection<S, T extends FactType>(options: {
  readonly init: S
  readonly name: string
  readonly on: Handlers<S, T>
  readonly version: number
}): Projection<S, T> {
  const { init, name, on, version } = options
  const unchanged: Handler<S, T> = (state) => state
  // Callers that fold all facts may bring one that is not in the table.
  const handlerOf = (type: T) => (on as unknown as Partial<Record<T, Handler<S, T>>>)[type] ?? unchanged
  return {
    name,
    version,
    types: Object.keys(on) as T[],
    init,
    evolve: (state, fact, position) => handlerOf(fact.type)(state, fact, position),
    handlerOf,
  }
}
