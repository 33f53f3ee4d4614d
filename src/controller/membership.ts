/** Ties a host's cluster to its engine: what the log says of a membership is done, from the start on and whenever it changes. */
import { Cluster } from '../cluster/cluster.ts'
import type { Engine } from '../engine/engine.ts'
import { claimsOf } from './claims.ts'

/** The cluster of an engine. A short life (`leavesDrift`) tells how things stand, and follows nobody. */
export function followingCluster(
  engine: Engine,
  { leavesDrift = false }: { readonly leavesDrift?: boolean },
): Cluster {
  const cluster = new Cluster({
    log: () => engine.log,
    logEnds: () => engine.life?.whenOver ?? Promise.resolve(),
    onPeer: ({ origin, seq }) => engine.life?.known.note(origin, seq),
    ports: engine.ports,
    report: engine.report,
    store: () => engine.store,
  })
  if (leavesDrift || engine.blocked) return cluster
  cluster.accompany(claimsOf(engine, cluster))
  const member = engine.view.projections.host.cluster
  if (member !== null) void cluster.align(member)
  engine.onTaken(({ commit, durable }) => {
    const isChange = commit.facts.some(({ type }) => type === 'ClusterJoined' || type === 'ClusterLeft')
    if (!isChange) return
    const align = (): void => void cluster.align(engine.view.projections.host.cluster, commit.seq)
    durable.then(align, () => undefined)
  })
  return cluster
}
