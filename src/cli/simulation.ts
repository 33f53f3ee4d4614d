/** What `chronet simulate` does: seeds, tapes and scenarios, told as they come and summed up. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../events/index.ts'
import { faultGroups } from '../simulator/faults.ts'
import { runSeed, type Failure, type RunOptions, type RunResult } from '../simulator/run.ts'
import { shrink } from '../simulator/shrink.ts'
import { noStatistics, sumOf, type Statistics } from '../simulator/statistics.ts'
import { playTape, readTape, tapeOf, writeTape } from '../simulator/tape.ts'
import { commitOf } from './commit.ts'
import type { Values } from './leaf.ts'
import { EXIT, UsageError } from './problems.ts'
import type { Session } from './session.ts'
import { Progress } from './simulation-progress.ts'
import { failureLines, summaryLines } from './simulation-report.ts'
import { playScenario } from './simulation-scenario.ts'
import { makeDirectory } from '../storage/make-directory.ts'

/** @returns the exit status: 1 if something broke */
export async function simulate(session: Session, values: Values): Promise<number> {
  for (const [name, flag] of OF_SCENARIOS)
    if (values.text(name) !== undefined && values.text('scenario') === undefined)
      throw new UsageError(`${flag} is of a scenario; say which, with --scenario`)
  if (values.text('scenario') !== undefined) {
    only(values, ['seed', 'crashAt', 'pairs'])
    return playScenario(session, values, await ours(session, values))
  }
  const tape = values.text('tape')
  if (tape === undefined) return new Seeds(session, values, await ours(session, values)).run()
  only(values, ['shrink'])
  return playFile(session, values, tape, await ours(session, values))
}

type Ours = Pick<RunOptions, 'commit' | 'onLine'> & { readonly forbidGlobals: true }

/** What is the same in all that this process runs. It is a process of our own: its globals may be forbidden. */
async function ours(session: Session, values: Values): Promise<Ours> {
  const commit = await commitOf()
  return { ...(commit === undefined ? {} : { commit }), forbidGlobals: true, ...tracing(session, values) }
}

const OF_SCENARIOS = [
  ['crashAt', '--crash-at'],
  ['pairs', '--pairs'],
] as const
const CHOICES = [
  'crashAt',
  'faults',
  'hosts',
  'load',
  'minutes',
  'pairs',
  'seed',
  'seeds',
  'shrink',
  'tape',
] as const

/** What a tape or a scenario says itself cannot be said again. */
function only(values: Values, allowed: readonly string[]): void {
  const what = values.text('scenario') === undefined ? 'tape' : 'scenario'
  const extra = CHOICES.find(
    (name) => name !== what && !allowed.includes(name) && values.text(name) !== undefined,
  )
  if (extra !== undefined) throw new UsageError(`--${extra} does not go with --${what}, which says it itself`)
}

const tracing = (session: Session, values: Values): Pick<RunOptions, 'onLine'> =>
  values.flag('trace')
    ? { onLine: (line) => (session.json ? session.show({ trace: line }) : session.print(line)) }
    : {}

/** Commands an hour: more than a routine is. */
const LOAD_MAX = 100_000

/** A whole number in its bounds. */
function between(
  values: Values,
  name: string,
  usual: number,
  [least, most]: readonly [number, number],
): number {
  const value = values.whole(name) ?? usual
  if (value < least || value > most)
    throw new UsageError(`--${name} must be ${least} to ${most}, not ${value}`)
  return value
}

class Seeds {
  readonly #dir: string | undefined
  readonly #first: string
  readonly #how: { readonly hosts: number; readonly minutes: number } & Ours &
    Pick<RunOptions, 'faults' | 'load'>
  readonly #seeds: number
  readonly #session: Session
  readonly #words: string

  constructor(session: Session, values: Values, how: Ours) {
    this.#session = session
    this.#seeds = between(values, 'seeds', 1, [1, 1_000_000_000])
    this.#first = firstSeed(values, this.#seeds)
    const hosts = between(values, 'hosts', 1, [1, 64])
    const minutes = between(values, 'minutes', 10, [1, 10_000])
    const load = values.text('load') === undefined ? {} : { load: between(values, 'load', 0, [0, LOAD_MAX]) }
    const faults = values.text('faults')
    this.#how = { ...how, faults: groupsOf(faults, hosts), hosts, minutes, ...load }
    this.#dir = shrinkDir(values)
    this.#words = [
      `--hosts ${hosts} --minutes ${minutes}`,
      ...(load.load === undefined ? [] : [`--load ${load.load}`]),
      ...(faults === undefined ? [] : [`--faults ${faults}`]),
    ].join(' ')
  }

  async run(): Promise<number> {
    const { io } = this.#session
    const startMs = io.nowMs()
    const progress = new Progress(this.#session)
    let [failures, total] = [0, noStatistics]
    for (let nth = 0; nth < this.#seeds && !io.signal.aborted; nth++) {
      const seed = nth === 0 ? this.#first : String(Number(this.#first) + nth)
      const { failure, statistics } = await runSeed({ ...this.#how, seed })
      total = sumOf(total, statistics)
      if (failure) {
        failures++
        progress.clear()
        await this.#tell(failure, progress)
      }
      progress.show(() => `${nth + 1} of ${this.#seeds} seeds, ${failures} failed`)
    }
    progress.clear()
    tellTotal(this.#session, { failures, total, tookMs: io.nowMs() - startMs }, this.#first)
    return failures === 0 ? 0 : EXIT.failed
  }

  async #tell(failure: Failure, progress: Progress): Promise<void> {
    const again = `chronet simulate --seed ${failure.seed} ${this.#words} --trace`
    const [dir, how] = [this.#dir, this.#how]
    const tape = tapeOf(failure, how)
    const kept = dir === undefined ? undefined : await keepShrunk(this.#session, tape, progress, { dir, how })
    tellFailure(this.#session, kept?.failure ?? failure, again, kept?.path)
  }
}

/** Without one a seed comes by chance: who runs it again and again looks at other worlds. */
function firstSeed(values: Values, seeds: number): string {
  const seed = values.text('seed') ?? String(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0)
  if (!/^[\w.-]{1,64}$/.test(seed))
    throw new UsageError(`--seed must be letters, digits, '.', '_' and '-', not '${seed}'`)
  if (seeds > 1 && !/^\d{1,15}$/.test(seed))
    throw new UsageError(`--seed must be a whole number where --seeds counts on from it, not '${seed}'`)
  return seed
}

function groupsOf(text: string | undefined, hosts: number): NonNullable<RunOptions['faults']> {
  try {
    return faultGroups(text?.split(','), hosts)
  } catch (error) {
    if (error instanceof EngineError && error.code === 'ERR_INVALID') throw new UsageError(error.message)
    throw error
  }
}

const shrinkDir = (values: Values): string | undefined =>
  values.text('shrink') ?? (values.flag('shrink') ? '.' : undefined)

type Kept = { readonly failure: Failure | undefined; readonly path: string }

/** Makes a tape small and writes it down. */
async function keepShrunk(
  session: Session,
  tape: ReturnType<typeof tapeOf>,
  progress: Progress,
  { dir, how }: { readonly dir: string; readonly how: Ours },
): Promise<Kept> {
  const { commit, forbidGlobals } = how
  const quiet = { ...(commit === undefined ? {} : { commit }), forbidGlobals }
  const small = await shrink(tape, {
    play: (smaller) => playTape(smaller, quiet),
    onTry: ({ acts, tries }) =>
      progress.show(() => `shrinking ${tape.invariant} of seed ${tape.seed}: ${acts} acts, try ${tries}`),
    signal: session.io.signal,
  })
  progress.clear()
  await makeDirectory(dir)
  const path = join(dir, `${tape.invariant}-${tape.seed}.json`)
  await writeFile(path, writeTape(small.tape))
  return { failure: small.failure, path: `${path} (${tape.acts.length} acts made ${small.tape.acts.length})` }
}

async function playFile(session: Session, values: Values, file: string, how: Ours): Promise<number> {
  const tape = readTape(await textOf(file))
  const startMs = session.io.nowMs()
  const { failure, statistics }: RunResult = await playTape(tape, how)
  const dir = shrinkDir(values)
  const progress = new Progress(session)
  const kept =
    failure && dir !== undefined ? await keepShrunk(session, tape, progress, { dir, how }) : undefined
  if (failure) tellFailure(session, failure, `chronet simulate --tape ${file} --trace`, kept?.path)
  const failures = failure === undefined ? 0 : 1
  tellTotal(session, { failures, total: statistics, tookMs: session.io.nowMs() - startMs }, tape.seed)
  if (failure === undefined && !session.json)
    session.print(`${tape.invariant} held this time; on the tape it broke`)
  return failure === undefined ? 0 : EXIT.failed
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new EngineError('ERR_NOT_FOUND', `the tape ${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

function tellFailure(session: Session, failure: Failure, replay: string, kept?: string): void {
  if (session.json) session.show({ failure: { ...failure, replay, ...(kept === undefined ? {} : { kept }) } })
  else
    for (const [i, line] of failureLines(failure, replay, kept).entries())
      session.print(i === 0 ? session.paint('red', line) : line)
}

type Total = { readonly failures: number; readonly tookMs: number; readonly total: Statistics }

function tellTotal(session: Session, { failures, tookMs, total }: Total, first: string): void {
  if (session.json) return session.show({ summary: { failures, first, tookMs, ...total } })
  session.print(`seed       ${first}`, ...summaryLines(total, failures, tookMs))
}
