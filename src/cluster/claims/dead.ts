/** Whether somebody confirmed that a host is dead, where no table of claims was read yet. */
import type { Hash, Origin } from '../../../events/index.ts'
import type { Bus } from '../../bus/bus.ts'
import { claimIn } from './message.ts'
import { hostKey, subjectOf } from './subjects.ts'

/** @param bus of claims @throws {EngineError} ERR_CLUSTER_UNAVAILABLE */
export async function isDead(bus: Bus, origin: Origin, hash: Hash): Promise<boolean> {
  const last = await bus.last(subjectOf(hostKey(origin)))
  const said = last && claimIn(last, hash)
  return said?.kind === 'host' && said.state === 'dead'
}
