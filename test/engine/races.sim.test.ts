/** Commands that are faster than the kernel: overtaken, parked, held back, refused, and always at rest in the end. */
import { describe, expect, it } from 'vitest'
import type { CommandId } from '../../events/index.ts'
import type { Controller, EngineError } from '../../src/index.ts'
import { checkInvariants, commitsOf, factsNamed, outcomesOf } from './invariants.ts'
import { Lab, leftovers, story } from './lab.ts'

/** A network `web` and sandboxes `a` and `b`; from then on each step of the kernel takes so long. */
async function machine(latencyMs = 0): Promise<{ controller: Controller; lab: Lab }> {
  const lab = new Lab()
  const controller = await lab.open({ heal: false })
  await lab.do(controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } }))
  await lab.do(controller.newNetwork('bridge', 'wide', { ipam: { subnet: '10.128.0.0/12' } }))
  await lab.do(controller.newSandbox('a'))
  await lab.do(controller.newSandbox('b'))
  lab.world.latencyMs = () => latencyMs
  return { controller, lab }
}

/** What was heard instead of "done". */
const heard = (lab: Lab, work: Promise<unknown>): Promise<EngineError> =>
  lab.do(
    work.then(
      () => Promise.reject(new Error('it was done')),
      (error: unknown) => error as EngineError,
    ),
  )

async function deleteAll({ controller, lab }: { controller: Controller; lab: Lab }): Promise<void> {
  for (const sandbox of controller.sandboxes()) await lab.do(sandbox.delete())
  for (const { id } of controller.queries.endpoints()) await lab.do(controller.endpoint(id).delete())
  for (const network of controller.networks()) await lab.do(network.delete())
  await lab.ports.time.runFor(3000)
  await checkInvariants(lab, controller)
  expect(leftovers(lab)).toEqual([])
}

describe.each([0, 5])('commands in one tick, on a kernel that takes %i ms a step', (latencyMs) => {
  it('connect, disconnect, connect again and delete, and leave nothing', async () => {
    const { controller, lab } = await machine(latencyMs)
    const results = await lab.all<unknown>([
      controller.connect('web', 'a'),
      controller.disconnect('web', 'a'),
      controller.connect('web', 'a'),
      controller.sandbox('a').delete(),
    ])
    expect(outcomesOf(results)).toEqual(['ERR_SUPERSEDED', 'done', 'ERR_SUPERSEDED', 'done'])
    expect(controller.queries.endpoints()).toEqual([])
    await checkInvariants(lab, controller)
    await deleteAll({ controller, lab })
  })

  it('tell who overtook whom', async () => {
    const { controller, lab } = await machine(latencyMs)
    const endpoint = await lab.do(controller.newEndpoint('web', 'e'))
    const join = endpoint.join('a')
    const leave = endpoint.leave()
    const overtaken = await heard(lab, join)
    const { commit } = await lab.do(leave)
    expect(overtaken.code).toBe('ERR_SUPERSEDED')
    expect(overtaken.message).toContain(`overtaken by #${commit.seq}`)
    expect(endpoint.info.state).toBe('reserved')
    await checkInvariants(lab, controller)
  })

  it('take sandbox and endpoints away under a join', async () => {
    const { controller, lab } = await machine(latencyMs)
    const results = await lab.all<unknown>([
      controller.connect('web', 'a'),
      controller.connect('web', 'b'),
      controller.sandbox('a').delete(),
    ])
    expect(outcomesOf(results)).toEqual(['ERR_SUPERSEDED', 'done', 'done'])
    expect(controller.queries.endpoints().map((e) => [e.name, e.state])).toEqual([['b-web', 'joined']])
    await checkInvariants(lab, controller)
    await deleteAll({ controller, lab })
  })

  it('delete a network once its last endpoint is cut, and not before', async () => {
    const { controller, lab } = await machine(latencyMs)
    await lab.do(controller.connect('web', 'a'))
    await lab.do(controller.connect('web', 'b'))
    const network = controller.network('web')
    const results = await lab.all<unknown>([
      controller.disconnect('web', 'a'),
      controller.disconnect('web', 'b'),
      network.delete(),
    ])
    expect(outcomesOf(results)).toEqual(['done', 'done', 'done'])
    const facts = (await story(lab, controller)).join(' ').split(' ')
    expect(facts.lastIndexOf('EndpointReleased')).toBeLessThan(facts.indexOf('NetworkDeleteRequested'))
    await checkInvariants(lab, controller)
    await deleteAll({ controller, lab })
  })

  it('refuse to delete a network while an endpoint stays', async () => {
    const { controller, lab } = await machine(latencyMs)
    await lab.do(controller.connect('web', 'a'))
    await lab.do(controller.connect('web', 'b'))
    const results = await lab.all<unknown>([
      controller.disconnect('web', 'a'),
      controller.network('web').delete(),
    ])
    expect(outcomesOf(results)).toEqual(['done', 'ERR_IN_USE'])
    await checkInvariants(lab, controller)
  })

  it('give eth0 and the address again as soon as the sweep is done', async () => {
    const { controller, lab } = await machine(latencyMs)
    await lab.do(controller.connect('web', 'a', { address: '10.9.0.7' }))
    await lab.do(controller.disconnect('web', 'a'))
    await lab.do(controller.connect('web', 'a', { address: '10.9.0.7' }))
    const [endpoint] = controller.queries.endpoints()
    expect([endpoint?.ifName, endpoint?.addresses]).toEqual(['eth0', ['10.9.0.7/24']])
    await checkInvariants(lab, controller)
    await deleteAll({ controller, lab })
  })

  it('create a thing and use it', async () => {
    const { controller, lab } = await machine(latencyMs)
    const results = await lab.all<unknown>([
      controller.newNetwork('bridge', 'db'),
      controller.newSandbox('c'),
      controller.connect('db', 'c'),
      controller.connect('web', 'c'),
    ])
    expect(outcomesOf(results)).toEqual(['done', 'done', 'done', 'done'])
    await checkInvariants(lab, controller)
    await deleteAll({ controller, lab })
  })

  it('never give two of them one address, interface name or link', async () => {
    const { controller, lab } = await machine(latencyMs)
    const names = Array.from({ length: 200 }, (_, i) => `s${i}`)
    await lab.all(names.map((name) => controller.newSandbox(name)))
    const results = await lab.all(names.map((name) => controller.connect('web', name)))
    expect(new Set(outcomesOf(results))).toEqual(new Set(['done']))
    const endpoints = controller.queries.endpoints()
    for (const field of ['addresses', 'mac', 'link'] as const)
      expect(new Set(endpoints.map((e) => JSON.stringify(e[field]))).size, field).toBe(200)
    await checkInvariants(lab, controller)
  })

  it('end each with a receipt, whatever is asked in whatever order', { timeout: 60_000 }, async () => {
    const { controller, lab } = await machine(latencyMs)
    const work: Promise<unknown>[] = []
    for (let i = 0; i < 300; i++) {
      const acting = act(controller, (i * 7919) % 11)
      acting.catch(() => undefined)
      work.push(acting)
      if (i % 5 === 0) await lab.ports.time.runFor(i % 7)
    }
    await lab.all(work)
    await lab.ports.time.runFor(5000)
    await checkInvariants(lab, controller)
    await deleteAll({ controller, lab })
  })
})

/** One of the things that clients do, on names that others use too. */
async function act(controller: Controller, which: number): Promise<unknown> {
  const sandbox = which % 2 === 0 ? 'a' : 'b'
  switch (which) {
    case 0:
      return controller.dispatch({ data: { sandbox }, type: 'sandbox.delete' })
    case 1:
    case 2:
      return controller.newSandbox(sandbox)
    case 3:
      return controller.dispatch({ data: { network: 'web' }, type: 'network.delete' })
    case 4:
      return controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } })
    case 5:
    case 6:
      return controller.disconnect('web', sandbox)
    default:
      return controller.connect('web', sandbox)
  }
}

describe('parking', () => {
  it('ends after two seconds in the refusal', async () => {
    const { controller, lab } = await machine()
    await lab.do(controller.connect('web', 'a', { address: '10.9.0.7' }))
    lab.world.latencyMs = (step) => (step.op === 'remove' ? 60_000 : 0)
    await lab.do(controller.disconnect('web', 'a'))
    const fromMs = lab.ports.time.monotonicMs()
    const error = await heard(lab, controller.connect('web', 'b', { address: '10.9.0.7' }))
    expect(error.code).toBe('ERR_ADDRESS_TAKEN')
    const tookMs = lab.ports.time.monotonicMs() - fromMs
    expect(tookMs).toBeGreaterThanOrEqual(2000)
    expect(tookMs).toBeLessThan(2100)
    await lab.ports.time.runFor(60_000)
    await lab.do(controller.connect('web', 'b', { address: '10.9.0.7' }))
    await checkInvariants(lab, controller)
  })

  it('holds back who names the same, and nobody else', async () => {
    const { controller, lab } = await machine()
    await lab.do(controller.connect('web', 'a'))
    lab.world.latencyMs = (step) => (step.op === 'remove' ? 500 : 0)
    await lab.do(controller.disconnect('web', 'a'))
    const order: string[] = []
    const note = (name: string) => (): void => void order.push(name)
    await lab.all([
      controller.connect('web', 'a', { ifName: 'eth0' }).then(note('parked')),
      controller.sandbox('a').delete().then(note('behind it')),
      controller.newSandbox('other').then(note('passed')),
    ])
    expect(order[0]).toBe('passed')
    expect(order).toContain('behind it')
    await lab.ports.time.runFor(2000)
    await checkInvariants(lab, controller)
  })

  it('ends with the signal, and the command with it', async () => {
    const { controller, lab } = await machine()
    await lab.do(controller.connect('web', 'a', { address: '10.9.0.7' }))
    lab.world.latencyMs = (step) => (step.op === 'remove' ? 1000 : 0)
    await lab.do(controller.disconnect('web', 'a'))
    const abort = new AbortController()
    const parked = controller.connect('web', 'b', { address: '10.9.0.7' }, { signal: abort.signal })
    await lab.ports.time.runFor(100)
    abort.abort(new Error('no longer wanted'))
    await expect(lab.do(parked)).rejects.toThrow('no longer wanted')
    await lab.ports.time.runFor(3000)
    expect(controller.queries.endpoints()).toEqual([])
    await checkInvariants(lab, controller)
  })
})

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

describe('how a command is given', () => {
  it('refuses more than the queue takes, loses no receipt over it, and goes on when there is room', async () => {
    const { controller, lab } = await machine(1)
    const connected = controller.connect('web', 'a')
    await lab.ports.time.runFor(1)
    // Longer than the plan takes: its receipt comes while the queue is full.
    lab.ports.disks.platter('/data').syncMs = 100
    const many = Array.from({ length: 8500 }, (_, i) =>
      controller.newEndpoint('wide', `e${i}`, {}, { settle: 'durable' }),
    )
    const outcomes = outcomesOf(await lab.all(many))
    expect(new Set(outcomes)).toEqual(new Set(['ERR_BACKPRESSURE', 'done']))
    await lab.do(connected)
    await lab.do(controller.newEndpoint('wide', 'one-more'))
    await lab.ports.time.runFor(1000)
    await checkInvariants(lab, controller)
  })

  it('answers early when asked to', async () => {
    const { controller, lab } = await machine(1000)
    const fromMs = lab.ports.time.monotonicMs()
    const endpoint = await lab.do(controller.connect('web', 'a', {}, { settle: 'durable' }))
    expect(lab.ports.time.monotonicMs() - fromMs).toBeLessThan(100)
    expect(endpoint.info.state).toBe('joining')
    await lab.ports.time.runFor(10_000)
    expect(endpoint.info.state).toBe('joined')
  })

  it('ends the waiting with a signal, never the command', async () => {
    const { controller, lab } = await machine(1000)
    const abort = new AbortController()
    const work = controller.connect('web', 'a', {}, { signal: abort.signal })
    await lab.ports.time.runFor(100)
    abort.abort(new Error('no patience'))
    await expect(lab.do(work)).rejects.toThrow('no patience')
    await lab.ports.time.runFor(10_000)
    expect(controller.queries.endpoints().map((e) => e.state)).toEqual(['joined'])
    await expect(
      lab.do(controller.connect('web', 'b', {}, { signal: AbortSignal.abort(new Error('never')) })),
    ).rejects.toThrow('never')
    expect(controller.queries.endpoints()).toHaveLength(1)
  })

  it('refuses when a stream is not where the caller saw it', async () => {
    const { controller, lab } = await machine()
    const stream = `sandbox/${controller.sandbox('a').id}` as const
    const stale = controller.connect('web', 'a', {}, { expect: [{ stream, version: 1 }] })
    expect((await heard(lab, stale)).code).toBe('ERR_EXPECTED_VERSION')
    expect(controller.queries.endpoints()).toEqual([])
    await lab.do(controller.connect('web', 'a', {}, { expect: [{ stream, version: 2 }] }))
    await checkInvariants(lab, controller)
  })

  it('takes a command id once, however often and fast it comes', async () => {
    const { controller, lab } = await machine(5)
    const id = '0190d6e4-0000-7000-8000-000000000001' as CommandId
    const twice = [controller.connect('web', 'a', {}, { id }), controller.connect('web', 'a', {}, { id })]
    expect(outcomesOf(await lab.all(twice))).toEqual(['done', 'done'])
    await lab.do(controller.connect('web', 'a', {}, { id }))
    expect(controller.queries.endpoints()).toHaveLength(1)
    await checkInvariants(lab, controller)
  })

  it('lets one who asks with the same id give up alone', async () => {
    const { controller, lab } = await machine(100)
    const id = '0190d6e4-0000-7000-8000-000000000001' as CommandId
    const abort = new AbortController()
    const first = controller.connect('web', 'a', {}, { id, signal: abort.signal })
    const second = controller.connect('web', 'a', {}, { id })
    await lab.ports.time.runFor(50)
    abort.abort(new Error('no patience'))
    expect(outcomesOf(await lab.all([first, second]))).toEqual(['Error: no patience', 'done'])
  })
})
