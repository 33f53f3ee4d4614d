/**
 * Leaving: what this host has in the cluster is given up first, while it is still in it. Its networks of the cluster end, and with
 * them their claims; a name and pools that others still use stay this host's. Each step is as if somebody had asked for it alone, so
 * that whoever was interrupted asks again.
 */
import type { Command, CommandId } from '../../../events/index.ts'
import { EngineError } from '../../../events/index.ts'
import type { Projections } from '../../../projections/index.ts'
import type { ClaimHome } from './home.ts'
import type { ClaimSession } from './session.ts'

type Leave = Command<'cluster.leave'>

/** Whether there is anything that has to be given up. */
export const hasClaims = ({ claims, topology }: Projections): boolean =>
  claims.grants.size > 0 || [...topology.networks.values()].some(({ claim }) => claim !== undefined)

/** The command with what is kept; before its turn, that is all there is. */
export const leaveOnTrial = ({ data, type }: Leave, { claims }: Projections): Leave => ({
  data: { ...data, kept: [...claims.grants.keys()] },
  type,
})

/**
 * Gives up what can be given up.
 * @param giveUp gives up what is of networks that are gone
 * @throws {RefusedError} ERR_IN_USE: nothing was done; @throws {EngineError} ERR_CLUSTER_UNAVAILABLE: not all was given up
 */
export async function leave(
  session: ClaimSession,
  home: ClaimHome,
  command: Leave,
  { by, giveUp }: { readonly by: CommandId; readonly giveUp: () => Promise<void> },
): Promise<Leave> {
  home.trial(leaveOnTrial(command, home.decided()), by)
  try {
    await session.within(async () => undefined)
    for (const { claim, id } of home.decided().topology.networks.values())
      if (claim !== undefined) await home.own('network.delete', { network: id })
    await giveUp()
  } catch (error) {
    throw error instanceof EngineError && error.code === 'ERR_CLUSTER_UNAVAILABLE'
      ? notNow(home, error)
      : error
  }
  return leaveOnTrial(command, home.decided())
}

const notNow = (home: ClaimHome, cause: EngineError): EngineError =>
  new EngineError(
    'ERR_CLUSTER_UNAVAILABLE',
    `${home.decided().claims.grants.size} claims of this host are not given up, since the cluster's servers do not answer; ` +
      'leave again when they do, or leave all the same (--keep): they stay claimed until this host joins again, or is evicted as dead',
    { cause },
  )
