/** Stories of addresses, MACs and interface names: given, held, asked for, swept. */
import { describe, expect, it } from 'vitest'
import type { Cidr, Family, IfName, Ip, Mac, SandboxId, Subnet } from '../../events/index.ts'
import {
  checkAddress,
  checkIfName,
  checkMac,
  chooseAddress,
  chooseMac,
  lowestIfName,
  macOf,
} from '../../src/ipam/index.ts'
import { AT, Facts, SWEEP } from './facts.ts'

const sandbox = 's1'.padEnd(64, '0') as SandboxId
const eth0 = 'eth0' as IfName

/** A network web of 10.0.3.0/24, or what is given. */
function web(...subnets: string[]) {
  const facts = new Facts()
  const network = facts.network('web', ...(subnets.length > 0 ? subnets : ['10.0.3.0/24']))
  const subnet = network.subnets[0] as Subnet
  let made = 0
  return {
    facts,
    network,
    /** Chooses the next address and reserves it. */
    give: () => {
      const chosen = chooseAddress(facts.allocations, network, subnet)
      if ('problem' in chosen) throw new Error(chosen.problem.message)
      return { address: chosen.address, endpoint: facts.reserve(network, `e${made++}x`, chosen.address) }
    },
    next: () => chooseAddress(facts.allocations, network, subnet),
    ask: (text: string, family: Family = 4) => checkAddress(facts.allocations, network, text, family),
  }
}

describe('the next address', () => {
  it('is the one after the gateway, then the one after that', () => {
    const { give } = web()
    expect([give().address, give().address]).toEqual(['10.0.3.2/24', '10.0.3.3/24'])
  })

  it('is not the one that was just freed', () => {
    const { facts, give } = web()
    const { endpoint } = give()
    facts.release(endpoint)
    expect(give().address).toBe('10.0.3.3/24')
  })

  it('begins again at the end, with what was freed', () => {
    const { facts, give, next } = web('10.0.3.0/29')
    const given = Array.from({ length: 5 }, give)
    expect(given.at(-1)?.address).toBe('10.0.3.6/29')
    facts.release(given[2]?.endpoint ?? given[0]?.endpoint ?? ('' as never))
    expect(next()).toEqual({ address: '10.0.3.4/29' })
  })

  it('passes over those that were asked for', () => {
    const { facts, give, network } = web()
    facts.reserve(network, 'asked', '10.0.3.3/24' as Cidr)
    expect(give().address).toBe('10.0.3.4/24')
  })

  it('of a /31 is the other one, and of IPv6 the second', () => {
    expect(web('10.0.3.0/31').next()).toEqual({ address: '10.0.3.0/31' })
    expect(web('fd00::/64').next()).toEqual({ address: 'fd00::2/64' })
    expect(web('fd00::/127').next()).toEqual({ address: 'fd00::/127' })
  })
})

describe('an exhausted network', () => {
  it('tells how many addresses are held, and by whom', () => {
    const { give, next } = web('10.0.3.0/29')
    for (let i = 0; i < 5; i++) give()
    expect(next()).toEqual({
      problem: {
        code: 'ERR_ADDRESS_EXHAUSTED',
        field: 'address',
        holders: ['e0x', 'e1x', 'e2x'].map((name) => name.padEnd(64, '0')),
        message:
          "network 'web': all 5 addresses of 10.0.3.0/29 are held, by endpoint e0x000000000, endpoint e1x000000000, endpoint e2x000000000 and others; delete endpoints, or make a network with a larger subnet",
      },
    })
  })

  it('is waited for while a sweep will free an address', () => {
    const { facts, give, network, next } = web('10.0.3.0/30')
    const { endpoint } = give()
    facts.join(network, endpoint, sandbox, eth0)
    facts.leave(endpoint, sandbox, SWEEP)
    expect(next()).toMatchObject({ problem: { code: 'ERR_ADDRESS_EXHAUSTED' } })
    expect(next()).not.toHaveProperty('problem.until')
    facts.release(endpoint)
    expect(next()).toMatchObject({ problem: { until: SWEEP } })
    facts.settle(SWEEP)
    expect(next()).toEqual({ address: '10.0.3.2/30' })
  })
})

describe('an address that is asked for', () => {
  it('is given with the prefix length of its subnet', () => {
    const { ask } = web('10.0.3.0/24', 'fd00::/64')
    expect(ask('10.0.3.7')).toEqual({ address: '10.0.3.7/24', subnet: '10.0.3.0/24' })
    expect(ask('10.0.3.7/24')).toEqual({ address: '10.0.3.7/24', subnet: '10.0.3.0/24' })
    expect(ask('FD00:0::7', 6)).toEqual({ address: 'fd00::7/64', subnet: 'fd00::/64' })
  })

  it.each([
    ['10.0.4.7', "address 10.0.4.7 on network 'web': it lies outside of 10.0.3.0/24"],
    ['fd00::1', "address fd00::1 on network 'web': it is of IPv6, so it belongs into address6"],
    ['10.0.3.7/16', 'its subnet is 10.0.3.0/24, so the prefix length is not /16'],
    ['10.0.3.0', 'it is the address of the subnet itself'],
    ['10.0.3.255', 'it is the broadcast address'],
    ['10.0.3', 'an IPv4 address has 4 octets'],
    ['10.0.3.007', 'leading zeros'],
    ['', 'an IPv4 address has 4 octets'],
  ])('is refused when it is %s', (text, why) => {
    const refused = web().ask(text)
    expect(refused).toMatchObject({ problem: { code: 'ERR_ADDRESS_INVALID', field: 'address' } })
    expect('problem' in refused ? refused.problem.message : '').toContain(why)
  })

  it.each([
    ['fd00:1::7', 'it lies outside of fd00::/64'],
    ['fd00::7/48', 'its subnet is fd00::/64, so the prefix length is not /48'],
    ['fd00::', 'it is the address of the subnet itself'],
    ['10.0.3.7', 'it is of IPv4, so it belongs into address'],
    ['fe80::1%eth0', 'a zone (%…) names an interface'],
  ])('of IPv6 is refused when it is %s', (text, why) => {
    const refused = web('10.0.3.0/24', 'fd00::/64').ask(text, 6)
    expect(refused).toMatchObject({ problem: { code: 'ERR_ADDRESS_INVALID', field: 'address6' } })
    expect('problem' in refused ? refused.problem.message : '').toContain(why)
  })

  it('is refused where the network has none of its family', () => {
    const refused = web('10.0.3.0/24').ask('fd00::7', 6)
    expect('problem' in refused ? refused.problem.message : '').toContain('the network has no IPv6')
  })

  it('is refused with its holder, and since when', () => {
    const { ask, give } = web()
    const { endpoint } = give()
    expect(ask('10.0.3.2')).toEqual({
      problem: {
        code: 'ERR_ADDRESS_TAKEN',
        field: 'address',
        holder: endpoint,
        message: `address 10.0.3.2 on network 'web' is held by endpoint e0x000000000 since ${AT}; take another, or leave it open`,
      },
    })
  })

  it('is refused when it is the gateway', () => {
    const { ask, network } = web()
    expect(ask('10.0.3.1')).toMatchObject({ problem: { code: 'ERR_ADDRESS_TAKEN', holder: network.id } })
  })

  it('is waited for while only a sweep has it, and not when that sweep has failed', () => {
    const { ask, facts, give, network } = web()
    const { endpoint } = give()
    facts.join(network, endpoint, sandbox, eth0)
    facts.leave(endpoint, sandbox, SWEEP)
    expect(ask('10.0.3.2')).not.toHaveProperty('problem.until')
    facts.release(endpoint)
    expect(ask('10.0.3.2')).toMatchObject({ problem: { code: 'ERR_ADDRESS_TAKEN', until: SWEEP } })
    facts.settle(SWEEP, true)
    expect(ask('10.0.3.2')).toMatchObject({ problem: { code: 'ERR_ADDRESS_TAKEN' } })
    expect(ask('10.0.3.2')).not.toHaveProperty('problem.until')
  })
})

describe('a MAC', () => {
  it('follows from the address', () => {
    expect(macOf('10.0.3.7' as Ip)).toBe('02:42:0a:00:03:07')
    expect(macOf('255.255.255.255' as Ip)).toBe('02:42:ff:ff:ff:ff')
    expect(macOf('fd00::1:2:3' as Ip)).toBe('02:42:00:02:00:03')
  })

  it('is another one when somebody asked for just that', () => {
    const { facts, network } = web()
    const mac = macOf('10.0.3.2' as Ip)
    expect(chooseMac(facts.allocations, network, '10.0.3.2' as Ip)).toBe(mac)
    facts.reserve(network, 'thief', '10.0.3.9/24' as Cidr, mac)
    expect(chooseMac(facts.allocations, network, '10.0.3.2' as Ip)).toBe('02:43:0a:00:03:02')
  })

  it('that is asked for is taken in canonical text', () => {
    const { facts, network } = web()
    expect(checkMac(facts.allocations, network, '02:42:AA:00:00:01')).toEqual({ mac: '02:42:aa:00:00:01' })
  })

  it.each([
    '',
    '02:42:aa:00:00',
    '02-42-aa-00-00-01',
    '0242aa000001',
    '01:00:5e:00:00:01',
    '00:00:00:00:00:00',
    'ff:ff:ff:ff:ff:ff',
  ])('is refused when it is %j', (text) => {
    const { facts, network } = web()
    expect(checkMac(facts.allocations, network, text)).toMatchObject({
      problem: { code: 'ERR_INVALID', field: 'mac' },
    })
  })

  it('is refused with its holder when it is held', () => {
    const { facts, network } = web()
    const holder = facts.reserve(network, 'first', '10.0.3.9/24' as Cidr, '02:00:00:00:00:09' as Mac)
    expect(checkMac(facts.allocations, network, '02:00:00:00:00:09')).toMatchObject({
      problem: { code: 'ERR_ADDRESS_TAKEN', field: 'mac', holder },
    })
  })
})

describe('an interface name', () => {
  it('is the lowest that is free', () => {
    const { facts, give, network } = web()
    const [first, second] = [give(), give()]
    expect(lowestIfName(facts.allocations, sandbox)).toEqual({ ifName: 'eth0' })
    facts.join(network, first.endpoint, sandbox, 'eth1' as IfName)
    expect(lowestIfName(facts.allocations, sandbox)).toEqual({ ifName: 'eth0' })
    facts.join(network, second.endpoint, sandbox, eth0)
    expect(lowestIfName(facts.allocations, sandbox)).toEqual({ ifName: 'eth2' })
    expect(lowestIfName(facts.allocations, sandbox, 'net')).toEqual({ ifName: 'net0' })
  })

  it('is waited for while only a sweep has it', () => {
    const { facts, give, network } = web()
    const { endpoint } = give()
    facts.join(network, endpoint, sandbox, eth0)
    facts.leave(endpoint, sandbox, SWEEP)
    expect(lowestIfName(facts.allocations, sandbox)).toMatchObject({
      problem: { code: 'ERR_EXISTS', field: 'ifName', holder: endpoint, until: SWEEP },
    })
    facts.settle(SWEEP)
    expect(lowestIfName(facts.allocations, sandbox)).toEqual({ ifName: 'eth0' })
  })

  it('is passed over while its sweep has failed', () => {
    const { facts, give, network } = web()
    const { endpoint } = give()
    facts.join(network, endpoint, sandbox, eth0)
    facts.leave(endpoint, sandbox, SWEEP)
    facts.settle(SWEEP, true)
    expect(lowestIfName(facts.allocations, sandbox)).toEqual({ ifName: 'eth1' })
  })

  it('that is asked for is refused with its holder, or for its form', () => {
    const { facts, give, network } = web()
    const { endpoint } = give()
    facts.join(network, endpoint, sandbox, eth0)
    expect(checkIfName(facts.allocations, sandbox, 'eth1')).toEqual({ ifName: 'eth1' })
    expect(checkIfName(facts.allocations, sandbox, 'eth0')).toMatchObject({
      problem: { code: 'ERR_EXISTS', holder: endpoint },
    })
    expect(checkIfName(facts.allocations, sandbox, 'a/b')).toMatchObject({ problem: { code: 'ERR_INVALID' } })
  })
})
