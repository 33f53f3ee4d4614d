/**
 * Views as snapshots: what a start or a look at the past need not fold again. Caches, all of them.
 */
import type {
  AnyFact,
  Checkpoint,
  Hash,
  Log,
  Seq,
  SnapshotTable,
  Snapshots,
  Store,
  Stream,
  Wanted,
} from '../../events/index.ts'
import { FACT_VERSIONS, openSnapshots } from '../../events/index.ts'
import type { EntityState } from '../../machines/index.ts'
import { projectionsCode, projectionsFrom, tablesOf, Table } from '../../projections/index.ts'
import type { Timers } from '../ports.ts'
import { emptyView, type View } from './empty-view.ts'

/** Raised when a machine's states or contexts change their meaning: older snapshots are then folded anew. */
const MACHINES_VERSION = 1

/**
 * What facts are known, as a number that every new type and every new version raises: what another program folded of a log, newer
 * facts included, says nothing of what this one may.
 */
const FACTS_VERSION = Object.values(FACT_VERSIONS).reduce<number>((sum, version) => sum + version, 0)

/** A view, and what the log needs to go on from there. */
export type Restored = { readonly checkpoint?: Checkpoint; readonly view: View }

export const snapshotsOf = (store: Store, hash: Hash, timers: Pick<Timers, 'afterTurn'>): Snapshots =>
  openSnapshots({
    afterTurn: (run) => timers.afterTurn(run),
    code: `facts@${FACTS_VERSION} machines@${MACHINES_VERSION} ${projectionsCode}`,
    hash,
    store,
  })

/**
 * The newest sound snapshot at or before a commit; without any, the empty view.
 * @param wanted as of {@link Snapshots.load}: what is not wanted is not in it
 */
export async function restore(snapshots: Snapshots, atMost?: Seq, wanted?: Wanted): Promise<Restored> {
  const snapshot = await snapshots.load(atMost, wanted)
  if (snapshot === undefined) return { view: emptyView }
  const { head, tables } = snapshot
  const versions = (tables.get('versions') ?? []) as readonly (readonly [Stream, number])[]
  return { checkpoint: { head, versions }, view: viewFrom(tables, head.seq) }
}

/** The view that {@link tablesOfView} wrote down. */
export function viewFrom(tables: ReadonlyMap<string, readonly unknown[]>, seq: Seq): View {
  const machines = (tables.get('machines') ?? []) as readonly (readonly [string, EntityState])[]
  return { machines: Table.of(machines), projections: projectionsFrom(tables), seq }
}

/** Least commits between snapshots of a running engine. */
export const SNAPSHOT_COMMITS = 10_000
/**
 * The same for each entity that a snapshot holds: writing one down costs about what folding two commits does, so snapshots
 * take a small part of the work, however much there is.
 */
const COMMITS_PER_ENTITY = 4

/** Commits that a running engine takes between a snapshot of such a view and the next. */
export const pauseAfter = ({ machines }: Pick<View, 'machines'>): number =>
  Math.max(SNAPSHOT_COMMITS, COMMITS_PER_ENTITY * machines.size)

/** Makes snapshots: at close, and every so many commits, so that a kill costs no long fold. Without them, more is folded. */
export class SnapshotKeeper {
  readonly #report: (problem: unknown) => void
  #saving = false
  #seq: number
  readonly #snapshots: Snapshots

  /** @param seq of the newest there is; 0: none */
  constructor(snapshots: Snapshots, seq: number, report: (problem: unknown) => void) {
    this.#snapshots = snapshots
    this.#seq = seq
    this.#report = report
  }

  /** Keeps the view, if it is as of the durable head: what is not on disk is in no snapshot. */
  async keep(log: Log<AnyFact>, view: View): Promise<void> {
    if (this.#saving || log.failure || log.durable.seq !== view.seq) return
    const { head, versions } = log.checkpoint()
    this.#saving = true
    this.#seq = view.seq
    await this.#snapshots.save(head, tablesOfView(view, versions)).catch(this.#report)
    this.#saving = false
  }

  keepSometimes(log: Log<AnyFact>, view: View): void {
    if (view.seq >= this.#seq + pauseAfter(view)) void this.keep(log, view)
  }
}

/** A view as a snapshot's tables. */
export function* tablesOfView(view: View, versions: Checkpoint['versions']): Generator<SnapshotTable> {
  yield ['machines', view.machines.entries()]
  yield ['versions', versions]
  yield* tablesOf(view.projections)
}
