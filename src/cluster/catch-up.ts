/**
 * A log that the stream is ahead of is brought up to it, before anything is written: it is an older copy (a backup, a disk that
 * lost what it had acknowledged), and what it would write now would be another history under the same name.
 *
 * What comes in a message is written and synced before the next one is read. A process that dies meanwhile leaves a shorter log, which
 * the next start takes up.
 */
import type { AnyFact, ClaimedLink, Epoch, Hash, Log, RawCommit, Seq } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import { rowsOf } from '../../events/rows.ts'
import type { Bus } from '../bus/bus.ts'
import type { Store } from '../ports.ts'
import { endInStream, logInStream, type Wanted } from './own-log.ts'

/** Numbers of the commits that were taken from the stream, both included. */
export type CaughtUp = { readonly from: Seq; readonly to: Seq }

/** A log that nobody writes. */
export type Behind = {
  readonly epoch: Epoch
  readonly hash: Hash
  readonly log: Pick<Log<AnyFact>, 'durable' | 'origin'>
  readonly store: Store
  readonly timers?: NonNullable<Wanted['timers']>
  /** A commit that must be among what is taken: the stream is read up to it before anything is written. */
  readonly through?: ClaimedLink | undefined
}

/** Whether the stream has more of a log than its disk. @throws {EngineError} ERR_CLUSTER_UNAVAILABLE */
export async function isAhead(bus: Bus, { durable, origin }: Behind['log']): Promise<boolean> {
  return ((await endInStream(bus, origin))?.seq ?? 0) > durable.seq
}

/** Puts commits into a store that nobody else writes, on the disk. */
export async function writeCommits(store: Store, commits: readonly RawCommit<AnyFact>[]): Promise<void> {
  const batch = store.batch()
  for (const [key, value] of commits.flatMap(rowsOf)) batch.put(key, value)
  await batch.write({ sync: true } as object)
}

/**
 * Writes what the stream has more of. The log must be opened anew then.
 * @returns undefined: nothing @throws {EngineError} as {@link logInStream}; ERR_NOT_RESTORED too if `through` is not in the stream;
 *   the store's own errors
 */
export async function catchUp(
  bus: Bus,
  { epoch, hash, log, store, through, timers }: Behind,
): Promise<CaughtUp | undefined> {
  const { durable, origin } = log
  const end = await endInStream(bus, origin)
  if (end === undefined || end.seq <= durable.seq) return undefined
  const wanted = {
    after: { ...durable, epoch },
    end,
    hash,
    origin,
    ...(timers === undefined ? {} : { timers }),
  }
  if (through !== undefined) await mustLeadTo(through, bus, wanted)
  let to = durable.seq
  for await (const commits of logInStream(bus, wanted)) {
    await writeCommits(store, commits)
    to = commits.at(-1)?.seq ?? to
  }
  return to === durable.seq ? undefined : { from: (durable.seq + 1) as Seq, to }
}

async function mustLeadTo({ hash, seq }: ClaimedLink, bus: Bus, wanted: Wanted): Promise<void> {
  for await (const commits of logInStream(bus, wanted))
    if (commits.some((commit) => commit.seq === seq && commit.hash === hash)) return
  throw new EngineError('ERR_NOT_RESTORED', `the stream does not have #${seq} as it was here`, {
    details: { hash, seq },
  })
}
