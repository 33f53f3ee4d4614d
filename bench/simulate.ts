/**
 * How fast worlds are simulated: ten-minute seeds on one core; hours of three hosts that nothing befalls, with the load of every seed;
 * and the whole crash matrix, on all cores. What fails is no figure: it ends the benchmark.
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
  const { ms, runs } = await matrix()
  const virtualMs = three.results.reduce((sum, { statistics }) => sum + statistics.virtualMs, 0)
  const commits = three.results.reduce((sum, { statistics }) => sum + statistics.commits, 0)
  const figures = {
    cores: availableParallelism(),
    hoursPerSecond: rounded(virtualMs / 3600 / three.ms, 2),
    commitsPerHour: rounded(commits / (virtualMs / 3_600_000)),
    matrixPerMinute: rounded((runs / ms) * 60_000),
    matrixRuns: runs,
    seedsPerMinute: rounded((SEEDS / one.ms) * 60_000),
  }
  printTable('simulation', [figures])
  printJson('simulate', figures)
}

if (!beJob(play)) await measure()
