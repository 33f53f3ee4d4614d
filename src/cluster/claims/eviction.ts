/**
 * Putting a host out, in two steps. The first changes nothing for others: what the host has stays as it is. The second says that
 * somebody went and looked: it will not come back with what it had, and from then on others may claim that. A host that is there
 * answers the first by saying so, and then there is no second.
 */
import type { Command, CommandId, HostEvicted, Problem } from '../../../events/index.ts'
import { RefusedError } from '../../../events/index.ts'
import { findPeer, peerName } from '../peers.ts'
import { ANSWER_MS } from './borrowing.ts'
import type { ClaimHome } from './home.ts'
import type { HostClaim } from './message.ts'
import type { ClaimSession } from './session.ts'

type Evict = Command<'cluster.evict'>

/** The command with what was told to the cluster. @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS, ERR_STATE */
export async function evict(
  session: ClaimSession,
  home: ClaimHome,
  { data, type }: Evict,
  id: CommandId,
): Promise<Evict> {
  const { dead = false, host: ref } = data
  const peer = findPeer(await home.peers(), ref)
  const { origin } = peer
  const host = peerName(peer)
  const evicted: HostEvicted['data'] = { dead, host, origin }
  const told = await session.within(async (register) => {
    const now = register.table.host(origin)
    if (now?.state === 'dead' || (now?.state === 'evicted' && !dead)) return true
    if (dead && now?.state !== 'evicted') throw refusal(notYet(host, now))
    return register.tellHost(origin, id, dead ? 'dead' : 'evicted')
  })
  if (told === undefined)
    throw refusal(
      `host '${host}' said something of itself just now; look how it stands ('chronet cluster claims')`,
    )
  // Who is there answers at once: whoever asked is told how it stands then.
  if (told !== true && !dead) await session.heard(origin, told, ANSWER_MS)
  return { data: { ...data, evicted }, type }
}

/** The command as its turn is tried: nobody was told, and who it is was not looked up. */
export const evictOnTrial = ({ data, type }: Evict): Evict => ({
  data: {
    ...data,
    evicted: {
      dead: data.dead ?? false,
      host: data.host,
      origin: data.host as HostEvicted['data']['origin'],
    },
  },
  type,
})

const notYet = (host: string, now: HostClaim | undefined): string =>
  now?.state === 'present'
    ? `host '${host}' is there: it said so at ${now.at}, after it was put out; stop it first, then evict it again`
    : `host '${host}' was not put out yet: 'chronet cluster evict ${host}' first, then look whether it is really gone`

const refusal = (message: string): RefusedError => {
  const problem: Problem = { code: 'ERR_STATE', field: 'host', message }
  return new RefusedError([problem])
}
