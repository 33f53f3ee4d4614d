/**
 * All logs that are here as one, in the order in which they came: a plain index, never shown, that gives whoever follows all hosts one
 * cursor without gaps.
 *
 * Only what comes from peers is written down, with it: a run of a peer's commits, and how many own ones were on disk before it.
 * Positions follow from that, from 1: an own commit stands behind the own ones and all of the peers' that came before it. So the own
 * log costs nothing more, and needs no rows of its own.
 */
import type { AnyFact, Commit, Log, Origin, Seq } from '../../events/index.ts'
import type { PeerLogs } from './peer-logs.ts'

/** A run of a peer's commits as it came. */
export type Arrival = {
  readonly from: Seq
  readonly origin: Origin
  /** The newest own commit that came before it. */
  readonly own: Seq
  /** Of its first commit. */
  readonly position: number
  readonly to: Seq
}

/** A commit of some host, and where it stands in what came here. */
export type Happened = { readonly commit: Commit<AnyFact>; readonly position: number }

export type Here = { readonly log: Pick<Log<AnyFact>, 'read'>; readonly logs: PeerLogs }

/** Where an own commit, or the end, stands behind a run. */
type Place = { readonly own: Seq; readonly position: number }

const countOf = ({ from, to }: Arrival): number => to - from + 1

/** Before everything. */
const BEGIN: Place = { own: 0 as Seq, position: 1 }

const behind = (run: Arrival | undefined): Place =>
  run === undefined ? BEGIN : { own: run.own, position: run.position + countOf(run) }

/** Where the next run will stand, that comes behind so many own commits. */
export const nextPosition = (last: Arrival | undefined, own: Seq): number => {
  const { own: before, position } = behind(last)
  return position + (own - before)
}

/**
 * What came here, from a position on.
 * @param own the last own commit to be told, which no run that is still being written may stand before
 */
export async function* happenedSince(
  { log, logs }: Here,
  from: number,
  own: Seq,
): AsyncGenerator<Happened, void, void> {
  let run = await logs.arrivalAt(from)
  if (run !== undefined && from < run.position + countOf(run)) yield* ofRun(logs, run, from)
  let place = behind(run)
  for await (run of logs.arrivalsAfter(from)) {
    yield* ofOwn(log, place, from, run.own)
    yield* ofRun(logs, run, from)
    place = behind(run)
  }
  yield* ofOwn(log, place, from, own)
}

async function* ofRun(logs: PeerLogs, run: Arrival, from: number): AsyncGenerator<Happened, void, void> {
  const first = Math.max(run.from, run.from + from - run.position) as Seq
  let position = Math.max(from, run.position)
  for await (const commit of logs.read(run.origin, first, run.to)) yield { commit, position: position++ }
}

/** Own commits behind a place, up to one. */
async function* ofOwn(
  log: Here['log'],
  { own, position: begin }: Place,
  from: number,
  to: Seq,
): AsyncGenerator<Happened, void, void> {
  const first = (own + 1 + Math.max(0, from - begin)) as Seq
  if (first > to) return
  let position = begin + (first - own - 1)
  for await (const commit of log.read({ from: first, to })) yield { commit, position: position++ }
}
