/** As of: the view as it was at a moment. */
import type { AnyFact, Instant, Log, Snapshots } from '../../events/index.ts'
import { ViewFold, type View } from '../engine/view.ts'
import { foldUntil } from './fold-until.ts'
import type { Until } from './moment.ts'

/** Folds the log up to the moment, that commit included. */
export async function viewAsOf(
  log: Log<AnyFact>,
  snapshots: Snapshots,
  until: Until,
): Promise<{ readonly at?: Instant; readonly view: View }> {
  const { at, fold } = await foldUntil(log, snapshots, until, (from) => new ViewFold(from))
  return at === undefined ? { view: fold.view() } : { at, view: fold.view() }
}
