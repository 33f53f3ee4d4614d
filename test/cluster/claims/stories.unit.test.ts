/** Networks of a cluster on simulated hosts: who gets what, and what becomes of it when hosts are cut off, die, or come back. */
import { describe, expect, it } from 'vitest'
import type { Controller } from '../../../src/index.ts'
import { CLAIM_STREAM } from '../../../src/cluster/claims/subjects.ts'
import { codesOf } from '../scene.ts'
import { addressesOn, ClaimScene, codeOf, grantsOf, two } from './scene.ts'

describe('a network of a cluster', () => {
  it('is made on one host, used on another, and no address is given twice', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    expect(grantsOf(east)).toEqual(['network', 'pool 10.0.0.0/20'])
    for (const controller of [east, west]) await scene.lab.do(controller.newSandbox('box'))
    await scene.lab.do(east.connect('shared', 'box'))
    await scene.lab.do(west.connect('shared', 'box'))
    for (let i = 0; i < 40; i++)
      for (const controller of [east, west]) await scene.lab.do(controller.newEndpoint('shared', `e${i}`))
    const all = [...addressesOn(east, 'shared'), ...addressesOn(west, 'shared')]
    expect(all).toHaveLength(82)
    expect(new Set(all).size).toBe(82)
    expect(west.queries.network('shared')).toMatchObject({
      claim: { owner: east.id },
      id: east.queries.network('shared').id,
    })
    expect(scene.problems).toEqual([])
  })

  it('has its name alone, and pools that overlap no other', async () => {
    const { east, scene, west } = await two()
    const made = await scene.lab.all([east.newNetwork('test', 'shared'), west.newNetwork('test', 'shared')])
    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await scene.lab.do(west.newNetwork('test', 'second'))
    await scene.lab.do(east.newNetwork('test', 'third'))
    expect(await scene.lab.do(codeOf(west.newNetwork('test', 'third')))).toBe('ERR_EXISTS')
    expect(
      await scene.lab.do(codeOf(west.newNetwork('test', 'fourth', { ipam: { subnet: '10.0.0.0/8' } }))),
    ).toBe('ERR_OVERLAP')
    // By its name, though nothing here is on it.
    await expect(
      scene.lab.do(west.newNetwork('test', 'fifth', { ipam: { subnet: '10.0.0.0/21' } })),
    ).rejects.toThrow(/its subnet overlaps 10\.0\.0\.0\/20, which network 'shared' of east has/)
    const subnets = [...east.queries.networks(), ...west.queries.networks()].flatMap((n) =>
      n.subnets.map((s) => s.subnet),
    )
    expect(new Set(subnets).size).toBe(3)
    await scene.pass(10_000)
    expect([...grantsOf(east), ...grantsOf(west)].filter((grant) => grant.startsWith('pool'))).toHaveLength(3)
    const report = await scene.lab.do(east.engine.claims?.report() ?? Promise.reject(new Error('no claims')))
    expect(report.claims.filter(({ kind, state }) => kind === 'pool' && state === 'held')).toHaveLength(3)
  })

  it('begins its stream again on a host that ended its part and takes it over again, and after a start, too', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    const { id } = east.queries.network('shared')
    for (let life = 0; life < 2; life++) {
      await scene.lab.do(west.newEndpoint('shared', 'e'))
      await scene.lab.do(west.endpoint('e').delete())
      await scene.lab.do(west.network('shared').delete())
    }
    await scene.lab.do(west.newEndpoint('shared', 'last'))
    const told = async (controller: Controller): Promise<readonly string[]> => {
      const all: string[] = []
      for await (const { facts } of controller.commits())
        for (const { stream, type, version } of facts)
          if (stream === `network/${id}`) all.push(`${version} ${type}`)
      return all
    }
    const created = ['1 NetworkCreateRequested', '2 NetworkCreated']
    const ended = ['3 NetworkDeleteRequested', '4 NetworkDeleted']
    const lives = [...created, ...ended, ...created, ...ended, ...created]
    expect(await scene.lab.do(told(west))).toEqual(lives)
    expect(west.versionOf(`network/${id}`)).toBe(2)
    scene.kill('west')
    const again = await scene.open('west')
    expect(await scene.lab.do(told(again))).toEqual(lives)
    expect(again.versionOf(`network/${id}`)).toBe(2)
    expect((await scene.lab.do(again.verify())).damage).toBeUndefined()
    const claims = await scene.lab.do(again.clusterClaims())
    expect(claims.claims.map(({ kind }) => kind)).toContain('block')
  })

  it('needs a cluster', async () => {
    const scene = new ClaimScene()
    const alone = await scene.open('alone')
    expect(await scene.lab.do(codeOf(alone.newNetwork('test', 'shared')))).toBe('ERR_STATE')
  })

  it('is ended for all by who made it, when nobody is on it, and then everything rests', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    await scene.lab.do(west.newEndpoint('shared', 'e'))
    expect(await scene.lab.do(codeOf(east.network('shared').delete()))).toBe('ERR_IN_USE')
    await scene.lab.do(west.endpoint('e').delete())
    await scene.lab.do(west.network('shared').delete())
    await scene.pass(1000)
    expect(grantsOf(west)).toEqual([])
    await scene.lab.do(east.network('shared').delete())
    await scene.pass(1000)
    expect(grantsOf(east)).toEqual([])
    expect(await scene.lab.do(codeOf(west.newNetwork('test', 'shared')))).toBe('ERR_EXISTS')
    await scene.lab.do(west.newNetwork('test', 'other'))
    expect(west.queries.network('other').subnets).toMatchObject([{ subnet: '10.0.16.0/20' }])
    await scene.pass(60_000)
    await scene.lab.do(west.newNetwork('test', 'shared'))
    expect(west.queries.network('shared').subnets).toMatchObject([{ subnet: '10.0.0.0/20' }])
  })

  it('says who has what when it is full', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'small', { ipam: { subnet: '10.9.0.0/26' } }))
    await scene.lab.do(east.newEndpoint('small', 'e'))
    await scene.lab.do(west.newEndpoint('small', 'w'))
    for (let i = 0; i < 29; i++) await scene.lab.do(east.newEndpoint('small', `e${i}`))
    const error = await scene.lab.do(
      east.newEndpoint('small', 'one-more').catch((each: unknown) => each as Error),
    )
    expect(error).toMatchObject({ code: 'ERR_ADDRESS_EXHAUSTED' })
    expect((error as Error).message).toContain('all 2 blocks of 10.9.0.0/26 are held: east has 1, west has 1')
    await scene.lab.do(east.endpoint('e5').delete())
    await scene.lab.do(east.newEndpoint('small', 'one-more'))
  })

  it('gives an address that was asked for out of a free block, and says who has it where that host was put out', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    await scene.lab.do(east.newEndpoint('shared', 'a', { address: '10.0.4.7' }))
    expect(grantsOf(east)).toContain('block 10.0.4.0/27')
    scene.kill('east')
    await scene.lab.do(west.dispatch({ data: { host: 'east' }, type: 'cluster.evict' }))
    const error = await scene.lab.do(
      west.newEndpoint('shared', 'b', { address: '10.0.4.9' }).catch((each: unknown) => each as Error),
    )
    expect(error).toMatchObject({ code: 'ERR_ADDRESS_TAKEN' })
    expect((error as Error).message).toContain('which east has, though it was put out of the cluster')
  })

  it('has blocks of both families', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'both', { ipv6: true }))
    for (const controller of [east, west]) await scene.lab.do(controller.newEndpoint('both', 'e'))
    const all = [...addressesOn(east, 'both'), ...addressesOn(west, 'both')]
    expect(all.filter((address) => address.includes(':'))).toHaveLength(2)
    expect(new Set(all).size).toBe(4)
  })
})

describe('a host that is cut off', () => {
  it('goes on with its own blocks, and is told at once that it gets nothing new', async () => {
    const { east, scene } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    await scene.lab.do(east.newEndpoint('shared', 'before'))
    scene.cut('east')
    for (let i = 0; i < 20; i++) await scene.lab.do(east.newEndpoint('shared', `e${i}`))
    expect(await scene.lab.do(codeOf(east.newNetwork('test', 'second')))).toBe('ERR_CLUSTER_UNAVAILABLE')
    const before = scene.lab.ports.clock.monotonicMs()
    expect(await scene.lab.do(codeOf(east.newNetwork('test', 'third')))).toBe('ERR_CLUSTER_UNAVAILABLE')
    expect(await scene.lab.do(codeOf(east.newEndpoint('shared', 'x', { address: '10.0.8.8' })))).toBe(
      'ERR_CLUSTER_UNAVAILABLE',
    )
    expect(scene.lab.ports.clock.monotonicMs() - before).toBeLessThan(100)
    for (let i = 20; i < 29; i++) await scene.lab.do(east.newEndpoint('shared', `e${i}`))
    expect(await scene.lab.do(codeOf(east.newEndpoint('shared', 'too-many')))).toBe('ERR_CLUSTER_UNAVAILABLE')
    scene.heal('east')
    await scene.pass(30_000)
    await scene.lab.do(east.newEndpoint('shared', 'after'))
    await scene.lab.do(east.newNetwork('test', 'second'))
  })

  it('waits a moment for a connection that was lost, and is told at once when it is not back then', async () => {
    const { east, scene } = await two()
    const { clock } = scene.lab.ports
    // As where the server that it speaks to ends, and others are there.
    const lose = async (): Promise<void> => {
      scene.arbiter.regress(CLAIM_STREAM.name, 0)
      await scene.pass(255)
    }
    await lose()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    scene.lab.ports.time.at(1, () => scene.arbiter.regress(CLAIM_STREAM.name, 0))
    scene.arbiter.faults.push('lost')
    // In the middle of a claim, too.
    await scene.lab.do(east.newEndpoint('shared', 'first'))
    expect(scene.problems).toEqual([])
    scene.cut('east')
    await lose()
    for (const [name, withinMs] of [
      ['one', 2001],
      ['two', 10],
      ['three', 10],
    ] as const) {
      const startMs = clock.monotonicMs()
      expect(await scene.lab.do(codeOf(east.newNetwork('test', name)))).toBe('ERR_CLUSTER_UNAVAILABLE')
      expect(clock.monotonicMs() - startMs).toBeLessThan(withinMs)
    }
  })

  it('may end its network there; that is told when it is back', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    scene.cut('east')
    await scene.lab.do(east.network('shared').delete())
    await scene.pass(10_000)
    expect(grantsOf(east)).toHaveLength(2)
    scene.heal('east')
    await scene.pass(30_000)
    expect(grantsOf(east)).toEqual([])
    expect(await scene.lab.do(codeOf(west.newEndpoint('shared', 'e')))).toBe('ERR_NOT_FOUND')
  })
})

describe('what the servers lose', () => {
  it('is claimed again by whom they had granted it', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    await scene.lab.do(east.newEndpoint('shared', 'e'))
    scene.arbiter.remake(CLAIM_STREAM.name)
    await scene.pass(10_000)
    await scene.lab.do(west.newEndpoint('shared', 'e'))
    expect(addressesOn(west, 'shared')).not.toEqual(addressesOn(east, 'shared'))
    expect(grantsOf(east).filter((grant) => grant.includes('lost'))).toEqual([])
  })

  it('and grant to another is decided the same way on both, and told', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    await scene.lab.do(west.newEndpoint('shared', 'w'))
    await scene.lab.do(east.newEndpoint('shared', 'e'))
    const [mine] = addressesOn(east, 'shared')
    scene.cut('east')
    scene.arbiter.regress(CLAIM_STREAM.name, 1)
    await scene.pass(1000)
    await scene.lab.do(west.newEndpoint('shared', 'w2', { address: String(mine).slice(0, -3) }))
    expect(addressesOn(west, 'shared')).toContain(mine)
    scene.heal('east')
    await scene.pass(30_000)
    const lost = [grantsOf(east), grantsOf(west)].map((grants) =>
      grants.filter((grant) => grant.includes('lost')),
    )
    expect(lost.flat()).toEqual(['block 10.0.0.32/27 lost'])
    expect(codesOf(scene.problems)).toContain('ERR_CLAIM_CONFLICT')
    // Nothing new is given out of it by who lost it, and what is there stays.
    const loser = lost[0]?.length === 1 ? east : west
    const winner = loser === east ? west : east
    await scene.lab.do(loser.newEndpoint('shared', 'new'))
    await scene.lab.do(winner.newEndpoint('shared', 'new'))
    const [a, b] = [addressesOn(loser, 'shared'), addressesOn(winner, 'shared')]
    expect(a.filter((address) => b.includes(address))).toEqual([mine])
  })

  it('does not matter to what was claimed and never written: it is given up', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    await scene.pass()
    // The answer comes to nobody; the claim is there.
    scene.arbiter.faults.push('unanswered')
    const claiming = codeOf(east.newEndpoint('shared', 'e'))
    await scene.pass(20)
    scene.kill('east')
    await scene.pass(10)
    void claiming
    const again = await scene.open('east')
    await scene.pass(20_000)
    const report = await scene.lab.do(west.engine.claims?.report() ?? Promise.reject(new Error('none')))
    expect(report.claims.filter(({ kind, state }) => kind === 'block' && state === 'held')).toEqual([])
    await scene.lab.do(again.newEndpoint('shared', 'e'))
  })
})

describe('a host that is put out', () => {
  const evict = (controller: Controller, host: string, dead = false): Promise<unknown> =>
    controller.dispatch({ data: { host, ...(dead ? { dead } : {}) }, type: 'cluster.evict' })

  it('keeps what it has until somebody confirms that it is dead', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(west.newNetwork('test', 'small', { ipam: { subnet: '10.9.0.0/26' } }))
    for (const controller of [east, west]) await scene.lab.do(controller.newEndpoint('small', 'e'))
    scene.kill('east')
    expect(await scene.lab.do(codeOf(evict(west, 'east', true)))).toBe('ERR_STATE')
    await scene.lab.do(evict(west, 'east'))
    await scene.pass(300_000)
    for (let i = 0; i < 30; i++) await scene.lab.do(west.newEndpoint('small', `w${i}`))
    expect(await scene.lab.do(codeOf(west.newEndpoint('small', 'full')))).toBe('ERR_ADDRESS_EXHAUSTED')
    await scene.lab.do(evict(west, 'east', true))
    expect(await scene.lab.do(codeOf(west.newEndpoint('small', 'full')))).toBe('ERR_ADDRESS_EXHAUSTED')
    await scene.pass(61_000)
    await scene.lab.do(west.newEndpoint('small', 'full'))
    // Back from the dead, it is told, and gives nothing more out of what it had.
    const back = await scene.open('east')
    await scene.pass(10_000)
    expect(grantsOf(back).filter((grant) => grant.includes('lost'))).toHaveLength(1)
    expect(codesOf(scene.problems)).toContain('ERR_CLAIM_CONFLICT')
    expect(await scene.lab.do(codeOf(back.newEndpoint('small', 'new')))).toBe('ERR_ADDRESS_EXHAUSTED')
  })

  it('and is there all the same says so, and is not taken for dead', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(evict(west, 'east'))
    await scene.pass()
    expect(await scene.lab.do(codeOf(evict(west, 'east', true)))).toBe('ERR_STATE')
    await scene.lab.do(east.newNetwork('test', 'shared'))
    expect(await scene.lab.do(codeOf(evict(west, 'nobody')))).toBe('ERR_NOT_FOUND')
  })
})
