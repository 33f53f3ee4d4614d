/**
 * What a view is, and the one of an empty log. Apart from the fold (`view.ts`), since whoever only reads needs no machines, and
 * they bring xstate.
 */
import type { Seq } from '../../events/index.ts'
import type { EntityState } from '../../machines/index.ts'
import { initialProjections, Table, type Projections } from '../../projections/index.ts'

export type View = {
  /** By stream. Entities that have come to their end are not in it. */
  readonly machines: Table<EntityState>
  readonly projections: Projections
  /** The newest commit in it; 0: none. */
  readonly seq: Seq
}

export const emptyView: View = {
  machines: Table.empty<EntityState>(),
  projections: initialProjections,
  seq: 0 as Seq,
}
