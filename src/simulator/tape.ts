/**
 * A tape: all that befell a world in which an invariant broke, act by act, as JSON. Acts are named and carry all that they need,
 * so a tape still plays when the draws of a seed have long become others.
 */
import { EngineError } from '../../events/index.ts'
import { VERSION } from '../version.ts'
import { ACT_KINDS, type Act } from './acts/index.ts'
import { runSeed, type Failure, type RunOptions, type RunResult } from './run.ts'

/** Counts up when tapes of before can no longer be read. */
export const TAPE_FORMAT = 1

export type Tape = {
  readonly acts: readonly Act[]
  /** The version that failed. */
  readonly chronet: string
  /** Its commit, where that was known. */
  readonly commit?: string
  readonly format: typeof TAPE_FORMAT
  readonly hosts: number
  /** Id of the one that broke. */
  readonly invariant: string
  /** For a reader: what it was about, once that is known. */
  readonly note?: string
  /** How long acts may happen, in virtual milliseconds. */
  readonly phaseMs: number
  /** Says how fast the machines are, and which ids are drawn. */
  readonly seed: string
  /** What was wrong, in a sentence. */
  readonly why: string
}

/** The tape of a run that failed. */
export const tapeOf = (
  { commit, id, seed, tape, why }: Failure,
  { hosts = 1, minutes = 10 }: Pick<RunOptions, 'hosts' | 'minutes'>,
): Tape => ({
  acts: tape,
  chronet: VERSION,
  ...(commit === undefined ? {} : { commit }),
  format: TAPE_FORMAT,
  hosts,
  invariant: id,
  phaseMs: minutes * 60_000,
  seed,
  why: firstLine(why),
})

/** Plays it; nothing is drawn but what the world itself draws. */
export const playTape = (
  { acts, hosts, phaseMs, seed }: Tape,
  how: Pick<RunOptions, 'commit' | 'forbidGlobals' | 'onLine'> = {},
): Promise<RunResult> => runSeed({ ...how, hosts, minutes: phaseMs / 60_000, seed, tape: acts })

/** As it stands in a file: one act a line, so that two versions of it can be compared. */
export function writeTape({ acts, ...rest }: Tape): string {
  const head = JSON.stringify(rest, Object.keys(rest).sort(), 2).slice(0, -2)
  return `${head},\n  "acts": [\n${acts.map((act) => `    ${JSON.stringify(act)}`).join(',\n')}\n  ]\n}\n`
}

/** @throws {EngineError} ERR_INVALID: it is no tape, or one that this version cannot play */
export function readTape(text: string): Tape {
  const tape = parsed(text)
  const { acts, format, hosts, invariant, phaseMs, seed } = tape
  if (format !== TAPE_FORMAT)
    throw invalid(`it is of format ${String(format)}, and this version reads ${TAPE_FORMAT}`)
  if (typeof seed !== 'string' || typeof invariant !== 'string')
    throw invalid('its seed or invariant is missing')
  if (!isCount(hosts) || !isCount(phaseMs)) throw invalid('its hosts or its time are missing')
  if (!Array.isArray(acts)) throw invalid('it has no acts')
  for (const act of acts as readonly unknown[]) checkAct(act, hosts)
  return tape as Tape
}

function parsed(text: string): { readonly [K in keyof Tape]?: unknown } {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // Told below.
  }
  throw invalid('it is no JSON object')
}

function checkAct(act: unknown, hosts: number): void {
  const { atMs, data, host, kind } = (act ?? {}) as { readonly [K in keyof Act]?: unknown }
  if (!ACT_KINDS.some((each) => each === kind))
    throw invalid(`there is no act '${String(kind)}' in this version`)
  const isWhole = typeof atMs === 'number' && atMs >= 0 && typeof data === 'object' && data !== null
  if (!isWhole || !(host === 0 || isCount(host)) || host >= hosts)
    throw invalid(`an act ${String(kind)} lacks its time, data or host`)
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0
const invalid = (why: string): EngineError =>
  new EngineError('ERR_INVALID', `the tape cannot be played: ${why}`)

/** Of text of many lines. */
export const firstLine = (text: string): string => text.split('\n', 1)[0] ?? ''
