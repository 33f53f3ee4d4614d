/** Which families a network has, and the subnets of IPv6 that are taken when nobody names one. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cidrFrom, overlaps, type Cidr, type Origin, type SubnetRequest } from '../../events/index.ts'
import { chooseLocalSubnet, familiesFor, localPrefix } from '../../src/ipam/index.ts'
import { Facts } from './facts.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const originOf = (text: string): Origin => sha256(text) as Origin
const LOCAL = 'fd12:3456:789a::/48' as Cidr

const subnetAfter = (held: readonly string[], avoid: readonly string[] = []): string => {
  const facts = new Facts()
  for (const [i, subnet] of held.entries()) facts.network(`n${i}x`, subnet)
  const chosen = chooseLocalSubnet(facts.allocations, LOCAL, avoid as readonly Cidr[])
  return 'problem' in chosen ? chosen.problem.code : chosen.subnet.subnet
}

describe('the families of a network', () => {
  const familiesOf = (asked: { ipv4?: boolean; ipv6?: boolean }, ...subnets: string[]) =>
    familiesFor({
      driver: 'bridge',
      name: 'web',
      subnets: subnets.map((subnet): SubnetRequest => ({ subnet })),
      ...asked,
    }).families

  it('are IPv4 unless it is left out, and IPv6 if it is asked for, by name or by subnet', () => {
    expect(familiesOf({})).toEqual([4])
    expect(familiesOf({ ipv6: true })).toEqual([4, 6])
    expect(familiesOf({ ipv4: false, ipv6: true })).toEqual([6])
    expect(familiesOf({}, 'fd00::/64')).toEqual([4, 6])
    expect(familiesOf({ ipv4: false }, 'fd00::/64')).toEqual([6])
    expect(familiesOf({ ipv6: true }, '10.0.0.0/24')).toEqual([4, 6])
  })
})

describe('the local prefix', () => {
  it('is a /48 of fd00::/8, the same for one origin and another for another', () => {
    const [one, two] = ['one', 'two'].map((text) => localPrefix(sha256, originOf(text)))
    expect(one).toMatch(/^fd[0-9a-f:]+::\/48$/)
    expect(localPrefix(sha256, originOf('one'))).toBe(one)
    expect(two).not.toBe(one)
  })

  it('is canonical text for any origin', () => {
    const holds = fc.property(fc.string(), (text) => {
      const prefix = localPrefix(sha256, originOf(text))
      expect(cidrFrom(prefix).length).toBe(48)
      expect(prefix).not.toMatch(/(^|:)0[0-9a-f]/)
    })
    fc.assert(holds)
  })
})

describe('a subnet of it', () => {
  it('is the first free /64, with the first address as gateway', () => {
    expect(chooseLocalSubnet(new Facts().allocations, LOCAL, [])).toEqual({
      subnet: { gateway: 'fd12:3456:789a::1', subnet: 'fd12:3456:789a::/64' },
    })
    expect(subnetAfter(['fd12:3456:789a::/64', 'fd12:3456:789a:2::/64'])).toBe('fd12:3456:789a:1::/64')
  })

  it('passes over what others hold, wide or narrow, and what the host reaches', () => {
    expect(subnetAfter(['fd12:3456:789a::/49'])).toBe('fd12:3456:789a:8000::/64')
    expect(subnetAfter(['fd12:3456:789a:0:8000::/80'])).toBe('fd12:3456:789a:1::/64')
    expect(subnetAfter([], ['fd12:3456:789a::/56', 'fd12:3456:789a:100::1/128', '10.0.0.0/8'])).toBe(
      'fd12:3456:789a:101::/64',
    )
  })

  it('comes to an end', () => {
    expect(subnetAfter(['fd12::/16'])).toBe('ERR_ADDRESS_EXHAUSTED')
    expect(subnetAfter(['fd12:3456:789a::/49', 'fd12:3456:789a:8000::/49'])).toBe('ERR_ADDRESS_EXHAUSTED')
  })

  it('overlaps nothing that is held or avoided, and is the first that does not', () => {
    const taken = fc.array(fc.record({ length: fc.integer({ max: 70, min: 56 }), place: fc.nat(40) }), {
      maxLength: 20,
    })
    const holds = fc.property(taken, (all) => {
      const avoid = all.map(({ length, place }) => `fd12:3456:789a:${place.toString(16)}::/${length}`)
      const chosen = subnetAfter([], avoid)
      const isFree = (subnet: string): boolean =>
        !avoid.some((other) => overlaps(cidrFrom(other as Cidr), cidrFrom(subnet as Cidr)))
      const places = Array.from({ length: 2000 }, (_, i) => `fd12:3456:789a:${i.toString(16)}::/64`)
      expect(cidrFrom(chosen as Cidr)).toEqual(cidrFrom(places.find(isFree) as Cidr))
    })
    fc.assert(holds)
  })
})
