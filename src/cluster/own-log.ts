/**
 * A host's log as the stream has it: how far it goes there, and all that follows a commit of it, verified link by link.
 *
 * Peers keep only what follows; here it is an error if it does not, since somebody is about to go on from it.
 */
import type { AnyFact, Epoch, Hash, Link, Origin, RawCommit, Seq } from '../../events/index.ts'
import { EngineError, GENESIS } from '../../events/index.ts'
import type { Bus, BusMessage } from '../bus/bus.ts'
import type { Timers } from '../ports.ts'
import { bodiesIn, headIn, subjectOf, wholeTo, type RunHead } from './message.ts'
import { Parts } from './parts.ts'
import { Patience } from './patience.ts'
import { followOn, grown, unknownPeer, type PeerRecord } from './peer-logs.ts'

/**
 * How long the next message may take, in milliseconds: twice as long as an answer. A stream that has it sends it, and one that lost it
 * meanwhile has a connection that is as good as ever.
 */
const NEXT_MS_MAX = 10_000

/** The end of a log in the stream. */
export type StreamEnd = {
  /** Of its last whole commit; of one that is there in part only, nothing is known yet. */
  readonly hash?: string
  /** Number of the last message. */
  readonly message: number
  /** The last commit that is there whole. */
  readonly seq: Seq
}

/** From where on a log is wanted. Default: from its first commit. */
export type Wanted = {
  readonly after?: Link & { readonly epoch: Epoch }
  readonly end: StreamEnd
  readonly hash: Hash
  readonly origin: Origin
  /** For {@link NEXT_MS_MAX}. Absent: somebody looks on, who ends it when it takes too long. */
  readonly timers?: Pick<Timers, 'scheduler'>
}

/** Undefined: the stream has nothing of it, or its last message is none of ours. @throws {EngineError} ERR_CLUSTER_UNAVAILABLE */
export async function endInStream(bus: Bus, origin: Origin): Promise<StreamEnd | undefined> {
  const last = await bus.last(subjectOf(origin))
  const head = last && headIn(last)
  if (last === undefined || head === undefined) return undefined
  const seq = wholeTo(head)
  return { ...(seq === head.to ? { hash: head.hash } : {}), message: last.seq, seq }
}

/**
 * What follows a commit, a message at a time, up to the end.
 * @throws {EngineError} while iterating: ERR_LOG_FORKED: it does not follow; ERR_NOT_RESTORED: some of it is not in the stream;
 *   ERR_CLUSTER_UNAVAILABLE: begin again later, from what came
 */
export async function* logInStream(
  bus: Bus,
  { after = { ...GENESIS, epoch: 0 as Epoch }, end, hash, origin, timers }: Wanted,
): AsyncGenerator<readonly RawCommit<AnyFact>[], void, void> {
  const { epoch, hash: link, seq } = after
  let head: PeerRecord = { ...unknownPeer(origin), epoch, hash: link, seq }
  const parts = new Parts()
  const patience = timers && new Patience(timers, NEXT_MS_MAX)
  const over = patience ? Promise.race([bus.disturbed, patience.out]) : bus.disturbed
  try {
    for await (const message of bus.follow(1, over, subjectOf(origin))) {
      patience?.rest()
      const commits = commitsIn(message, head, parts, hash)
      head = commits.reduce(grown, head)
      if (commits.length > 0) yield commits
      if (message.seq >= end.message) return
      patience?.begin()
    }
  } finally {
    patience?.rest()
  }
  throw new EngineError(
    'ERR_CLUSTER_UNAVAILABLE',
    patience?.isOut
      ? `nothing more of this host's log came within ${NEXT_MS_MAX / 1000} s, though the servers said that they have it up to #${end.seq}`
      : "the connection ended before this host's log did",
  )
}

function commitsIn(
  message: BusMessage,
  head: PeerRecord,
  parts: Parts,
  hash: Hash,
): readonly RawCommit<AnyFact>[] {
  const run = headIn(message)
  if (run === undefined) throw forked(`message ${message.seq} is no run of commits`)
  const whole = parts.join(head.origin, run, message)
  if (whole === undefined || run.to <= head.seq) return []
  if (run.from > head.seq + 1) throw missing(head, run)
  const followed = followOn(head, bodiesIn(whole).slice(head.seq + 1 - run.from), run.hash, hash)
  if ('why' in followed) throw forked(followed.why)
  return followed.commits
}

const forked = (why: string): EngineError =>
  new EngineError(
    'ERR_LOG_FORKED',
    `what the cluster has of this host does not follow from what is here: ${why}`,
    { details: { why } },
  )

const missing = ({ seq }: PeerRecord, { from }: RunHead): EngineError =>
  new EngineError('ERR_NOT_RESTORED', `#${seq + 1} to #${from - 1} of this host are not in the stream`, {
    details: { from: seq + 1, to: from - 1 },
  })
