/**
 * All that the log says, folded: the projections and the entities' machine states, as one immutable value.
 *
 * A view is cheap to keep: two of them share whatever did not change between them. The engine holds the `decided` one
 * for its next turn, and older ones until the disk has caught up.
 */
import type { AnyFact, Commit, FactDraft, Seq } from '../../events/index.ts'
import { evolveStream, type EntityState } from '../../machines/index.ts'
import {
  foldCommits as foldProjections,
  foldFact,
  initialProjections,
  Trie,
  type Position,
  type Projections,
} from '../../projections/index.ts'

export type View = {
  /** By stream. Entities that have come to their end are not in it. */
  readonly machines: Trie<EntityState>
  readonly projections: Projections
  /** The newest commit in it; 0: none. */
  readonly seq: Seq
}

export const emptyView: View = {
  machines: Trie.empty<EntityState>(),
  projections: initialProjections,
  seq: 0 as Seq,
}

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

/** The view after a run of commits, at a fraction of the cost of one fact at a time. */
export function foldCommits(view: View, commits: readonly Commit<AnyFact>[]): View {
  const last = commits.at(-1)
  if (last === undefined) return view
  const machines = view.machines.begin()
  for (const commit of commits) for (const fact of commit.facts) evolveMachines(machines, fact)
  return {
    machines: machines.seal(),
    projections: foldProjections(view.projections, commits),
    seq: last.seq,
  }
}

const ENDED: ReadonlySet<string> = new Set(['deleted', 'released'])

function evolveMachines(machines: Trie<EntityState>, fact: AnyFact): Trie<EntityState> {
  const next = evolveStream(machines.get(fact.stream), fact)
  if (next === undefined) return machines
  return ENDED.has(next.value) ? machines.delete(fact.stream) : machines.set(fact.stream, next)
}
