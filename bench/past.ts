/**
 * How it was, at any moment of a log of 1,000,000 facts: the whole view, and one entity. The log and its snapshots lie on disk, as an
 * engine would have left them that ran all the time; each question is asked of moments all over it. Milliseconds by the clock, and of processor
 * time, helper threads included: on a shared machine the clock tells of the neighbours.
 *
 *   node --max-semi-space-size=64 dist/bench/past.js [facts] [endpoints] [moments]
 */
import { keys } from '../events/store.ts'
import { StreamIndex } from '../events/streams.ts'
import { decodeCommit, isLast, openLog } from '../events/index.ts'
import type { AnyFact, Commit, Head, Instant, Log, Seq, Snapshots, Store } from '../events/index.ts'
import { entityAsOf, topologyAsOf } from '../src/controller/past.ts'
import { pauseAfter, restore, snapshotsOf, tablesOfView } from '../src/engine/snapshots.ts'
import { ViewFold } from '../src/engine/view.ts'
import { traceOf } from '../src/operations/trace.ts'
import { openLevel } from '../src/storage/level.ts'
import { madeLog, origin, sha256 } from './made-log.ts'
import { inDirectory, median, printJson, printTable, quantile, rounded } from './support.ts'

const [FACTS, ENDPOINTS, MOMENTS] = [1_000_000, 1000, 24].map((usual, i) =>
  Number(process.argv[i + 2] ?? usual),
) as [number, number, number]
/** Rows written at once. */
const BATCH_ROWS = 1000

const afterTurn = (run: () => void): void => void setImmediate(run)

type Built = { readonly commits: number; readonly logBytes: number; readonly saves: readonly Took[] }

/** Writes the log, and a snapshot whenever an engine would. */
async function build(store: Store, snapshots: Snapshots): Promise<Built> {
  const fold = new ViewFold()
  const streams = new StreamIndex([], isLast)
  const saves: Took[] = []
  let [commits, logBytes, saved, pause] = [0, 0, 0, pauseAfter(fold.view())]
  let batch = store.batch()
  for (const { row } of madeLog(FACTS, ENDPOINTS)) {
    const commit = decodeCommit<AnyFact>(row.slice(64))
    commits += 1
    logBytes += row.length
    batch.put(keys.commit(commits), row)
    streams.follow(commit)
    fold.add([commit])
    if (batch.length < BATCH_ROWS) continue
    await batch.write()
    batch = store.batch()
    if (commits < saved + pause) continue
    const head = headOf(commit, row)
    saves.push(await timed(() => snapshots.save(head, tablesOfView(fold.view(), streams.entries()))))
    saved = commits
    pause = pauseAfter(fold.view())
  }
  await batch.write()
  return { commits, logBytes, saves }
}

const headOf = ({ at, seq }: Commit, row: string): Head => ({ at, hash: row.slice(0, 64), seq })

async function openAll(store: Store, snapshots: Snapshots): Promise<Log<AnyFact>> {
  const { checkpoint } = await restore(snapshots)
  return openLog<AnyFact>({ afterTurn, checkpoint, hash: sha256, isLast, origin, store })
}

/** Moments all over the log, in an order that helps no cache. */
const momentsIn = (commits: number): readonly Seq[] =>
  Array.from({ length: MOMENTS }, (_, i) => (1 + Math.floor(((i * 0.618034 + 0.05) % 1) * commits)) as Seq)

/** One question: by the clock, and of processor time. */
type Took = { readonly cpu: number; readonly ms: number }

async function timed(run: () => Promise<unknown>): Promise<Took> {
  const [start, before] = [performance.now(), process.cpuUsage()]
  await run()
  const { system, user } = process.cpuUsage(before)
  return { cpu: (system + user) / 1000, ms: performance.now() - start }
}

async function each(moments: readonly Seq[], ask: (seq: Seq) => Promise<unknown>): Promise<readonly Took[]> {
  const took: Took[] = []
  for (const seq of moments) took.push(await timed(() => ask(seq)))
  return took
}

const clock = (took: readonly Took[]): readonly number[] => took.map(({ ms }) => ms)
const processor = (took: readonly Took[]): readonly number[] => took.map(({ cpu }) => cpu)

const row = (what: string, took: readonly Took[]): Readonly<Record<string, number | string>> => ({
  what,
  median: rounded(median(clock(took))),
  p90: rounded(quantile(clock(took), 0.9)),
  worst: rounded(Math.max(...clock(took))),
  cpuMedian: rounded(median(processor(took))),
  cpuWorst: rounded(Math.max(...processor(took))),
})

await inDirectory(async (path) => {
  const store = await openLevel(path, true)
  const snapshots = snapshotsOf(store, sha256, { afterTurn })
  const built = await build(store, snapshots)
  const kept: Seq[] = []
  for (let at = await snapshots.nearest(); at; at = await snapshots.nearest((at.seq - 1) as Seq))
    kept.push(at.seq)
  let snapshotBytes = 0
  for await (const value of store.values(keys.chunks(0, 2 ** 47))) snapshotBytes += value.length
  const log = await openAll(store, snapshots)
  const moments = momentsIn(built.commits)
  const load = await each(kept, (seq) => snapshots.load(seq))
  const whole = await each(moments, (seq) => topologyAsOf(log, snapshots, { seq }))
  const times = moments.map((seq) => new Date(Date.UTC(2026, 0, 1) + seq).toISOString() as Instant)
  const byTime = await each(moments, (seq) =>
    topologyAsOf(log, snapshots, { at: times[moments.indexOf(seq)] ?? ('' as Instant) }),
  )
  // Any sandbox of them: it is there all the time, and each endpoint that comes and goes in it names it.
  const one = await each(moments, async (seq) => {
    const found = await entityAsOf(log, snapshots, { seq }, sha256(`sandbox ${seq % ENDPOINTS}`))
    if (found === undefined) throw new Error(`no sandbox as of #${seq}`)
  })
  const why = await each(moments.slice(0, 8), async (seq) => {
    await traceOf(log, `web-${seq % ENDPOINTS}`, () => undefined)
  })
  printTable(
    `the past of ${FACTS} facts in ${built.commits} commits, ${ENDPOINTS} endpoints, ${kept.length} snapshots kept, milliseconds`,
    [
      row('a snapshot saved', built.saves),
      row('a snapshot loaded', load),
      row('all as of a commit', whole),
      row('all as of a time', byTime),
      row('one entity as of a commit', one),
      row('why, of a name', why),
    ],
  )
  printJson('past', {
    ...{
      commits: built.commits,
      endpoints: ENDPOINTS,
      facts: FACTS,
      kept: kept.length,
      logMb: rounded(built.logBytes / 1e6),
      snapshotsMb: rounded(snapshotBytes / 1e6),
    },
    ...{ wholeMedian: rounded(median(clock(whole))), wholeWorst: rounded(Math.max(...clock(whole))) },
    ...{ whyMedian: rounded(median(clock(why))), whyWorst: rounded(Math.max(...clock(why))) },
    ...{ oneMedian: rounded(median(clock(one))), oneWorst: rounded(Math.max(...clock(one))) },
  })
  await log.close()
  await store.close()
})
