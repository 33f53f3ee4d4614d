/**
 * How fast worlds are simulated: ten-minute seeds on one core; hours of three hosts of one cluster that nothing befalls, with the load of every
 * seed, with a day's load, and with none; and the whole crash matrix, on all cores. What fails is no figure: it ends the benchmark.
 *
 *   node --always-sparkplug dist/bench/simulate.js [seeds] [minutes of three hosts] [every]
 */
import { availableParallelism } from 'node:os'
import { beJob, Jobs } from '../src/system/jobs.ts'
import { crashMatrix, type MatrixOptions, type MatrixResult } from '../src/simulator/matrix.ts'
import { runSeed, type RunOptions, type RunResult } from '../src/simulator/run.ts'
import { heaviestFirst, SCENARIOS, scenarioNamed } from '../src/simulator/scenarios/index.ts'
import { printJson, printTable, rounded } from './support.ts'

const [SEEDS, MINUTES, EVERY] = [60, 60, 1].map((usual, i) => Number(process.argv[i + 2] ?? usual)) as [
  number,
  number,
  number,
]
/** Commands an hour on each host on a day like others: a container is attached and one detached a minute. */
const DAY = 120
/** Of a day more hours go by in the same time, and what comes after them weighs less. */
const DAY_MINUTES = 4 * MINUTES
/** Seeds of a kind before the clock runs: Node compiles what it meets often. */
const WARM = 3

type Asked = { readonly options: MatrixOptions; readonly scenario: string }

const play = ({ options, scenario }: Asked): Promise<MatrixResult> =>
  crashMatrix([scenarioNamed(scenario)], options)

async function seeds(
  count: number,
  options: Omit<RunOptions, 'seed'>,
): Promise<{ readonly ms: number; readonly results: readonly RunResult[] }> {
  const results: RunResult[] = []
  let startMs = 0
  for (let i = -WARM; i < count; i++) {
    if (i === 0) startMs = performance.now()
    const result = await runSeed({ ...options, forbidGlobals: true, seed: `bench ${i}` })
    if (result.failure) throw new Error(`${result.failure.id}, seed 'bench ${i}': ${result.failure.why}`)
    if (i >= 0) results.push(result)
  }
  return { ms: performance.now() - startMs, results }
}

/** Hours of a world in a second of the process, and commits of all hosts in such an hour. */
function hoursOf({ ms, results }: Awaited<ReturnType<typeof seeds>>): {
  readonly commits: number
  readonly perSecond: number
} {
  const sum = (of: (result: RunResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0)
  const virtualMs = sum(({ statistics }) => statistics.virtualMs)
  const commits = sum(({ statistics }) => statistics.commits)
  return { commits: rounded(commits / (virtualMs / 3_600_000)), perSecond: rounded(virtualMs / 3600 / ms, 2) }
}

/** Every scenario's points, a scenario at a time on each core. */
async function matrix(): Promise<{ readonly ms: number; readonly runs: number }> {
  const options = { every: EVERY, forbidGlobals: true }
  const work = heaviestFirst(SCENARIOS).map(({ name }): Asked => ({ options, scenario: name }))
  let runs = 0
  const startMs = performance.now()
  const took = ({ failures: [failure], runs: more }: MatrixResult): void => {
    if (failure) throw new Error(`${failure.id}, scenario ${failure.scenario}: ${failure.why}`)
    runs += more
  }
  await new Jobs(import.meta.url, work, took).run(availableParallelism())
  return { ms: performance.now() - startMs, runs }
}

async function measure(): Promise<void> {
  const one = await seeds(SEEDS, { minutes: 10 })
  const three = await seeds(2, { faults: [], hosts: 3, minutes: MINUTES })
  const day = await seeds(2, { faults: [], hosts: 3, load: DAY, minutes: DAY_MINUTES })
  const idle = await seeds(2, { faults: [], hosts: 3, load: 0, minutes: DAY_MINUTES })
  const { ms, runs } = await matrix()
  const [asSeeds, asDays, asIdle] = [hoursOf(three), hoursOf(day), hoursOf(idle)]
  const figures = {
    cores: availableParallelism(),
    hoursPerSecond: asSeeds.perSecond,
    commitsPerHour: asSeeds.commits,
    dayPerSecond: asDays.perSecond,
    dayCommits: asDays.commits,
    idlePerSecond: asIdle.perSecond,
    matrixPerMinute: rounded((runs / ms) * 60_000),
    matrixRuns: runs,
    seedsPerMinute: rounded((SEEDS / one.ms) * 60_000),
  }
  printTable('simulation', [figures])
  printJson('simulate', figures)
}

if (!beJob(play)) await measure()
