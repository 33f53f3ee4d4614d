/**
 * The whole crash matrix by hand: `npx tsx scripts/crash-matrix.ts [scenario …] [--every 1] [--pairs 0] [--seed matrix]
 * [--jobs 2]`, a scenario at a time on each core; one point of it is shown by
 * `npx chronet simulate --scenario <name> --crash-at 12:before --trace`.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import {
  crashMatrix,
  type MatrixFailure,
  type MatrixOptions,
  type MatrixResult,
} from '../src/simulator/matrix.ts'
import { heaviestFirst, SCENARIOS, scenarioNamed } from '../src/simulator/scenarios/index.ts'
import { beJob, Jobs } from '../src/system/jobs.ts'

type Asked = { readonly options: MatrixOptions; readonly scenario: string }
type Came = {
  readonly cpuMs: number
  readonly ms: number
  readonly result: MatrixResult
  readonly scenario: string
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function play({ options, scenario }: Asked): Promise<Came> {
  const [startMs, start] = [performance.now(), process.cpuUsage()]
  const result = await crashMatrix([scenarioNamed(scenario)], options)
  const { system, user } = process.cpuUsage(start)
  return { cpuMs: (system + user) / 1000, ms: performance.now() - startMs, result, scenario }
}

const nameOf = ({ at: point, scenario }: MatrixFailure): string => {
  if (point === undefined) return scenario
  const { again, call, name, when } = point
  return `${scenario} --crash-at ${call}:${when}${again ? `,${again.call}:${again.when}` : ''} (${name})`
}

async function matrix(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      every: { default: '1', type: 'string' },
      jobs: { default: String(availableParallelism()), type: 'string' },
      pairs: { default: '0', type: 'string' },
      seed: { default: 'matrix', type: 'string' },
    },
  })
  const { seed } = values
  const options = { every: Number(values.every), forbidGlobals: true, pairs: Number(values.pairs), seed }
  const scenarios = positionals.length === 0 ? SCENARIOS : positionals.map(scenarioNamed)
  const work = heaviestFirst(scenarios).map(({ name }): Asked => ({ options, scenario: name }))
  const failures: MatrixFailure[] = []
  let [cpuMs, runs] = [0, 0]
  const startMs = performance.now()
  const take = ({ cpuMs: took, ms, result, scenario }: Came): void => {
    cpuMs += took
    runs += result.runs
    failures.push(...result.failures)
    say(
      `${scenario.padEnd(26)} ${String(result.calls[scenario]).padStart(4)} calls ${String(result.runs).padStart(5)} runs ` +
        `${(ms / result.runs).toFixed(1).padStart(6)} ms each ${result.failures.length > 0 ? `${result.failures.length} FAILED` : ''}`,
    )
  }
  const jobs = new Jobs<Asked, Came>(import.meta.url, work, take, say)
  await jobs.run(Math.min(Number(values.jobs), work.length))
  for (const failure of failures)
    say(`FAIL ${failure.id} ${nameOf(failure)} seed=${seed}\n     ${failure.why.slice(0, 500)}`)
  const tookMs = performance.now() - startMs
  const perMinute = (ms: number): number => Math.round((runs / ms) * 60_000)
  say(
    `${runs} runs, ${failures.length} failures, ${(tookMs / 1000).toFixed(1)} s: ${perMinute(tookMs)} a minute, ${perMinute(cpuMs)} a minute of CPU`,
  )
  process.exitCode = failures.length === 0 ? 0 : 1
}

if (!beJob(play)) await matrix()
