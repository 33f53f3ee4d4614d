/** Follows all logs that are here by one cursor, across the lives of an engine's store. */
import type { AnyFact, Hash, Log, Seq } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import type { Store } from '../ports.ts'
import { happenedSince, nextPosition, type Happened } from './arrivals.ts'
import { Bell } from './bell.ts'
import { PeerLogs } from './peer-logs.ts'

/** What follows need of an engine. */
export type Followed = {
  readonly hash: Hash
  readonly log: () => Log<AnyFact>
  /** The log after one that has ended; undefined: there is none any more. */
  readonly logAfter: (ended: Log<AnyFact>) => Promise<Log<AnyFact> | undefined>
  readonly logEnds: () => Promise<unknown>
  /** Calls back when something of a peer came. Returns the end of it. */
  readonly onNews: (listener: () => void) => () => void
  readonly store: () => Store
  /** Settles when nothing of a peer is being written. */
  readonly taken: () => Promise<void>
}

/** `from`: the position to begin at (default 1); `follow`: goes on with what comes, until the engine closes. */
export type HistoryRange = { readonly follow?: boolean; readonly from?: number }

/** @throws {EngineError} ERR_LOG_BEHIND: `from` lies beyond the next one; ERR_LOG_DAMAGED while iterating */
export async function* followAll(
  home: Followed,
  { follow = false, from = 1 }: HistoryRange = {},
): AsyncGenerator<Happened, void, void> {
  const bell = new Bell()
  const off = home.onNews(() => bell.ring())
  let next = from
  try {
    for (let log = home.log() as Log<AnyFact> | undefined; log; log = await home.logAfter(log)) {
      for await (const happened of inOneLife(home, log, bell, { follow, from: next })) {
        next = happened.position + 1
        yield happened
      }
      if (!follow) return
    }
  } finally {
    off()
  }
}

async function* inOneLife(
  home: Followed,
  log: Log<AnyFact>,
  bell: Bell,
  { follow, from }: Required<HistoryRange>,
): AsyncGenerator<Happened, void, void> {
  const logs = new PeerLogs(home.store(), home.hash)
  const off = log.onDurable(() => bell.ring())
  const life = { isOver: false }
  const ends = home.logEnds().then(() => void (life.isOver = true))
  try {
    for (let next = from; ; await Promise.race([bell.rung(), ends])) {
      await home.taken()
      // What is written from now on stands behind all own commits up to this one.
      const own = log.durable.seq
      await mustReach(logs, next, own)
      for await (const happened of happenedSince({ log, logs }, next, own)) {
        next = happened.position + 1
        yield happened
      }
      if (!follow || life.isOver) return
    }
  } catch (error) {
    // The store went away under the reader: the next life's is taken up.
    if (!follow || !(life.isOver || isClosed(error))) throw error
  } finally {
    off()
  }
}

const isClosed = (error: unknown): boolean => error instanceof EngineError && error.code === 'ERR_CLOSED'

async function mustReach(logs: PeerLogs, from: number, own: Seq): Promise<void> {
  const end = nextPosition(await logs.lastArrival(), own)
  if (from <= end) return
  throw new EngineError(
    'ERR_LOG_BEHIND',
    `a reader of all hosts asks from ${from}, and what came here ends before ${end}: was the store built anew?`,
    { details: { end, from } },
  )
}
