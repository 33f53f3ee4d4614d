/** What a store knows of peers, without a connection: for whoever reads, and as far as an engine last came. */
import type {
  AnyFact,
  ClusterAccess,
  ClusterJoined,
  Commit,
  Hash,
  Log,
  Origin,
  Seq,
} from '../../events/index.ts'
import type { Store } from '../ports.ts'
import { inOneOrder } from './one-order.ts'
import { PeerLog } from './peer-log.ts'
import { PeerLogs } from './peer-logs.ts'
import { findPeer } from './peers.ts'
import type { ClusterStatus } from './status.ts'

/** Where what is known of peers lies. */
export type Kept = { readonly hash: Hash; readonly store: Store }

/** A peer's commits as far as they are here. Default: all. */
export type PeerRange = { readonly from?: number | undefined; readonly to?: number | undefined }

/** The log of a peer, to be asked. @param ref as {@link peerCommits} @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS */
export async function peerLogOf({ hash, store }: Kept, ref: string): Promise<PeerLog> {
  return new PeerLog(store, hash, findPeer(await new PeerLogs(store, hash).peers(), ref))
}

/** All logs that are here, in one order: see {@link inOneOrder}. */
export async function* allInOneOrder(
  { hash, store }: Kept,
  own: Pick<Log<AnyFact>, 'durable' | 'origin' | 'read'>,
): AsyncGenerator<Commit<AnyFact>, void, void> {
  const peers = (await new PeerLogs(store, hash).peers()).filter(({ seq }) => seq > 0)
  const { seq } = own.durable
  const lines = peers.map((peer) => ({
    commits: new PeerLog(store, hash, peer).read(),
    origin: peer.origin,
    seq: peer.seq,
  }))
  yield* inOneOrder([{ commits: own.read({ to: seq }), origin: own.origin, seq }, ...lines])
}

/** How a host stands whose engine does not run, or that is alone. @param member what its log says */
export async function restingStatus(
  { hash, store }: Kept,
  origin: Origin,
  member: ClusterJoined['data'] | null,
): Promise<ClusterStatus> {
  return {
    ...membershipOf(member),
    origin,
    peers: await new PeerLogs(store, hash).peers(),
    state: member === null ? 'alone' : 'resting',
  }
}

/** The two things that a membership says. */
export function membershipOf(member: ClusterJoined['data'] | null): {
  readonly access?: ClusterAccess
  readonly host?: string
} {
  if (member === null) return {}
  const { host, ...access } = member
  return { access, host }
}

/**
 * A peer's commits as they are here, oldest first, verified on the way. @param ref its name, its origin, or the beginning of that
 * @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS; @throws {EngineError} ERR_LOG_DAMAGED
 */
export async function* peerCommits(
  { hash, store }: Kept,
  ref: string,
  range: PeerRange = {},
): AsyncGenerator<Commit<AnyFact>, void, void> {
  const logs = new PeerLogs(store, hash)
  const peer = findPeer(await logs.peers(), ref)
  const to = Math.min(range.to ?? peer.seq, peer.seq) as Seq
  const from = (range.from ?? 1) as Seq
  if (from <= to) yield* logs.read(peer.origin, from, to)
}
