/**
 * What replay costs: 300,000 facts of endpoints that come and go in random order, through verifying, parsing and all machines and
 * projections, of a host that has 500 of them at a time and of one that has 6,000. Microseconds of processor time (helper threads
 * included) per fact, one JSON line per round, and one of the medians at the end:
 * `node --max-semi-space-size=64 dist/bench/replay.js [facts] [endpoints that come and go] [rounds]`.
 *
 * `open` is the log's own open from disk and `bare` only reading its rows there, both by the clock, in facts per second. For
 * the rest rows are in memory, so the store is not in it. `verify` and `json` are the floor: SHA-256 and `JSON.parse` alone, nothing
 * kept. `parse` also checks shapes, and keeps all. `fold` is one run of open edits, as replay folds, and `machines` and `each` are its
 * parts; `foldByFact` is what a turn does, a version for each fact; `foldWithHistory` adds the index behind `why`.
 */
import { decodeCommit, isLast, openLog } from '../events/index.ts'
import { keys, readRows } from '../events/store.ts'
import type { AnyFact, Commit } from '../events/index.ts'
import { evolveStream, kindOf, type EntityState } from '../machines/index.ts'
import {
  allProjections,
  beginProjections,
  foldCommits,
  foldFact,
  initialProjections,
  positionOf,
  projectionsFrom,
  tablesOf,
  withHistory,
  type ProjectionName,
  type Projections,
} from '../projections/index.ts'
import { ViewFold } from '../src/engine/view.ts'
import { openLevel } from '../src/storage/level.ts'
import { madeLog, origin, sha256 } from './made-log.ts'
import { inDirectory, median, printJson, printTable } from './support.ts'

const FACTS = Number(process.argv[2] ?? 300_000)
/** Of so many that come and go, three fifths are there at a time. */
const ENDPOINTS = process.argv[3] === undefined ? [840, 10_000] : [Number(process.argv[3])]
const ROUNDS = Number(process.argv[4] ?? 3)
/** Rows that the log reads at once. */
const CHUNK_ROWS = 1000

function foldByFact(commits: readonly Commit<AnyFact>[]): Projections {
  let next = initialProjections
  for (const commit of commits)
    commit.facts.forEach((each, i) => {
      next = foldFact(next, each, positionOf(commit, i))
    })
  return next
}

/** One projection alone, as a share of the fold. */
function foldOnly(name: ProjectionName, commits: readonly Commit<AnyFact>[]): void {
  const { evolve, types } = allProjections[name] as unknown as {
    evolve: (state: unknown, fact: AnyFact, position: unknown) => unknown
    types: readonly string[]
  }
  let state: unknown = beginProjections(withHistory)[name]
  const wanted = new Set(types)
  for (const commit of commits)
    commit.facts.forEach((each, i) => {
      if (wanted.has(each.type)) state = evolve(state, each, positionOf(commit, i))
    })
}

/** Machine states alone, in a map of their own. */
function foldMachines(commits: readonly Commit<AnyFact>[]): void {
  const states = new Map<string, EntityState | undefined>()
  for (const { facts } of commits)
    for (const each of facts) {
      if (kindOf(each.stream) === undefined) continue
      if (isLast(each)) states.delete(each.stream)
      else states.set(each.stream, evolveStream(states.get(each.stream), each))
    }
}

type MadeLog = { facts: number; readonly rows: string[] }

function logOf(endpoints: number): MadeLog {
  const made: MadeLog = { facts: 0, rows: [] }
  for (const { facts, row } of madeLog(FACTS, endpoints)) {
    made.facts += facts
    made.rows.push(row)
  }
  return made
}

/** The log that is replayed now. */
let log: MadeLog = { facts: 0, rows: [] }

/** Processor time of this process per fact: on a shared machine wall time tells of the neighbours. */
const perFact = (run: () => unknown): number => {
  const start = process.cpuUsage()
  run()
  const { system, user } = process.cpuUsage(start)
  return Number(((system + user) / log.facts).toFixed(2))
}

/** As the log's open does it: chunks of commits, verified and parsed, then folded into machines and projections. */
function replayAll(): void {
  const fold = new ViewFold()
  for (let from = 0; from < log.rows.length; from += CHUNK_ROWS) {
    const commits = log.rows.slice(from, from + CHUNK_ROWS).map((row) => {
      const body = row.slice(64)
      if (sha256(body) !== row.slice(0, 64)) throw new Error('damaged')
      return decodeCommit<AnyFact>(body)
    })
    fold.add(commits)
  }
  fold.view()
}

const perSecond = (start: number): number => Math.round((log.facts / (performance.now() - start)) * 1000)

/** The same from a store on disk, by the clock: the log's own open, and only reading the rows. Facts per second. */
async function openFromDisk(path: string): Promise<{ readonly bare: number; readonly open: number }> {
  const store = await openLevel(path, true)
  for (let from = 0; from < log.rows.length; from += CHUNK_ROWS) {
    const batch = store.batch()
    for (const [i, row] of log.rows.slice(from, from + CHUNK_ROWS).entries())
      batch.put(keys.commit(from + i + 1), row)
    await batch.write()
  }
  let start = performance.now()
  for await (const rows of readRows(store, keys.commits(1))) if (rows.length === 0) break
  const bare = perSecond(start)
  let fold = new ViewFold()
  start = performance.now()
  const opened = await openLog<AnyFact>({
    afterTurn: (run) => void setImmediate(run),
    hash: sha256,
    isLast,
    origin,
    replay: {
      chunk: (commits) => {
        fold.add(commits)
      },
      restart: () => {
        fold = new ViewFold()
      },
    },
    store,
  })
  const open = perSecond(start)
  if (opened.damage !== undefined || fold.view().seq !== log.rows.length)
    throw new Error('the log did not open whole')
  await opened.close()
  await store.close()
  return { bare, open }
}

/** Endpoints that are there at the end; facts a second. */
type Level = { readonly bare: number; readonly endpoints: number; readonly open: number }

async function measure(round: number): Promise<Level> {
  const disk = await inDirectory(openFromDisk)
  const all = perFact(replayAll)
  let commits: readonly Commit<AnyFact>[] = []
  let folded = initialProjections
  const verify = perFact(() => log.rows.every((row) => sha256(row.slice(64)) === row.slice(0, 64)))
  const json = perFact(() => {
    for (const row of log.rows) JSON.parse(row.slice(64))
  })
  const parse = perFact(() => (commits = log.rows.map((row) => decodeCommit<AnyFact>(row.slice(64)))))
  const fold = perFact(() => (folded = foldCommits(initialProjections, commits)))
  const machines = perFact(() => foldMachines(commits))
  const byFact = perFact(() => foldByFact(commits))
  const foldWithHistory = perFact(() => foldCommits(withHistory, commits))
  const each = Object.fromEntries(
    (Object.keys(allProjections) as ProjectionName[]).map((name) => [
      name,
      perFact(() => foldOnly(name, commits)),
    ]),
  )
  const start = performance.now()
  const stored = new Map([...tablesOf(folded)].map(([name, table]) => [name, JSON.stringify([...table])]))
  const saveMs = Math.round(performance.now() - start)
  projectionsFrom(new Map([...stored].map(([name, json]) => [name, JSON.parse(json) as unknown[]])))
  const loadMs = Math.round(performance.now() - start) - saveMs
  const snapshotKb = Math.round([...stored.values()].reduce((sum, json) => sum + json.length, 0) / 1024)
  console.log(
    JSON.stringify({
      ...{ bench: 'replay', round, facts: log.facts, endpoints: folded.topology.endpoints.size },
      ...{
        ...disk,
        all,
        factsPerSecond: Math.round(1e6 / all),
        verify,
        json,
        parse,
        fold,
        machines,
        foldByFact: byFact,
        foldWithHistory,
      },
      ...{ each, saveMs, loadMs, snapshotKb },
    }),
  )
  return { ...disk, endpoints: folded.topology.endpoints.size }
}

const levels: Level[] = []
for (const endpoints of ENDPOINTS) {
  log = logOf(endpoints)
  const rounds: Level[] = []
  for (let round = 1; round <= ROUNDS; round++) rounds.push(await measure(round))
  const of = (field: keyof Level): number => median(rounds.map((round) => round[field]))
  levels.push({ bare: of('bare'), endpoints: of('endpoints'), open: of('open') })
}
printTable('replay from disk: verify, parse, fold all; facts a second', levels)
printJson('replay', { facts: FACTS, levels })
