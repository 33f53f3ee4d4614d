/** Claims on real servers, one and three: a stream of its own for each test. */
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import type { Bus } from '../../../src/bus/bus.ts'
import { CLAIM_STREAM } from '../../../src/cluster/claims/subjects.ts'
import { RealLab } from '../../bus/real.ts'
import { CURRENT_SERVER } from '../../bus/server.ts'
import { claimContract } from './claims.ts'

describe.skipIf(CURRENT_SERVER === undefined)('claims on nats-servers', () => {
  describe.each([1, 3] as const)('%i', (count) => {
    const buses: Bus[] = []
    let lab: RealLab | undefined
    let nowMs = 1_800_000_000_000
    const open = async (): Promise<Bus> => {
      if (lab === undefined) throw new Error('no server is running')
      const bus = await lab.open(CLAIM_STREAM)
      buses.push(bus)
      return bus
    }
    beforeAll(async () => {
      lab = await RealLab.start(CURRENT_SERVER ?? '', count)
    })
    beforeEach(async () => {
      await open()
      await lab?.remake(CLAIM_STREAM)
    })
    afterEach(async () => {
      await Promise.all(buses.splice(0).map((bus) => bus.close()))
    })
    afterAll(() => lab?.tearDown())
    claimContract(() => ({ nowMs: () => nowMs, open, pass: (ms) => (nowMs += ms) }))
  })
})
