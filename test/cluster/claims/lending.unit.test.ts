/** Addresses in another host's block: asked for, lent, used and given back, whoever dies or is cut off meanwhile. */
import { describe, expect, it } from 'vitest'
import type { Controller } from '../../../src/index.ts'
import { CLAIM_STREAM } from '../../../src/cluster/claims/subjects.ts'
import { codesOf } from '../scene.ts'
import { addressesOn, cluster, codeOf, grantsOf, two, type ClaimScene } from './scene.ts'

const LENT = '10.0.0.9'

/** `10.0.0.9/20 to west`: what a host lends. */
const lentBy = (controller: Controller): readonly string[] =>
  [...controller.engine.decided.projections.claims.lent.values()].map(
    ({ address, host }) => `${address} to ${host}`,
  )

const create = (controller: Controller, name: string, address?: string): Promise<unknown> =>
  controller.newEndpoint('shared', name, address === undefined ? {} : { address })

const failure = async (scene: ClaimScene, promise: Promise<unknown>): Promise<Error> =>
  scene.lab.do(
    promise.then(
      () => new Error('it was done'),
      (error: unknown) => error as Error,
    ),
  )

/** East has the block 10.0.0.0/27 of the network, and west none yet. */
async function shared() {
  const scene = await two()
  await scene.scene.lab.do(scene.east.newNetwork('test', 'shared'))
  await scene.scene.lab.do(create(scene.east, 'e'))
  return scene
}

/** No two hosts have an address, and what is lent is not given. */
function expectOnce(...controllers: readonly Controller[]): void {
  const all = controllers.flatMap((controller) => addressesOn(controller, 'shared'))
  expect(new Set(all).size).toBe(all.length)
}

describe("an address in another host's block", () => {
  it('is lent by its owner, who gives it to nobody, until its endpoint is gone and it has rested', async () => {
    const { east, scene, west } = await shared()
    await scene.lab.do(create(west, 'w', LENT))
    expect(addressesOn(west, 'shared')).toEqual([`${LENT}/20`])
    expect(grantsOf(west)).toEqual(['address 10.0.0.9/32'])
    expect(lentBy(east)).toEqual([`${LENT}/20 to west`])
    const taken = await failure(scene, create(east, 'same', LENT))
    expect(taken).toMatchObject({ code: 'ERR_ADDRESS_TAKEN' })
    for (let i = 0; i < 40; i++) await scene.lab.do(create(east, `e${i}`))
    expectOnce(east, west)
    expect(await scene.lab.do(codeOf(create(west, 'twice', LENT)))).toBe('ERR_ADDRESS_TAKEN')
    // What is chosen for west comes out of a block of its own.
    await scene.lab.do(create(west, 'own'))
    expect(grantsOf(west)).toEqual(['address 10.0.0.9/32', 'block 10.0.0.64/27'])
    await scene.lab.do(west.endpoint('w').delete())
    await scene.pass(1000)
    expect(grantsOf(west)).toEqual(['block 10.0.0.64/27'])
    expect(await scene.lab.do(codeOf(create(east, 'same', LENT)))).toBe('ERR_ADDRESS_TAKEN')
    await scene.pass(80_000)
    expect(lentBy(east)).toEqual([])
    await scene.lab.do(create(east, 'same', LENT))
    expectOnce(east, west)
    expect(scene.problems).toEqual([])
  })

  it('is refused with the reason where the owner has given it, and lent again to who gave it back', async () => {
    const { east, scene, west } = await shared()
    const [own = ''] = addressesOn(east, 'shared')
    const error = await failure(scene, create(west, 'w', own.split('/')[0]))
    expect(error).toMatchObject({ code: 'ERR_ADDRESS_TAKEN' })
    expect(error.message).toMatch(
      /lies in 10\.0\.0\.0\/27, which east has and does not lend: address 10\.0\.0\.2 .* is held by endpoint/,
    )
    for (let i = 0; i < 3; i++) {
      await scene.lab.do(create(west, 'w', LENT))
      await scene.lab.do(west.endpoint('w').delete())
    }
    await scene.pass(1000)
    expect(grantsOf(west)).toEqual([])
    await scene.pass(80_000)
    expect(lentBy(east)).toEqual([])
  })

  it('goes to one of two hosts that ask', async () => {
    const { members, scene } = await cluster('east', 'west', 'north')
    const [east, west, north] = members as [Controller, Controller, Controller]
    await scene.lab.do(east.newNetwork('test', 'shared'))
    await scene.lab.do(create(east, 'e'))
    const done = await scene.lab.all([west, north].map((host) => create(host, 'x', LENT)))
    expect(done.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const [winner, other] = done[0]?.status === 'fulfilled' ? [west, north] : [north, west]
    await scene.lab.do(winner.endpoint('x').delete())
    await scene.pass(1000)
    const resting = await failure(scene, create(other, 'x', LENT))
    expect(resting.message).toMatch(/gave it back, and it rests until/)
    await scene.pass(59_500)
    // Before the owner has looked: who asks says that it was given back.
    await scene.lab.do(create(other, 'x', LENT))
    expect(lentBy(east)).toEqual([`${LENT}/20 to ${other === west ? 'west' : 'north'}`])
    expectOnce(east, west, north)
  })

  it('is not had of an owner that does not answer: who that is is told within a second or so', async () => {
    const { east, scene, west } = await shared()
    scene.cut('east')
    const before = scene.lab.ports.clock.monotonicMs()
    const error = await failure(scene, create(west, 'w', LENT))
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_UNAVAILABLE', problems: [{ holder: east.id }] })
    expect(error.message).toContain('10.0.0.9 lies in 10.0.0.0/27, which east has, and east does not answer')
    expect(scene.lab.ports.clock.monotonicMs() - before).toBeLessThan(1500)
    scene.heal('east')
    await scene.pass(80_000)
    expect([lentBy(east), grantsOf(west)]).toEqual([[], []])
    await scene.lab.do(create(west, 'w', LENT))
    expectOnce(east, west)
  })

  it('keeps its owner from ending the network, and so from giving up the block', async () => {
    const { east, scene, west } = await shared()
    await scene.lab.do(create(west, 'w', LENT))
    await scene.lab.do(east.endpoint('e').delete())
    const error = await failure(scene, east.network('shared').delete())
    expect(error).toMatchObject({ code: 'ERR_IN_USE' })
    scene.cut('east')
    expect((await failure(scene, east.network('shared').delete())).message).toContain(
      `west uses ${LENT}/20 out of this host's block`,
    )
  })

  it.each([0, 1, 2, 3, 5, 8, 12])(
    'is nobody twice if either host dies %i ms after it was asked for',
    async (ms) => {
      for (const dies of ['east', 'west'] as const) {
        const { east, scene, west } = await shared()
        const asking = codeOf(create(west, 'w', LENT))
        await scene.pass(ms)
        scene.kill(dies)
        await scene.pass(2000)
        if (dies === 'east') await scene.lab.do(asking)
        const again = await scene.open(dies)
        await scene.pass(10_000)
        const hosts = dies === 'east' ? [again, west] : [east, again]
        for (const host of hosts) for (let i = 0; i < 35; i++) await scene.lab.do(create(host, `n${i}`))
        expectOnce(...hosts)
        // What is lent is used, or comes back.
        await scene.pass(80_000)
        const isUsed = addressesOn(hosts[1] as Controller, 'shared').includes(`${LENT}/20`)
        expect(lentBy(hosts[0] as Controller)).toEqual(isUsed ? [`${LENT}/20 to west`] : [])
        expectOnce(...hosts)
      }
    },
  )

  it('comes back from a host that was confirmed dead, and keeps the block of a dead owner from others', async () => {
    const { members, scene } = await cluster('east', 'west', 'north')
    const [east, west, north] = members as [Controller, Controller, Controller]
    const evict = async (host: string): Promise<void> => {
      for (const more of [{}, { dead: true }])
        await scene.lab.do(north.dispatch({ data: { host, ...more }, type: 'cluster.evict' }))
    }
    await scene.lab.do(north.newNetwork('test', 'shared', { ipam: { subnet: '10.9.0.0/26' } }))
    await scene.lab.do(create(east, 'e'))
    await scene.lab.do(create(west, 'w', '10.9.0.9'))
    await scene.lab.do(create(north, 'n'))
    scene.kill('east')
    await evict('east')
    await scene.pass(80_000)
    for (let i = 0; i < 30; i++) await scene.lab.do(create(north, `n${i}`))
    expect(await scene.lab.do(codeOf(create(north, 'full')))).toBe('ERR_ADDRESS_EXHAUSTED')
    await scene.lab.do(west.endpoint('w').delete())
    await scene.pass(80_000)
    await scene.lab.do(create(north, 'full'))
    // The other way round.
    await scene.lab.do(create(west, 'w', '10.9.0.20'))
    expect(lentBy(north)).toEqual(['10.9.0.20/26 to west'])
    scene.kill('west')
    await evict('west')
    await scene.pass(90_000)
    expect(lentBy(north)).toEqual([])
  })

  it('stays where it is when the servers lose what was said of it', async () => {
    const { east, scene, west } = await shared()
    await scene.lab.do(create(west, 'w', LENT))
    scene.arbiter.remake(CLAIM_STREAM.name)
    await scene.pass(30_000)
    expect(lentBy(east)).toEqual([`${LENT}/20 to west`])
    expect(grantsOf(west)).toEqual(['address 10.0.0.9/32'])
    await scene.lab.do(west.endpoint('w').delete())
    await scene.pass(1000)
    scene.arbiter.remake(CLAIM_STREAM.name)
    await scene.pass(100_000)
    expect([lentBy(east), grantsOf(west)]).toEqual([[], []])
    expect(codesOf(scene.problems)).not.toContain('ERR_CLAIM_CONFLICT')
  })

  it('whose block another host was granted since is told to that host, and told again if the servers lose that', async () => {
    const { members, scene } = await cluster('owner', 'borrower', 'other')
    const [owner, borrower, other] = members as [Controller, Controller, Controller]
    await scene.lab.do(owner.newNetwork('test', 'shared'))
    await scene.lab.do(create(owner, 'o'))
    const before = scene.arbiter.messages(CLAIM_STREAM.name).length - 1
    await scene.lab.do(create(borrower, 'b', LENT))
    for (const host of ['owner', 'borrower']) scene.cut(host)
    const lose = (): void =>
      scene.arbiter.regress(CLAIM_STREAM.name, scene.arbiter.messages(CLAIM_STREAM.name).length - before)
    lose()
    await scene.pass(1000)
    await scene.lab.do(create(other, 'x'))
    scene.heal('borrower')
    await scene.pass(10_000)
    expect(grantsOf(borrower)).toEqual(['address 10.0.0.9/32 lost'])
    const told = (): readonly string[] =>
      scene.arbiter.messages(CLAIM_STREAM.name).flatMap(({ id }) => /:contest block/.exec(id) ?? [])
    expect(told()).toHaveLength(1)
    scene.arbiter.regress(CLAIM_STREAM.name, 1)
    expect(told()).toHaveLength(0)
    await scene.pass(10_000)
    expect(told()).toHaveLength(1)
    for (let i = 0; i < 20; i++) await scene.lab.do(create(other, `x${i}`))
    expect(addressesOn(other, 'shared')).not.toContain(`${LENT}/20`)
  })
})
