/** What is asked of another host's log, or of all of them: the same questions, on the copies that are here. */
import type { AnyFact, Log, Ref } from '../../events/index.ts'
import { knownAt } from '../cluster/known-at.ts'
import { PeerLogs } from '../cluster/peer-logs.ts'
import { allInOneOrder, peerLogOf, type Kept } from '../cluster/resting.ts'
import { momentIn, type Moment } from '../controller/moment.ts'
import { lastAt } from '../controller/peers.ts'
import { nameNow, pictureOf } from './knowledge.ts'
import type { Happened, Known, Picture, Trace } from './operations.ts'
import { traceOf } from './trace.ts'

/** Who was there on another host. @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS @throws {EngineError} ERR_INVALID */
export async function pictureOn(kept: Kept, host: string, moment: Moment, nowMs: number): Promise<Picture> {
  const log = await peerLogOf(kept, host)
  const { at, seq, topology } = await log.topologyAsOf(await momentIn(log, moment, nowMs))
  return pictureOf(topology, seq, at)
}

/** A thing's past on another host. @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS */
export async function traceOn(kept: Kept, host: string, ref: Ref): Promise<Trace> {
  const log = await peerLogOf(kept, host)
  const topology = await log.follow()
  return traceOf(log, ref, (id) => nameNow(topology, id))
}

/** All hosts' commits in one order. */
export async function* inOrder(
  kept: Kept,
  own: Parameters<typeof allInOneOrder>[1],
): AsyncGenerator<Happened, void, void> {
  for await (const commit of allInOneOrder(kept, own)) yield { commit }
}

/** What was known of peers at a moment of the own log. @throws {EngineError} ERR_INVALID */
export async function knownIn(
  { hash, store }: Kept,
  log: Log<AnyFact>,
  moment: Moment,
  nowMs: number,
): Promise<Known> {
  const until = await momentIn(log, moment, nowMs)
  const seq = 'seq' in until ? until.seq : await lastAt(log, until.at)
  const peers = await new PeerLogs(store, hash).peers()
  const known = await knownAt(log, seq)
  return {
    peers: [...known].map(([origin, upTo]) => {
      const host = peers.find((peer) => peer.origin === origin)?.host
      return { ...(host === undefined ? {} : { host }), origin, seq: upTo }
    }),
    seq,
  }
}
