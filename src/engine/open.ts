/**
 * Opening a data directory: lock, store, log and view, and whether this is the kernel that the log speaks of.
 */
import type { AnyFact, Commit, Instant, Link, Log, Snapshots } from '../../events/index.ts'
import { EngineError, isLast, openLog } from '../../events/index.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Disk, Ports, Store } from '../ports.ts'
import { restore, snapshotsOf } from './snapshots.ts'
import { ViewFold, type View } from './view.ts'

/** A log that is open, and what it says. */
export type OpenedLog = {
  /** Why nothing may be changed; undefined: nothing speaks against it. */
  readonly blocked?: EngineError
  readonly log: Log<AnyFact>
  /** The newest time in the log, in milliseconds; 0: it is empty. */
  readonly newestMs: number
  readonly snapshots: Snapshots
  /** The commit of the newest snapshot; 0: there is none. */
  readonly snapshotSeq: number
  readonly store: Store
  readonly view: View
}

export async function openLogOf(ports: Ports, disk: Disk, kernel: Kernel | undefined): Promise<OpenedLog> {
  const store = await disk.openStore()
  const record = await disk.readHead()
  // What another boot has seen says nothing: its containers are gone with it.
  const known = record && record.bootId === kernel?.identity.bootId ? (record as unknown as Link) : undefined
  const snapshots = snapshotsOf(store, ports.hash, ports.timers)
  const restored = await restore(snapshots)
  let fold = new ViewFold(restored.view)
  const snapshotSeq = restored.view.seq
  let newestMs = timeOf(restored.checkpoint?.head.at)
  const log = await openLog<AnyFact>({
    afterTurn: (run) => ports.timers.afterTurn(run),
    checkpoint: restored.checkpoint,
    hash: ports.hash,
    ...(known ? { known: { hash: known.hash, seq: known.seq } } : {}),
    isLast,
    later: (ms, run) => void ports.timers.scheduler.schedule(run, ms),
    origin: disk.origin,
    replay: {
      chunk: (commits: readonly Commit<AnyFact>[]) => {
        fold.add(commits)
        newestMs = Math.max(newestMs, timeOf(commits.at(-1)?.at))
      },
      restart: () => {
        fold = new ViewFold()
      },
    },
    store,
  })
  const view = fold.view()
  const blocked = disk.damage ? servedBeside(disk.damage, log) : whyBlocked(log, view, kernel)
  return { ...(blocked ? { blocked } : {}), log, newestMs, snapshots, snapshotSeq, store, view }
}

/** The store's files are damaged: what the log has of them, and what cannot be had. */
function servedBeside(damage: EngineError, { damage: gap, durable }: Log<AnyFact>): EngineError {
  const before = durable.seq === 0 ? 'no commit before it' : `commits #1 to #${durable.seq}`
  const behind = gap?.to === undefined ? '' : `, #${gap.from} to #${gap.to} are lost`
  return new EngineError(
    'ERR_LOG_DAMAGED',
    `${damage.message}; ${before} can be read${behind}; nothing is written: restore a backup or a replica`,
    { cause: damage, details: { ...damage.details, ...gap, head: durable.seq } },
  )
}

function whyBlocked(log: Log<AnyFact>, view: View, kernel: Kernel | undefined): EngineError | undefined {
  if (log.damage)
    return new EngineError(
      'ERR_LOG_DAMAGED',
      `the log is damaged at commit #${log.damage.from}: ${log.damage.why}; what is before it can be read, nothing is written until it is repaired`,
      { details: { ...log.damage } },
    )
  if (log.opened.behind)
    return new EngineError(
      'ERR_LOG_BEHIND',
      `the log ends at #${log.durable.seq}, but this boot has seen a later or other one: was a backup restored under running sandboxes? ` +
        'Nothing is changed or removed; restore the newer log, or accept this one and lose what it does not know',
      { details: { head: log.durable.seq } },
    )
  const last = view.projections.host
  if (kernel && last.bootId === kernel.identity.bootId && last.cookie !== kernel.identity.cookie)
    return new EngineError(
      'ERR_OTHER_HOST',
      `this log belongs to another network namespace of this boot (cookie ${last.cookie}; here it is ${kernel.identity.cookie}): ` +
        'run chronet there, or with a data directory of its own here',
      { details: { cookie: last.cookie, here: kernel.identity.cookie } },
    )
  return undefined
}

const timeOf = (at: Instant | undefined): number => (at === undefined ? 0 : Date.parse(at))
