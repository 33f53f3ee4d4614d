/** Who reaches whom through the firewall: TCP between namespaces, both families. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Firewall } from '../../src/kernel/linux/firewall.ts'
import { openFirewall } from '../../src/kernel/linux/nftables/index.ts'
import { Lab, reach, someOrigin } from './nftables-lab.ts'
import { ensure, specsOf } from './nftables-specs.ts'

describe('packets', () => {
  let lab: Lab
  let fw: Firewall
  const origin = someOrigin()
  const { a, b, firewall, internal } = specsOf(origin)
  const addresses: Record<string, readonly [string, string]> = {
    a1: ['10.1.0.2', 'fd00:a::2'],
    a2: ['10.1.0.3', 'fd00:a::3'],
    b1: ['10.2.0.2', 'fd00:b::2'],
    host: ['192.0.2.1', '2001:db8::1'],
    i1: ['10.3.0.2', 'fd00:1::2'],
    i2: ['10.3.0.3', 'fd00:1::3'],
    outside: ['192.0.2.2', '2001:db8::2'],
  }
  const PATIENCE = { no: 120, yes: 4000 }

  /**
   * From, to, and whether it should arrive: with its own address (`true`), the host's (`'masqueraded'`), or
   * not.
   */
  const pairs: readonly (readonly [string, string, boolean | 'masqueraded'])[] = [
    ['a1', 'a2', true],
    ['i1', 'i2', true],
    ['a1', 'outside', 'masqueraded'],
    ['a1', 'b1', false],
    ['b1', 'a1', false],
    ['outside', 'a1', false],
    ['i1', 'outside', false],
    ['outside', 'i1', false],
    ['i1', 'a1', false],
    ['a1', 'i1', false],
    ['a1', 'host', true],
    ['host', 'a1', true],
    ['host', 'outside', true],
  ]

  beforeAll(async () => {
    lab = new Lab()
    lab.in('host', 'sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1')
    lab.addBridge('br-a', ['10.1.0.1/24', 'fd00:a::1/64'])
    lab.addBridge('br-b', ['10.2.0.1/20', 'fd00:b::1/61'])
    lab.addBridge('br-i', ['10.3.0.1/24', 'fd00:1::1/64'])
    const at = (
      name: string,
      bridge: string,
      lengths: readonly [number, number],
      via: readonly string[],
    ): void => {
      const [v4 = '', v6 = ''] = addresses[name] ?? []
      lab.addSandbox(name, { addresses: [`${v4}/${lengths[0]}`, `${v6}/${lengths[1]}`], bridge, via })
    }
    at('a1', 'br-a', [24, 64], ['10.1.0.1', 'fd00:a::1'])
    at('a2', 'br-a', [24, 64], ['10.1.0.1', 'fd00:a::1'])
    at('b1', 'br-b', [20, 61], ['10.2.0.1', 'fd00:b::1'])
    at('i1', 'br-i', [24, 64], ['10.3.0.1', 'fd00:1::1'])
    at('i2', 'br-i', [24, 64], ['10.3.0.1', 'fd00:1::1'])
    lab.addSandbox('outside', { addresses: ['192.0.2.2/24', '2001:db8::2/64'], via: [] })
    lab.in('host', 'ip addr add 192.0.2.1/24 dev v-outside')
    lab.in('host', 'ip addr add 2001:db8::1/64 dev v-outside nodad')
    lab.in('outside', 'ip route add default via 192.0.2.1')
    lab.in('outside', 'ip route add default via 2001:db8::1')
    fw = await openFirewall({ openSocket: lab.openSocket, origin })
  }, 30_000)
  afterAll(() => {
    fw.close()
    lab[Symbol.dispose]()
  })

  const sourceOf = (from: string, to: string, family: 0 | 1, patienceMs: number): string | undefined =>
    reach(lab, { from, patienceMs, to, toAddress: addresses[to]?.[family] ?? '' })

  it('all pass where there is no firewall', () => {
    for (const [from, to] of pairs)
      for (const family of [0, 1] as const)
        expect(sourceOf(from, to, family, PATIENCE.yes), `${from} to ${to}`).toBeDefined()
  }, 60_000)

  it.each([
    ['', 1],
    [' with bridge-nf-call-iptables off', 0],
  ])(
    'pass within a network and outwards, masqueraded, and nowhere else%s',
    async (_, call) => {
      for (const name of ['iptables', 'ip6tables'])
        lab.in('host', `sysctl -qw net.bridge.bridge-nf-call-${name}=${call}`)
      await fw.apply([firewall, a, b, internal].map(ensure))
      for (const [from, to, arrives] of pairs)
        for (const family of [0, 1] as const) {
          const source = sourceOf(from, to, family, arrives === false ? PATIENCE.no : PATIENCE.yes)
          const expected =
            arrives === false ? undefined : addresses[arrives === 'masqueraded' ? 'host' : from]?.[family]
          // The host has an address on each bridge, and takes the one that is nearest.
          if (from === 'host' && to !== 'outside') expect(source, `${from} to ${to}`).toBeDefined()
          else expect(source, `${from} to ${to}`).toBe(expected)
        }
      expect(lab.nft(`list chain inet ${firewall.table} to-br-b`)).toMatch(/counter packets [1-9]/)
    },
    60_000,
  )
})
