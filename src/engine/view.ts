/**
 * All that the log says, folded: the projections and the entities' machine states, as one immutable value.
 *
 * A view is cheap to keep: two of them share whatever did not change between them. The engine holds the `decided` one
 * for its next turn, and older ones until the disk has caught up.
 */
import type { AnyFact, Commit, FactDraft, Seq } from '../../events/index.ts'
import { evolveStream, kindOf, type EntityState } from '../../machines/index.ts'
import {
  beginProjections,
  foldCommit,
  foldFact,
  sealProjections,
  type Position,
  type Projections,
  type Table,
} from '../../projections/index.ts'
import { emptyView, type View } from './empty-view.ts'

export { emptyView }
export type { View }

/** The view after one more fact. */
export function evolveView(view: View, fact: AnyFact | FactDraft<AnyFact>, position: Position): View {
  // A draft lacks only its version, which no fold reads.
  const folded = fact as AnyFact
  return {
    machines: evolveMachines(view.machines, folded),
    projections: foldFact(view.projections, folded, position),
    seq: position.seq,
  }
}

/**
 * Folds a run of commits into a view, through edits that stay open from one piece of the run to the next: a fraction of the
 * cost of one fact at a time.
 */
export class ViewFold {
  readonly #machines: Table<EntityState>
  #projections: Projections
  #seq: Seq

  /** @param view stays as it is */
  constructor(view: View = emptyView) {
    this.#machines = view.machines.begin()
    this.#projections = beginProjections(view.projections)
    this.#seq = view.seq
  }

  add(commits: readonly Commit<AnyFact>[]): void {
    for (const commit of commits) {
      for (const fact of commit.facts) evolveMachines(this.#machines, fact)
      this.#projections = foldCommit(this.#projections, commit)
      this.#seq = commit.seq
    }
  }

  /** What it came to so far. Costs what changed. */
  view(): View {
    return {
      machines: this.#machines.seal(),
      projections: sealProjections(this.#projections),
      seq: this.#seq,
    }
  }
}

const ENDED: ReadonlySet<string> = new Set(['deleted', 'released'])

function evolveMachines(machines: Table<EntityState>, fact: AnyFact): Table<EntityState> {
  if (kindOf(fact.stream) === undefined) return machines
  return machines.update(fact.stream, (state) => {
    const next = evolveStream(state, fact)
    return next !== undefined && ENDED.has(next.value) ? undefined : next
  })
}
