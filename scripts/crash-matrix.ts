/**
 * The whole crash matrix by hand: `npx tsx scripts/crash-matrix.ts [scenario …] [--every 1] [--pairs 0] [--seed matrix]`; one point of it is
 * shown by `npx chronet simulate --scenario <name> --crash-at 12:before --trace`.
 */
import { parseArgs } from 'node:util'
import { crashMatrix, type MatrixFailure } from '../src/simulator/matrix.ts'
import { SCENARIOS, scenarioNamed } from '../src/simulator/scenarios/index.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    every: { default: '1', type: 'string' },
    pairs: { default: '0', type: 'string' },
    seed: { default: 'matrix', type: 'string' },
  },
})
const { seed } = values
const say = (text: string): void => void process.stdout.write(`${text}\n`)
const scenarios = positionals.length === 0 ? SCENARIOS : positionals.map(scenarioNamed)
const options = { every: Number(values.every), forbidGlobals: true, pairs: Number(values.pairs), seed }

const nameOf = ({ at: point, scenario }: MatrixFailure): string => {
  if (point === undefined) return scenario
  const { again, call, name, when } = point
  return `${scenario} --crash-at ${call}:${when}${again ? `,${again.call}:${again.when}` : ''} (${name})`
}

const startMs = performance.now()
const startCpu = process.cpuUsage()
const failures: MatrixFailure[] = []
let runs = 0
for (const scenario of scenarios) {
  const beganMs = performance.now()
  const result = await crashMatrix([scenario], options)
  runs += result.runs
  failures.push(...result.failures)
  const ms = performance.now() - beganMs
  say(
    `${scenario.name.padEnd(26)} ${String(result.calls[scenario.name]).padStart(4)} calls ${String(result.runs).padStart(5)} runs ` +
      `${(ms / result.runs).toFixed(1).padStart(6)} ms each ${result.failures.length > 0 ? `${result.failures.length} FAILED` : ''}`,
  )
}
for (const failure of failures)
  say(`FAIL ${failure.id} ${nameOf(failure)} seed=${seed}\n     ${failure.why.slice(0, 500)}`)
const seconds = (performance.now() - startMs) / 1000
const cpuSeconds = process.cpuUsage(startCpu).user / 1e6
say(
  `${runs} runs, ${failures.length} failures, ${seconds.toFixed(1)} s: ${Math.round((runs / seconds) * 60)} a minute, ${Math.round((runs / cpuSeconds) * 60)} a minute of CPU`,
)
process.exitCode = failures.length === 0 ? 0 : 1
