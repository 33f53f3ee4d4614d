/** How many seeds a planted bug needs to be found; and where that is written down. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runSeed, type Failure } from '../../../src/simulator/index.ts'
import { planted, type Bug } from './index.ts'

/** What `scripts/plant-bugs.ts` has measured. */
export const MEASURED = fileURLToPath(new URL('measured.json', import.meta.url))

/** Virtual minutes of a run. */
export const MINUTES = 2
/** Series of seeds that are run, and how far each goes. */
export const SERIES = 5
export const SEEDS_MAX = 500

export type Measured = {
  /** Which invariant found it, how often. */
  readonly by: Readonly<Record<string, number>>
  /** Seeds until it was found, of each series, in rising order. */
  readonly needed: readonly number[]
  /** One of the seeds that found it. */
  readonly seed: string
}

/** By name of the bug. */
export const measured = (): Readonly<Record<string, Measured>> =>
  JSON.parse(readFileSync(MEASURED, 'utf8')) as Record<string, Measured>

export const medianOf = (sorted: readonly number[]): number => sorted[sorted.length >> 1] ?? NaN

/** How a run with the bug fails; undefined: it does not. */
export async function failureWith(bug: Bug, seed: string): Promise<Failure | undefined> {
  const { failure } = await runSeed({
    forbidGlobals: true,
    hosts: bug.hosts ?? 1,
    minutes: MINUTES,
    prepare: planted(bug),
    seed,
  })
  return failure
}

/** The nth seed of a series. */
export const seedOf = (series: number, nth: number): string => `planted ${series}.${nth}`

/** The first seed of a series, from the first on, that finds it. @throws {Error} none of so many does */
export async function firstFinding(
  bug: Bug,
  series: number,
): Promise<{ readonly failure: Failure; readonly nth: number; readonly seed: string }> {
  for (let nth = 1; nth <= SEEDS_MAX; nth++) {
    const seed = seedOf(series, nth)
    const failure = await failureWith(bug, seed)
    if (failure) return { failure, nth, seed }
  }
  throw new Error(`${bug.name} is not found in ${SEEDS_MAX} seeds`)
}
