/** A kernel that refuses: what was asked for fails with its reason, gives back what it took, and has a way out. */
import { describe, expect, it } from 'vitest'
import { checkInvariants, commitsOf, factsNamed } from './invariants.ts'
import { story, type Lab } from './lab.ts'
import { deleteAll, heard, machine } from './race-lab.ts'

describe('a kernel that refuses', () => {
  const failing = (lab: Lab, kind: string, op: string, times: number, when: 'after' | 'before' = 'before') =>
    lab.world.faults.push({
      errno: 'EBUSY',
      match: (step) => step.op === op && step.spec.kind === kind,
      times,
      when,
    })

  it.each(['veth', 'addr', 'route'])(
    'fails a join at its %s, and can be left and joined again',
    async (kind) => {
      const { controller, lab } = await machine()
      const endpoint = await lab.do(controller.newEndpoint('web', 'e'))
      failing(lab, kind, 'ensure', 1)
      const error = await heard(lab, endpoint.join('a'))
      expect(error.code).toBe('ERR_EFFECT_FAILED')
      expect(error.message).toContain('EBUSY')
      expect(endpoint.info.state).toBe('failed')
      expect(controller.queries.sandbox('a').interfaces).toEqual([])
      await checkInvariants(lab, controller)
      await lab.do(endpoint.leave())
      await lab.do(endpoint.join('a'))
      expect([endpoint.info.state, endpoint.info.ifName]).toEqual(['joined', 'eth0'])
      await checkInvariants(lab, controller)
      await deleteAll({ controller, lab })
    },
  )

  it.each([
    ['veth', 'before'],
    ['veth', 'after'],
    ['addr', 'before'],
    ['addr', 'after'],
  ] as const)(
    'fails a connect at its %s (%s the effect), which gives back all that it took',
    async (kind, when) => {
      const { controller, lab } = await machine()
      failing(lab, kind, 'ensure', 1, when)
      const error = await heard(lab, controller.connect('web', 'a', { address: '10.9.0.7' }))
      expect(error.code).toBe('ERR_EFFECT_FAILED')
      expect(controller.queries.endpoints()).toEqual([])
      expect((await story(lab, controller)).join(' ')).toContain(
        'EffectsSettled EndpointJoinFailed EndpointReleaseRequested EndpointReleased',
      )
      await checkInvariants(lab, controller)
      await lab.do(controller.connect('web', 'b', { address: '10.9.0.7' }))
      await checkInvariants(lab, controller)
      await deleteAll({ controller, lab })
    },
  )

  it('fails a network whole, which can then only be deleted', async () => {
    const { controller, lab } = await machine()
    failing(lab, 'firewall-network', 'ensure', 1)
    const error = await heard(lab, controller.newNetwork('bridge', 'db', { ipam: { subnet: '10.8.0.0/24' } }))
    expect(error.code).toBe('ERR_EFFECT_FAILED')
    expect(controller.queries.network('db').state).toBe('failed')
    await checkInvariants(lab, controller)
    expect((await heard(lab, controller.connect('db', 'a'))).code).toBe('ERR_STATE')
    await lab.do(controller.network('db').delete())
    await lab.do(controller.newNetwork('bridge', 'db', { ipam: { subnet: '10.8.0.0/24' } }))
    await checkInvariants(lab, controller)
    await deleteAll({ controller, lab })
  })

  it('fails a sandbox, which can then only be deleted', async () => {
    const { controller, lab } = await machine()
    failing(lab, 'netns', 'ensure', 1)
    expect((await heard(lab, controller.newSandbox('c'))).code).toBe('ERR_EFFECT_FAILED')
    expect((await heard(lab, controller.connect('web', 'c'))).code).toBe('ERR_STATE')
    await lab.do(controller.sandbox('c').delete())
    await lab.do(controller.newSandbox('c'))
    await checkInvariants(lab, controller)
    await deleteAll({ controller, lab })
  })

  it.each(['before', 'after'] as const)(
    'fails a leave (%s the effect), and the next one ends it',
    async (when) => {
      const { controller, lab } = await machine()
      const endpoint = await lab.do(controller.newEndpoint('web', 'e'))
      await lab.do(endpoint.join('a'))
      failing(lab, 'veth', 'cut', 1, when)
      expect((await heard(lab, endpoint.leave())).code).toBe('ERR_EFFECT_FAILED')
      expect(endpoint.info.state).toBe('failed')
      expect((await heard(lab, endpoint.delete())).code).toBe('ERR_IN_USE')
      await lab.do(endpoint.leave())
      await lab.do(endpoint.delete())
      await lab.ports.time.runFor(100)
      await checkInvariants(lab, controller)
      await deleteAll({ controller, lab })
    },
  )

  it('fails a disconnect, and the endpoint can still be ended', async () => {
    const { controller, lab } = await machine()
    await lab.do(controller.connect('web', 'a'))
    failing(lab, 'veth', 'cut', 1)
    expect((await heard(lab, controller.disconnect('web', 'a'))).code).toBe('ERR_EFFECT_FAILED')
    const [failed] = controller.queries.endpoints()
    const endpoint = controller.endpoint(failed?.id ?? '')
    await lab.do(endpoint.leave())
    await lab.do(endpoint.delete())
    await checkInvariants(lab, controller)
    await deleteAll({ controller, lab })
  })

  it.each(['network', 'sandbox'] as const)(
    'fails the end of a %s, and the next one ends it',
    async (what) => {
      const { controller, lab } = await machine()
      if (what === 'sandbox') await lab.do(controller.connect('web', 'a'))
      failing(lab, what === 'network' ? 'bridge' : 'veth', 'cut', 1)
      const thing = what === 'network' ? controller.network('web') : controller.sandbox('a')
      const error = await heard(lab, thing.delete())
      expect(error.code).toBe('ERR_EFFECT_FAILED')
      expect(thing.info.state).toBe('failed')
      await lab.do(thing.delete())
      await deleteAll({ controller, lab })
    },
  )

  it('tries a failed sweep again at growing distance, and holds the address until then', async () => {
    const { controller, lab } = await machine()
    await lab.do(controller.connect('web', 'a', { address: '10.9.0.7' }))
    failing(lab, 'veth', 'remove', 3)
    await lab.do(controller.disconnect('web', 'a'))
    await lab.ports.time.runFor(100)
    const error = await heard(lab, controller.connect('web', 'b', { address: '10.9.0.7' }))
    expect(error.code).toBe('ERR_ADDRESS_TAKEN')
    await lab.ports.time.runFor(3000)
    const commits = await commitsOf(lab, controller)
    const sweeps = factsNamed(commits, 'EffectsIntended').filter(({ data }) => data.purpose === 'sweep')
    const settled = commits.filter(({ facts }) =>
      facts.some(
        (fact) => fact.type === 'EffectsSettled' && sweeps.some((s) => s.data.plan === fact.data.plan),
      ),
    )
    const atMs = settled.map(({ at }) => Date.parse(at))
    const gaps = atMs.slice(1).map((ms, i) => Math.round((ms - (atMs[i] ?? 0)) / 100))
    expect(gaps).toEqual([2, 4, 8])
    await lab.do(controller.connect('web', 'b', { address: '10.9.0.7' }))
    await checkInvariants(lab, controller)
    await deleteAll({ controller, lab })
  })
})
