/** Folding a log up to a moment, from the newest snapshot that is not later. */
import type { AnyFact, Commit, Instant, Log, Seq, Snapshots } from '../../events/index.ts'
import { restore, type Restored } from '../engine/snapshots.ts'
import type { View } from '../engine/empty-view.ts'
import type { Until } from './moment.ts'

/** Takes the commits that follow the view it began with. */
export type Folding = { readonly add: (commits: readonly Commit<AnyFact>[]) => void }

/**
 * Folds up to the moment, that commit included.
 * @param begin makes the fold from where it starts
 * @returns the fold, and the time of the newest commit in it; absent: there is none
 */
export async function foldUntil<F extends Folding>(
  log: Log<AnyFact>,
  snapshots: Snapshots,
  until: Until,
  begin: (from: View) => F,
): Promise<{ readonly at?: Instant; readonly fold: F }> {
  // Which commit a time names is not known before it is met, so a time is folded from the newest snapshot that is not later.
  const start = await startFor(snapshots, until)
  const fold = begin(start.view)
  let at = start.checkpoint?.head.at
  for await (const chunk of log.readRaw({
    from: (start.view.seq + 1) as Seq,
    ...('seq' in until ? { to: until.seq } : {}),
  })) {
    const commits = chunk.map((raw) => raw.commit).filter((c) => !('at' in until) || c.at <= until.at)
    fold.add(commits)
    at = commits.at(-1)?.at ?? at
    if (commits.length < chunk.length) break
  }
  return at === undefined ? { fold } : { at, fold }
}

async function startFor(snapshots: Snapshots, until: Until): Promise<Restored> {
  if ('seq' in until) return restore(snapshots, until.seq)
  let start = await restore(snapshots)
  while (start.checkpoint && start.checkpoint.head.at > until.at)
    start = await restore(snapshots, (start.checkpoint.head.seq - 1) as Seq)
  return start
}
