/** What claims must be on every bus: one suite for NATS and for the simulated one. */
import { expect, it } from 'vitest'
import { REST_MS, type Cidr } from '../../../events/index.ts'
import type { Bus } from '../../../src/bus/bus.ts'
import { blockKey, poolClaimKey } from '../../../src/cluster/claims/subjects.ts'
import { BLOCK, ClaimingHost, NETWORK, OTHER_NETWORK, SUBNET } from './registers.ts'

/** Servers, with a stream of claims for each test. */
export type ClaimBench = {
  readonly nowMs: () => number
  readonly open: () => Promise<Bus>
  /** Time goes on, as far as claims see it. */
  readonly pass: (ms: number) => void
}

const KINDS = ['block', 'name'] as const

export function claimContract(bench: () => ClaimBench): void {
  const host = async (name: string): Promise<ClaimingHost> =>
    ClaimingHost.open(name, await bench().open(), bench().nowMs)

  it('grants a thing once: whoever comes second is told who has it', async () => {
    const [east, west] = [await host('east'), await host('west')]
    expect(await east.block()).toMatchObject({ kind: 'granted', seq: 1 })
    expect(await west.block()).toMatchObject({
      head: { by: east.origin, host: 'east' },
      kind: 'taken',
      standing: { state: 'held' },
    })
    expect(await west.block('10.0.0.64/27' as Cidr)).toMatchObject({ kind: 'granted' })
  })

  it.each(KINDS)('grants a %s to one of many who ask at once', async (kind) => {
    const hosts = await Promise.all(Array.from({ length: 6 }, (_, i) => host(`h${i}`)))
    const claims = await Promise.all(
      hosts.map((each) => (kind === 'block' ? each.block() : each.name('web'))),
    )
    expect(claims.filter((claim) => claim.kind === 'granted')).toHaveLength(1)
    const winner = hosts[claims.findIndex((claim) => claim.kind === 'granted')]?.origin
    for (const claim of claims) if (claim.kind === 'taken') expect(claim.head.by).toBe(winner)
  })

  it('gives a command that is repeated what it got before', async () => {
    const east = await host('east')
    const first = await east.block(BLOCK, 'the command')
    const again = await host('east')
    await again.read()
    expect(await again.block(BLOCK, 'the command')).toEqual(first)
    expect(await again.block(BLOCK, 'another')).toMatchObject({ kind: 'taken' })
  })

  it('lets what was given up rest, and then grants it again', async () => {
    const [east, west] = [await host('east'), await host('west')]
    await east.block()
    const given = await east.register.release(blockKey(NETWORK, BLOCK), 'end')
    expect(Date.parse(given?.restsUntil ?? '')).toBe(bench().nowMs() + REST_MS)
    expect(await west.block()).toMatchObject({
      kind: 'taken',
      standing: { state: 'resting', until: given?.restsUntil },
    })
    expect(await east.block()).toMatchObject({ kind: 'taken', standing: { state: 'resting' } })
    bench().pass(REST_MS)
    expect(await west.block()).toMatchObject({ kind: 'granted', seq: 3 })
    await east.read()
    expect(await east.register.release(blockKey(NETWORK, BLOCK), 'end again')).toBeUndefined()
  })

  it('lets no pools overlap, of all hosts, and all of a network or none', async () => {
    const [east, west] = [await host('east'), await host('west')]
    const pools = ['10.0.0.0/20', 'fd00:1::/64'] as Cidr[]
    expect(await east.register.claimPools('one', NETWORK, pools)).toMatchObject([
      { kind: 'granted' },
      { kind: 'granted' },
    ])
    const both = ['10.1.0.0/16', 'fd00:1::/48'] as Cidr[]
    expect(await west.register.claimPools('two', OTHER_NETWORK, both)).toMatchObject([
      { head: { cidr: 'fd00:1::/64', host: 'east' }, kind: 'taken' },
    ])
    expect(west.table.head(poolClaimKey('10.1.0.0/16' as Cidr))).toBeUndefined()
    expect(await west.register.claimPools('three', OTHER_NETWORK, ['10.1.0.0/16' as Cidr])).toMatchObject([
      { kind: 'granted' },
    ])
    await east.register.release(poolClaimKey(SUBNET), 'end')
    await west.read()
    expect(await west.register.claimPools('four', OTHER_NETWORK, [SUBNET])).toMatchObject([
      { kind: 'taken', standing: { state: 'resting' } },
    ])
    bench().pass(REST_MS)
    expect(await west.register.claimPools('five', OTHER_NETWORK, [SUBNET])).toMatchObject([
      { kind: 'granted' },
    ])
  })

  it('is the same to all who read it, from whichever message on', async () => {
    const [east, west] = [await host('east'), await host('west')]
    await Promise.all([east.block(), west.name('web'), west.register.claimPools('p', NETWORK, [SUBNET])])
    await east.register.release(blockKey(NETWORK, BLOCK), 'end')
    const third = await host('third')
    for (const each of [east, west, third]) await each.read()
    expect(west.table.heads()).toEqual(third.table.heads())
    expect(east.table.heads()).toEqual(third.table.heads())
    expect(third.table.heads()).toMatchObject([
      { cidr: BLOCK, host: 'east', kind: 'block', network: NETWORK },
      { host: 'west', kind: 'network', name: 'web' },
      { cidr: SUBNET, host: 'west', kind: 'pool' },
    ])
  })

  it('freezes what a host has that was put out, and frees its blocks when it was confirmed dead', async () => {
    const [east, west] = [await host('east'), await host('west')]
    await east.block()
    await east.name('web')
    await west.read()
    await west.register.tellHost(east.origin, 'out', 'evicted')
    expect(await west.block()).toMatchObject({ kind: 'taken', standing: { state: 'frozen' } })
    bench().pass(10 * REST_MS)
    expect(await west.block()).toMatchObject({ standing: { state: 'frozen' } })
    await west.register.tellHost(east.origin, 'dead', 'dead')
    expect(await west.block()).toMatchObject({ standing: { state: 'resting' } })
    bench().pass(REST_MS)
    expect(await west.block()).toMatchObject({ kind: 'granted' })
    expect(await west.name('web')).toMatchObject({ kind: 'taken', standing: { state: 'held' } })
  })
}
