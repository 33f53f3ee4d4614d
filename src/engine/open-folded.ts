/**
 * Opening the log in a data directory and folding it, from the newest snapshot on: what whoever reads and whoever changes have in
 * common. What is folded, and so whether the machines (and xstate) are needed, is the caller's choice.
 */
import type { AnyFact, Commit, Hash, Instant, Log, LogOptions, Snapshots } from '../../events/index.ts'
import { EngineError, errorOfDamage, isLast, openLog } from '../../events/index.ts'
import type { Disk, Store } from '../ports.ts'
import { emptyView, type View } from './empty-view.ts'
import { restore, snapshotsOf } from './snapshots.ts'

/** Takes the commits that follow the view it began with. */
export type Folding = { readonly add: (commits: readonly Commit<AnyFact>[]) => void }

/** What opening needs: a disk, whose lock is held. */
export type OpenOptions = {
  /** Undefined: it is not known. What another boot has seen of the log says nothing: its containers are gone with it. */
  readonly bootId: string | undefined
  readonly disk: Disk
  readonly hash: Hash
  readonly timers: Pick<LogOptions, 'afterTurn' | 'later'>
}

/** A log that is open, and what it came to. */
export type Folded<F> = {
  /** Why nothing may be changed; absent: neither damage nor a later head is known. */
  readonly blocked?: EngineError
  readonly fold: F
  readonly log: Log<AnyFact>
  /** The newest time in the log, in milliseconds; 0: it is empty. */
  readonly newestMs: number
  readonly snapshots: Snapshots
  /** The commit of the newest snapshot; 0: there is none. */
  readonly snapshotSeq: number
  readonly store: Store
}

/** @param begin makes the fold from where it starts; called anew if the snapshot turns out to be of another log */
export async function openFolded<F extends Folding>(
  { bootId, disk, hash, timers }: OpenOptions,
  begin: (from: View) => F,
): Promise<Folded<F>> {
  const store = await disk.openStore()
  const record = await disk.readHead()
  const known = record && record.bootId === bootId ? record : undefined
  const snapshots = snapshotsOf(store, hash, timers)
  const restored = await restore(snapshots)
  const { checkpoint } = restored
  let fold = begin(restored.view)
  let newestMs = timeOf(checkpoint?.head.at)
  const log = await openLog<AnyFact>({
    ...timers,
    checkpoint,
    hash,
    isLast,
    ...(known ? { known: { hash: known.hash, seq: known.seq } } : {}),
    origin: disk.origin,
    replay: {
      chunk: (commits) => {
        fold.add(commits)
        newestMs = Math.max(newestMs, timeOf(commits.at(-1)?.at))
      },
      restart: () => {
        fold = begin(emptyView)
      },
    },
    store,
  })
  const blocked = whyBlocked(disk, log)
  const snapshotSeq = restored.view.seq
  return { ...(blocked ? { blocked } : {}), fold, log, newestMs, snapshots, snapshotSeq, store }
}

function whyBlocked({ damage }: Disk, log: Log<AnyFact>): EngineError | undefined {
  if (damage) return servedBeside(damage, log)
  if (log.damage?.newer) return errorOfDamage(log.damage)
  if (log.damage)
    return new EngineError(
      'ERR_LOG_DAMAGED',
      `the log is damaged at commit #${log.damage.from}: ${log.damage.why}; what is before it can be read, nothing is written until it is repaired`,
      { details: { ...log.damage } },
    )
  if (!log.opened.behind) return undefined
  return new EngineError(
    'ERR_LOG_BEHIND',
    `the log ends at #${log.durable.seq}, but this boot has seen a later or other one: was a backup restored under running sandboxes? ` +
      'Nothing is changed or removed; restore the newer log, or accept this one and lose what it does not know (chronet engine --accept-log-behind)',
    { details: { head: log.durable.seq } },
  )
}

/** The store's files are damaged: what the log has of them, and what cannot be had. */
function servedBeside(damage: EngineError, { damage: gap, durable }: Log<AnyFact>): EngineError {
  const before = durable.seq === 0 ? 'no commit before it' : `commits #1 to #${durable.seq}`
  const behind = gap?.to === undefined ? '' : `, #${gap.from} to #${gap.to} are lost`
  return new EngineError(
    'ERR_LOG_DAMAGED',
    `${damage.message}; ${before} can be read${behind}; nothing is written: restore a backup, or of a host in a cluster its replica (chronet cluster restore)`,
    { cause: damage, details: { ...damage.details, ...gap, head: durable.seq } },
  )
}

const timeOf = (at: Instant | undefined): number => (at === undefined ? 0 : Date.parse(at))
