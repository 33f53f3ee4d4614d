/** Every scenario without a crash, and with one at every eleventh point; `scripts/crash-matrix.ts` plays them all. */
import { describe, expect, it } from 'vitest'
import {
  ask,
  asks,
  createWorld,
  crashMatrix,
  done,
  playPoint,
  running,
  SCENARIOS,
  scenarioNamed,
  type Scenario,
} from '../../src/simulator/index.ts'

/** Odd, so that both sides of calls are met. */
const EVERY = 11
const SLOW_MS = 60_000
/** What is told again with two crashes, and how many of all pairs. */
const IMPORTANT = ['attach', 'detach', 'reboot', 'shared-namespace', 'parallel-churn']
const EVERY_PAIR = 13

const told = (failures: Awaited<ReturnType<typeof crashMatrix>>['failures']): readonly string[] =>
  failures.map(({ at, id, why }) => `${id} at ${at?.call} ${at?.when} ${at?.name}: ${why.slice(0, 300)}`)

/** Asks twice for what there can be once. */
const hopeless: Scenario = {
  from: 'Nowhere.',
  name: 'hopeless',
  run: async (world) => {
    await done(world, asks.network('web'))
    await done(world, asks.network('web'))
  },
}

describe('the crash matrix', () => {
  for (const scenario of SCENARIOS)
    it(
      `comes out: ${scenario.name}`,
      async () => {
        const { calls, failures, runs } = await crashMatrix([scenario], {
          every: EVERY,
          forbidGlobals: true,
        })
        expect(told(failures)).toEqual([])
        expect(runs).toBeGreaterThan(1)
        expect(calls[scenario.name]).toBeGreaterThan(5)
      },
      SLOW_MS,
    )

  it.each(IMPORTANT)(
    'comes out though the engine that is started next dies, too: %s',
    async (name) => {
      const { failures, runs } = await crashMatrix([scenarioNamed(name)], {
        every: EVERY,
        forbidGlobals: true,
        pairs: EVERY_PAIR,
      })
      expect(told(failures)).toEqual([])
      expect(runs).toBeGreaterThan(20)
    },
    SLOW_MS,
  )

  it('says where it died twice', async () => {
    const point = { again: { call: 4, when: 'after' as const }, call: 3, when: 'before' as const }
    const { failure, recovery } = await playPoint(hopeless, point)
    expect(failure?.at).toMatchObject(point)
    expect(failure?.at?.name).toMatch(/^\S.*, then \S/)
    expect(recovery).toBeGreaterThan(10)
  })

  it('is played with the same crash at the same call, however often', async () => {
    const lines = async (): Promise<readonly string[]> => {
      const all: string[] = []
      const onLine = (line: string): void => void all.push(line)
      await playPoint(scenarioNamed('detach'), { call: 20, when: 'after' }, { onLine })
      return all
    }
    expect(await lines()).toEqual(await lines())
  })

  it('says where it failed, in what, and why', async () => {
    const { failure } = await playPoint(hopeless, { call: 3, when: 'before' })
    expect(failure).toMatchObject({ at: { call: 3, when: 'before' }, id: 'S1', scenario: 'hopeless' })
    expect(failure?.at?.name).toMatch(/^(apply|ensure|get|write)/)
    expect(failure?.why).toContain('ERR_EXISTS')
  })

  it('has no scenario of a name that is not in the list', () => {
    expect(() => scenarioNamed('nothing')).toThrow(RangeError)
    expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length)
  })
})

describe('what was answered', () => {
  it('is finished after a crash, though its receipt is not on disk and a person took the bridge away', async () => {
    const world = await createWorld({ seed: 'underpin' })
    const host = world.host(0)
    await done(world, asks.network('web', { bridge: 'br0' }), asks.sandbox('a'))
    await done(world, asks.connect('web', 'a'))
    host.crash()
    host.person.deleteLink('br0')
    const { queries } = await running(world)
    expect(queries.endpoints().map(({ state }) => state)).toEqual(['joined'])
    expect(world.canReach('host', 'a')).toBe(true)
    await world.close()
  })

  it('is finished in another boot, though the first start in it is cut off', async () => {
    const world = await createWorld({ seed: 'underpin' })
    const host = world.host(0)
    await done(world, asks.network('web'), asks.sandbox('a'))
    await done(world, asks.connect('web', 'a'))
    host.reboot()
    // An epoch is begun and told, and nothing is built.
    host.crashAt(8, 'after')
    void host.boot().catch(() => undefined)
    await world.until(() => !host.isAlive)
    const { queries } = await running(world)
    expect(queries.endpoints().map(({ state }) => state)).toEqual(['joined'])
    await world.close()
  })

  it('is heard of again by whoever asks again with the same id', async () => {
    const world = await createWorld({ seed: 'again' })
    await done(world, asks.network('web'), asks.sandbox('a'))
    world.host(0).crashAt(6, 'after')
    const [outcome] = await ask(world, asks.connect('web', 'a'))
    expect(outcome?.code).toBe('done')
    expect(world.host(0).life.name).toBe('h0.2')
    await world.close()
  })
})
