/**
 * `npm run simulate:night`: seeds by chance, on every core, for hours. What fails is made small and written down as a tape; of one
 * invariant a few are enough. Ctrl-C ends it with the summary.
 *
 *   npm run simulate:night -- [--dir .cache/simulate-night] [--hours 8] [--jobs 2] [--faults disk,crash] [--minutes 2]
 *
 * Each job is a process: the parent gives it worlds and hears what came of them.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { commitOf } from '../src/cli/commit.ts'
import { failureLines, summaryLines } from '../src/cli/simulation-report.ts'
import { CLUSTER_GROUPS } from '../src/simulator/acts/index.ts'
import { faultGroups } from '../src/simulator/faults.ts'
import { runSeed, type Failure, type RunOptions } from '../src/simulator/run.ts'
import { shrink } from '../src/simulator/shrink.ts'
import { noStatistics, sumOf, type Statistics } from '../src/simulator/statistics.ts'
import { playTape, tapeOf, writeTape, type Tape } from '../src/simulator/tape.ts'
import { beJob, Jobs } from '../src/system/jobs.ts'

type World = Required<Pick<RunOptions, 'faults' | 'forbidGlobals' | 'hosts' | 'minutes'>> &
  Pick<RunOptions, 'commit'> & { readonly seed: string }
type Found = { readonly failure: Failure; readonly tape: Tape }
type Came = { readonly found?: Found; readonly statistics: Statistics; readonly world: World }
type Asked = { readonly mayShrink: boolean; readonly world: World }

const HOSTS_MAX = 3
/** Tapes of one invariant that are kept: the next is most likely the same again. */
const KEPT_MAX = 5
const say = (...lines: readonly string[]): void => void process.stdout.write(`${lines.join('\n')}\n`)
const oneOf = <T>(all: readonly T[]): T => all[Math.floor(Math.random() * all.length)] as T

async function run({ mayShrink, world }: Asked): Promise<Came> {
  const { failure, statistics } = await runSeed(world)
  if (failure === undefined) return { statistics, world }
  const whole = tapeOf(failure, world)
  if (!mayShrink) return { found: { failure, tape: whole }, statistics, world }
  const { commit, forbidGlobals } = world
  const how = { ...(commit === undefined ? {} : { commit }), forbidGlobals }
  const small = await shrink(whole, { play: (tape) => playTape(tape, how), triesMax: 500 })
  return { found: { failure: small.failure ?? failure, tape: small.tape }, statistics, world }
}

async function night(): Promise<void> {
  const { values } = parseArgs({
    options: {
      dir: { default: '.cache/simulate-night', type: 'string' },
      faults: { type: 'string' },
      hours: { default: '12', type: 'string' },
      jobs: { default: String(availableParallelism()), type: 'string' },
      minutes: { default: '2,10,10,30', type: 'string' },
    },
  })
  const commit = await commitOf()
  const names = values.faults?.split(',')
  const minutes = values.minutes.split(',').map(Number)
  // A typing error is told before anything runs.
  const isOfCluster = faultGroups(names, HOSTS_MAX).some((each) => names && CLUSTER_GROUPS.includes(each))
  const draw = (): World => {
    const hosts = oneOf(isOfCluster ? [2, HOSTS_MAX] : [1, 1, 1, 2, HOSTS_MAX])
    return {
      ...(commit === undefined ? {} : { commit }),
      faults: faultGroups(names, hosts),
      forbidGlobals: true,
      hosts,
      minutes: oneOf(minutes),
      seed: String(Math.floor(Math.random() * 2 ** 32)),
    }
  }
  const tally = new Tally(values.dir)
  function* worlds(): Generator<Asked, never> {
    for (;;) yield { mayShrink: tally.isOpen, world: draw() }
  }
  const jobs = new Jobs<Asked, Came>(import.meta.url, worlds(), (came) => tally.take(came), say)
  setTimeout(() => jobs.stop(), Number(values.hours) * 3_600_000).unref()
  process.once('SIGINT', () => jobs.stop())
  process.once('SIGTERM', () => jobs.stop())
  say(`simulating on ${values.jobs} jobs; what fails goes to ${values.dir}; Ctrl-C ends it`)
  try {
    await jobs.run(Number(values.jobs))
  } finally {
    tally.sumUp()
  }
}

class Tally {
  readonly #dir: string
  #failures = 0
  readonly #found = new Map<string, number>()
  readonly #startMs = performance.now()
  #total = noStatistics

  constructor(dir: string) {
    this.#dir = dir
    mkdirSync(dir, { recursive: true })
  }

  /** Whether the next failure is worth making small. */
  get isOpen(): boolean {
    return [...this.#found.values()].every((count) => count < KEPT_MAX)
  }

  sumUp(): void {
    const tookMs = performance.now() - this.#startMs
    say('', ...summaryLines(this.#total, this.#failures, tookMs))
    for (const [id, count] of this.#found) say(`  ${id}: ${count}`)
    process.exitCode = this.#failures === 0 ? 0 : 1
  }

  take({ found, statistics, world }: Came): void {
    this.#total = sumOf(this.#total, statistics)
    const { runs } = this.#total
    if (runs % 500 === 0) say(`${runs} runs, ${this.#failures} failed`)
    if (found === undefined) return
    const { failure, tape } = found
    this.#failures++
    const count = (this.#found.get(failure.id) ?? 0) + 1
    this.#found.set(failure.id, count)
    if (count > KEPT_MAX) return
    const path = join(this.#dir, `${failure.id}-${world.seed}.json`)
    writeFileSync(path, writeTape(tape))
    say(...failureLines(failure, `npx chronet simulate --tape ${path} --trace`, path))
  }
}

if (!beJob(run)) await night()
