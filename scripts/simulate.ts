/** Runs seeds of the simulated world by hand: `npx tsx scripts/simulate.ts --seeds 100 [--from 1] [--minutes 10] [--hosts 1] [--faults disk,kernel] [--seed S --trace]`. */
import { parseArgs } from 'node:util'
import { runSeed, type Failure } from '../src/simulator/run.ts'
import { noStatistics, sumOf } from '../src/simulator/statistics.ts'
import type { ActGroup } from '../src/simulator/acts/index.ts'

const { values } = parseArgs({
  options: {
    faults: { type: 'string' },
    from: { default: '1', type: 'string' },
    hosts: { default: '1', type: 'string' },
    minutes: { default: '10', type: 'string' },
    seed: { type: 'string' },
    seeds: { default: '1', type: 'string' },
    trace: { default: false, type: 'boolean' },
    twice: { default: false, type: 'boolean' },
  },
})
const from = Number(values.from)
const seeds =
  values.seed === undefined ? Array.from({ length: Number(values.seeds) }, (_, i) => from + i) : [values.seed]
const faults =
  values.faults === undefined
    ? {}
    : { faults: values.faults.split(',').filter((each) => each !== 'none') as ActGroup[] }
const say = (text: string): void => void process.stdout.write(`${text}\n`)

let total = noStatistics
const failures: Failure[] = []
const startMs = performance.now()
for (const seed of seeds) {
  const options = { ...faults, hosts: Number(values.hosts), minutes: Number(values.minutes), seed }
  const { failure, statistics, traceHash } = await runSeed({
    ...options,
    ...(values.trace ? { onLine: say } : {}),
  })
  total = sumOf(total, statistics)
  if (values.twice && (await runSeed(options)).traceHash !== traceHash)
    say(`seed ${seed} is not the same twice`)
  if (failure === undefined) continue
  failures.push(failure)
  say(
    `FAIL ${failure.id} seed=${failure.seed} step=${failure.step} t=${failure.virtualMs} ${failure.why.slice(0, 600)}`,
  )
}
const seconds = (performance.now() - startMs) / 1000
if (!values.trace || failures.length === 0) say(JSON.stringify(total, undefined, 1))
for (const { last } of values.seed === undefined ? [] : failures) say(last.join('\n'))
say(
  `${seeds.length} seeds, ${failures.length} failures, ${(total.virtualMs / 3_600_000).toFixed(1)} virtual hours in ${seconds.toFixed(1)} s`,
)
process.exitCode = failures.length === 0 ? 0 : 1
