/** Bugs that are planted are found, by the invariants that are there for them; and without them the same seeds find nothing. */
import { describe, expect, it } from 'vitest'
import { INVARIANTS, runSeed } from '../../src/simulator/index.ts'
import { plantedIn } from '../../src/engine/planted.ts'
import { systemPorts } from '../../src/index.ts'
import { BUGS, type Bug } from './planted/index.ts'
import { failureWith, measured, medianOf, MINUTES, seedOf, SERIES } from './planted/measure.ts'

const KNOWN = measured()
/** A seed that found a bug may tell another story in another version: then so many times the median are tried. */
const PATIENCE = 6
const SEEDS_MIN = 20
const SLOW_MS = 300_000

/** Seeds in which to look, the one that found it before first. */
function seedsFor({ name }: Bug): readonly string[] {
  const { needed = [], seed = seedOf(1, 1) } = KNOWN[name] ?? {}
  const more = Math.max(SEEDS_MIN, PATIENCE * medianOf(needed))
  return [seed, ...Array.from({ length: more }, (_, nth) => seedOf(SERIES + 1, nth + 1))]
}

describe('a planted bug', () => {
  it.each(BUGS.map((bug) => [bug.name, bug] as const))(
    'is found: %s',
    async (_name, bug) => {
      for (const seed of seedsFor(bug)) {
        const failure = await failureWith(bug, seed)
        if (failure === undefined) continue
        expect(bug.foundBy, `seed ${seed}: ${failure.why}`).toContain(failure.id)
        return
      }
      expect.fail(`none of ${seedsFor(bug).length} seeds finds it`)
    },
    SLOW_MS,
  )

  it.each([...new Set(BUGS.map(({ hosts = 1, name }) => `${KNOWN[name]?.seed} of ${hosts}`))])(
    'is what seed %s finds: without it there is nothing to find',
    async (found) => {
      const [seed, hosts] = found.split(' of ')
      expect(seed).toMatch(/^planted/)
      const { failure } = await runSeed({ hosts: Number(hosts), minutes: MINUTES, seed: seed ?? '' })
      expect(failure && `${failure.id}: ${failure.why}`).toBeUndefined()
    },
    SLOW_MS,
  )

  it('has a name of its own, a sentence, invariants that there are, and was measured', () => {
    expect(new Set(BUGS.map(({ name }) => name)).size).toBe(BUGS.length)
    expect(BUGS.map(({ name }) => name).sort()).toEqual(Object.keys(KNOWN).sort())
    for (const { foundBy, means, name } of BUGS) {
      expect(means).toMatch(/^[A-Z].+\.$/)
      expect(foundBy.filter((id) => INVARIANTS[id] === undefined)).toEqual([])
      expect(foundBy).toEqual(expect.arrayContaining(Object.keys(KNOWN[name]?.by ?? {})))
      expect(KNOWN[name]?.needed).toHaveLength(SERIES)
    }
  })

  it('is in no engine of a real machine, and cannot be put there by anything that has a name', () => {
    const turn = (): never => expect.fail('a planted turn was taken')
    expect(plantedIn(systemPorts())).toEqual({})
    const named = { ...systemPorts(), planted: { turn }, [Symbol.for('planted')]: { turn } }
    expect(plantedIn(named)).toEqual({})
  })
})
