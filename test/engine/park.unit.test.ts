/** How a parked command waits. */
import { describe, expect, it } from 'vitest'
import { againMs, PARK_MS_MAX } from '../../src/engine/park.ts'
import { SWEEP_WAIT_MS } from '../../src/reconcile/execute.ts'
import { heard, machine } from './race-lab.ts'

describe('a parked command', () => {
  it('takes its turn again at growing distance, where no running plan stands in its way', () => {
    let tries = 0
    for (let waitedMs = 0; waitedMs < PARK_MS_MAX; tries++) waitedMs += againMs(tries)
    expect(againMs(0)).toBe(1)
    expect(tries).toBeLessThan(30)
    expect(againMs(10_000)).toBe(100)
  })

  it('hastens the sweep that it waits for, also one that has only just been asked for', async () => {
    const { controller, lab } = await machine()
    await lab.do(controller.connect('web', 'a', { address: '10.9.0.7' }))
    const asked = lab.ports.clock.monotonicMs()
    await lab.do(controller.disconnect('web', 'a'))
    await lab.do(controller.connect('web', 'b', { address: '10.9.0.7' }))
    expect(lab.ports.clock.monotonicMs() - asked).toBeLessThan(SWEEP_WAIT_MS)
    await lab.do(controller.close())
  })

  it('does not wait at all for a sweep that failed and is not yet intended again', async () => {
    const { controller, lab } = await machine()
    await lab.do(controller.connect('web', 'a', { address: '10.9.0.7' }))
    lab.world.faults.push({
      errno: 'EBUSY',
      match: ({ op, spec }) => op === 'remove' && spec.kind === 'veth',
      times: 3,
      when: 'before',
    })
    await lab.do(controller.disconnect('web', 'a'))
    await lab.ports.time.runFor(100)
    const asked = lab.ports.clock.monotonicMs()
    const { code } = await heard(lab, controller.connect('web', 'b', { address: '10.9.0.7' }))
    expect([code, lab.ports.clock.monotonicMs() - asked]).toEqual(['ERR_ADDRESS_TAKEN', 0])
    await lab.do(controller.close())
  })
})
