/**
 * Whether a host may be called so in a cluster: two of one name could not be told apart, by people least of all.
 *
 * Each host's last message in the stream says what it is called (`message.ts`), and the claims, who is dead. The same host is never in
 * its own way, wherever its log was restored. Two that join in the same moment may both get a name; `chronet cluster status` tells them.
 */
import type { AnyFact, Commit, Origin, Problem } from '../../events/index.ts'
import { decodeCommit, RefusedError } from '../../events/index.ts'
import type { Bus, BusMessage } from '../bus/bus.ts'
import { bodiesIn, headIn, hostIn, originOf } from './message.ts'
import type { PeerRecord } from './peer-logs.ts'

/** Another host that has a name. */
export type Namesake = { readonly at: string; readonly origin: Origin }

/** The host that the stream has under a name, and that has not left: not this one. @throws {EngineError} ERR_CLUSTER_UNAVAILABLE */
export async function namesakesIn(bus: Bus, host: string, own: Origin): Promise<readonly Namesake[]> {
  const others = (await bus.subjects()).flatMap((subject) => {
    const origin = originOf(subject)
    return origin === undefined || origin === own ? [] : [{ origin, subject }]
  })
  const found = await Promise.all(
    others.map(async ({ origin, subject }) => {
      const last = await bus.last(subject)
      if (last === undefined || hostIn(last) !== host || hasLeft(last)) return []
      return [{ at: last.headers['ce-time'] ?? '', origin }]
    }),
  )
  return found.flat()
}

/** Whether the last that it says is that it leaves. */
function hasLeft(last: BusMessage): boolean {
  if (headIn(last)?.part !== undefined) return false
  try {
    const commit: Commit<AnyFact> = decodeCommit<AnyFact>(bodiesIn(last.payload).at(-1) ?? '')
    return commit.facts.some(({ type }) => type === 'ClusterLeft')
  } catch {
    return false
  }
}

/** Peers that are called as this host. */
export const namesakesAmong = <P extends PeerRecord>(peers: readonly P[], host: string): readonly P[] =>
  peers.filter((peer) => peer.host === host && peer.left !== true)

/** @param servers those that were asked */
export function nameTaken(host: string, { at, origin }: Namesake, servers: readonly string[]): RefusedError {
  const problem: Problem = {
    code: 'ERR_EXISTS',
    field: 'host',
    holder: origin,
    message:
      `host ${origin.slice(0, 12)} is called '${host}' in the cluster, and said something last at ${at}; take another name (--as NAME), or, ` +
      `if its disk is lost and this is the same machine, make it anew from there (chronet cluster restore ${servers.join(' ')} --host ${origin.slice(0, 12)}), ` +
      `or, if it is gone for good, say so on another host (chronet cluster evict ${host}, then --dead)`,
  }
  return new RefusedError([problem])
}
