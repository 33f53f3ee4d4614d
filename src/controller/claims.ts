/** Ties a host's claims to its engine. */
import { EngineError, type NetworkId } from '../../events/index.ts'
import { Claimant } from '../cluster/claims/claimant.ts'
import { restingClaims, type ClaimsReport } from '../cluster/claims/report.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { instant } from '../engine/instant.ts'
import type { Engine } from '../engine/engine.ts'
import { takeTurn } from '../engine/turn.ts'

/** How claims stand: of the whole cluster, or where nobody follows it, of this host as its log has it. */
export async function claimsStanding({ claims, context, view }: Engine): Promise<ClaimsReport> {
  return claims?.report() ?? restingClaims(view.projections, context.origin)
}

/** The claims of an engine, which knows of them from now on. */
export function claimsOf(engine: Engine, cluster: Cluster): Claimant {
  const { context, ports } = engine
  const claimant = new Claimant({
    decided: () => engine.decided.projections,
    drivers: context.drivers,
    epoch: () => engine.view.projections.host.epoch,
    flush: () => engine.log.flush(),
    isFirst: () => cluster.isPublishing,
    isKnown: () => engine.life !== undefined,
    origin: context.origin,
    own: async (type, data) => {
      if (engine.life === undefined)
        throw new EngineError(
          'ERR_STORE_UNWRITABLE',
          'what was claimed cannot be written down now, so it is not used; ask again in a moment',
        )
      const taken = engine.life.own(type, data)
      await taken?.durable
      await taken?.settled
    },
    peers: () => cluster.peers(),
    ports,
    report: engine.report,
    trial: (command, id) => {
      const { decided, log } = engine
      const { epoch } = decided.projections.host
      const at = instant(ports.clock.nowMs())
      return takeTurn(context, decided, {
        actor: { kind: 'engine' },
        at,
        command,
        epoch,
        id,
        seq: log.nextSeq,
      }).draft.facts
    },
  })
  engine.claims = claimant
  engine.onTaken(({ commit }) => {
    const given = new Set<NetworkId>()
    let [isFreed, isGone] = [false, false]
    for (const fact of commit.facts) {
      if (fact.type === 'EndpointReserved') given.add(fact.data.network)
      isFreed ||= fact.type === 'EndpointReleased' || fact.type === 'EffectsSettled'
      isGone ||= fact.type === 'NetworkDeleted' || commit.command.type === 'vip.delete'
    }
    if (given.size > 0) claimant.onGiven(given)
    if (isGone) claimant.onGone()
    else if (isFreed) claimant.onFreed()
  })
  return claimant
}
