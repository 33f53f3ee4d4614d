/** Runs of one's own: a world that is prepared, a tape of what befell it, a host that is being closed. */
import { describe, expect, it } from 'vitest'
import type { ClientCommand } from '../../events/index.ts'
import {
  createWorld,
  drawClimate,
  drawCommand,
  drawFittingCommand,
  INVARIANTS,
  Play,
  runSeed,
  Watch,
  World,
  type Host,
} from '../../src/simulator/index.ts'

describe('a run', () => {
  it('is of a world that was prepared before any engine ran', async () => {
    let applied = 0
    const prepare = (world: World): void => {
      const host = world.host(0)
      expect(host.isAlive).toBe(false)
      host.onPorts = (ports) => ({
        ...ports,
        openKernel: async (options) => {
          const kernel = await ports.openKernel(options)
          const apply: typeof kernel.apply = (steps) => {
            applied += steps.length
            return kernel.apply(steps)
          }
          return { ...kernel, apply }
        },
      })
    }
    const { failure, statistics } = await runSeed({ minutes: 1, prepare, seed: 'prepared' })
    expect(failure).toBeUndefined()
    expect(applied).toBeGreaterThanOrEqual(statistics.kernelSteps)
    expect(statistics.kernelSteps).toBeGreaterThan(0)
  })

  it('gives the tape of what befell it, which plays again', async () => {
    const first = await runSeed({ minutes: 1, seed: 'taped' })
    expect(first.tape.length).toBeGreaterThan(3)
    const again = await runSeed({ minutes: 1, seed: 'taped', tape: first.tape })
    expect(again.tape).toEqual(first.tape)
    expect(again.logs).toEqual(first.logs)
  })

  it('has as many commands an hour as it was given, and all of them are done; with none nothing is asked', async () => {
    const calm = { faults: [], hosts: 2, minutes: 30, seed: 'routine' } as const
    const day = await runSeed({ ...calm, load: 120 })
    expect(day.failure).toBeUndefined()
    expect(Object.keys(day.statistics.acts)).toEqual(['client.routine'])
    expect(Object.keys(day.statistics.outcomes)).toEqual(['done'])
    expect(Math.abs((day.statistics.outcomes['done'] ?? 0) - 120)).toBeLessThan(25)
    const types = day.logs.flat().map(({ command }) => command.type)
    expect(types.filter((type) => type === 'connect').length).toBeGreaterThan(30)
    expect(types.filter((type) => type === 'disconnect').length).toBeGreaterThan(30)
    const idle = await runSeed({ ...calm, load: 0 })
    expect(idle.statistics).toMatchObject({ acts: {}, outcomes: {} })
  })

  it('has faults beside a load that was given, and none of the careless clients', async () => {
    const { failure, statistics } = await runSeed({ load: 600, minutes: 3, seed: 'routine and faults' })
    expect(failure).toBeUndefined()
    expect(Object.keys(statistics.acts)).toContain('client.routine')
    expect(Object.keys(statistics.acts).length).toBeGreaterThan(1)
    expect(Object.keys(statistics.acts)).not.toContain('client.ask')
  })

  it('can be put together otherwise', async () => {
    const world = new World({ seed: 'mine' })
    const play = new Play(world)
    const watch = new Watch(world, play)
    const host = world.host(0)
    await world.until(play.boot(host))
    play.begin(drawClimate(world.chance.of('climate'), ['kernel']))
    await world.advance(60_000)
    play.heal()
    await world.advance(120_000)
    await watch.checkRest(host)
    watch.ledger.verdict()
    expect([...watch.ledger.checked.keys()].filter((id) => INVARIANTS[id] === undefined)).toEqual([])
    expect(watch.ledger.checked.get('K1')).toBe(1)
  })
})

describe('a command that fits what there is', () => {
  it('mostly names what exists, where a careless one names what it likes', () => {
    const { chance } = new World({ seed: 'fits' })
    const exists = (kind: string, name: string): boolean =>
      kind !== 'endpoint' && /^(n[01]|s[012])$/.test(name)
    const connects = (draw: () => ClientCommand): number => {
      const all = Array.from({ length: 500 }, draw).filter(({ type }) => type === 'connect')
      const fitting = all.filter(({ data }) => {
        const { network, sandbox } = data as { readonly network: string; readonly sandbox: string }
        return exists('network', network) && exists('sandbox', sandbox)
      })
      return fitting.length / all.length
    }
    expect(connects(() => drawCommand(chance))).toBeLessThan(0.4)
    expect(connects(() => drawFittingCommand(chance, exists))).toBeGreaterThan(0.6)
  })
})

describe('a host', () => {
  const begin = async (): Promise<Host> => (await createWorld({ seed: 'closing' })).host(0)

  it('says that it is being closed, until it is', async () => {
    const world = await createWorld({ seed: 'closing' })
    const host = world.host(0)
    host.kernel.slow(1000)
    void host.controller.newNetwork('bridge', 'web').catch(() => undefined)
    await world.advance(10)
    const closed = host.close()
    expect(host.close()).toBe(closed)
    expect([host.isUp, host.isClosing]).toEqual([true, true])
    await world.until(closed)
    expect([host.isUp, host.isAlive, host.isClosing]).toEqual([false, false, false])
    await world.until(host.boot())
    expect([host.isUp, host.isClosing]).toEqual([true, false])
    await world.close()
  })

  it('knows the head that this boot has seen, and forgets it with the power', async () => {
    const host = await begin()
    expect(host.notedHead?.seq).toBe(host.disk.head)
    host.reboot()
    expect(host.notedHead).toBeUndefined()
  })
})
