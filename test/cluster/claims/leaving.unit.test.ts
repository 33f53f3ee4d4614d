/** Hosts that leave their cluster: what they had is free for others, but for what is used; and what becomes of it when nobody answers. */
import { describe, expect, it } from 'vitest'
import type { Controller } from '../../../src/index.ts'
import { SERVERS } from '../scene.ts'
import { addressesOn, codeOf, grantsOf, two, type ClaimScene } from './scene.ts'

const leave = (controller: Controller, keep?: boolean): Promise<unknown> =>
  controller.leaveCluster(keep === undefined ? {} : { keep })

/** `network resting`, as another host sees what a host has or had. */
async function seenBy(scene: ClaimScene, controller: Controller, host: string): Promise<readonly string[]> {
  const report = await scene.lab.do(controller.engine.claims?.report() ?? Promise.reject(new Error('none')))
  return report.claims
    .filter((claim) => claim.host === host)
    .map(({ kind, state }) => `${kind} ${state}`)
    .sort()
}

describe('a host that leaves', () => {
  it('ends its networks of the cluster, and gives up what it had: it rests, and then others have it', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    await scene.lab.do(west.newNetwork('test', 'other'))
    for (const network of ['shared', 'other']) await scene.lab.do(east.newEndpoint(network, 'e'))
    for (const network of ['shared', 'other'])
      await scene.lab.do(east.dispatch({ data: { endpoint: 'e', network }, type: 'endpoint.delete' }))
    await scene.lab.do(leave(east))
    expect(grantsOf(east)).toEqual([])
    expect(east.queries.networks()).toEqual([])
    await scene.pass(1000)
    expect((await scene.lab.do(east.clusterStatus())).state).toBe('alone')
    expect(await seenBy(scene, west, 'east')).toEqual([
      'block resting',
      'block resting',
      'network resting',
      'pool resting',
      'vni resting',
    ])
    expect(await scene.lab.do(codeOf(west.newNetwork('test', 'shared')))).toBe('ERR_EXISTS')
    await scene.pass(60_000)
    await scene.lab.do(west.newNetwork('test', 'shared', { ipam: { subnet: '10.0.0.0/20' } }))
    expect(scene.problems).toEqual([])
  })

  it('does not while a network has endpoints, unless it keeps what it has', async () => {
    const { east, scene, west } = await two()
    for (const name of ['empty', 'full']) await scene.lab.do(east.newNetwork('test', name))
    await scene.lab.do(east.newEndpoint('full', 'e'))
    const before = grantsOf(east)
    const error = await scene.lab.do(leave(east).catch((each: unknown) => each as Error))
    expect(error).toMatchObject({ code: 'ERR_IN_USE' })
    expect((error as Error).message).toContain("network 'full' has 1 endpoint (e)")
    expect(grantsOf(east)).toEqual(before)
    expect(east.queries.networks()).toHaveLength(2)
    await scene.lab.do(leave(east, true))
    await scene.pass(1000)
    expect(grantsOf(east)).toEqual(before)
    await scene.lab.do(east.newEndpoint('full', 'alone'))
    await scene.lab.do(west.newEndpoint('full', 'w'))
    await scene.lab.do(east.joinCluster({ host: 'east', servers: SERVERS }))
    await scene.pass(10_000)
    expect(grantsOf(east)).toEqual(before)
    expect(new Set([...addressesOn(east, 'full'), ...addressesOn(west, 'full')]).size).toBe(3)
    expect(scene.problems).toEqual([])
  })

  it('keeps the name and the pool that others use, and gives them up when it is back and they are gone', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    await scene.lab.do(east.newEndpoint('shared', 'e'))
    await scene.lab.do(west.newEndpoint('shared', 'w'))
    await scene.lab.do(east.endpoint('e').delete())
    await scene.lab.do(leave(east))
    expect(grantsOf(east)).toEqual(['network', 'pool 10.0.0.0/20'])
    await scene.pass(70_000)
    const third = await scene.member('third')
    await scene.pass()
    await scene.lab.do(third.newEndpoint('shared', 't'))
    await scene.lab.do(third.endpoint('t').delete())
    await scene.lab.do(west.endpoint('w').delete())
    await scene.lab.do(east.joinCluster({ host: 'east', servers: SERVERS }))
    await scene.pass(10_000)
    expect(grantsOf(east)).toEqual(['network', 'pool 10.0.0.0/20'])
    for (const controller of [west, third]) await scene.lab.do(controller.network('shared').delete())
    await scene.pass(10_000)
    expect([east, west, third].flatMap(grantsOf)).toEqual([])
    expect(await scene.lab.do(codeOf(west.newEndpoint('shared', 'w')))).toBe('ERR_NOT_FOUND')
  })

  it('is told what it could not give up, and goes on where it was', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    scene.cut('east')
    await scene.lab.do(codeOf(east.newNetwork('test', 'no')))
    expect(await scene.lab.do(codeOf(leave(east)))).toBe('ERR_CLUSTER_UNAVAILABLE')
    expect(grantsOf(east)).toHaveLength(2)
    expect(east.queries.networks()).toHaveLength(1)
    scene.heal('east')
    await scene.pass(10_000)
    // The servers fall silent in the middle of it.
    scene.arbiter.faults.push('lost', 'lost')
    expect(await scene.lab.do(codeOf(leave(east)))).toBe('ERR_CLUSTER_UNAVAILABLE')
    expect((await scene.lab.do(east.clusterStatus())).state).not.toBe('alone')
    await scene.pass(10_000)
    await scene.lab.do(leave(east))
    await scene.pass(61_000)
    await scene.lab.do(west.newNetwork('test', 'shared'))
    expect([grantsOf(east), grantsOf(west)]).toEqual([[], ['network', 'pool 10.0.0.0/20']])
  })

  it('stays while another host uses an address out of its block', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    await scene.lab.do(east.newEndpoint('shared', 'e'))
    await scene.lab.do(west.newEndpoint('shared', 'w', { address: '10.0.0.9' }))
    await scene.lab.do(east.endpoint('e').delete())
    const error = await scene.lab.do(leave(east).catch((each: unknown) => each as Error))
    expect((error as Error).message).toContain("west uses 10.0.0.9/20 out of this host's block")
    await scene.lab.do(leave(west).catch(() => west.endpoint('w').delete()))
    await scene.lab.do(leave(west))
    await scene.pass(80_000)
    await scene.lab.do(leave(east))
    expect([grantsOf(east), grantsOf(west)]).toEqual([[], []])
  })

  it('needs an engine that is in the cluster, if there is something to be given up', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    for (const controller of [east, west]) await scene.lab.do(controller.close())
    const short = await scene.open('east', {}, { leavesDrift: true })
    const error = await scene.lab.do(leave(short).catch((each: unknown) => each as Error))
    expect(error).toMatchObject({ code: 'ERR_CLUSTER_UNAVAILABLE' })
    expect((error as Error).message).toContain('were not given up: no engine runs here that could')
    await scene.lab.do(leave(short, true))
    await scene.lab.do(leave(await scene.open('west', {}, { leavesDrift: true })))
  })

  it.each([1, 3, 5, 8, 12, 20])('loses nothing if it dies %i ms into it', async (ms) => {
    const { east, scene, west } = await two()
    for (const name of ['a', 'b']) await scene.lab.do(east.newNetwork('test', name))
    for (const network of ['a', 'b']) {
      await scene.lab.do(east.newEndpoint(network, 'e'))
      await scene.lab.do(east.dispatch({ data: { endpoint: 'e', network }, type: 'endpoint.delete' }))
    }
    void codeOf(leave(east))
    await scene.pass(ms)
    scene.kill('east')
    const again = await scene.open('east')
    await scene.pass(10_000)
    if ((await scene.lab.do(again.clusterStatus())).state !== 'alone') await scene.lab.do(leave(again))
    await scene.pass(70_000)
    expect(grantsOf(again)).toEqual([])
    for (const name of ['a', 'b']) await scene.lab.do(west.newNetwork('test', name))
    expect(grantsOf(west).filter((grant) => grant.startsWith('pool'))).toEqual([
      'pool 10.0.0.0/20',
      'pool 10.0.16.0/20',
    ])
  })
})
