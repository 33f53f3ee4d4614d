/** Numbers of networks: each is of one network of the cluster, the same on all hosts, and rests before another has it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { REST_MS, type CommandId, type NetworkId, type RefusedError } from '../../../events/index.ts'
import type { Controller } from '../../../src/index.ts'
import { CLAIM_STREAM } from '../../../src/cluster/claims/subjects.ts'
import { claimVni } from '../../../src/cluster/claims/vnis.ts'
import { SimulatedLab } from '../../bus/simulated.ts'
import { ClaimingHost } from './registers.ts'
import { codesOf } from '../scene.ts'
import { codeOf, two, type ClaimScene } from './scene.ts'

const vniOf = (controller: Controller, network: string): number | undefined =>
  controller.queries.network(network).vni

const vnisOf = async (scene: ClaimScene, controller: Controller): Promise<readonly string[]> => {
  const report = await scene.lab.do(controller.engine.claims?.report() ?? Promise.reject(new Error('none')))
  return report.claims
    .filter(({ kind }) => kind === 'vni')
    .map(({ host, state, vni }) => `${vni} ${state} ${host}`)
}

describe('the number of a network', () => {
  it('is claimed with it, stands in its facts, and is the same on every host', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    await scene.lab.do(west.newEndpoint('shared', 'w'))
    const vni = vniOf(east, 'shared')
    expect(vni).toBeGreaterThanOrEqual(4096)
    expect(vniOf(west, 'shared')).toBe(vni)
    await scene.lab.do(west.newNetwork('test', 'other'))
    expect(vniOf(west, 'other')).not.toBe(vni)
    const log = (await scene.logOf(east)).find((text) => text.includes('"VniAssigned"')) ?? ''
    const types = (JSON.parse(log) as { readonly facts: readonly { readonly type: string }[] }).facts
    expect(types.map(({ type }) => type)).toEqual([
      'ClaimGranted',
      'ClaimGranted',
      'ClaimGranted',
      'NetworkCreateRequested',
      'VniAssigned',
      'EffectsIntended',
    ])
    await scene.lab.do(east.close())
    expect(vniOf(await scene.open('east'), 'shared')).toBe(vni)
  })

  it('stays as long as another host is on the network, and rests when it has ended', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    const vni = vniOf(east, 'shared')
    await scene.lab.do(west.newEndpoint('shared', 'w'))
    scene.cut('east')
    await scene.lab.do(codeOf(east.newNetwork('test', 'not-now')))
    await scene.lab.do(east.network('shared').delete())
    scene.heal('east')
    await scene.pass(20_000)
    expect(await vnisOf(scene, west)).toEqual([`${vni} held east`])
    await scene.lab.do(west.endpoint('w').delete())
    await scene.lab.do(west.network('shared').delete())
    await scene.pass(20_000)
    expect(await vnisOf(scene, west)).toEqual([`${vni} resting east`])
    await scene.pass(REST_MS)
    expect(await vnisOf(scene, west)).toEqual([`${vni} free east`])
  })

  it('is claimed again where the servers lost it', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(east.newNetwork('test', 'shared'))
    scene.arbiter.remake(CLAIM_STREAM.name)
    await scene.pass(20_000)
    expect(await vnisOf(scene, west)).toEqual([`${vniOf(east, 'shared')} held east`])
    expect(codesOf(scene.problems)).not.toContain('ERR_CLAIM_CONFLICT')
  })
})

describe('a range of numbers', () => {
  const RANGE = { first: 100, last: 103 }
  let lab = new SimulatedLab()
  let nowMs = 1_800_000_000_000
  const open = async (name: string): Promise<ClaimingHost> =>
    ClaimingHost.open(name, await lab.open(CLAIM_STREAM), () => nowMs)
  const claim = async (host: ClaimingHost, digit: string, by: string = host.command()) => {
    const network = { name: `n${digit}`, network: digit.repeat(64) as NetworkId }
    const who = { by: by as CommandId, claiming: () => undefined }
    return (await claimVni(host.register, network, RANGE, who)).vni
  }
  beforeEach(() => {
    lab = new SimulatedLab()
  })
  afterEach(() => lab.tearDown())

  it('gives each number once, also to hosts that ask at once for the same', async () => {
    const hosts = await Promise.all(['a', 'b', 'c', 'd'].map((name) => open(name)))
    // Ids that begin alike begin to look at the same place.
    const given = await Promise.all(hosts.map((host) => claim(host, 'f')))
    expect([...given].sort()).toEqual([100, 101, 102, 103])
  })

  it('gives a command that is repeated what it got before, and says who has how many when all are held', async () => {
    const [east, west] = [await open('east'), await open('west')]
    const first = await claim(east, '1', 'the command')
    expect(await claim(east, '1', 'the command')).toBe(first)
    for (const digit of ['2', '3']) await claim(east, digit)
    await west.read()
    await claim(west, '4')
    const error = (await claim(west, '5').catch((each: unknown) => each)) as RefusedError
    expect(error.code).toBe('ERR_VNI_EXHAUSTED')
    expect(error.message).toContain(
      "network 'n5': all 4 VNIs (100 to 103) are held: east has 3, west has 1; delete a network",
    )
    await east.register.release(`vni.${(first ?? 0).toString(16).padStart(6, '0')}`, 'end')
    await west.read()
    const resting = (await claim(west, '5').catch((each: unknown) => each)) as RefusedError
    expect(resting.message).toContain('1 rest')
    nowMs += REST_MS
    expect(await claim(west, '5')).toBe(first)
  })
})
