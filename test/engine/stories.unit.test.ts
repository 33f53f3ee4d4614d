/** What users do, on the simulated kernel: whole lives, and what each writes. */
import { describe, expect, it } from 'vitest'
import type { RefusedError } from '../../src/index.ts'
import { Lab, leftovers, story } from './lab.ts'

async function twoOnOneNetwork() {
  const lab = new Lab()
  const controller = await lab.open()
  await lab.do(controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } }))
  await lab.do(controller.newSandbox('a'))
  await lab.do(controller.newSandbox('b'))
  await lab.do(controller.connect('web', 'a'))
  await lab.do(controller.connect('web', 'b'))
  return { controller, lab }
}

describe('a network with two sandboxes', () => {
  it('lets them reach each other, and writes one commit and one receipt per connect', async () => {
    const { controller, lab } = await twoOnOneNetwork()
    expect(lab.reaches(controller, 'a', 'b')).toBe(true)
    expect(controller.queries.endpoints().map((e) => [e.name, e.addresses, e.ifName, e.state])).toEqual([
      ['a-web', ['10.9.0.2/24'], 'eth0', 'joined'],
      ['b-web', ['10.9.0.3/24'], 'eth0', 'joined'],
    ])
    expect((await story(lab, controller)).slice(-2)).toEqual([
      'EndpointReserved EndpointJoinRequested SandboxInterfaceAdded EffectsIntended',
      'EffectsSettled EndpointJoined',
    ])
  })

  it('leaves nothing behind when all is deleted', async () => {
    const { controller, lab } = await twoOnOneNetwork()
    await lab.do(controller.sandbox('a').delete())
    await lab.do(controller.disconnect('web', 'b'))
    await lab.do(controller.sandbox('b').delete())
    await lab.do(controller.network('web').delete())
    await lab.do(controller.close())
    expect(leftovers(lab)).toEqual([])
  })

  it('shows the past as it was', async () => {
    const { controller, lab } = await twoOnOneNetwork()
    await lab.do(controller.disconnect('web', 'a'))
    const before = await lab.do(controller.asOf('#11'))
    expect(before.endpoints('web').map((e) => e.name)).toEqual(['a-web', 'b-web'])
    expect(controller.queries.endpoints('web').map((e) => e.name)).toEqual(['b-web'])
  })

  it('reopens on an undamaged kernel without a write to it', async () => {
    const { controller, lab } = await twoOnOneNetwork()
    await lab.do(controller.close())
    const steps = lab.world.steps
    const again = await lab.open()
    expect(lab.world.steps).toBe(steps)
    expect(again.recovered).toEqual({ healed: 0, late: 0, orphans: [] })
    expect(lab.reaches(again, 'a', 'b')).toBe(true)
  })

  it('builds everything anew after a reboot, with the same addresses', async () => {
    const { controller, lab } = await twoOnOneNetwork()
    await lab.do(controller.close())
    lab.reboot()
    const again = await lab.open()
    expect(again.queries.endpoints().map((e) => e.addresses[0])).toEqual(['10.9.0.2/24', '10.9.0.3/24'])
    expect(lab.reaches(again, 'a', 'b')).toBe(true)
  })
})

describe('two networks', () => {
  it('are isolated from each other', async () => {
    const { controller, lab } = await twoOnOneNetwork()
    await lab.do(controller.newNetwork('bridge', 'db', { ipam: { subnet: '10.10.0.0/24' } }))
    await lab.do(controller.newSandbox('c'))
    await lab.do(controller.connect('db', 'c'))
    expect(lab.reaches(controller, 'a', 'c')).toBe(false)
    expect(lab.reaches(controller, 'c', 'a')).toBe(false)
  })

  it('give the default route to the first by name, and to the other when that one goes', async () => {
    const { controller, lab } = await twoOnOneNetwork()
    await lab.do(controller.newNetwork('bridge', 'db', { ipam: { subnet: '10.10.0.0/24' } }))
    await lab.do(controller.connect('db', 'a'))
    const gateway = () => controller.queries.endpoint(controller.queries.sandbox('a').gateway ?? '').name
    expect(gateway()).toBe('a-db')
    await lab.do(controller.disconnect('db', 'a'))
    expect(gateway()).toBe('a-web')
  })
})

describe('refusals', () => {
  const refusal = async (lab: Lab, work: Promise<unknown>): Promise<RefusedError> =>
    lab
      .do(work.then(() => Promise.reject(new Error('was not refused'))))
      .catch((error: unknown) => error as RefusedError)

  it('name the holder of a taken address, and change nothing', async () => {
    const { controller, lab } = await twoOnOneNetwork()
    await lab.do(controller.newSandbox('d'))
    const before = (await story(lab, controller)).length
    const error = await refusal(lab, controller.connect('web', 'd', { address: '10.9.0.2' }))
    expect(error.code).toBe('ERR_ADDRESS_TAKEN')
    expect(error.message).toContain('a-web')
    expect((await story(lab, controller)).length).toBe(before)
  })

  it('tell all problems at once', async () => {
    const { controller, lab } = await twoOnOneNetwork()
    const error = await refusal(
      lab,
      controller.newNetwork('bridge', 'web', {
        ipam: { gateway: '10.7.0.1', subnet: '10.9.0.0/25' },
        mtu: 3,
      }),
    )
    expect(error.problems.map((p) => p.code).sort()).toEqual([
      'ERR_ADDRESS_INVALID',
      'ERR_EXISTS',
      'ERR_INVALID',
      'ERR_OVERLAP',
    ])
  })

  it('keep a network that is in use, and say who uses it', async () => {
    const { controller, lab } = await twoOnOneNetwork()
    const error = await refusal(lab, controller.network('web').delete())
    expect(error.code).toBe('ERR_IN_USE')
    expect(error.message).toContain('a-web in sandbox a')
  })

  it('list the candidates of an ambiguous prefix', async () => {
    const lab = new Lab()
    const controller = await lab.open()
    const error = await refusal(
      lab,
      controller.dispatch({ data: { network: 'zzzz' }, type: 'network.delete' }),
    )
    expect(error.code).toBe('ERR_NOT_FOUND')
  })

  it('come for wrong shapes before anything is looked at', async () => {
    const lab = new Lab()
    const controller = await lab.open()
    const work = controller.dispatch({ data: { bogus: 1, network: 5 }, type: 'connect' } as never)
    const error = await refusal(lab, work)
    expect(error.problems.map((p) => p.field)).toEqual(['network', 'sandbox', 'bogus'])
  })
})

describe('the same command id', () => {
  it('gives the same outcome for ever, and is refused with other data', async () => {
    const { controller, lab } = await twoOnOneNetwork()
    const id = '0190d6e4-0000-7000-8000-000000000001' as never
    await lab.do(controller.newSandbox('e', {}, { id }))
    const commits = (await story(lab, controller)).length
    const again = await lab.do(controller.newSandbox('e', {}, { id }))
    expect(again.containerId).toBe('e')
    expect((await story(lab, controller)).length).toBe(commits)
    await expect(lab.do(controller.newSandbox('f', {}, { id }))).rejects.toMatchObject({
      code: 'ERR_COMMAND_ID_REUSED',
    })
  })
})
