/** Subnets: the defaults, and what is refused of those that are asked for. */
import { describe, expect, it } from 'vitest'
import type { Cidr, SubnetRequest } from '../../events/index.ts'
import { checkSubnets, chooseSubnet, DEFAULT_SUBNETS } from '../../src/ipam/index.ts'
import { Facts, SWEEP } from './facts.ts'

const check = (facts: Facts, ...requests: SubnetRequest[]) => {
  const { problems, subnets } = checkSubnets(facts.allocations, requests)
  return { codes: problems.map((p) => p.code), messages: problems.map((p) => p.message), problems, subnets }
}
const checkOne = (subnet: string, gateway?: string) =>
  check(new Facts(), gateway === undefined ? { subnet } : { gateway, subnet })

describe('the default pools', () => {
  it('are 31, in the order of libnetwork', () => {
    expect(DEFAULT_SUBNETS).toHaveLength(31)
    expect(DEFAULT_SUBNETS[0]).toBe('172.17.0.0/16')
    expect(DEFAULT_SUBNETS[14]).toBe('172.31.0.0/16')
    expect(DEFAULT_SUBNETS[15]).toBe('192.168.0.0/20')
    expect(DEFAULT_SUBNETS.at(-1)).toBe('192.168.240.0/20')
  })

  it('are given first free first, with the first address as gateway', () => {
    const facts = new Facts()
    expect(chooseSubnet(facts.allocations, [])).toEqual({
      subnet: { gateway: '172.17.0.1', subnet: '172.17.0.0/16' },
    })
    facts.network('a', '172.17.0.0/16')
    facts.network('b', '172.18.5.0/24')
    expect(chooseSubnet(facts.allocations, ['172.19.0.1/32' as Cidr])).toMatchObject({
      subnet: { subnet: '172.20.0.0/16' },
    })
  })

  it('are passed over together by a network that covers them', () => {
    const facts = new Facts()
    facts.network('wide', '172.16.0.0/12')
    expect(chooseSubnet(facts.allocations, [])).toMatchObject({ subnet: { subnet: '192.168.0.0/20' } })
  })

  it('come to an end, and are waited for when one is being swept', () => {
    const facts = new Facts()
    const networks = DEFAULT_SUBNETS.map((subnet, i) => facts.network(`n${i}x`, subnet))
    expect(chooseSubnet(facts.allocations, [])).toMatchObject({ problem: { code: 'ERR_ADDRESS_EXHAUSTED' } })
    expect(chooseSubnet(facts.allocations, [])).not.toHaveProperty('problem.until')
    for (const network of networks.slice(3, 4)) facts.deleteNetwork(network, SWEEP)
    expect(chooseSubnet(facts.allocations, [])).toMatchObject({ problem: { until: SWEEP } })
    facts.settle(SWEEP)
    expect(chooseSubnet(facts.allocations, [])).toMatchObject({ subnet: { subnet: '172.20.0.0/16' } })
  })
})

describe('a subnet that is asked for', () => {
  it('has the first address as gateway, or the one asked for', () => {
    expect(checkOne('10.0.0.0/24').subnets).toEqual([{ gateway: '10.0.0.1', subnet: '10.0.0.0/24' }])
    expect(checkOne('10.0.0.0/24', '10.0.0.254').subnets).toEqual([
      { gateway: '10.0.0.254', subnet: '10.0.0.0/24' },
    ])
    expect(checkOne('FD00:0:0::/64').subnets).toEqual([{ gateway: 'fd00::1', subnet: 'fd00::/64' }])
    expect(checkOne('10.0.0.0/31').subnets).toEqual([{ gateway: '10.0.0.0', subnet: '10.0.0.0/31' }])
  })

  it.each([
    ['10.0.0.0', 'a prefix length is missing'],
    ['10.0.0.5/24', '10.0.0.0/24 is the subnet'],
    ['10.0.0.0/33', 'at most 32'],
    ['10.0.0.0/32', 'from /8 to /31'],
    ['10.0.0.0/7', 'from /8 to /31'],
    ['0.0.0.0/0', 'from /8 to /31'],
    ['fd00::/128', 'from /8 to /127'],
    ['127.0.0.0/24', 'loopback'],
    ['224.0.0.0/24', 'multicast'],
    ['fe80::/64', 'link-local'],
    ['ff02::/64', 'multicast'],
    ['rubbish', 'a prefix length is missing'],
    ['', 'a prefix length is missing'],
  ])('is refused when it is %j', (subnet, why) => {
    const { codes, messages } = checkOne(subnet)
    expect(new Set(codes)).toEqual(new Set(['ERR_ADDRESS_INVALID']))
    expect(messages.join('\n')).toContain(why)
  })

  it.each([
    ['10.0.1.1', 'it lies outside'],
    ['10.0.0.0', 'the address of the subnet itself'],
    ['10.0.0.255', 'the broadcast address'],
    ['fd00::1', 'it is of IPv6, and the subnet of IPv4'],
    ['x', 'an IPv4 address has 4 octets'],
  ])('is refused with the gateway %j', (gateway, why) => {
    const { codes, messages } = checkOne('10.0.0.0/24', gateway)
    expect(codes).toEqual(['ERR_ADDRESS_INVALID'])
    expect(messages[0]).toContain(why)
  })

  it('is refused with each network that it overlaps, in order', () => {
    const facts = new Facts()
    facts.network('b', '10.1.0.0/24')
    facts.network('a', '10.0.0.0/24')
    const { codes, problems } = check(facts, { subnet: '10.0.0.0/8' })
    expect(codes).toEqual(['ERR_OVERLAP', 'ERR_OVERLAP'])
    expect(problems[0]?.holder).toBe('a'.padEnd(64, '0'))
    expect(problems[0]?.message).toContain(
      'overlaps 10.0.0.0/24, which is held by network a00000000000 since',
    )
    expect(check(facts, { subnet: '10.0.0.128/25' }).codes).toEqual(['ERR_OVERLAP'])
    expect(check(facts, { subnet: '10.0.1.0/24' }).codes).toEqual([])
  })

  it('is waited for while the bridge of a deleted network is swept', () => {
    const facts = new Facts()
    const network = facts.network('a', '10.0.0.0/24')
    facts.deleteNetwork(network, SWEEP)
    expect(check(facts, { subnet: '10.0.0.0/24' }).problems).toMatchObject([
      { code: 'ERR_OVERLAP', until: SWEEP },
    ])
    facts.settle(SWEEP)
    expect(check(facts, { subnet: '10.0.0.0/24' }).problems).toEqual([])
  })

  it('that cannot be read is refused with what is wrong beside it', () => {
    const facts = new Facts()
    const parts = { auxAddresses: { router: '10.9.0.300' }, gateway: '10.8.0.1', ipRange: '10.9.0.1/30' }
    // The subnet that was meant tells that the gateway lies outside of it.
    expect(check(facts, { ...parts, subnet: '10.9.0.1/24' }).messages).toEqual([
      expect.stringMatching(/^subnet '10.9.0.1\/24': .*10.9.0.0\/24 is the subnet/),
      expect.stringMatching(/^range '10.9.0.1\/30' of 10.9.0.0\/24: /),
      expect.stringMatching(/^auxiliary address 'router' of 10.9.0.0\/24, '10.9.0.300': /),
      "gateway '10.8.0.1' of 10.9.0.0/24: it lies outside; take another",
    ])
    // Without one, only what cannot be read itself.
    expect(check(facts, { ...parts, subnet: 'ten' }).messages).toEqual([
      expect.stringMatching(/^subnet 'ten': /),
      expect.stringMatching(/^range '10.9.0.1\/30' of 'ten': /),
      expect.stringMatching(/^auxiliary address 'router', '10.9.0.300' of 'ten': /),
    ])
    expect(check(facts, { gateway: 'no', subnet: 'ten' }).messages[1]).toMatch(/^gateway 'no' of 'ten': /)
    expect(check(facts, { ...parts, subnet: '10.9.0.1/24' }).subnets).toEqual([])
  })

  it('is refused with all problems of the request at once', () => {
    const { codes } = check(
      new Facts(),
      { subnet: '10.0.0.1/24' },
      { gateway: '10.9.0.1', subnet: '10.1.0.0/24' },
      { subnet: '10.1.0.0/16' },
      { subnet: '127.0.0.0/32' },
    )
    expect(codes).toEqual([
      'ERR_ADDRESS_INVALID',
      'ERR_ADDRESS_INVALID',
      'ERR_OVERLAP',
      'ERR_ADDRESS_INVALID',
      'ERR_ADDRESS_INVALID',
    ])
  })
})
