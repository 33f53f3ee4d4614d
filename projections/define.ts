/**
 * A projection from a table of handlers, one for each type of fact that it wants; the table's keys are its `types`.
 */
import type { FactOf, FactType } from '../events/index.ts'
import type { Position, Projection } from './projection.ts'

/** What each type of fact does to a state. */
export type Handlers<S, T extends FactType> = {
  readonly [K in T]: (state: S, fact: FactOf<K>, position: Position) => S
}

/** @param version to be raised when the meaning of the state changes */
export function defineProjection<S, T extends FactType>(options: {
  readonly init: S
  readonly name: string
  readonly on: Handlers<S, T>
  readonly version: number
}): Projection<S, T> {
  const { init, name, on, version } = options
  return {
    name,
    version,
    types: Object.keys(on) as T[],
    init,
    evolve: (state, fact, position) => {
      // Callers that fold all facts may bring one that is not in the table.
      const handler = (on as Partial<Handlers<S, T>>)[fact.type]
      return handler === undefined ? state : handler(state, fact, position)
    },
  }
}
