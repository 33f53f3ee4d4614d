/**
 * Opening a log: follow the chain from a checkpoint (or the start) to the head, fold the stream index, and say what is
 * wrong if something is.
 *
 * Two kinds of wrong are told apart. Broken rows at the very end with nothing whole behind them are a **torn** last group:
 * nobody was told of it, so it is cut and reported. Anything else is **damage**: nothing is cut, what is before it is served, nothing
 * is written. What somebody was told of (a snapshot, the head that the run directory remembers) is never cut.
 */
import { damageError, GENESIS, headOf, readChain, readOne, unseal } from './chain.ts'
import type { ChainSource, ClaimedLink, Head, Link } from './chain.ts'
import { EngineError } from './errors.ts'
import type { Commit, Fact, Seq } from './fact.ts'
import { keys, readRows, seqOfKey } from './store.ts'
import type { Row } from './store.ts'
import { StreamIndex } from './streams.ts'
import type { Checkpoint, IsLast } from './streams.ts'
import { newerError } from './upcast.ts'
import type { NewerFact } from './upcast.ts'

/**
 * Numbers that cannot be had; `to` is the last of them if whole commits follow. `newer`: nothing is broken, but the first of them
 * holds what only a newer program knows. `torn`: it looks as a torn group does, and is not cut because somebody was told of all up to
 * this commit, here or before a copy was put in its place.
 */
export type Damage = {
  readonly from: Seq
  readonly newer?: NewerFact
  readonly to?: Seq
  readonly torn?: ClaimedLink
  readonly why: string
}

/** A torn last group that was cut off. */
export type Cut = { readonly from: Seq; readonly rows: number; readonly why: string }

/** What was found when the log was opened. */
export type Opened = {
  /** The log lacks the head that was known of it: it is older than what ran here, or another. */
  readonly behind: boolean
  readonly cut?: Cut
  /** The last number that was believed without reading; what follows was verified. 0: all was. */
  readonly from: Seq
}

/** Folds what is read while the log is opened, so that it is read once. */
export type Replay<F extends Fact = Fact> = {
  /** The next commits, in order, verified. */
  chunk(commits: readonly Commit<F>[]): void
  /** The checkpoint is not of this log: forget it, all comes from the first commit on. */
  restart(): void
}

export type OpenChainOptions<F extends Fact> = {
  readonly checkpoint?: Checkpoint | undefined
  /** A torn group is no longer than this. */
  readonly cutMax: number
  readonly isLast?: IsLast | undefined
  readonly known?: ClaimedLink | undefined
  readonly replay?: Replay<F> | undefined
}

export type OpenedChain = {
  readonly damage?: Damage
  readonly head: Head
  readonly opened: Opened
  readonly streams: StreamIndex
}

/** Verifies, folds, cuts. Rejects only for what is no damage: a store that is closed, a `replay` that throws. */
export async function openChain<F extends Fact>(
  source: ChainSource,
  options: OpenChainOptions<F>,
): Promise<OpenedChain> {
  const { checkpoint, known, replay } = options
  const isOurs = checkpoint !== undefined && (await holdsLink(source, checkpoint.head))
  if (checkpoint !== undefined && !isOurs) replay?.restart()
  const start = isOurs ? checkpoint.head : GENESIS
  const streams = new StreamIndex(isOurs ? checkpoint.versions : [], options.isLast)

  const { flaw, head } = await follow(source, start, streams, replay)
  const told = (checkpoint?.head.seq ?? 0) > (known?.seq ?? 0) ? checkpoint?.head : known
  const verdict = flaw === undefined ? {} : await judge(source, flaw, { cutMax: options.cutMax, told })
  if (checkpoint !== undefined && !isOurs) verdict.damage ??= lacks(checkpoint.head, head)

  const opened: Opened = {
    behind: known !== undefined && verdict.damage === undefined && !(await holdsLink(source, known)),
    ...(verdict.cut === undefined ? {} : { cut: verdict.cut }),
    from: start.seq,
  }
  return { ...(verdict.damage === undefined ? {} : { damage: verdict.damage }), head, opened, streams }
}

/** Whether the log has that commit. The empty log's link is in every log. */
export async function holdsLink(source: ChainSource, link: ClaimedLink): Promise<boolean> {
  if (link.seq === 0) return true
  try {
    return (await readOne(source, link.seq as Seq))?.hash === link.hash
  } catch (error) {
    if (damageOf(error) === undefined) throw error
    return false
  }
}

/** The damage that an error tells of, if it does. */
export function damageOf(error: unknown): Damage | undefined {
  if (!(error instanceof EngineError)) return undefined
  if (error.code !== 'ERR_LOG_DAMAGED' && error.code !== 'ERR_LOG_NEWER') return undefined
  const { from, newer, why } = error.details
  return {
    from: (typeof from === 'number' ? from : 1) as Seq,
    ...(newer === undefined ? {} : { newer: newer as NewerFact }),
    why: String(why),
  }
}

/** The error that tells of it: ERR_LOG_DAMAGED, or ERR_LOG_NEWER. */
export const errorOfDamage = ({ from, newer, why }: Damage): EngineError =>
  newer === undefined ? damageError(from, why) : newerError(from, newer)

async function follow<F extends Fact>(
  source: ChainSource,
  start: Head,
  streams: StreamIndex,
  replay: Replay<F> | undefined,
): Promise<{ readonly flaw?: Damage; readonly head: Head }> {
  let head = start
  try {
    for await (const chunk of readChain<F>(source, start)) {
      for (const raw of chunk) {
        streams.follow(raw.commit)
        head = headOf(raw)
      }
      replay?.chunk(chunk.map((raw) => raw.commit))
    }
  } catch (error) {
    const flaw = damageOf(error)
    if (flaw === undefined) throw error
    return { flaw, head }
  }
  return { head }
}

type Verdict = { cut?: Cut; damage?: Damage }

async function judge(
  source: ChainSource,
  flaw: Damage,
  { cutMax, told }: { readonly cutMax: number; readonly told: ClaimedLink | undefined },
): Promise<Verdict> {
  const rest = await firstRows(source, flaw.from, cutMax + 1)
  const whole = rest.find((row) => isWhole(source, row))
  if (whole !== undefined) {
    const to = (seqOfKey(whole[0]) ?? 0) - 1
    return { damage: to < flaw.from ? flaw : { ...flaw, to: to as Seq } }
  }
  if (rest.length === 0 || rest.length > cutMax) return { damage: flaw }
  if (told !== undefined && flaw.from <= told.seq) return { damage: { ...flaw, torn: told } }
  const batch = source.store.batch()
  for (const [key] of rest) batch.del(key)
  await batch.write({ sync: true } as object)
  return { cut: { from: flaw.from, rows: rest.length, why: flaw.why } }
}

/** Up to `count` rows from a number on; none if the store cannot read them. */
async function firstRows(source: ChainSource, from: Seq, count: number): Promise<readonly Row[]> {
  const found: Row[] = []
  try {
    for await (const rows of readRows(source.store, keys.commits(from), count)) {
      found.push(...rows)
      if (found.length >= count) break
    }
  } catch {
    return []
  }
  return found.slice(0, count)
}

const isWhole = (source: ChainSource, [key, value]: Row): boolean =>
  seqOfKey(key) !== undefined && unseal(source.hash, value) !== undefined

function lacks(expected: Link, head: Link): Damage {
  const from = (Math.min(head.seq, expected.seq - 1) + 1) as Seq
  const why = `a snapshot knows #${expected.seq}, which this log does not have`
  return head.seq < expected.seq ? { from, to: expected.seq, why } : { from: expected.seq, why }
}
