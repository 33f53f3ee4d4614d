/** A peer by what people call it. */
import type { Problem } from '../../events/index.ts'
import { RefusedError } from '../../events/index.ts'
import type { PeerRecord } from './peer-logs.ts'

/** Shortest beginning of an origin that counts as one. */
const PREFIX_CHARS_MIN = 4

/**
 * The peer of that name, that origin, or an origin that begins so.
 * @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS: with all that it could be
 */
export function findPeer(peers: readonly PeerRecord[], ref: string): PeerRecord {
  const named = peers.filter(({ host, origin }) => host === ref || origin === ref)
  const isPrefix = ref.length >= PREFIX_CHARS_MIN && /^[0-9a-f]+$/.test(ref)
  const found = named.length > 0 || !isPrefix ? named : peers.filter(({ origin }) => origin.startsWith(ref))
  const [one, other] = found
  if (one !== undefined && other === undefined) return one
  throw new RefusedError([one === undefined ? notFound(peers, ref) : ambiguous(found, ref)])
}

/** As tables and messages call it. */
export const peerName = ({ host, origin }: PeerRecord): string => host ?? origin.slice(0, 12)

function notFound(peers: readonly PeerRecord[], ref: string): Problem {
  const all = peers.map(peerName).join(', ')
  return {
    code: 'ERR_NOT_FOUND',
    field: 'host',
    message: `no log of a host '${ref}' is here${all === '' ? '; there is none but our own' : `; there are: ${all}`}`,
  }
}

const ambiguous = (found: readonly PeerRecord[], ref: string): Problem => ({
  code: 'ERR_AMBIGUOUS',
  field: 'host',
  message: `'${ref}' could be ${found.map(({ host, origin }) => `${origin.slice(0, 12)}${host === undefined ? '' : ` (${host})`}`).join(', ')}: give more of the id`,
})
