/** Moments as people give them: which commit, or which time, is meant. */
import type { AnyFact, Instant, Log, Seq } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import { instant } from '../engine/instant.ts'

/** A commit (`12`, `'#12'`), a time (RFC 3339, Date), or how long ago (`'90s'`, `'10m'`, `'24h'`, `'7d'`). */
export type Moment = Date | number | string

/** A commit, or a time: all up to it, itself included. */
export type Until = { readonly seq: Seq } | { readonly at: Instant }

const UNIT_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, ms: 1, s: 1000 }

/** 9999-12-31T23:59:59.999Z: later years have a sign in front, and would not stand in the order of their text. */
const LAST_MS = 253_402_300_799_999

/** What is meant, whether a log has come to it or not. @throws {EngineError} ERR_INVALID: it is none of the forms. */
export function parseMoment(moment: Moment, nowMs: number): Until {
  if (typeof moment === 'number') return commit(moment, moment)
  if (moment instanceof Date) return time(moment.getTime(), moment)
  const numbered = /^#(\d+)$/.exec(moment)
  if (numbered) return commit(Number(numbered[1]), moment)
  const ago = /^(\d+)(ms|s|m|h|d)$/.exec(moment)
  if (ago) return time(nowMs - Number(ago[1]) * (UNIT_MS[ago[2] ?? ''] ?? NaN), moment)
  if (moment === 'now') return time(nowMs, moment)
  // Without its zone a time would be another one elsewhere.
  return time(/^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/.test(moment) ? Date.parse(moment) : NaN, moment)
}

/** A moment that the durable log has come to. @throws {EngineError} ERR_INVALID: it is none, or names a commit that is not there yet */
export async function momentIn(
  log: Pick<Log<AnyFact>, 'decided' | 'durable' | 'flush'>,
  moment: Moment,
  nowMs: number,
): Promise<Until> {
  const until = parseMoment(moment, nowMs)
  const head = log.decided.seq
  if ('seq' in until && until.seq > head)
    throw new EngineError('ERR_INVALID', `the log ends at #${head}; there is no #${until.seq} yet`)
  // What was answered may still be on its way to disk: it is waited for.
  if ('seq' in until ? until.seq > log.durable.seq : until.at >= log.durable.at) await log.flush()
  return until
}

function commit(seq: number, given: Moment): Until {
  if (!Number.isSafeInteger(seq) || seq < 0) throw invalid(given)
  return { seq: seq as Seq }
}

function time(ms: number, given: Moment): Until {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) throw invalid(given)
  return { at: instant(Math.min(ms, LAST_MS)) }
}

const invalid = (given: Moment): EngineError =>
  new EngineError(
    'ERR_INVALID',
    `'${String(given)}' is no moment; give a commit (#12), a time (2026-01-31T09:30:00Z) or how long ago (90s, 10m, 24h, 7d)`,
  )
