/** A kernel that cannot: who asks hears ERR_KERNEL_UNSUPPORTED, gets back what was taken, and has a way out. */
import { describe, expect, it } from 'vitest'
import { checkInvariants } from './invariants.ts'
import type { Lab } from './lab.ts'
import { deleteAll, heard, machine } from './race-lab.ts'

const lacks = (lab: Lab, kind: string, errno = 'EOPNOTSUPP') =>
  lab.world.faults.push({
    errno,
    match: (step) => step.op === 'ensure' && step.spec.kind === kind,
    times: 1,
    when: 'before',
  })

describe('a kernel', () => {
  it.each(['bridge', 'firewall-network'])('without %s makes no network, and says so', async (kind) => {
    const { controller, lab } = await machine()
    lacks(lab, kind)
    const error = await heard(lab, controller.newNetwork('bridge', 'other'))
    expect(error.code).toBe('ERR_KERNEL_UNSUPPORTED')
    expect(controller.network('other').info.state).toBe('failed')
    await checkInvariants(lab, controller)
    await lab.do(controller.network('other').delete())
    await lab.do(controller.newNetwork('bridge', 'other'))
    await lab.do(controller.network('other').delete())
    await deleteAll({ controller, lab })
  })

  it('without veths connects nobody, and takes nothing for it', async () => {
    const { controller, lab } = await machine()
    lacks(lab, 'veth')
    const error = await heard(lab, controller.connect('web', 'a'))
    expect(error.code).toBe('ERR_KERNEL_UNSUPPORTED')
    expect(controller.queries.endpoints()).toEqual([])
    await checkInvariants(lab, controller)
    await deleteAll({ controller, lab })
  })

  it('that takes a right away meanwhile says that', async () => {
    const { controller, lab } = await machine()
    lacks(lab, 'veth', 'EPERM')
    expect((await heard(lab, controller.connect('web', 'a'))).code).toBe('ERR_NOT_PERMITTED')
    await checkInvariants(lab, controller)
    await deleteAll({ controller, lab })
  })
})
