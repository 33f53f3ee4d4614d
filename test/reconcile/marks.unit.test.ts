/** The birth mark: what our links are called, and what they bear, so that they are told from a stranger's. */
import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { IfName, Origin, SandboxId } from '../../events/index.ts'
import {
  aliasOf,
  bridgeText,
  groupOf,
  isMacOf,
  linkMac,
  linkName,
  sweptGroupOf,
  tableName,
  vethText,
} from '../../src/reconcile/marks.ts'

const sha256 = (text: string): string => hash('sha256', text, 'hex')
const origin = sha256('a host') as Origin

describe('a link of ours', () => {
  it('is in a group that lives, even and below 2^31, and that one more is the group of what is swept', () => {
    for (const digits of ['00000000', '00000003', '00000004', '7fffffff', 'ffffffff'].map((d) =>
      d.padEnd(64, '0'),
    )) {
      const group = groupOf(() => digits, origin)
      expect([group % 2, group > 0, group < 2 ** 31, sweptGroupOf(group)]).toEqual([0, true, true, group + 1])
    }
    expect(groupOf(() => '00000004'.padEnd(64, 'f'), origin)).toBe(2)
    expect(groupOf(() => '00000000'.padEnd(64, 'f'), origin)).toBe(2)
    expect(groupOf(() => 'ffffffff'.padEnd(64, '0'), origin)).toBe(2 ** 31 - 2)
    expect(groupOf(sha256, origin)).not.toBe(groupOf(sha256, sha256('another') as Origin))
  })

  it('has a name that says its kind, of the fifteen bytes that the kernel takes, another for each attempt', () => {
    const names = [
      linkName(sha256, 'v', 'e1', 1),
      linkName(sha256, 'v', 'e1', 2),
      linkName(sha256, 'b', 'n1', 1),
    ]
    for (const name of names) expect(name).toMatch(/^cn[bv][0-9a-f]{12}$/)
    expect(names.map((name) => name.slice(0, 3))).toEqual(['cnv', 'cnv', 'cnb'])
    expect(new Set(names.map((name) => name.slice(3))).size).toBe(3)
    expect(linkName((text) => (text === 'e1 2' ? 'a' : 'b').repeat(64), 'v', 'e1', 2)).toBe('cnvaaaaaaaaaaaa')
  })

  it('has a MAC of its own, local and of one, that follows from the host and the name', () => {
    const mac = linkMac(sha256, origin, 'cnv1')
    expect(mac).toMatch(/^02(:[0-9a-f]{2}){5}$/)
    expect(linkMac(sha256, origin, 'cnv1')).toBe(mac)
    expect(linkMac(sha256, origin, 'cnv2')).not.toBe(mac)
    expect(linkMac(sha256, sha256('another') as Origin, 'cnv1')).not.toBe(mac)
    expect(linkMac((text) => (text === `${origin} cnv1` ? '0123456789ab' : ''), origin, 'cnv1')).toBe(
      '02:01:23:45:67:89',
    )
  })

  it('is told by its MAC from the name that it has, or that its alias says it was born with', () => {
    const alias = aliasOf(origin, bridgeText({ name: 'br0' as IfName }))
    const mac = linkMac(sha256, origin, 'br0')
    expect(isMacOf(sha256, origin, { alias: '', mac, name: 'br0' })).toBe(true)
    expect(isMacOf(sha256, origin, { alias, mac, name: 'mine0' })).toBe(true)
    expect(isMacOf(sha256, origin, { alias: '', mac, name: 'mine0' })).toBe(false)
    expect(isMacOf(sha256, origin, { alias: 'bridge br0', mac, name: 'mine0' })).toBe(false)
    const peer = { ipv6: true, mac, name: 'eth0' as IfName, ns: 'f'.repeat(64) as SandboxId }
    const text = vethText({ name: 'cnv1' as IfName, peer })
    expect(text).toBe(`eth0 of sandbox ${'f'.repeat(12)} by cnv1`)
    const born = { alias: aliasOf(origin, text), mac: linkMac(sha256, origin, 'cnv1'), name: 'mine0' }
    expect(isMacOf(sha256, origin, born)).toBe(true)
    // An alias is only a hint: whoever writes another's gets nothing by it.
    expect(isMacOf(sha256, origin, { alias, mac: '02:00:00:00:00:01', name: 'mine0' })).toBe(false)
    expect(isMacOf(sha256, sha256('another') as Origin, { alias, mac, name: 'mine0' })).toBe(false)
  })

  it('says in its alias whose it is, and of what; our table too', () => {
    expect(aliasOf(origin, 'web')).toBe(`chronet:${origin.slice(0, 12)}:web`)
    expect(tableName(origin)).toBe(`chronet_${origin.slice(0, 8)}`)
  })
})
