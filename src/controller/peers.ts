/** Other hosts' pasts, and what was known of them here. */
import type { AnyFact, Log, Origin, Seq } from '../../events/index.ts'
import { knownAt } from '../cluster/known-at.ts'
import { peerLogOf, type Kept } from '../cluster/resting.ts'
import { momentIn, type Moment, type Until } from './moment.ts'
import { Past } from './queries.ts'

/** A peer as it was. @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS @throws {EngineError} ERR_INVALID */
export async function peerAsOf(kept: Kept, host: string, moment: Moment, nowMs: number): Promise<Past> {
  const log = await peerLogOf(kept, host)
  const { at, seq, topology } = await log.topologyAsOf(await momentIn(log, moment, nowMs))
  return new Past({ projections: { topology }, seq }, at)
}

/** What was known of peers at a moment of the own log. */
export async function knownAsOf(log: Log<AnyFact>, until: Until): Promise<ReadonlyMap<Origin, Seq>> {
  return knownAt(log, 'seq' in until ? until.seq : await lastAt(log, until.at))
}

/** The last commit that is not later than a time. */
export async function lastAt(log: Pick<Log<AnyFact>, 'durable' | 'read'>, at: string): Promise<Seq> {
  const { durable } = log
  if (durable.at <= at) return durable.seq
  let [low, high] = [0, durable.seq as number]
  // Times never go back in one log.
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (await isLater(log, middle as Seq, at)) high = middle - 1
    else low = middle
  }
  return low as Seq
}

async function isLater(log: Pick<Log<AnyFact>, 'read'>, seq: Seq, at: string): Promise<boolean> {
  for await (const commit of log.read({ from: seq, to: seq })) return commit.at > at
  return false
}
