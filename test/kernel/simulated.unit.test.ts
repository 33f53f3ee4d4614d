/** What only the simulated kernel has: faults, death at a step, latency, reboots, people. */
import { describe, expect, it } from 'vitest'
import { keyOf } from '../../events/index.ts'
import { openSimulatedKernel } from '../../src/kernel/simulated/index.ts'
import { personAt } from '../../src/kernel/simulated/humans.ts'
import { createKernelWorld, overrun, reboot } from '../../src/kernel/simulated/world.ts'
import { VirtualTime } from '../../src/simulator/time.ts'
import { simulatedMachine } from '../contracts/simulated.ts'
import {
  attached,
  bridge,
  bridgeName,
  ensure,
  netns,
  ORIGIN,
  remove,
  sha256,
  veth,
} from '../contracts/universe.ts'

const ENDPOINT = { n: 1, network: 1, sandbox: 1 }
const ALL = attached(ENDPOINT)

describe('faults', () => {
  it('fails a step before its effect, as often as ordered', async () => {
    const { kernel, world } = await simulatedMachine()
    world.faults.push({
      errno: 'ENOMEM',
      match: (step) => step.spec.kind === 'bridge',
      times: 2,
      when: 'before',
    })
    for (const _ of [1, 2]) {
      const [result] = await kernel.apply([ensure(bridge(1))])
      expect(result).toMatchObject({ failure: { class: 'retry', code: 'ENOMEM' }, ok: false })
      expect((await kernel.observe([bridge(1)])).found.size).toBe(0)
    }
    expect(await kernel.apply([ensure(bridge(1))])).toMatchObject([{ changed: true, ok: true }])
  })

  it('fails a step after its effect', async () => {
    const { kernel, world } = await simulatedMachine()
    world.faults.push({ errno: 'ENOBUFS', match: () => true, times: 1, when: 'after' })
    expect(await kernel.apply([ensure(bridge(1)), ensure(netns(1))])).toMatchObject([
      { ok: false },
      { ok: true },
    ])
    expect((await kernel.observe([bridge(1)])).found.size).toBe(1)
  })
})

describe('death', () => {
  it.each(['beforeStep', 'afterStep'] as const)('never answers an engine that died %s', async (hook) => {
    const machine = await simulatedMachine()
    const { world } = machine
    world.hooks[hook] = (_step, nth) => {
      if (nth === 3) throw new Error('killed')
    }
    let answered = false
    void machine.kernel.apply(ALL.map(ensure)).then(() => (answered = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(answered).toBe(false)
    world.hooks = {}
    void machine.kernel.observe(ALL).then(() => (answered = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(answered).toBe(false)
    const next = await machine.reopen()
    expect((await next.observe(ALL)).found.size).toBe(hook === 'beforeStep' ? 2 : 3)
  })
})

describe('time', () => {
  it('takes as long as the world says, and lets others act in between', async () => {
    const world = createKernelWorld()
    world.latencyMs = () => 5
    const time = new VirtualTime()
    const kernel = await openSimulatedKernel(world, {
      hash: sha256,
      origin: ORIGIN,
      runDir: '/run/chronet/time',
      timers: time,
    })
    time.scheduler.schedule(() => personAt(world, world.host).deleteLink(bridgeName(1)), 12)
    const results = kernel.apply([ensure(netns(1)), ensure(bridge(1)), ensure(veth(ENDPOINT))])
    expect(await time.until(results)).toMatchObject([
      { ok: true },
      { ok: true },
      { failure: { code: 'ENODEV' } },
    ])
    expect(time.monotonicMs()).toBe(15)
  })
})

describe('the machine', () => {
  it('forgets all at a reboot, and is another boot and another namespace', async () => {
    const machine = await simulatedMachine()
    await machine.kernel.apply(ALL.map(ensure))
    const { identity } = machine.kernel
    reboot(machine.world)
    const kernel = await machine.reopen()
    expect(kernel.identity.bootId).not.toBe(identity.bootId)
    expect(kernel.identity.cookie).not.toBe(identity.cookie)
    expect(await kernel.observe(ALL, { strays: true })).toEqual({ found: new Map(), strays: [] })
  })

  it('gives indexes out again only when told to', async () => {
    const { kernel, world } = await simulatedMachine()
    const indexOf = async (): Promise<number | undefined> => {
      const [result] = await kernel.apply([ensure(bridge(1)), remove(bridge(1))])
      return result?.ok === true ? result.seen?.ifindex : undefined
    }
    expect([await indexOf(), await indexOf()]).toEqual([2, 3])
    world.reuseIfindex = true
    expect([await indexOf(), await indexOf()]).toEqual([2, 2])
  })

  it('says overrun to all who listen', async () => {
    const { kernel, world } = await simulatedMachine()
    const hints: unknown[] = []
    kernel.onHint((hint) => hints.push(hint))
    overrun(world)
    await new Promise((resolve) => setImmediate(resolve))
    expect(hints).toEqual([{ ns: 'host', what: 'overrun' }])
  })

  it('keeps engines of two origins apart', async () => {
    const { kernel, world } = await simulatedMachine()
    await kernel.apply(ALL.map(ensure))
    const other = await openSimulatedKernel(world, {
      hash: sha256,
      origin: sha256('another') as typeof ORIGIN,
      runDir: '/run/chronet/other',
      timers: new VirtualTime(),
    })
    expect((await other.observe([], { strays: true })).strays).toEqual([])
    expect(await other.apply([ensure(bridge(1))])).toMatchObject([
      { failure: { class: 'conflict' }, ok: false },
    ])
    expect(await other.apply([remove(bridge(1))])).toMatchObject([{ changed: false, ok: true }])
    expect((await kernel.observe([bridge(1)])).found.get(keyOf(bridge(1)))?.ours).toBe(true)
  })

  it('brings our link back to its name when a person has renamed it', async () => {
    const { kernel, world } = await simulatedMachine()
    await kernel.apply(ALL.map(ensure))
    personAt(world, world.host).renameLink(bridgeName(1), 'other0')
    expect((await kernel.observe([bridge(1)])).found.size).toBe(0)
    const [result] = await kernel.apply([ensure(bridge(1))])
    expect(result).toMatchObject({ changed: true, ok: true, seen: { ifindex: 2 } })
  })
})
