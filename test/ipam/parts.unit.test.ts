/** Parts of a subnet: range, gateway, auxiliary addresses; what is chosen of them, and what is refused. */
import { describe, expect, it } from 'vitest'
import type { Cidr, EndpointId, Ip, Subnet, SubnetRequest } from '../../events/index.ts'
import { checkAddress, checkSubnets, chooseAddress } from '../../src/ipam/index.ts'
import { Facts, SWEEP } from './facts.ts'

const check = (request: SubnetRequest) => {
  const { problems, subnets } = checkSubnets(new Facts().allocations, [request])
  return { messages: problems.map(({ code, message }) => `${code} ${message}`), subnet: subnets[0] }
}

/** A network of one subnet, as it would be made of the request. */
function web(request: SubnetRequest) {
  const facts = new Facts()
  const { subnet } = check(request)
  if (subnet === undefined) throw new Error('the request was refused')
  const network = facts.networkOf('web', [subnet])
  let made = 0
  const next = () => chooseAddress(facts.allocations, network, subnet)
  return {
    ask: (text: string) =>
      checkAddress(facts.allocations, network, text, subnet.subnet.includes(':') ? 6 : 4),
    facts,
    give: (): { readonly address: Cidr; readonly endpoint: EndpointId } => {
      const chosen = next()
      if ('problem' in chosen) throw new Error(chosen.problem.message)
      return { address: chosen.address, endpoint: facts.reserve(network, `e${made++}x`, chosen.address) }
    },
    network,
    next,
    subnet,
  }
}

describe('a range', () => {
  it('gives the gateway its first address, and endpoints the others, as libnetwork does', () => {
    const { give, subnet } = web({ ipRange: '10.9.5.0/24', subnet: '10.9.0.0/16' })
    expect(subnet).toEqual({ gateway: '10.9.5.0', ipRange: '10.9.5.0/24', subnet: '10.9.0.0/16' })
    expect([give().address, give().address]).toEqual(['10.9.5.1/16', '10.9.5.2/16'])
  })

  it('gives all its addresses, the first and the last included, where the gateway is outside', () => {
    const { give, next } = web({ gateway: '10.9.0.1', ipRange: '10.9.5.4/30', subnet: '10.9.0.0/16' })
    const given = Array.from({ length: 4 }, () => give().address)
    expect(given).toEqual(['10.9.5.4/16', '10.9.5.5/16', '10.9.5.6/16', '10.9.5.7/16'])
    expect(next()).toMatchObject({
      problem: {
        code: 'ERR_ADDRESS_EXHAUSTED',
        message: expect.stringContaining('all 4 addresses of the range 10.9.5.4/30 of 10.9.0.0/16') as string,
      },
    })
  })

  it("leaves out the subnet's own address and the broadcast address", () => {
    const low = web({ ipRange: '10.9.0.0/30', subnet: '10.9.0.0/24' })
    expect(low.subnet.gateway).toBe('10.9.0.1')
    expect([low.give().address, low.give().address]).toEqual(['10.9.0.2/24', '10.9.0.3/24'])
    expect(low.next()).toHaveProperty('problem')
    const high = web({ gateway: '10.9.0.1', ipRange: '10.9.0.252/30', subnet: '10.9.0.0/24' })
    expect(Array.from({ length: 3 }, () => high.give().address)).toEqual([
      '10.9.0.252/24',
      '10.9.0.253/24',
      '10.9.0.254/24',
    ])
    expect(high.next()).toHaveProperty('problem')
  })

  it('lets addresses outside of it be asked for, which do not disturb its order', () => {
    const { ask, facts, give, network } = web({ ipRange: '10.9.5.0/24', subnet: '10.9.0.0/16' })
    give()
    expect(ask('10.9.200.7')).toEqual({ address: '10.9.200.7/16', subnet: '10.9.0.0/16' })
    const outside = facts.reserve(network, 'outside', '10.9.200.7/16' as Cidr)
    expect(ask('10.9.200.7')).toMatchObject({ problem: { code: 'ERR_ADDRESS_TAKEN', holder: outside } })
    expect(give().address).toBe('10.9.5.2/16')
    facts.release(outside)
    expect(ask('10.9.200.7')).toHaveProperty('address')
    expect(give().address).toBe('10.9.5.3/16')
  })

  it('far up in a subnet of IPv6 is given in order too', () => {
    const { give } = web({ ipRange: 'fd00::1:0:0:0/80', subnet: 'fd00::/64' })
    expect([give().address, give().address]).toEqual(['fd00::1:0:0:1/64', 'fd00::1:0:0:2/64'])
  })

  it('is waited for while a sweep will free one of its addresses', () => {
    const { facts, give, network, next } = web({ ipRange: '10.9.5.0/31', subnet: '10.9.0.0/16' })
    const { endpoint } = give()
    facts.join(network, endpoint, 's'.repeat(64) as never, 'eth0' as never)
    facts.leave(endpoint, 's'.repeat(64) as never, SWEEP)
    facts.release(endpoint)
    expect(next()).toMatchObject({
      problem: {
        message: expect.stringContaining('one lies on a link that is being removed') as string,
        until: SWEEP,
      },
    })
    facts.settle(SWEEP)
    expect(next()).toEqual({ address: '10.9.5.1/16' })
  })

  it.each([
    ['10.9.5.0', 'a prefix length is missing'],
    ['10.9.5.7/24', '10.9.5.0/24 is the range'],
    ['10.8.0.0/24', 'does not lie in the subnet'],
    ['10.8.0.0/15', 'does not lie in the subnet'],
    ['fd00::/80', 'it is of IPv6, and the subnet of IPv4'],
    ['10.9.0.0/32', 'no address is left for its gateway'],
    ['10.9.5.1/32', 'no address is left for endpoints'],
    ['', 'a prefix length is missing'],
  ])('is refused when it is %j', (ipRange, why) => {
    const { messages } = check({ ipRange, subnet: '10.9.0.0/16' })
    expect(messages).toEqual([expect.stringContaining(why)])
    expect(messages[0]).toContain('ERR_ADDRESS_INVALID')
  })
})

describe('auxiliary addresses', () => {
  const aux = { printer: '10.9.0.2', router: '10.9.0.1' }

  it('are held by the network under their names, and the gateway is chosen around them', () => {
    const { ask, give, network, subnet } = web({ auxAddresses: aux, subnet: '10.9.0.0/24' })
    expect(subnet).toEqual({ auxAddresses: aux, gateway: '10.9.0.3', subnet: '10.9.0.0/24' })
    expect(give().address).toBe('10.9.0.4/24')
    expect(ask('10.9.0.2')).toMatchObject({
      problem: {
        code: 'ERR_ADDRESS_TAKEN',
        holder: network.id,
        message: expect.stringContaining("(its auxiliary address 'printer')") as string,
      },
    })
    expect(ask('10.9.0.3')).toMatchObject({
      problem: { message: expect.stringContaining('(its gateway)') as string },
    })
  })

  it('are never given, however full the network is', () => {
    const auxAddresses = { a: '10.9.0.3', b: '10.9.0.5' }
    const { give, next } = web({ auxAddresses, subnet: '10.9.0.0/29' })
    expect(Array.from({ length: 3 }, () => give().address)).toEqual([
      '10.9.0.2/29',
      '10.9.0.4/29',
      '10.9.0.6/29',
    ])
    expect(next()).toMatchObject({
      problem: { message: expect.stringContaining('all 3 addresses of 10.9.0.0/29 are held') as string },
    })
  })

  it('are free again with the network', () => {
    const { facts, network } = web({ auxAddresses: aux, subnet: '10.9.0.0/24' })
    facts.deleteNetwork(network)
    expect([...facts.allocations.addresses.keys()]).toEqual([])
    expect([...facts.allocations.ifNames.keys()]).toEqual([])
  })

  it('stand in facts in the order of their names', () => {
    const { subnet } = web({ auxAddresses: { b: '10.9.0.2', a: '10.9.0.3' }, subnet: '10.9.0.0/24' })
    expect(Object.keys(subnet.auxAddresses ?? {})).toEqual(['a', 'b'])
  })

  it('are refused, all that are wrong at once', () => {
    const auxAddresses = {
      a: '10.9.0.7',
      b: '10.9.0.7',
      broadcast: '10.9.0.255',
      elsewhere: '10.8.0.1',
      gateway: '10.9.0.1',
      rubbish: 'x',
      six: 'fd00::1',
      subnet: '10.9.0.0',
    }
    const { messages } = check({ auxAddresses, gateway: '10.9.0.1', subnet: '10.9.0.0/24' })
    const whys = [
      "'b' of 10.9.0.0/24, '10.9.0.7': 'a' has it already",
      "'broadcast' of 10.9.0.0/24, '10.9.0.255': it is the broadcast address",
      'it lies outside',
      'an IPv4 address has 4 octets',
      'it is of IPv6, and the subnet of IPv4',
      'it is the address of the subnet itself',
      "gateway '10.9.0.1' of 10.9.0.0/24: it is the auxiliary address 'gateway' too",
    ]
    expect(messages).toEqual(whys.map((why) => expect.stringContaining(why) as string))
  })

  it('may leave an address for one endpoint at least', () => {
    const most = { a: '10.9.0.2' }
    expect(check({ auxAddresses: { ...most, b: '10.9.0.3' }, subnet: '10.9.0.0/29' }).messages).toEqual([])
    expect(check({ auxAddresses: most, subnet: '10.9.0.0/30' }).messages).toEqual([
      expect.stringContaining('no address is left for endpoints'),
    ])
    expect(check({ auxAddresses: { a: '10.9.0.1', b: '10.9.0.2' }, subnet: '10.9.0.0/30' }).messages).toEqual(
      [expect.stringContaining('no address is left for its gateway')],
    )
  })
})

describe('a subnet that cannot be read', () => {
  it('has its parts judged by the family that it is written like', () => {
    for (const subnet of ['10.9.0.0/33', '10.9.0/24'])
      expect(check({ auxAddresses: { a: 'fd00::7' }, gateway: 'fd00::1', subnet }).messages.slice(1)).toEqual(
        [
          expect.stringContaining("'fd00::7' of"),
          expect.stringContaining(`gateway 'fd00::1' of '${subnet}': it is of IPv6, and the subnet of IPv4`),
        ],
      )
    expect(
      check({ gateway: '10.9.0.1', ipRange: 'fd00::/65', subnet: 'fd00::/129' }).messages.slice(1),
    ).toEqual([
      expect.stringContaining("gateway '10.9.0.1' of 'fd00::/129': it is of IPv4, and the subnet of IPv6"),
    ])
    expect(check({ gateway: 'fd00::1', subnet: 'nonsense' }).messages).toHaveLength(1)
  })
})

describe('a subnet of facts without parts', () => {
  it('is as it was before there were any', () => {
    const subnet: Subnet = { gateway: '10.9.0.1' as Ip, subnet: '10.9.0.0/24' as Cidr }
    expect(check({ subnet: '10.9.0.0/24' }).subnet).toEqual(subnet)
  })
})
