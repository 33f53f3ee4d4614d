/** Sandboxes on namespaces that somebody else made: taken as they are, left to their owner, vanished when they are gone. */
import { describe, expect, it } from 'vitest'
import type { RefusedError } from '../../src/index.ts'
import { ask, asks, createWorld, done, running } from '../../src/simulator/index.ts'
import { commitsOf } from '../../src/simulator/scenarios/scenario.ts'
import { Lab, leftovers, story } from './lab.ts'

const PATH = '/proc/4711/ns/net'

/** A network, a namespace of somebody else, and a sandbox on it that is connected. */
async function adopted(options: { readonly heal?: boolean } = {}) {
  const lab = new Lab()
  lab.root.addNamespace(PATH)
  const controller = await lab.open(options)
  await lab.do(controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } }))
  await lab.do(controller.newSandbox('a', { netns: PATH }))
  await lab.do(controller.newSandbox('own'))
  await lab.do(controller.connect('web', 'a', { address: '10.9.0.7' }))
  await lab.do(controller.connect('web', 'own'))
  return { controller, lab }
}

const refusal = async (lab: Lab, promise: Promise<unknown>): Promise<RefusedError> =>
  lab.do(
    promise.then(
      () => Promise.reject(new Error('it was not refused')),
      (error: unknown) => error as RefusedError,
    ),
  )

describe('a namespace that somebody else made', () => {
  it('is taken: interfaces come into it, and packets go', async () => {
    const { controller, lab } = await adopted()
    const ns = lab.world.mounts.get(PATH)
    expect([...(ns?.named.keys() ?? [])]).toEqual(['lo', 'eth0'])
    expect(lab.reaches(controller, 'a', 'own')).toBe(true)
    expect(controller.queries.sandbox('a')).toMatchObject({
      adopts: { bootId: lab.world.bootId, cookie: ns?.cookie, path: PATH },
      state: 'created',
    })
    await lab.do(controller.close())
  })

  it('is not taken where the kernel does not tell of it, and can be taken when it does', async () => {
    const world = await createWorld({ seed: 'unread' })
    const host = world.host(0)
    host.person.addNamespace(PATH)
    const create = { data: { name: 'a', netns: PATH }, type: 'sandbox.create' } as const
    host.kernel.interruptDumps()
    expect(await ask(world, create)).toEqual([{ code: 'ERR_EFFECT_FAILED' }])
    expect(world.controller.queries.sandboxes()).toEqual([])
    expect((await ask(world, create))[0]?.code).toBe('done')
    await world.close()
  })

  it('is let go after a reboot by plans of that epoch, which are run by it alone', async () => {
    const world = await createWorld({ seed: 'gone', stepMs: 0 })
    const host = world.host(0)
    host.person.addNamespace(PATH)
    await done(world, asks.network('web'), { data: { name: 'a', netns: PATH }, type: 'sandbox.create' })
    await done(world, asks.connect('web', 'a'))
    host.reboot()
    await running(world)
    await world.advance(1000)
    const commits = commitsOf(world)
    const late = commits.flatMap(({ epoch, facts }) =>
      facts.filter(
        (fact) => fact.type === 'EffectsSettled' && fact.data.late && fact.data.plan.startsWith(`${epoch}.`),
      ),
    )
    expect(late).toEqual([])
    expect(commits.some(({ facts }) => facts.some(({ type }) => type === 'SandboxVanished'))).toBe(true)
    await world.close()
  })

  it('stays its owner’s when the sandbox is deleted, without what we put into it', async () => {
    const { controller, lab } = await adopted()
    lab.in('4711/ns/net').addForeignLink({ kind: 'dummy', name: 'theirs0' })
    await lab.do(controller.dispatch({ data: { sandbox: 'a' }, type: 'sandbox.delete' }))
    await lab.ports.time.runFor(2000)
    const ns = lab.world.mounts.get(PATH)
    expect([...(ns?.named.keys() ?? [])]).toEqual(['lo', 'theirs0'])
    expect(ns?.binds.size).toBe(0)
    expect(lab.world.defects).toEqual([])
    await lab.do(controller.close())
  })

  it('outlives its owner’s own mount as long as the sandbox has it', async () => {
    const { controller, lab } = await adopted()
    lab.root.unmount(PATH)
    expect(lab.reaches(controller, 'a', 'own')).toBe(true)
    await lab.do(controller.close())
    const again = await lab.open()
    expect(again.recovered).toMatchObject({ healed: 0, orphans: [] })
    expect(again.queries.sandbox('a').state).toBe('created')
    await lab.do(again.close())
  })

  it('is mounted again where only our mount went', async () => {
    const { controller, lab } = await adopted()
    lab.root.unmount([...(lab.world.mounts.get(PATH)?.binds ?? [])][0] ?? '')
    await lab.do(controller.audit())
    expect(controller.queries.sandbox('a').state).toBe('created')
    expect(lab.reaches(controller, 'a', 'own')).toBe(true)
    await lab.do(controller.close())
  })

  it('is one sandbox’s, also of two that are asked for at once', async () => {
    const { controller, lab } = await adopted()
    await lab.do(controller.sandbox('a').delete())
    const both = ['one', 'two'].map((name) => controller.newSandbox(name, { netns: PATH }))
    const [one, two] = await lab.do(Promise.allSettled(both))
    expect(one?.status).toBe('fulfilled')
    expect(two).toMatchObject({ reason: { code: 'ERR_IN_USE' }, status: 'rejected' })
  })

  it('is refused where it is none, is the host’s, or somebody has it', async () => {
    const { controller, lab } = await adopted()
    const before = await story(lab, controller)
    const codes = async (netns: string) =>
      (await refusal(lab, controller.newSandbox('b', { netns }))).problems.map(({ code, field }) => [
        code,
        field,
      ])
    expect(await codes('/nowhere')).toEqual([['ERR_NOT_FOUND', 'netns']])
    expect(await codes('ns')).toEqual([['ERR_INVALID', 'netns']])
    expect(await codes(PATH)).toEqual([['ERR_IN_USE', 'netns']])
    const own = [...lab.world.mounts.keys()].find((path) =>
      path.endsWith(controller.queries.sandbox('own').id),
    )
    expect(await codes(own ?? '')).toEqual([['ERR_IN_USE', 'netns']])
    lab.world.mounts.set('/proc/1/ns/net', lab.world.host)
    expect(await codes('/proc/1/ns/net')).toEqual([['ERR_UNSUPPORTED', 'netns']])
    expect(await story(lab, controller)).toEqual(before)
    await lab.do(controller.close())
  })
})

describe('a namespace of somebody else that is gone', () => {
  it('leaves after a reboot a vanished sandbox, whose endpoint keeps its address; own ones are built again', async () => {
    const { controller, lab } = await adopted()
    const endpoint = controller.queries.endpoint('a-web')
    await lab.do(controller.close())
    lab.reboot()
    // Another namespace at the same place is not the one.
    lab.root.addNamespace(PATH)
    const again = await lab.open()
    expect(again.queries.sandbox('a')).toMatchObject({
      failures: [{ code: 'ESTALE' }],
      interfaces: [],
      state: 'vanished',
    })
    expect(again.queries.sandbox('own').state).toBe('created')
    const { addresses, mac } = endpoint
    expect(again.queries.endpoint('a-web')).toMatchObject({ addresses, mac, state: 'reserved' })
    expect([...(lab.world.mounts.get(PATH)?.named.keys() ?? [])]).toEqual(['lo'])

    const { problems } = await refusal(lab, again.connect('web', 'a', { name: 'more' }))
    expect(problems[0]?.message).toContain("takes no interfaces in state 'vanished'")
    await lab.do(again.newSandbox('a2', { netns: PATH }))
    await lab.do(again.dispatch({ data: { endpoint: 'a-web', sandbox: 'a2' }, type: 'endpoint.join' }))
    expect(lab.reaches(again, 'own', 'a2')).toBe(true)
    await lab.do(again.dispatch({ data: { sandbox: 'a' }, type: 'sandbox.delete' }))
    expect(again.queries.sandboxes().map(({ name }) => name)).toEqual(['a2', 'own'])
    await lab.do(again.close())
    const third = await lab.open()
    expect(third.recovered).toMatchObject({ healed: 0, late: 0, orphans: [] })
    await lab.do(third.close())
  })

  it('is told by the engine that meets it, and what is left of it on the host goes', async () => {
    const { controller, lab } = await adopted()
    const ours = [...(lab.world.mounts.get(PATH)?.binds ?? [])][0] ?? ''
    lab.root.unmount(PATH)
    lab.root.unmount(ours)
    await lab.do(controller.audit())
    await lab.ports.time.runFor(2000)
    expect(controller.queries.sandbox('a').state).toBe('vanished')
    expect(controller.queries.endpoint('a-web').state).toBe('reserved')
    const facts = await story(lab, controller)
    expect(facts.filter((types) => types.includes('SandboxVanished'))).toHaveLength(1)
    for (const sandbox of ['a', 'own'])
      await lab.do(controller.dispatch({ data: { sandbox }, type: 'sandbox.delete' }))
    await lab.do(controller.dispatch({ data: { endpoint: 'a-web' }, type: 'endpoint.delete' }))
    await lab.do(controller.dispatch({ data: { network: 'web' }, type: 'network.delete' }))
    await lab.ports.time.runFor(2000)
    expect(leftovers(lab).filter((name) => !name.startsWith('chronet_'))).toEqual([])
    await lab.do(controller.close())
  })

  it('ends in the same way if the start after the reboot is cut off anywhere', async () => {
    for (let nth = 1; nth < 12; nth++) {
      const { controller, lab } = await adopted()
      await lab.do(controller.close())
      lab.reboot()
      let writes = 0
      lab.world.hooks = {
        beforeStep: () => {
          if (++writes === nth) throw new Error('killed')
        },
      }
      const cut = lab.open().catch(() => undefined)
      await Promise.race([cut, lab.ports.time.runFor(3000)]).catch(() => undefined)
      lab.world.hooks = {}
      lab.kill()
      const again = await lab.open()
      expect(again.queries.sandbox('a').state).toBe('vanished')
      expect(again.queries.endpoint('a-web').state).toBe('reserved')
      expect(again.queries.endpoint('own-web').state).toBe('joined')
      await lab.do(again.close())
    }
  })
})
