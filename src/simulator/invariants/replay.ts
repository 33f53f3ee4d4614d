/** What must hold of a log that is over (F): however it is folded it comes to the same, and deciding again gives the same facts. */
import { decodeCommit, encodeCommit, type AnyFact, type Commit } from '../../../events/index.ts'
import { FACT_VERSIONS } from '../../../events/facts.ts'
import { UPCASTERS, upcastBy } from '../../../events/upcast.ts'
import { builtinDrivers } from '../../drivers/index.ts'
import { contextOf } from '../../engine/context.ts'
import { emptyView, type View } from '../../engine/empty-view.ts'
import { tablesOfView, viewFrom } from '../../engine/snapshots.ts'
import { takeTurn } from '../../engine/turn.ts'
import { evolveView, ViewFold } from '../../engine/view.ts'
import type { Given } from '../../engine/context.ts'
import { sha256 } from '../../system/hash.ts'
import type { Ledger } from './invariant.ts'

type Log = readonly Commit<AnyFact>[]

/** A view as text: equal text, equal views. */
export const textOf = (view: View): string =>
  JSON.stringify([...tablesOfView(view, [])].map(([name, rows]) => [name, [...rows]]))

const folded = (log: Log, from?: View): View => {
  const fold = new ViewFold(from)
  fold.add(log)
  return fold.view()
}

/** P1, P3, P5, P7, L10. @param live the engine's own view of all of it */
export function checkReplay(log: Log, live: View, ledger: Ledger): void {
  const text = textOf(folded(log))
  ledger.check('P1', text === textOf(live) ? undefined : 'the view is not what the log folds to')
  const half = log.slice(0, log.length >> 1)
  const rest = folded(log.slice(half.length), thawed(folded(half)))
  ledger.check('P3', text === textOf(rest) ? undefined : 'a snapshot and the rest do not come to the whole')
  ledger.check(
    'P5',
    text === textOf(oneByOne(log)) ? undefined : 'folding fact by fact comes to something else',
  )
  checkExport(log, ledger)
}

function oneByOne(log: Log): View {
  let view: View = emptyView
  for (const commit of log) {
    const { at, epoch, seq } = commit
    commit.facts.forEach((fact, index) => (view = evolveView(view, fact, { at, epoch, index, seq })))
  }
  return view
}

/** Written down as a snapshot and read again. */
function thawed(view: View): View {
  const tables = new Map(
    [...tablesOfView(view, [])].map(([name, rows]) => [
      name,
      JSON.parse(JSON.stringify([...rows])) as unknown[],
    ]),
  )
  return viewFrom(tables, view.seq)
}

const upcast = upcastBy(UPCASTERS, FACT_VERSIONS)

/** A line is what export writes and import reads, byte for byte. */
function checkExport(log: Log, ledger: Ledger): void {
  let prev = log[0]?.prev
  for (const commit of log) {
    const line = encodeCommit(commit)
    const isSame = encodeCommit(decodeCommit(line)) === line && commit.prev === prev
    ledger.check(
      'P7',
      upcast(commit) === commit ? undefined : `#${commit.seq} is read otherwise than it was written`,
    )
    ledger.check('L10', isSame ? undefined : `#${commit.seq} is not the same when exported and imported`)
    prev = sha256(line)
  }
}

/**
 * P6: every recorded command, decided again on the view before it, gives the facts that were recorded.
 * @param known views by the hash of the commit they come after, from logs that were checked: what they have in common with
 *   this one is not decided again. What this one adds is added.
 * @param turn as the engine takes it
 */
export function checkDecisions(
  log: Log,
  ledger: Ledger,
  known = new Map<string, View>(),
  turn = takeTurn,
): void {
  const origin = log[0]?.origin
  if (origin === undefined) return
  const context = contextOf(builtinDrivers, sha256, origin)
  const from = Math.max(
    0,
    log.findLastIndex(({ prev }) => known.has(prev)),
  )
  let view: View = known.get(log[from]?.prev ?? '') ?? emptyView
  for (const commit of log.slice(from)) {
    known.set(commit.prev, view)
    ledger.check('P6', decidedOtherwise(context, view, commit, turn))
    view = folded([commit], view)
  }
}

function decidedOtherwise(
  context: ReturnType<typeof contextOf>,
  before: View,
  commit: Commit<AnyFact>,
  turn: typeof takeTurn,
): string | undefined {
  const { actor, at, command, epoch, facts, reason, seq } = commit
  const stepped = facts.find((fact) => fact.type === 'ClockSteppedBack')
  const given = {
    actor,
    at,
    ...(stepped ? { clock: stepped.data.clock } : {}),
    command: { data: command.data, type: command.type } as Given['command'],
    epoch,
    id: command.id,
    ...(reason === undefined ? {} : { reason }),
    seq,
  }
  try {
    const { draft } = turn(context, before, given)
    const then = facts.map(({ version: _version, ...fact }) => fact)
    return JSON.stringify(draft.facts.map(sorted)) === JSON.stringify(then.map(sorted))
      ? undefined
      : `#${seq}: ${command.type} is decided otherwise now`
  } catch (error) {
    return `#${seq}: ${command.type} is refused now: ${String(error)}`
  }
}

/** Whoever compares drafts with facts must not care in which order their keys were written. */
const sorted = (fact: object): object =>
  Object.fromEntries(Object.entries(fact).sort(([a], [b]) => (a < b ? -1 : 1)))
