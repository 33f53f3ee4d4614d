/**
 * Measures how many seeds of two minutes each planted bug needs to be found, and writes that down for docs/simulation.md and the test:
 * `npx tsx scripts/plant-bugs.ts [bug …]`. It takes minutes. A bug that another invariant finds than those that are there for it, or
 * that is not found at all, is told, and the exit status is 1.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { BUGS, type Bug } from '../test/simulator/planted/index.ts'
import {
  firstFinding,
  MEASURED,
  measured,
  medianOf,
  SERIES,
  type Measured,
} from '../test/simulator/planted/measure.ts'

const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function measure(bug: Bug): Promise<Measured> {
  const by: Record<string, number> = {}
  const needed: number[] = []
  let best: { readonly ms: number; readonly seed: string } | undefined
  for (let series = 1; series <= SERIES; series++) {
    const { failure, nth, seed } = await firstFinding(bug, series)
    needed.push(nth)
    by[failure.id] = (by[failure.id] ?? 0) + 1
    // What fails early is quickly shown again.
    const isExpected = bug.foundBy.includes(failure.id)
    if (isExpected && failure.virtualMs < (best?.ms ?? Infinity)) best = { ms: failure.virtualMs, seed }
    if (!isExpected)
      throw new Error(`${bug.name} is found by ${failure.id} in seed '${seed}': ${failure.why}`)
  }
  const inOrder = Object.fromEntries(Object.entries(by).sort(([a], [b]) => (a < b ? -1 : 1)))
  return { by: inOrder, needed: needed.sort((a, b) => a - b), seed: best?.seed ?? '' }
}

/** Lists of numbers on one line, as prettier has them. */
const textOf = (all: Readonly<Record<string, Measured>>): string =>
  `${JSON.stringify(all, undefined, 2).replace(/\[[\s\d,]+\]/g, (list) => list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'))}\n`

const wanted = process.argv.slice(2)
const names = BUGS.map(({ name }) => name)
const unknown = wanted.find((name) => !names.includes(name))
if (unknown !== undefined) {
  say(
    `there is no bug '${unknown}'; without any name all are planted, one after another: ${names.join(', ')}`,
  )
  process.exit(64)
}
const known: Readonly<Record<string, Measured>> = existsSync(MEASURED) ? measured() : {}
const results = new Map(Object.entries(known).filter(([name]) => BUGS.some((bug) => bug.name === name)))
for (const bug of BUGS) {
  if (wanted.length > 0 && !wanted.includes(bug.name)) continue
  try {
    const result = await measure(bug)
    results.set(bug.name, result)
    say(
      `${bug.name.padEnd(26)} ${String(medianOf(result.needed)).padStart(4)} (${result.needed.join(' ')}) ${Object.keys(result.by).join(' ')}`,
    )
  } catch (error) {
    process.exitCode = 1
    say(String(error))
  }
  const sorted = [...results].sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(MEASURED, textOf(Object.fromEntries(sorted)))
}
