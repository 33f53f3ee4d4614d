/** How far each peer's log here is behind what it has published. */
import type { Origin } from '../../events/index.ts'
import type { Bus } from '../bus/bus.ts'
import { headIn, subjectOf, wholeTo } from './message.ts'
import type { PeerRecord } from './peer-logs.ts'

/**
 * Commits of each peer that are in the stream and not here. Where all was read, only peers whose log is taken no further can be
 * behind, and nobody else's is asked for.
 * @throws {EngineError} ERR_CLUSTER_UNAVAILABLE
 */
export async function behindOf(
  bus: Pick<Bus, 'last'>,
  peers: readonly PeerRecord[],
  isAllRead: boolean,
): Promise<ReadonlyMap<Origin, number>> {
  const count = async ({ broken, origin, seq }: PeerRecord): Promise<number> => {
    if (isAllRead && broken === undefined) return 0
    const last = await bus.last(subjectOf(origin))
    const head = last && headIn(last)
    return head === undefined ? 0 : Math.max(0, wholeTo(head) - seq)
  }
  return new Map(await Promise.all(peers.map(async (peer) => [peer.origin, await count(peer)] as const)))
}
