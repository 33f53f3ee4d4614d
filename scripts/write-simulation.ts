/**
 * The table of invariants in docs/simulation.md, from their catalogue, and how often each was looked at in runs of fixed seeds. `npm run
 * docs` writes it; a test holds the page to the catalogue, but not to the counts, which change with every change of the engine.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { INVARIANTS } from '../src/simulator/invariants/catalogue.ts'
import { runSeed } from '../src/simulator/run.ts'
import { noStatistics, sumOf, type Statistics } from '../src/simulator/statistics.ts'

/** Where the page lies. */
export const PAGE = fileURLToPath(new URL('../docs/simulation.md', import.meta.url))

const [BEGIN, END] = ['<!-- invariants: begin, made by `npm run docs` -->', '<!-- invariants: end -->']
const SEEDS = 20

/** The page with its table as it should be; an invariant without a count gets a dash. */
export function simulationPage(page: string, checks: Statistics['checks'] = {}): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (from < 0 || to < from) throw new Error('docs/simulation.md has lost the marks of its table')
  return page.slice(0, from) + [BEGIN, '', ...table(checks), '', ''].join('\n') + page.slice(to)
}

/** Counts are left out, so that two pages can be compared for the rest. */
export const withoutCounts = (page: string): string =>
  page.replace(/^(\| [A-Z]\d+ \|.*\|) [\d–]+ \|$/gm, '$1 |')

function table(checks: Statistics['checks']): readonly string[] {
  return [
    `| id | what holds | looked at | times in ${SEEDS} seeds |`,
    '| --- | --- | --- | ---: |',
    ...Object.entries(INVARIANTS).map(
      ([id, { means, where }]) => `| ${id} | ${means} | ${where.join(', ')} | ${checks[id] ?? '–'} |`,
    ),
  ]
}

async function counted(): Promise<Statistics['checks']> {
  let total = noStatistics
  for (let seed = 1; seed <= SEEDS; seed++) total = sumOf(total, (await runSeed({ seed })).statistics)
  return total.checks
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(PAGE, simulationPage(readFileSync(PAGE, 'utf8'), await counted()))
