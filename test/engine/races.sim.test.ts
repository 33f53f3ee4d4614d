/** Commands that are faster than the kernel: overtaken, parked, held back, refused, and always at rest in the end. */
import { describe, expect, it } from 'vitest'
import type { CommandId } from '../../events/index.ts'
import type { Controller } from '../../src/index.ts'
import { checkInvariants, outcomesOf } from './invariants.ts'
import { story } from './lab.ts'
import { deleteAll, heard, machine } from './race-lab.ts'

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
    // Thousands of turns: many seconds on a busy machine.
  }, 90_000)

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
