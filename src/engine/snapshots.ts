/**
 * Views as snapshots: what a start or a look at the past need not fold again. Caches, all of them.
 */
import type { Checkpoint, Hash, Head, SnapshotTable, Snapshots, Store, Stream } from '../../events/index.ts'
import { openSnapshots } from '../../events/index.ts'
import type { EntityState } from '../../machines/index.ts'
import { projectionsCode, projectionsFrom, tablesOf, Trie } from '../../projections/index.ts'
import type { Seq } from '../../events/index.ts'
import type { Timers } from '../ports.ts'
import { emptyView, type View } from './view.ts'

/** Raised when a machine's states or contexts change their meaning: older snapshots are then folded anew. */
const MACHINES_VERSION = 1

/** A view, and what the log needs to go on from there. */
export type Restored = { readonly checkpoint?: Checkpoint; readonly view: View }

export const snapshotsOf = (store: Store, hash: Hash, timers: Timers): Snapshots =>
  openSnapshots({
    afterTurn: (run) => timers.afterTurn(run),
    code: `machines@${MACHINES_VERSION} ${projectionsCode}`,
    hash,
    store,
  })

/** The newest sound snapshot at or before a commit; without any, the empty view. */
export async function restore(snapshots: Snapshots, atMost?: Seq): Promise<Restored> {
  const snapshot = await snapshots.load(atMost)
  if (snapshot === undefined) return { view: emptyView }
  const { head, tables } = snapshot
  const versions = (tables.get('versions') ?? []) as readonly (readonly [Stream, number])[]
  const machines = (tables.get('machines') ?? []) as readonly (readonly [string, EntityState])[]
  return {
    checkpoint: { head, versions },
    view: { machines: Trie.of(machines), projections: projectionsFrom(tables), seq: head.seq },
  }
}

/** Saves a view, which must be as of the checkpoint's head. */
export async function save(snapshots: Snapshots, { head, versions }: Checkpoint, view: View): Promise<void> {
  await snapshots.save(head satisfies Head, tablesOfView(view, versions))
}

function* tablesOfView(view: View, versions: Checkpoint['versions']): Generator<SnapshotTable> {
  yield ['machines', view.machines.entries()]
  yield ['versions', versions]
  yield* tablesOf(view.projections)
}
