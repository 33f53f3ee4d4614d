/**
 * What users see, folded alone: for looks at the past, which need nothing else. A third of the cost of folding everything.
 */
import type { AnyFact, Commit, FactOf } from '../events/index.ts'
import { positionOf } from './fold.ts'
import type { Handler } from './projection.ts'
import { beginTables, sealTables } from './tables.ts'
import { topology } from './topology.ts'
import type { Topology } from './views.ts'

type TopologyType = (typeof topology.types)[number]

const HANDLERS: ReadonlyMap<string, Handler<Topology, TopologyType>> = new Map(
  topology.types.map((type) => [type, topology.handlerOf(type)]),
)

/** Tables of a snapshot that {@link TopologyFold} begins with. */
export const isOfTopology = (table: string): boolean => table.startsWith('topology.')

/** Folds a run of commits through open edits. */
export class TopologyFold {
  #topology: Topology

  /** @param from stays as it is */
  constructor(from: Topology = topology.init) {
    this.#topology = beginTables(from)
  }

  add(commits: readonly Commit<AnyFact>[]): void {
    for (const commit of commits)
      commit.facts.forEach((fact, i) => {
        const handler = HANDLERS.get(fact.type)
        // The map has this handler only under this type.
        if (handler)
          this.#topology = handler(this.#topology, fact as FactOf<TopologyType>, positionOf(commit, i))
      })
  }

  /** What it came to so far. */
  topology(): Topology {
    return sealTables(this.#topology)
  }
}
