/** What stands under which key, what it needs and what it brings: the order of every plan rests on it. */
import { describe, expect, it } from 'vitest'
import { keyOf, needsOf, providesOf, type Spec } from '../../events/index.ts'
import { keys, seqOfKey } from '../../events/store.ts'

const of = (spec: object): Spec => spec as Spec

describe('a spec', () => {
  it.each<[string, object, string, readonly string[]]>([
    ['a namespace', { kind: 'netns', sandbox: 's1' }, 'netns/s1', []],
    ['a bridge', { kind: 'bridge', name: 'br0' }, 'link/host/br0', []],
    [
      'a veth',
      { bridge: 'br0', kind: 'veth', name: 'v0', peer: { name: 'eth0', ns: 's1' } },
      'link/host/v0',
      ['link/host/br0', 'netns/s1'],
    ],
    [
      'an address',
      { address: '10.0.0.1/24', kind: 'addr', link: 'eth0', ns: 's1' },
      'addr/s1/eth0/10.0.0.1/24',
      ['link/s1/eth0'],
    ],
    [
      'a route',
      { dst: '0.0.0.0/0', kind: 'route', link: 'eth0', ns: 's1' },
      'route/s1/0.0.0.0/0',
      ['link/s1/eth0'],
    ],
    ["a setting of the host's", { kind: 'sysctl', name: 'net.a', ns: 'host' }, 'sysctl/host/net.a', []],
    [
      "a setting of a sandbox's",
      { kind: 'sysctl', name: 'net.a', ns: 's1' },
      'sysctl/s1/net.a',
      ['netns/s1'],
    ],
    ['our table', { kind: 'firewall', table: 't' }, 'nft/t', []],
    ['chains of a network', { bridge: 'br0', kind: 'firewall-network', table: 't' }, 'nft/t/br0', ['nft/t']],
  ])('of %s has its key, and needs what it stands on', (_what, spec, key, needs) => {
    expect([keyOf(of(spec)), needsOf(of(spec))]).toEqual([key, needs])
  })

  it('brings itself, and a veth its other end too', () => {
    expect(providesOf(of({ kind: 'netns', sandbox: 's1' }))).toEqual(['netns/s1'])
    const veth = of({ bridge: 'br0', kind: 'veth', name: 'v0', peer: { name: 'eth0', ns: 's1' } })
    expect(providesOf(veth)).toEqual(['link/host/v0', 'link/s1/eth0'])
  })
})

describe('a row', () => {
  it('is told by its key, which sorts as its number does', () => {
    expect([keys.commit(1), keys.commit(255), keys.manifest(16)]).toEqual([
      'c000000000001',
      'c0000000000ff',
      'm000000000010',
    ])
    expect([seqOfKey(keys.commit(255)), seqOfKey(keys.manifest(16))]).toEqual([255, 16])
    for (const odd of ['c1', 'xc000000000001', 'c0000000000010', 'c00000000000G', 's000000000001', ''])
      expect(seqOfKey(odd), odd).toBeUndefined()
  })
})
