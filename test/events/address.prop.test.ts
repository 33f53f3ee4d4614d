/** Addresses as text and numbers: what is taken, what is refused and why, and that printing and parsing are inverse. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addressAt,
  cidrFrom,
  compareIp,
  contains,
  firstHost,
  formatCidr,
  formatIp,
  hostOffsets,
  ipFrom,
  networkOf,
  offsetOf,
  overlaps,
  parseCidr,
  parseIp,
  parseSubnet,
  sizeOf,
} from '../../events/address.ts'
import type { AddressReason, IpAddress, IpPrefix } from '../../events/address.ts'
import type { Cidr, Ip } from '../../events/fact.ts'

const v4: fc.Arbitrary<IpAddress> = fc.nat(0xffff_ffff).map((value) => ({ family: 4, value }))
const v6: fc.Arbitrary<IpAddress> = fc
  .tuple(fc.bigInt(0n, (1n << 128n) - 1n), fc.bigInt(0n, (1n << 128n) - 1n), fc.boolean())
  .map(([value, mask, sparse]) => ({ family: 6, value: sparse ? value & mask & (mask >> 7n) : value }))
const address = fc.oneof(v4, v6)
const prefix: fc.Arbitrary<IpPrefix> = fc.oneof(
  fc.record({ address: v4, length: fc.integer({ min: 0, max: 32 }) }),
  fc.record({ address: v6, length: fc.integer({ min: 0, max: 128 }) }),
)

describe('text of addresses', () => {
  it('is read back as the address it was printed from', () => {
    fc.assert(
      fc.property(address, (a) => {
        expect(parseIp(formatIp(a))).toEqual({ ok: true, value: a })
      }),
    )
    fc.assert(
      fc.property(prefix, (p) => {
        expect(parseCidr(formatCidr(p))).toEqual({ ok: true, value: p })
      }),
    )
  })

  it.each([
    // RFC 5952 §4 and §5, one line a rule.
    ['2001:0DB8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:a00:1', '::ffff:10.0.0.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['fe80:0:0:0:0:0:0:0', 'fe80::'],
    ['::1', '::1'],
    ['255.255.255.255', '255.255.255.255'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    // The longest text that an address has: 45 characters.
    ['ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ])('%s is printed as %s', (text, canonical) => {
    const parsed = parseIp(text)
    expect(parsed.ok && formatIp(parsed.value)).toBe(canonical)
  })

  it.each<[string, AddressReason]>([
    ['10.0.0', 'octet-count'],
    ['10.0.0.0.1', 'octet-count'],
    ['', 'octet-count'],
    ['10.0.0.256', 'bad-octet'],
    ['10.0.0.+1', 'bad-octet'],
    ['10.0.0. 1', 'bad-octet'],
    ['10.0.0.1x', 'bad-octet'],
    ['10.0.0.', 'bad-octet'],
    ['10.0.0.010', 'leading-zero'],
    ['1:2:3:4:5:6:7', 'group-count'],
    ['1:2:3:4:5:6:7:8:9', 'group-count'],
    ['1:2:3:4:5:6:7::8', 'group-count'],
    ['1::2::3', 'group-count'],
    [':::', 'bad-group'],
    [':1:2:3:4:5:6:7', 'bad-group'],
    ['12345::', 'bad-group'],
    ['g::', 'bad-group'],
    ['::10.0.0.01', 'leading-zero'],
    ['fe80::1%eth0', 'zone'],
    ['1'.repeat(46), 'too-long'],
  ])('refuses "%s": %s', (text, reason) => {
    expect(parseIp(text)).toEqual({ ok: false, reason })
  })

  it.each<[string, AddressReason]>([
    ['10.0.0.0', 'no-prefix'],
    ['10.0.0.0/', 'bad-prefix'],
    ['/24', 'octet-count'],
    ['10.0.0.0/08', 'bad-prefix'],
    ['10.0.0.0/8/8', 'bad-prefix'],
    ['10.0.0.0/33', 'prefix-range'],
    ['::/129', 'prefix-range'],
    ['10.0.0.1/24', 'host-bits'],
    ['fd00::1/64', 'host-bits'],
  ])('refuses the subnet "%s": %s', (text, reason) => {
    expect(parseSubnet(text)).toEqual({ ok: false, reason })
  })

  it('that a fact holds and that is no address is a defect, which says so', () => {
    expect(() => ipFrom('10.0.0' as Ip)).toThrow('chronet defect: a fact holds the address 10.0.0')
    expect(() => cidrFrom('10.0.0.0' as Cidr)).toThrow('chronet defect: a fact holds the address 10.0.0.0')
  })

  it('takes nothing that is no address, and never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parseCidr(text).ok === 'boolean'))
  })
})

describe('arithmetic of prefixes', () => {
  it('finds an address again at its offset', () => {
    fc.assert(
      fc.property(prefix, (p) => {
        const offset = offsetOf(p)
        if (Number.isSafeInteger(offset)) expect(addressAt(p, offset)).toEqual(p.address)
      }),
    )
  })

  it.each(['10.0.0.0/24', 'fd00::/120'])(
    'knows the last address of %s, and none beyond either end',
    (text) => {
      const p = cidrFrom(text as Cidr)
      expect(offsetOf({ address: addressAt(p, 255), length: p.length })).toBe(255)
      for (const offset of [-1, 0.5, 256])
        expect(() => addressAt(p, offset)).toThrow(`no offset ${offset} in /`)
    },
  )

  it('has every address within its own network', () => {
    fc.assert(
      fc.property(prefix, (p) => {
        expect(contains(p, p.address)).toBe(true)
        expect(contains(networkOf(p), p.address)).toBe(true)
        expect(contains(p, firstHost(p))).toBe(true)
        expect(offsetOf(networkOf(p))).toBe(0)
      }),
    )
  })

  it('calls two prefixes overlapping exactly when one has the start of the other', () => {
    fc.assert(
      fc.property(prefix, prefix, (a, b) => {
        const nested = contains(a, networkOf(b).address) || contains(b, networkOf(a).address)
        expect(overlaps(a, b)).toBe(nested)
        expect(overlaps(b, a)).toBe(nested)
      }),
    )
  })

  it.each([
    ['10.0.0.0/24', 1, 254],
    ['10.0.0.0/31', 0, 1],
    ['10.0.0.0/32', 0, 0],
    ['fd00::/120', 1, 255],
    ['fd00::/127', 0, 1],
    ['fd00::/128', 0, 0],
  ])('gives hosts of %s the places %i to %i', (text, first, last) => {
    expect(hostOffsets(cidrFrom(text as Cidr))).toEqual({ first, last })
  })

  it('knows the size of the largest', () => {
    expect(sizeOf(cidrFrom('0.0.0.0/0' as Cidr))).toBe(2 ** 32)
    expect(sizeOf(cidrFrom('::/0' as Cidr))).toBe(2 ** 128)
  })

  it('orders by family, then by value', () => {
    const sorted = ['fd00::1', '::1', '10.0.0.10', '10.0.0.9', '::1']
      .map((text) => parseIp(text))
      .flatMap((p) => (p.ok ? [p.value] : []))
    expect(sorted.sort(compareIp).map(formatIp)).toEqual(['10.0.0.9', '10.0.0.10', '::1', '::1', 'fd00::1'])
    expect(sorted.slice(1).map((a, i) => compareIp(a, sorted[i] ?? a))).toEqual([1, 2, 0, 1])
    expect(sorted.slice(1).map((a, i) => compareIp(sorted[i] ?? a, a))).toEqual([-1, -2, 0, -1])
  })
})
