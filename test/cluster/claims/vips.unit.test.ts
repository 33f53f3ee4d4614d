/** Addresses for services: of a part of the pool that no host gives out of, held until they are given up, whatever becomes of hosts. */
import { describe, expect, it } from 'vitest'
import { REST_MS } from '../../../events/index.ts'
import { vipBlockOf, vipsOf } from '../../../src/ipam/index.ts'
import type { Controller } from '../../../src/index.ts'
import { CLAIM_STREAM } from '../../../src/cluster/claims/subjects.ts'
import { codesOf } from '../scene.ts'
import { addressesOn, codeOf, grantsOf, two, type ClaimScene } from './scene.ts'

const create = (controller: Controller, name: string, address?: string): Promise<unknown> =>
  controller.dispatch({
    data: { ...(address === undefined ? {} : { address }), name, network: 'shared' },
    type: 'vip.create',
  })

const end = (controller: Controller, vip: string): Promise<unknown> =>
  controller.dispatch({ data: { network: 'shared', vip }, type: 'vip.delete' })

/** `web 10.0.15.224/32 held east`, as a host sees the cluster. */
const seenBy = async (scene: ClaimScene, controller: Controller): Promise<readonly string[]> => {
  const report = await scene.lab.do(controller.engine.claims?.report() ?? Promise.reject(new Error('none')))
  return report.claims
    .filter(({ kind }) => kind === 'vip')
    .map(({ cidr, host, name, state }) => `${name} ${cidr} ${state} ${host}`)
}

const vipsOn = (controller: Controller): readonly string[] =>
  (controller.queries.network('shared').vips ?? []).map(({ address, name }) => `${name} ${address}`)

async function shared(subnet = '10.9.0.0/24') {
  const scene = await two()
  await scene.scene.lab.do(scene.east.newNetwork('test', 'shared', { ipam: { subnet } }))
  return scene
}

describe('an address for a service', () => {
  it('is one that no host gives to an endpoint, and no other service has', async () => {
    const { east, scene, west } = await shared()
    await scene.lab.do(create(east, 'web'))
    await scene.lab.do(create(west, 'db'))
    await scene.lab.do(create(west, 'asked', '10.9.0.250'))
    expect(await seenBy(scene, east)).toEqual([
      'web 10.9.0.224/32 held east',
      'db 10.9.0.225/32 held west',
      'asked 10.9.0.250/32 held west',
    ])
    expect([vipsOn(east), vipsOn(west)]).toEqual([
      ['web 10.9.0.224/32'],
      ['db 10.9.0.225/32', 'asked 10.9.0.250/32'],
    ])
    // All other blocks: seven, but for the network's own address and its gateway.
    for (let i = 0; i < 222; i++) await scene.lab.do(east.newEndpoint('shared', `e${i}`))
    const full = await scene.lab.do(
      east.newEndpoint('shared', 'full').catch((each: unknown) => each as Error),
    )
    expect((full as Error).message).toContain('all 7 blocks of 10.9.0.0/24 are held: east has 7')
    expect(addressesOn(east, 'shared').filter((address) => /\.2(2[4-9]|[345]\d)\//.test(address))).toEqual([])
    const asked = await scene.lab.do(
      east.newEndpoint('shared', 'x', { address: '10.9.0.230' }).catch((each: unknown) => each as Error),
    )
    expect((asked as Error).message).toContain('it is kept for services')
  })

  it('goes to one of two that ask for it at once; what is held or wrong is refused with the reason', async () => {
    const { east, scene, west } = await shared()
    const done = await scene.lab.all([create(east, 'a', '10.9.0.240'), create(west, 'b', '10.9.0.240')])
    expect(done.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await scene.pass()
    const refused = async (name: string, address?: string): Promise<string> => {
      const error = await scene.lab.do(create(west, name, address).catch((each: unknown) => each as Error))
      return (error as Error).message
    }
    const [holder, service] = done[0]?.status === 'fulfilled' ? ['east', 'a'] : ['west', 'b']
    expect(await refused('c', '10.9.0.240')).toContain(`is held by ${holder} for '${service}'`)
    expect(await refused('c', '10.9.0.7')).toContain('kept for services (10.9.0.224 to 10.9.0.254)')
    expect(await refused('c', 'nonsense')).toContain('it is none of the network')
    await scene.lab.do(create(east, 'only'))
    await scene.pass()
    expect(await refused('only')).toContain(
      "service 'only' has 10.9.0.224/32 on network 'shared' already, held by east",
    )
    expect(await scene.lab.do(codeOf(create(east, 'only')))).toBe('ERR_EXISTS')
    for (let i = 0; i < 29; i++) await scene.lab.do(create(east, `s${i}`))
    await scene.pass()
    expect(await refused('full')).toContain('all 31 are held: ')
    expect(await scene.lab.do(codeOf(create(east, 'full')))).toBe('ERR_ADDRESS_EXHAUSTED')
  })

  it('is of one service alone: of hosts that claim addresses for one name at once, the first has it', async () => {
    const { east, scene, west } = await shared()
    for (const [i, [a, b]] of [
      ['10.9.0.240', '10.9.0.241'],
      ['10.9.0.242', undefined],
    ].entries()) {
      const done = await scene.lab.all([create(east, `web${i}`, a), create(west, `web${i}`, b)])
      expect(done.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      const [host, other] = done[0]?.status === 'fulfilled' ? ['east', a] : ['west', b]
      const refused = done.find((one) => one.status === 'rejected')
      expect((refused as PromiseRejectedResult).reason).toMatchObject({
        code: 'ERR_EXISTS',
        message: expect.stringContaining(`held by ${host}; take another name`) as string,
      })
      await scene.pass(1000)
      const seen = (await seenBy(scene, west)).filter((each) => each.startsWith(`web${i} `))
      expect(seen.filter((each) => each.includes(' held '))).toHaveLength(1)
      // What nobody used need not rest.
      expect(seen.every((each) => each.includes(' held ') || each.includes(' free '))).toBe(true)
      expect(seen.find((each) => each.includes(' held '))).toContain(
        `${other ?? '10.9.0.224'}/32 held ${host}`,
      )
    }
    expect([...vipsOn(east), ...vipsOn(west)]).toHaveLength(2)
  })

  it('is not claimed where the turn would refuse it', async () => {
    const { east, scene } = await shared()
    expect(await scene.lab.do(codeOf(create(east, 'no name')))).toBe('ERR_INVALID')
    await scene.pass(1000)
    expect(await seenBy(scene, east)).toEqual([])
  })

  it('is not there in a network that is small, or of one host alone', async () => {
    const { east, scene } = await shared('10.9.0.0/25')
    expect(await scene.lab.do(codeOf(create(east, 'web')))).toBe('ERR_ADDRESS_EXHAUSTED')
    await scene.lab.do(east.newNetwork('bridge', 'own'))
    const own = { data: { name: 'web', network: 'own' }, type: 'vip.create' } as const
    expect(await scene.lab.do(codeOf(east.dispatch(own)))).toBe('ERR_UNSUPPORTED')
  })

  it('rests when it is given up, also where that was said while nobody could hear it', async () => {
    const { east, scene, west } = await shared()
    await scene.lab.do(create(east, 'web', '10.9.0.230'))
    scene.cut('east')
    await scene.lab.do(end(east, 'web'))
    expect(await scene.lab.do(codeOf(end(east, 'web')))).toBe('ERR_NOT_FOUND')
    await scene.pass(10_000)
    expect(await seenBy(scene, west)).toEqual(['web 10.9.0.230/32 held east'])
    scene.heal('east')
    await scene.pass(20_000)
    expect(await seenBy(scene, west)).toEqual(['web 10.9.0.230/32 resting east'])
    expect(await scene.lab.do(codeOf(create(west, 'web', '10.9.0.230')))).toBe('ERR_ADDRESS_TAKEN')
    await scene.pass(REST_MS)
    await scene.lab.do(create(west, 'web', '10.9.0.230'))
    expect([vipsOn(east), vipsOn(west)]).toEqual([[], ['web 10.9.0.230/32']])
  })

  it('outlives the host that claimed it, and keeps the network on all hosts', async () => {
    const { east, scene, west } = await shared()
    await scene.lab.do(create(west, 'web'))
    await scene.pass()
    expect(await scene.lab.do(codeOf(east.network('shared').delete()))).toBe('ERR_IN_USE')
    expect(await scene.lab.do(codeOf(west.network('shared').delete()))).toBe('ERR_IN_USE')
    expect(await scene.lab.do(codeOf(west.leaveCluster()))).toBe('ERR_IN_USE')
    scene.kill('west')
    for (const more of [{}, { dead: true }])
      await scene.lab.do(east.dispatch({ data: { host: 'west', ...more }, type: 'cluster.evict' }))
    await scene.pass(3 * REST_MS)
    expect(await seenBy(scene, east)).toEqual(['web 10.9.0.224/32 held west'])
    const back = await scene.open('west')
    await scene.pass(10_000)
    expect(vipsOn(back)).toEqual(['web 10.9.0.224/32'])
    await scene.lab.do(end(back, 'web'))
    await scene.lab.do(back.network('shared').delete())
    await scene.pass(1000)
    await scene.lab.do(east.network('shared').delete())
    expect(codesOf(scene.problems)).not.toContain('ERR_CLAIM_CONFLICT')
  })

  it('is claimed again where the servers lost it, and given up where it never was written', async () => {
    const { east, scene, west } = await shared()
    await scene.lab.do(create(east, 'web'))
    scene.arbiter.remake(CLAIM_STREAM.name)
    await scene.pass(20_000)
    expect(await seenBy(scene, west)).toEqual(['web 10.9.0.224/32 held east'])
    scene.arbiter.faults.push('unanswered')
    void codeOf(create(east, 'second'))
    await scene.pass(20)
    scene.kill('east')
    const again = await scene.open('east')
    await scene.pass(20_000)
    expect(vipsOn(again)).toEqual(['web 10.9.0.224/32'])
    expect(await seenBy(scene, west)).toEqual([
      'web 10.9.0.224/32 held east',
      expect.stringMatching(/^second .* (resting|free) east$/),
    ])
    expect(grantsOf(again).filter((grant) => grant.startsWith('vip'))).toEqual(['vip 10.9.0.224/32'])
  })
})

describe('the part of a pool that is kept for services', () => {
  const pool = (subnet: string, more: object = {}) => ({ gateway: '10.0.0.1', subnet, ...more }) as never

  it.each([
    ['10.0.0.0/20', '10.0.15.224/27', 31],
    ['10.0.0.0/24', '10.0.0.224/27', 31],
    ['10.0.0.0/25', undefined, 0],
    ['fd00::/64', 'fd00::ff:ff00/120', 256],
    ['fd00::/118', undefined, 0],
  ])('of %s is %s', (subnet, block, count) => {
    expect(vipBlockOf(pool(subnet))).toBe(block)
    expect(vipsOf(pool(subnet))).toHaveLength(count)
  })

  it('has no address that the network has itself', () => {
    const all = vipsOf(pool('10.0.0.0/24', { auxAddresses: { router: '10.0.0.230' }, gateway: '10.0.0.254' }))
    expect(all).toHaveLength(29)
    expect(all).not.toContain('10.0.0.230/32')
  })
})
