/** The world as users have it: the real engine, virtual time, faults at chosen moments. */
import { describe, expect, it } from 'vitest'
import { createWorld, DeadlineError } from '../../src/simulator/index.ts'

const SEED = { seed: 'world' }

async function story(seed: string): Promise<string> {
  const world = await createWorld({ seed })
  const { controller } = world.host(0)
  await world.until(controller.newNetwork('bridge', 'web'))
  await world.until(controller.newSandbox('a'))
  await world.until(controller.connect('web', 'a'))
  await world.close()
  return world.trace.hash
}

describe('a world', () => {
  it('has the real engine, and says who reaches whom', async () => {
    const world = await createWorld({ ...SEED, hosts: 2 })
    const { controller } = world.host(0)
    await world.until(controller.newNetwork('bridge', 'web'))
    for (const name of ['a', 'b', 'c']) await world.until(controller.newSandbox(name))
    for (const name of ['a', 'b']) await world.until(controller.connect('web', name))
    expect(world.canReach('a', 'b', 'tcp/80')).toBe(true)
    expect(world.canReach('a', 'c')).toBe(false)
    expect(world.reach('a', '1/b').why).toBe('there is no cable to h1')
    await world.close()
  })

  it('is the same for the same seed', async () => {
    const [one, two, other] = [await story('1'), await story('1'), await story('2')]
    expect(one).toBe(two)
    expect(one).not.toBe(other)
  })

  it('lets an engine die at a port call of choice, and the next one makes all well', async () => {
    const world = await createWorld(SEED)
    const host = world.host(0)
    await world.until(host.controller.newNetwork('bridge', 'web'))
    await world.until(host.controller.newSandbox('a'))
    host.crashAt(4)
    void host.controller.connect('web', 'a')
    await world.until(() => !host.isUp)
    await world.until(host.boot())
    expect(host.controller.queries.endpoints().map(({ state }) => state)).toEqual(['joined'])
    expect(world.canReach('host', 'a')).toBe(true)
    await world.close()
  })

  it('forgets its kernel in a reboot, and the engine builds it again', async () => {
    const world = await createWorld(SEED)
    const host = world.host(0)
    await world.until(host.controller.newNetwork('bridge', 'web'))
    host.reboot()
    expect(host.kernel.links()).toHaveLength(1)
    await world.until(host.boot())
    expect(host.kernel.links()).toHaveLength(2)
    await world.close()
  })

  it('heals what a person breaks', async () => {
    const world = await createWorld(SEED)
    const host = world.host(0)
    await world.until(host.controller.newNetwork('bridge', 'web', { bridge: 'br0' }))
    host.person.deleteLink('br0')
    await world.advance(1000)
    expect(host.kernel.links().map(({ name }) => name)).toEqual(['lo', 'br0'])
    await world.close()
  })

  it('has timers, ids and chance for a service of the user', async () => {
    const draw = async (): Promise<unknown> => {
      const world = await createWorld(SEED)
      const { chance, clock, ids, sleep } = world.ports
      await world.until(sleep(1500))
      return [clock.monotonicMs() > 1500, ids.commandId(), chance.int(1000), chance.of('other').int(1000)]
    }
    expect(await draw()).toEqual(await draw())
  })

  it('says what it waited for in vain, and what happened last', async () => {
    const world = await createWorld(SEED)
    world.host(0).crash()
    await expect(world.until(() => world.host(0).isUp, 1000)).rejects.toThrow(DeadlineError)
    await expect(world.until(() => false, 10)).rejects.toThrow(/h0\.1 +dies/)
  })
})
