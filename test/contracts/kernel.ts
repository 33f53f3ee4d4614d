/**
 * What every kernel port must do: one suite for the real and the simulated one. A claim that only one of them could keep
 * is no claim of the port.
 *
 * Each test has a machine of its own, with a namespace for the host. `Human` is what somebody else does to it: by `ip`
 * and `nft` on the real one.
 */
import { afterEach, beforeEach, describe } from 'vitest'
import { adoptionClaims } from './adoption.ts'
import { benchOn, type Machine } from './bench.ts'
import { driftClaims } from './drift.ts'
import { familyClaims } from './families.ts'
import { flowClaims } from './flows.ts'
import { routeClaims } from './routes.ts'
import { stepClaims } from './steps.ts'

export type { Human, Machine } from './bench.ts'

/** The suite. `makeMachine` gives a fresh one each time. */
export function kernelContract(name: string, makeMachine: () => Promise<Machine>): void {
  describe(`${name} kernel`, () => {
    let machine: Machine | undefined
    beforeEach(async () => {
      machine = await makeMachine()
    })
    afterEach(async () => {
      await machine?.tearDown()
      machine = undefined
    })
    const bench = benchOn(() => {
      if (machine === undefined) throw new Error('no test is running')
      return machine
    })
    stepClaims(bench)
    driftClaims(bench)
    familyClaims(bench)
    routeClaims(bench)
    flowClaims(bench)
    adoptionClaims(bench)
  })
}
