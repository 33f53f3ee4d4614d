/**
 * A kill at every moment of what engines do: before and after each step of the kernel and each write of the store. The next
 * engine makes all well, and the one after it finds nothing to do.
 */
import { describe, expect, it } from 'vitest'
import { checkLife, momentsOf, play } from './crash-lab.ts'
import { SCENARIOS } from './scenarios.ts'

describe('a kill at every moment of', () => {
  it.each(SCENARIOS)('$name', { timeout: 120_000 }, async (scenario) => {
    const moments = await momentsOf(scenario)
    expect(moments.length).toBeGreaterThan(0)
    for (const moment of moments) {
      const run = await play(scenario, moment)
      try {
        await checkLife(run, moment)
      } catch (error) {
        throw new Error(`killed ${moment.when} ${moment.what} ${moment.nth}`, { cause: error })
      }
    }
  })
})
