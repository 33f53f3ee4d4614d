/** What must hold of a log that is over (F): however it is folded it comes to the same, and deciding again gives the same facts. */
import {
  decodeCommit,
  encodeCommit,
  type AnyFact,
  type Commit,
  type FactDraft,
} from '../../../events/index.ts'
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
/** A commit, as it lies on the disk. */
export type Known = { readonly body: string; readonly commit: Commit<AnyFact>; readonly hash: string }

/** A view as text: equal text, equal views. Rows have no order of their own. */
export const textOf = (view: View): string =>
  JSON.stringify(
    [...tablesOfView(view, [])].map(([name, rows]) => [
      name,
      [...rows].map((row) => JSON.stringify(row)).sort(),
    ]),
  )

const folded = (log: Log, from?: View): View => {
  const fold = new ViewFold(from)
  fold.add(log)
  return fold.view()
}

/**
 * P1, P3, P5, P7, L10.
 * @param live the engine's own view of all of it
 * @param stepwise what {@link checkDecisions} came to
 */
export function checkReplay(log: readonly Known[], live: View, stepwise: Stepwise, ledger: Ledger): void {
  const commits = log.map(({ commit }) => commit)
  const half = commits.slice(0, commits.length >> 1)
  const rest = commits.slice(half.length)
  const fold = new ViewFold()
  fold.add(half)
  const middle = fold.view()
  fold.add(rest)
  const text = textOf(fold.view())
  ledger.check('P1', text === textOf(live) ? undefined : 'the view is not what the log folds to')
  const resumed = folded(rest, thawed(middle))
  ledger.check(
    'P3',
    text === textOf(resumed) ? undefined : 'a snapshot and the rest do not come to the whole',
  )
  ledger.check(
    'P5',
    text === textOf(stepwise.view) ? undefined : 'folding fact by fact comes to something else',
  )
  checkExport(log.slice(stepwise.from), ledger)
}

function oneByOne({ at, epoch, facts, seq }: Commit<AnyFact>, before: View): View {
  return facts.reduce(
    (view, fact, index) => evolveView(view, fact, { at, epoch, index: index + 1, seq }),
    before,
  )
}

/** P4: what an engine showed once is what the log folds to up to there. @param shown by the hash of the commit that a view comes after */
export function checkShown(log: readonly Known[], shown: ReadonlyMap<string, View>, ledger: Ledger): void {
  const fold = new ViewFold()
  let folded = 0
  for (const [index, { hash }] of log.entries()) {
    const view = shown.get(hash)
    if (view === undefined) continue
    fold.add(log.slice(folded, index + 1).map(({ commit }) => commit))
    folded = index + 1
    const isSame = textOf(fold.view()) === textOf(view)
    ledger.check('P4', isSame ? undefined : `what was shown at #${view.seq} is not what the log folds to`)
  }
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

/** A line is what export writes and import reads, byte for byte. What is on disk is that line: its hash was looked at when it landed. */
function checkExport(log: readonly Known[], ledger: Ledger): void {
  let prev = log[0]?.commit.prev
  for (const { body, commit, hash } of log) {
    const isSame = encodeCommit(decodeCommit(body)) === body && commit.prev === prev
    ledger.check(
      'P7',
      upcast(commit) === commit ? undefined : `#${commit.seq} is read otherwise than it was written`,
    )
    ledger.check('L10', isSame ? undefined : `#${commit.seq} is not the same when exported and imported`)
    prev = hash
  }
}

/** What deciding again came to: the view after the last commit, folded fact by fact, and how many commits were known before. */
export type Stepwise = { readonly from: number; readonly view: View }

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
): Stepwise {
  const origin = log[0]?.origin
  if (origin === undefined) return { from: 0, view: emptyView }
  const context = contextOf(builtinDrivers, sha256, origin)
  const from = Math.max(
    0,
    log.findLastIndex(({ prev }) => known.has(prev)),
  )
  let view: View = known.get(log[from]?.prev ?? '') ?? emptyView
  for (const commit of log.slice(from)) {
    known.set(commit.prev, view)
    const decided = decidedAgain(context, view, commit, turn)
    ledger.check('P6', decided.why)
    view = decided.view ?? oneByOne(commit, view)
  }
  return { from, view }
}

/** A turn folds what it decides fact by fact, so if it came to the same, its view is the next one. */
type Decided = { readonly view?: View; readonly why: string | undefined }

function decidedAgain(
  context: ReturnType<typeof contextOf>,
  before: View,
  commit: Commit<AnyFact>,
  turn: typeof takeTurn,
): Decided {
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
    const { draft, view } = turn(context, before, given)
    const isSame = draft.facts.length === facts.length && draft.facts.every((fact, i) => isAs(fact, facts[i]))
    if (!isSame) return { why: `#${seq}: ${command.type} is decided otherwise now` }
    // A planted turn may say that it came to another view than it did.
    return turn === takeTurn ? { view, why: undefined } : { why: undefined }
  } catch (error) {
    return { why: `#${seq}: ${command.type} is refused now: ${String(error)}` }
  }
}

/** Equal but for the version, which a draft does not have. */
const isAs = (draft: FactDraft<AnyFact>, fact: AnyFact | undefined): boolean =>
  draft.stream === fact?.stream &&
  draft.type === fact.type &&
  JSON.stringify([draft.data, draft.v]) === JSON.stringify([fact.data, fact.v])
