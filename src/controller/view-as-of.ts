/** All that was known at a moment, machines' states too: to think as the engine would have then. */
import type { AnyFact, Log, Snapshots } from '../../events/index.ts'
import { ViewFold, type View } from '../engine/view.ts'
import { foldUntil } from './fold-until.ts'
import type { Until } from './moment.ts'

/** Folds the log up to the moment, that commit included. */
export async function viewAsOf(log: Log<AnyFact>, snapshots: Snapshots, until: Until): Promise<View> {
  const { fold } = await foldUntil(log, snapshots, until, (from) => new ViewFold(from))
  return fold.view()
}
