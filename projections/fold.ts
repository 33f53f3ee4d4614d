/**
 * All projections together, and the fold that feeds them: one fact at a time, as the engine's turn needs it, or a run of
 * commits through open edits, as replay does.
 *
 * A fact visits only projections that declare its type; the table of who wants what is made once.
 */
import type { AnyFact, Commit, FactOf, FactType } from '../events/index.ts'
import { allocations } from './allocations.ts'
import { applied, type Applied } from './applied.ts'
import { claims, type Claims } from './claims.ts'
import { desired, type Desired } from './desired.ts'
import { history, type History } from './history.ts'
import type { Allocations } from './holds.ts'
import { host, type HostView } from './host.ts'
import { names, type Names } from './names.ts'
import type { Position, Projection } from './projection.ts'
import { beginTables, sealTables } from './tables.ts'
import { topology } from './topology.ts'
import type { Topology } from './views.ts'

/** The state of every projection, by name. */
export type Projections = {
  readonly allocations: Allocations
  readonly applied: Applied
  readonly claims: Claims
  readonly desired: Desired
  /** Only where it was asked for: {@link withHistory}. */
  readonly history?: History
  readonly host: HostView
  readonly names: Names
  readonly topology: Topology
}

export type ProjectionName = keyof Projections

/** Every projection, by name. */
export const allProjections = {
  allocations,
  applied,
  claims,
  desired,
  history,
  host,
  names,
  topology,
} as const

/** Before the first fact. */
export const initialProjections: Projections = {
  allocations: allocations.init,
  applied: applied.init,
  claims: claims.init,
  desired: desired.init,
  host: host.init,
  names: names.init,
  topology: topology.init,
}

/** The same with an empty history: to be folded from the first commit. */
export const withHistory: Projections = { ...initialProjections, history: history.init }

/** Where a commit's fact stands. @param index in `commit.facts`, from 0 */
export const positionOf = ({ at, epoch, seq }: Omit<Position, 'index'>, index: number): Position => ({
  at,
  epoch,
  index: index + 1,
  seq,
})

type Visit = (all: Projections, fact: AnyFact, position: Position) => Projections

const VISITS: ReadonlyMap<FactType, readonly Visit[]> = visitsByType([
  ...visitsOf('allocations', allocations),
  ...visitsOf('applied', applied),
  ...visitsOf('claims', claims),
  ...visitsOf('desired', desired),
  ...visitsOf('history', history),
  ...visitsOf('host', host),
  ...visitsOf('names', names),
  ...visitsOf('topology', topology),
])

/** The projections after one more fact; the same object if it changed none. */
export function foldFact(all: Projections, fact: AnyFact, position: Position): Projections {
  let next = all
  for (const visit of VISITS.get(fact.type) ?? []) next = visit(next, fact, position)
  return next
}

/** The projections after a run of commits: what {@link foldFact} gives for each of their facts, at a fraction of its cost. */
export function foldCommits(all: Projections, commits: Iterable<Commit<AnyFact>>): Projections {
  let next = beginProjections(all)
  for (const commit of commits) next = foldCommit(next, commit)
  return sealProjections(next)
}

/** The projections after one more commit. */
export function foldCommit(all: Projections, commit: Commit<AnyFact>): Projections {
  let next = all
  let index = 0
  for (const fact of commit.facts) next = foldFact(next, fact, positionOf(commit, index++))
  return next
}

/** Opens all tables for edits: folds change them in place. `all` stays as it is. */
export const beginProjections = (all: Projections): Projections => mapStates(all, beginTables)

/** What the edits came to. They stay open: more can be folded, and sealed again. */
export const sealProjections = (all: Projections): Projections => mapStates(all, sealTables)

const mapStates = (all: Projections, change: <S extends object>(state: S) => S): Projections => ({
  allocations: change(all.allocations),
  applied: change(all.applied),
  claims: change(all.claims),
  desired: change(all.desired),
  ...(all.history ? { history: change(all.history) } : undefined),
  host: change(all.host),
  names: change(all.names),
  topology: change(all.topology),
})

function visitsOf<K extends ProjectionName, T extends FactType>(
  name: K,
  projection: Projection<NonNullable<Projections[K]>, T>,
): readonly (readonly [FactType, Visit])[] {
  return projection.types.map((type) => {
    const handler = projection.handlerOf(type)
    const visit: Visit = (all, fact, position) => {
      const before = all[name]
      if (before === undefined) return all
      // The map has this visit only under this type.
      const after = handler(before, fact as FactOf<T>, position)
      return after === before ? all : { ...all, [name]: after }
    }
    return [type, visit]
  })
}

function visitsByType(visits: readonly (readonly [FactType, Visit])[]): ReadonlyMap<FactType, Visit[]> {
  const byType = new Map<FactType, Visit[]>()
  for (const [type, visit] of visits) byType.set(type, [...(byType.get(type) ?? []), visit])
  return byType
}
