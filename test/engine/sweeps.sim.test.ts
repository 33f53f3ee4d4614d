/** Sweeps that the kernel refuses: what they hold waits for what they remove, and for nothing that they were to make for others. */
import { describe, expect, it } from 'vitest'
import { ask, asks, createWorld, done, running } from '../../src/simulator/index.ts'
import { commitsOf } from '../../src/simulator/scenarios/scenario.ts'

describe('a sweep after a failed connect', () => {
  it('is tried again without the route that it was to give back, which is healed by itself', async () => {
    const world = await createWorld({ seed: 'sweep' })
    const { kernel } = world.host(0)
    await done(world, asks.network('db'), asks.network('web'), asks.sandbox('a'))
    await done(world, asks.connect('db', 'a'))
    kernel.refuse({ errno: 'EBUSY', kind: 'addr', op: 'ensure', times: 1 })
    kernel.refuse({ errno: 'EBUSY', kind: 'route', op: 'ensure', times: 2 })
    kernel.refuse({ errno: 'EBUSY', kind: 'veth', op: 'remove', times: 1 })
    const [outcome] = await ask(world, asks.connect('web', 'a', { priority: 1 }))
    expect(outcome?.code).toBe('ERR_EFFECT_FAILED')
    await world.advance(2000)
    const plans = commitsOf(world).flatMap(({ facts }) =>
      facts.flatMap((fact) => (fact.type === 'EffectsIntended' ? [fact.data] : [])),
    )
    const told = plans
      .filter(({ purpose }) => purpose === 'heal' || purpose === 'sweep')
      .map(
        ({ purpose, steps }) => `${purpose}: ${steps.map(({ op, spec }) => `${op} ${spec.kind}`).join(', ')}`,
      )
    expect(told).toEqual([
      'sweep: ensure route, cut veth, remove veth',
      'sweep: cut veth, remove veth',
      'heal: ensure route',
    ])
    const { queries } = await running(world)
    expect(queries.endpoints().map(({ name }) => name)).toEqual(['a-db'])
    const routes = [...kernel.world.mounts.values()].flatMap((ns) => ns.routes)
    expect(routes.filter(({ dst }) => dst === '0.0.0.0/0').map(({ via }) => via)).toEqual(['172.17.0.1'])
    await world.close()
  })
})
