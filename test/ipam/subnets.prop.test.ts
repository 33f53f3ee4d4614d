/** Requests for subnets, addresses, MACs and names of any text: a choice that fits, or problems; never a throw. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Cidr, Ip, SubnetRequest } from '../../events/index.ts'
import { cidrFrom, contains, ipFrom, overlaps, parseCidr, parseIp, parseSubnet } from '../../events/index.ts'
import {
  checkAddress,
  checkIfName,
  checkIfPrefix,
  checkMac,
  checkSubnets,
  chooseAddress,
  orderOf,
} from '../../src/ipam/index.ts'
import { Facts } from './facts.ts'

/** Near misses: what looks like an address, with something that does not belong there. */
const octet = fc.oneof(
  fc.integer({ max: 300, min: -1 }).map(String),
  fc.constantFrom('', '00', '0x1', '1e1', ' 1'),
)
const v4 = fc.array(octet, { maxLength: 5, minLength: 3 }).map((octets) => octets.join('.'))
const group = fc.oneof(
  fc.integer({ max: 0x1ffff, min: 0 }).map((n) => n.toString(16)),
  fc.constantFrom('', 'g'),
)
const v6 = fc.array(group, { maxLength: 9, minLength: 1 }).map((groups) => groups.join(':'))
const length = fc.oneof(fc.integer({ max: 130, min: -1 }).map(String), fc.constantFrom('', '08', '+8', '8 '))
const address = fc.oneof(fc.string({ unit: 'binary' }), v4, v6, fc.ipV4(), fc.ipV6())
const cidr = fc.oneof(
  address,
  fc.tuple(address, length).map((parts) => parts.join('/')),
)
const request = fc.record(
  { auxAddresses: fc.dictionary(fc.string(), address), gateway: address, ipRange: cidr, subnet: cidr },
  { requiredKeys: ['subnet'] },
) as fc.Arbitrary<SubnetRequest>

describe('text that may be an address', () => {
  it('is parsed or refused with a reason', () => {
    fc.assert(
      fc.property(cidr, (text) => {
        for (const parsed of [parseIp(text), parseCidr(text), parseSubnet(text)])
          if (!parsed.ok) expect(parsed.reason).toMatch(/^[a-z0-9-]+$/)
      }),
      { numRuns: 3000 },
    )
  })

  it('is one address of its subnet, or a problem', () => {
    const facts = new Facts()
    const network = facts.network('web', '10.0.0.0/8', 'fd00::/64')
    fc.assert(
      fc.property(cidr, fc.constantFrom(4 as const, 6 as const), (text, family) => {
        const checked = checkAddress(facts.allocations, network, text, family)
        if ('address' in checked)
          expect(contains(cidrFrom(checked.subnet), cidrFrom(checked.address).address)).toBe(true)
        else expect(checked.problem.code).toMatch(/^ERR_ADDRESS_/)
      }),
      { numRuns: 2000 },
    )
  })

  it('is a MAC or a name of an interface, or a problem', () => {
    const facts = new Facts()
    const network = facts.network('web', '10.0.0.0/8')
    const pair = fc.oneof(
      fc.integer({ max: 255, min: 0 }).map((n) => n.toString(16).padStart(2, '0')),
      fc.string({ maxLength: 3 }),
    )
    const mac = fc.oneof(
      fc.string(),
      fc.array(pair, { maxLength: 7, minLength: 5 }).map((pairs) => pairs.join(':')),
    )
    fc.assert(
      fc.property(mac, (text) => {
        const checked = checkMac(facts.allocations, network, text)
        if ('mac' in checked) expect(checked.mac).toMatch(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/)
        const named = checkIfName(facts.allocations, 'host', text)
        if ('ifName' in named) expect(named.ifName).toMatch(/^[!-~]{1,15}$/)
        if (checkIfPrefix(text).length === 0) expect(text).toMatch(/^[!-~]{1,13}$/)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('requests for subnets', () => {
  it('of any text are settled or refused, and nothing throws', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 4 }), (requests) => {
        const { problems, subnets } = checkSubnets(new Facts().allocations, requests)
        if (problems.length === 0) expect(subnets).toHaveLength(requests.length)
        for (const { code } of problems) expect(['ERR_ADDRESS_INVALID', 'ERR_OVERLAP']).toContain(code)
      }),
      { numRuns: 3000 },
    )
  })

  it('that are settled give each address of their range once, and none that the network has', () => {
    const parts = fc.tuple(
      fc.integer({ max: 30, min: 24 }),
      fc.integer({ max: 32, min: 24 }),
      fc.nat(255),
      fc.uniqueArray(fc.nat(255), { maxLength: 4 }),
      fc.option(fc.nat(255), { nil: undefined }),
    )
    fc.assert(
      fc.property(parts, ([length, rangeLength, at, aux, gateway]) => {
        const size = 2 ** (32 - rangeLength)
        const facts = new Facts()
        const { problems, subnets } = checkSubnets(facts.allocations, [
          {
            auxAddresses: Object.fromEntries(aux.map((n, i) => [`a${i}`, `10.0.3.${n}`])),
            ...(gateway === undefined ? {} : { gateway: `10.0.3.${gateway}` }),
            ipRange: `10.0.3.${at - (at % size)}/${rangeLength}`,
            subnet: `10.0.3.0/${length}`,
          },
        ])
        const [subnet] = subnets
        if (problems.length > 0 || subnet === undefined) return
        const network = facts.networkOf('web', [subnet])
        const own = new Set<Ip>([subnet.gateway, ...Object.values(subnet.auxAddresses ?? {})])
        const { first, last, range } = orderOf(subnet)
        const given = new Set<Cidr>()
        for (let i = 0; ; i++) {
          const chosen = chooseAddress(facts.allocations, network, subnet)
          if ('problem' in chosen) break
          expect(given).not.toContain(chosen.address)
          given.add(chosen.address)
          const ip = chosen.address.slice(0, chosen.address.indexOf('/')) as Ip
          expect(own).not.toContain(ip)
          expect(overlaps(range, { address: ipFrom(ip), length: 32 })).toBe(true)
          facts.reserve(network, `e${i}x`, chosen.address)
        }
        const ownThere = [...own].filter((ip) => contains(range, ipFrom(ip)))
        expect(given.size).toBe(last - first + 1 - ownThere.length)
      }),
      { numRuns: 150 },
    )
  })
})
