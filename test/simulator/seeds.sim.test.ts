/** Seeds: everything goes wrong for a while, then all heals, is emptied, and nothing is left; and twice the same is the same. */
import { expect, it } from 'vitest'
import { runSeed } from '../../src/simulator/index.ts'

/** This process is ours: its globals may be forbidden. */
const seeded = (seed: string, hosts = 1): ReturnType<typeof runSeed> =>
  runSeed({ forbidGlobals: true, hosts, minutes: MINUTES, seed })

/** Ten a test. */
const TESTS = Array.from({ length: 30 }, (_, n) => n)
const MINUTES = 2

const seedsOf = (test: number): readonly string[] =>
  Array.from({ length: 10 }, (_, n) => `test ${10 * test + n}`)

it.each(TESTS)(
  'survives ten seeds, the %ith time',
  async (test) => {
    for (const seed of seedsOf(test)) {
      const { failure, statistics } = await seeded(seed)
      expect(failure && `seed ${seed}: ${failure.id}: ${failure.why}`).toBeUndefined()
      expect(statistics.commits).toBeGreaterThan(0)
    }
  },
  60_000,
)

it('plays a seed twice alike, to the last call', async () => {
  for (const seed of seedsOf(0)) {
    const [first, second] = [await seeded(seed), await seeded(seed)]
    expect(first.traceHash).toBe(second.traceHash)
    expect(first.statistics).toEqual(second.statistics)
  }
}, 60_000)
