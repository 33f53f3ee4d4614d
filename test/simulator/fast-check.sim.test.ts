/** Commands as an arbitrary, used as a user would: with what the package exports, and a property of his own. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCommand } from '../../events/parse.ts'
import { ask, createWorld, running, type World } from 'chronet/simulator'
import { clientCommand } from 'chronet/simulator/fast-check'

const few = { endpoints: ['e'], networks: ['web', 'db'], sandboxes: ['a', 'b', 'c'] }

/** A world in which all of it was asked, one after another, and each outcome is known. */
async function after(commands: readonly Parameters<typeof ask>[1][], world: World): Promise<World> {
  for (const command of commands) await ask(world, command)
  await world.advance(2000)
  await running(world)
  return world
}

describe('commands as an arbitrary', () => {
  it('are all of a form that the engine takes', () => {
    fc.assert(
      fc.property(clientCommand(), ({ data, type }) => {
        expect(parseCommand(type, data)).toHaveProperty('command')
      }),
      { numRuns: 500, seed: 1 },
    )
  })

  it('come in every kind, or in those that were asked for', () => {
    const kinds = (options?: Parameters<typeof clientCommand>[0]): readonly string[] =>
      [
        ...new Set(fc.sample(clientCommand(options), { numRuns: 400, seed: 2 }).map(({ type }) => type)),
      ].sort()
    expect(kinds()).toEqual([
      'connect',
      'disconnect',
      'endpoint.create',
      'endpoint.delete',
      'endpoint.join',
      'endpoint.leave',
      'network.create',
      'network.delete',
      'sandbox.create',
      'sandbox.delete',
    ])
    expect(kinds({ types: ['sandbox.create', 'sandbox.delete'] })).toEqual([
      'sandbox.create',
      'sandbox.delete',
    ])
  })

  it('hold a property of an engine that dies anywhere: nobody has an address that another has', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(clientCommand(few), { maxLength: 12 }),
        fc.nat(200),
        async (commands, calls) => {
          const world = await createWorld({ seed: 'property' })
          world.host(0).crashAt(calls + 1)
          await after(commands, world)
          const all = world.controller.queries
            .endpoints()
            .flatMap(({ addresses, network }) => addresses.map((address) => `${network} ${address}`))
          expect(new Set(all).size).toBe(all.length)
          await world.close()
        },
      ),
      { numRuns: 40, seed: 3 },
    )
  })

  it('shrink to the commands that it takes, and nothing that they do not need', async () => {
    const types = ['network.create', 'sandbox.create', 'connect', 'disconnect'] as const
    const commandsOf = fc.array(clientCommand({ ...few, networks: ['web'], types }), {
      maxLength: 20,
      size: 'max',
    })
    const property = fc.asyncProperty(commandsOf, async (commands) => {
      const world = await createWorld({ seed: 'shrinks' })
      await after(commands, world)
      const joined = world.controller.queries.endpoints().filter(({ state }) => state === 'joined')
      await world.close()
      return joined.length < 2
    })
    const { counterexample, failed } = await fc.check(property, { numRuns: 100, seed: 4 })
    expect(failed).toBe(true)
    const left = counterexample?.[0].map(({ type }) => type).sort()
    expect(left).toEqual(['connect', 'connect', 'network.create', 'sandbox.create', 'sandbox.create'])
    const connects = counterexample?.[0].filter(({ type }) => type === 'connect') ?? []
    for (const { data } of connects) expect(Object.keys(data).sort()).toEqual(['network', 'sandbox'])
  }, 60_000)
})
