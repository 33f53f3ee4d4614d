/**
 * The tables in docs/simulation.md: of invariants, from their catalogue, with how often each was looked at in runs of fixed seeds; and
 * of planted bugs, from what `scripts/plant-bugs.ts` has measured. `npm run docs` writes them; a test holds the page to catalogue and
 * measurement, but not to the counts of invariants, which change with every change of the engine.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { INVARIANTS } from '../src/simulator/invariants/catalogue.ts'
import { runSeed } from '../src/simulator/run.ts'
import { noStatistics, sumOf, type Statistics } from '../src/simulator/statistics.ts'
import { BUGS } from '../test/simulator/planted/index.ts'
import { measured, medianOf, SERIES } from '../test/simulator/planted/measure.ts'

/** Where the page lies. */
export const PAGE = fileURLToPath(new URL('../docs/simulation.md', import.meta.url))

const SEEDS = 20

/** The page with its tables as they should be; an invariant without a count gets a dash. */
export const simulationPage = (page: string, checks: Statistics['checks'] = {}): string =>
  withTable(withTable(page, 'invariants', invariants(checks)), 'planted', planted())

function withTable(page: string, name: string, table: readonly string[]): string {
  const [begin, end] = [`<!-- ${name}: begin, made by \`npm run docs\` -->`, `<!-- ${name}: end -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/simulation.md has lost the marks of its table '${name}'`)
  return page.slice(0, from) + [begin, '', ...table, '', ''].join('\n') + page.slice(to)
}

/** Counts are left out, so that two pages can be compared for the rest. */
export const withoutCounts = (page: string): string =>
  page.replace(/^(\| [A-Z]\d+ \|.*\|) [\d–]+ \|$/gm, '$1 |')

function invariants(checks: Statistics['checks']): readonly string[] {
  return [
    `| id | what holds | looked at | times in ${SEEDS} seeds |`,
    '| --- | --- | --- | ---: |',
    ...Object.entries(INVARIANTS).map(
      ([id, { means, where }]) => `| ${id} | ${means} | ${where.join(', ')} | ${checks[id] ?? '–'} |`,
    ),
  ]
}

function planted(): readonly string[] {
  const known = measured()
  return [
    `| bug | what is wrong | found by | seeds, median of ${SERIES} series |`,
    '| --- | --- | --- | ---: |',
    ...BUGS.map(({ means, name }) => {
      const { by = {}, needed = [] } = known[name] ?? {}
      const range = `${needed[0] ?? '–'} to ${needed.at(-1) ?? '–'}`
      return `| \`${name}\` | ${means} | ${Object.keys(by).join(', ')} | ${medianOf(needed)} (${range}) |`
    }),
  ]
}

/** Of one host, and what only hosts among others have of three. */
async function counted(): Promise<Statistics['checks']> {
  return { ...(await checksOf(3)), ...(await checksOf(1)) }
}

async function checksOf(hosts: number): Promise<Statistics['checks']> {
  let total = noStatistics
  for (let seed = 1; seed <= SEEDS; seed++) total = sumOf(total, (await runSeed({ hosts, seed })).statistics)
  return total.checks
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(PAGE, simulationPage(readFileSync(PAGE, 'utf8'), await counted()))
