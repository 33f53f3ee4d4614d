/** As of: how it was at a moment. What only looks needs no machines, so that this brings no xstate. */
import type { AnyFact, Instant, Log, Seq, Snapshots } from '../../events/index.ts'
import {
  isOfTopology,
  TopologyFold,
  type EndpointView,
  type NetworkView,
  type SandboxView,
  type Topology,
} from '../../projections/index.ts'
import type { View } from '../engine/empty-view.ts'
import { foldUntil } from './fold-until.ts'
import type { Until } from './moment.ts'

/** What users saw at a moment. */
export type PastTopology = {
  /** The time of the newest commit in it; absent: there was none yet. */
  readonly at?: Instant
  readonly seq: Seq
  readonly topology: Topology
}

const beginTopology = ({ projections }: View): TopologyFold => new TopologyFold(projections.topology)

/** What users saw at the moment, that commit included. */
export async function topologyAsOf(
  log: Log<AnyFact>,
  snapshots: Snapshots,
  until: Until,
): Promise<PastTopology> {
  const { fold, ...moment } = await foldUntil(log, snapshots, until, beginTopology, { tables: isOfTopology })
  return { ...moment, topology: fold.topology() }
}

/** One thing as it was; undefined: it was not there. Of the commits on the way only those are parsed that name it. */
export async function entityAsOf(
  log: Log<AnyFact>,
  snapshots: Snapshots,
  until: Until,
  id: string,
): Promise<EndpointView | NetworkView | SandboxView | undefined> {
  const { fold } = await foldUntil(log, snapshots, until, beginTopology, { having: id, tables: isOfTopology })
  const { endpoints, networks, sandboxes } = fold.topology()
  return endpoints.get(id) ?? sandboxes.get(id) ?? networks.get(id)
}
