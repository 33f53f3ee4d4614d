/** Folding a log up to a moment, from the newest snapshot that is not later. */
import type { AnyFact, Head, Instant, Log, Seq, Snapshots, Wanted } from '../../events/index.ts'
import type { Folding } from '../engine/open-folded.ts'
import { restore } from '../engine/snapshots.ts'
import type { View } from '../engine/empty-view.ts'
import type { Until } from './moment.ts'

/** `at`: the time of the newest commit in it; absent: there is none. `seq`: its number, or of a snapshot's if later ones had not what was wanted. */
export type Folded<F> = { readonly at?: Instant; readonly fold: F; readonly seq: Seq }

/**
 * Folds up to the moment, that commit included.
 * @param begin makes the fold from where it starts
 * @param wanted of snapshots and of the log; by default all
 */
export async function foldUntil<F extends Folding>(
  log: Log<AnyFact>,
  snapshots: Snapshots,
  until: Until,
  begin: (from: View) => F,
  wanted: Wanted = {},
): Promise<Folded<F>> {
  const { from, to } = await rangeOf(snapshots, until)
  const start = await restore(snapshots, from, wanted)
  const fold = begin(start.view)
  let last: Pick<Head, 'at' | 'seq'> | undefined = start.checkpoint?.head
  for await (const chunk of log.readRaw({
    from: (start.view.seq + 1) as Seq,
    having: wanted.having,
    to,
  })) {
    const commits = chunk.map((raw) => raw.commit).filter((c) => !('at' in until) || c.at <= until.at)
    fold.add(commits)
    last = commits.at(-1) ?? last
    if (commits.length < chunk.length) break
  }
  return { ...(last ? { at: last.at } : {}), fold, seq: last?.seq ?? (0 as Seq) }
}

/**
 * Where the snapshot to begin with stands at most, and where reading may end. Which commit a time names is not known before
 * it is met, but it lies between two snapshots.
 */
async function rangeOf(
  snapshots: Snapshots,
  until: Until,
): Promise<{ readonly from?: Seq; readonly to?: Seq }> {
  if ('seq' in until) return { from: until.seq, to: until.seq }
  let to: Seq | undefined
  let head = await snapshots.nearest()
  while (head && head.at > until.at) {
    to = head.seq
    head = await snapshots.nearest((head.seq - 1) as Seq)
  }
  return { from: head?.seq ?? (0 as Seq), ...(to === undefined ? {} : { to }) }
}
