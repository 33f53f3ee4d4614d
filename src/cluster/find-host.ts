/** Whose log is meant, where nothing is known of it but what the stream has: by name, id, or the beginning of that. */
import type { Hash, Origin } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import type { Bus } from '../bus/bus.ts'
import { bodiesIn, headIn, originOf } from './message.ts'
import { Parts } from './parts.ts'
import { findPeer } from './peers.ts'
import { followOn, grown, unknownPeer, type PeerRecord } from './peer-logs.ts'

/**
 * Reads the whole stream, unless it is given an id.
 * @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS: with all that there are; @throws {EngineError} ERR_CLUSTER_UNAVAILABLE
 */
export async function findHost(bus: Bus, ref: string, hash: Hash): Promise<Origin> {
  if (/^[0-9a-f]{64}$/.test(ref)) return ref as Origin
  return findPeer(await hostsIn(bus, hash), ref).origin
}

/** All hosts whose logs are in the stream. A log that does not fit counts as far as it does. */
async function hostsIn(bus: Bus, hash: Hash): Promise<readonly PeerRecord[]> {
  const hosts = new Map<Origin, PeerRecord>()
  const parts = new Parts()
  const { lastSeq } = await bus.state()
  if (lastSeq === 0) return []
  for await (const message of bus.follow(1, bus.disturbed)) {
    const [origin, run] = [originOf(message.subject), headIn(message)]
    if (origin !== undefined && run !== undefined) {
      const host = hosts.get(origin) ?? unknownPeer(origin)
      const whole = parts.join(origin, run, message)
      const bodies = whole === undefined ? [] : bodiesIn(whole).slice(Math.max(0, host.seq + 1 - run.from))
      const followed = followOn(host, bodies, run.hash, hash)
      hosts.set(origin, 'commits' in followed ? followed.commits.reduce(grown, host) : host)
    }
    if (message.seq >= lastSeq) return [...hosts.values()]
  }
  throw new EngineError('ERR_CLUSTER_UNAVAILABLE', 'the connection ended before the stream did')
}
