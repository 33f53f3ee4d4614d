/** The whole crash matrix by hand: `npx tsx scripts/crash-matrix.ts [scenario …] [--every 1] [--seed matrix]`; one point of it, with its trace: `<scenario> --at 12 --when before --trace`. */
import { parseArgs } from 'node:util'
import { crashMatrix, playPoint, type MatrixFailure } from '../src/simulator/matrix.ts'
import { SCENARIOS, scenarioNamed } from '../src/simulator/scenarios/index.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    at: { type: 'string' },
    every: { default: '1', type: 'string' },
    seed: { default: 'matrix', type: 'string' },
    trace: { default: false, type: 'boolean' },
    when: { default: 'before', type: 'string' },
  },
})
const { at, seed, trace } = values
const say = (text: string): void => void process.stdout.write(`${text}\n`)
const scenarios = positionals.length === 0 ? SCENARIOS : positionals.map(scenarioNamed)
const options = { seed, ...(trace ? { onLine: say } : {}) }

const nameOf = ({ at: point, scenario }: MatrixFailure): string =>
  point === undefined ? scenario : `${scenario} --at ${point.call} --when ${point.when} (${point.name})`

const startMs = performance.now()
const startCpu = process.cpuUsage()
const failures: MatrixFailure[] = []
let runs = 0
if (at !== undefined) {
  const when = values.when === 'after' ? ('after' as const) : ('before' as const)
  for (const scenario of scenarios) {
    const { failure } = await playPoint(scenario, { call: Number(at), when }, options)
    runs++
    if (failure) failures.push(failure)
  }
} else {
  for (const scenario of scenarios) {
    const beganMs = performance.now()
    const result = await crashMatrix([scenario], { ...options, every: Number(values.every) })
    runs += result.runs
    failures.push(...result.failures)
    const ms = performance.now() - beganMs
    say(
      `${scenario.name.padEnd(26)} ${String(result.calls[scenario.name]).padStart(4)} calls ${String(result.runs).padStart(5)} runs ` +
        `${(ms / result.runs).toFixed(1).padStart(6)} ms each ${result.failures.length > 0 ? `${result.failures.length} FAILED` : ''}`,
    )
  }
}
for (const failure of failures)
  say(`FAIL ${failure.id} ${nameOf(failure)} seed=${seed}\n     ${failure.why.slice(0, 500)}`)
const seconds = (performance.now() - startMs) / 1000
const cpuSeconds = process.cpuUsage(startCpu).user / 1e6
say(
  `${runs} runs, ${failures.length} failures, ${seconds.toFixed(1)} s: ${Math.round((runs / seconds) * 60)} a minute, ${Math.round((runs / cpuSeconds) * 60)} a minute of CPU`,
)
process.exitCode = failures.length === 0 ? 0 : 1
