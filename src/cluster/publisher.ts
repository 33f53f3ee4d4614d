/**
 * Publishes the own log: every durable commit, in order, each message only behind the one before it.
 *
 * The subject's last message is the whole of what it knows: where to go on stands there, so it keeps no checkpoint that could be
 * wrong. It is a fence, too: what another incarnation of this host publishes stands where ours should, and then we stop.
 */
import type { AnyFact, Log, RawCommit, Seq } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import type { Bus, BusMessage, Outgoing } from '../bus/bus.ts'
import { Bell } from './bell.ts'
import {
  headIn,
  isTooLarge,
  named,
  nextPart,
  nextRun,
  payloadMaxOf,
  subjectOf,
  type RunHead,
} from './message.ts'

/** Where a log's publishing stands. */
export type PublishedTo = {
  /** Number of the subject's last message in the stream; 0: none. */
  readonly expect: number
  /** The next commit that is not published whole. */
  readonly next: Seq
  /** Bytes of it that are. */
  readonly offset: number
}

/** What a publisher is to end for. */
export type Ending = { readonly isOver: () => boolean; readonly over: Promise<void> }

/**
 * Publishes until it is told to end; then settles.
 * @throws {EngineError} ERR_FENCED, ERR_LOG_FORKED, ERR_LOG_BEHIND: for ever; ERR_CLUSTER_UNAVAILABLE: begin again later
 */
export async function publishLog(
  bus: Bus,
  { host, log }: Pick<Errand, 'host' | 'log'>,
  ending: Ending,
  told: (at: PublishedTo) => void,
): Promise<void> {
  let at = await startOf(bus, log)
  told(at)
  const bell = new Bell()
  const off = log.onDurable(() => bell.ring())
  try {
    while (!ending.isOver()) {
      if (at.next > log.durable.seq) {
        await Promise.race([bell.rung(), ending.over])
        continue
      }
      for await (const chunk of log.readRaw({ from: at.next, stored: true })) {
        at = await publishAll({ bus, ending, host, log }, chunk, at)
        told(at)
        if (ending.isOver()) return
      }
    }
  } finally {
    off()
  }
}

/** Where the stream's copy of our log ends. */
async function startOf(bus: Bus, log: Log<AnyFact>): Promise<PublishedTo> {
  const last = await bus.last(subjectOf(log.origin))
  if (last === undefined) return { expect: 0, next: 1 as Seq, offset: 0 }
  const head = headIn(last)
  if (head === undefined) throw fenced(last)
  if (head.to > log.durable.seq)
    throw new EngineError(
      'ERR_LOG_BEHIND',
      `the cluster has this host's log up to #${head.to}, and here it ends at #${log.durable.seq}: this is an older copy. ` +
        'Nothing is published; end the engine, and run chronet cluster restore',
      { details: { durable: log.durable.seq, published: head.to } },
    )
  if (!(await hasIt(log, head)))
    throw new EngineError(
      'ERR_LOG_FORKED',
      `#${head.to} of this host is another in the cluster than here: two histories bear one name. ` +
        "Find out which machine has the right one; nothing is published from here (chronet cluster restore --drop-fork takes the cluster's)",
      { details: { hash: head.hash, seq: head.to } },
    )
  const { part } = head
  if (part !== undefined && part.end < part.size) return { expect: last.seq, next: head.to, offset: part.end }
  return { expect: last.seq, next: (head.to + 1) as Seq, offset: 0 }
}

/** What is published, under which name, where to, and for how long. */
type Errand = {
  readonly bus: Bus
  readonly ending: Ending
  readonly host: string
  readonly log: Log<AnyFact>
}

/**
 * Whether our log has the last commit of a message. What a disk reads otherwise than it was written must not be taken for another
 * history, which is for ever.
 * @throws {EngineError} ERR_LOG_DAMAGED
 */
async function hasIt(log: Log<AnyFact>, { hash, to: seq }: RunHead): Promise<boolean> {
  if (await log.holds({ hash, seq })) return true
  if (seq > log.durable.seq) return false
  for await (const commit of log.read({ from: seq, to: seq })) if (commit.seq === seq) break
  return log.holds({ hash, seq })
}

async function publishAll(
  errand: Errand,
  chunk: readonly RawCommit[],
  from: PublishedTo,
): Promise<PublishedTo> {
  const { bus, ending } = errand
  const payloadMax = payloadMaxOf(bus.server.payloadMax)
  let at = from
  let rest = chunk
  for (let [first, ...others] = rest; first !== undefined && !ending.isOver(); [first, ...others] = rest) {
    if (at.offset > 0 || isTooLarge(first, payloadMax)) {
      at = await publishPart(errand, first, at, payloadMax)
      if (at.offset === 0) rest = others
      continue
    }
    const { count, message } = nextRun([first, ...others], payloadMax)
    at = { expect: await publish(errand, message, at.expect), next: (at.next + count) as Seq, offset: 0 }
    rest = rest.slice(count)
  }
  return at
}

async function publishPart(
  errand: Errand,
  commit: RawCommit,
  at: PublishedTo,
  payloadMax: number,
): Promise<PublishedTo> {
  const message = nextPart(commit, at.offset, payloadMax)
  const expect = await publish(errand, message, at.expect)
  const end = at.offset + message.payload.length
  const isWhole = end >= Number(message.headers['chronet-size'])
  return isWhole ? { expect, next: (at.next + 1) as Seq, offset: 0 } : { expect, next: at.next, offset: end }
}

/** The number that the message has in the stream, however often it had to be tried. */
async function publish({ bus, host, log }: Errand, message: Outgoing, expect: number): Promise<number> {
  const outcome = await bus.publish(named(message, host), expect)
  if (outcome.kind === 'stored') return outcome.seq
  const last = await bus.last(message.subject)
  if (last?.id === message.id) return last.seq
  // It is not there. A late copy of it may still come, and then stands where it should.
  if ((last?.seq ?? 0) === expect)
    throw new EngineError('ERR_CLUSTER_UNAVAILABLE', `the cluster did not take the log: ${outcome.why}`)
  if (last === undefined) throw lost()
  // An earlier attempt, of this process or of one before it, came late; or the servers forgot what they had acknowledged.
  const head = headIn(last)
  if (head !== undefined && (await hasIt(log, head))) throw moved()
  throw fenced(last)
}

const moved = (): EngineError =>
  new EngineError(
    'ERR_CLUSTER_UNAVAILABLE',
    'the log ends elsewhere in the cluster than was believed: it is published from there on',
  )

const lost = (): EngineError =>
  new EngineError(
    'ERR_CLUSTER_UNAVAILABLE',
    'the cluster lost what was published: it is published again from here',
  )

const fenced = ({ id, seq }: BusMessage): EngineError =>
  new EngineError(
    'ERR_FENCED',
    `another incarnation of this host publishes its log (message ${seq}, ${id || 'without an id'}): ` +
      'only one data directory may speak for a host. Stop the other one, or this one',
    { details: { id, message: seq } },
  )
