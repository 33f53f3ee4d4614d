/** Which pool an address lies in, what is given in order there, and who else holds something of a network, as stories. */
import { describe, expect, it } from 'vitest'
import type { AnyFact, Cidr, EndpointId } from '../../events/index.ts'
import { isInOrder, nextFree, poolKey } from '../../projections/index.ts'
import { give, placeIn } from '../../projections/pools.ts'
import { Table } from '../../projections/table.ts'
import { factOf } from './commits.ts'
import { after, network, networkRequested, reserved, streams } from './story.ts'

type Pool = {
  readonly auxAddresses?: Readonly<Record<string, string>>
  readonly gateway: string
  readonly ipRange?: string
  readonly subnet: string
}

/** The network of the story with other pools, and with another link, or none. */
const requested = (subnets: readonly Pool[], bridge?: string): AnyFact =>
  ({
    ...networkRequested,
    data: {
      ...networkRequested.data,
      ...(bridge === undefined ? {} : { bridge: { mac: '', name: bridge } }),
      subnets,
    },
  }) as unknown as AnyFact

/** Another endpoint, with these addresses. */
const at = (...addresses: readonly string[]): AnyFact => {
  const id = addresses.join()
  return {
    ...reserved,
    data: { ...reserved.data, addresses, endpoint: id },
    stream: `endpoint/${id}`,
  } as AnyFact
}

/** The place that is given next in the pool of a subnet; without an end, the pool is as good as endless. */
const next = (subnet: string, ...facts: readonly AnyFact[]): number | undefined => {
  const pool = after(facts).allocations.pools.get(poolKey(network, subnet as Cidr))
  return pool && nextFree(pool, { first: 1, last: 2 ** 40 })
}

const WEB = { gateway: '10.0.0.100', subnet: '10.0.0.0/24' }
const APP = { gateway: '10.1.0.100', subnet: '10.1.0.0/24' }
const SIX = { gateway: 'fd00::1', subnet: 'fd00::/24' }

describe('a network with several pools', () => {
  const pools = requested([WEB, APP, SIX])

  it('holds each, and its gateway in each', () => {
    const { addresses, subnets } = after([pools]).allocations
    expect([...subnets.keys()].sort()).toEqual(['10.0.0.0/24', '10.1.0.0/24', 'fd00::/24'])
    expect([...addresses.keys()].sort()).toEqual([
      `${network}/10.0.0.100`,
      `${network}/10.1.0.100`,
      `${network}/fd00::1`,
    ])
  })

  it('gives in each from the front, whatever places its gateways have', () => {
    expect([next('10.0.0.0/24', pools), next('10.1.0.0/24', pools), next('fd00::/24', pools)]).toEqual([
      1, 1, 2,
    ])
  })

  it.each([
    ['10.0.0.7/24', [8, 1, 2]],
    ['10.1.0.7/24', [1, 8, 2]],
    ['fd00::7/24', [1, 1, 8]],
  ])('counts %s to the pool that it lies in', (address, places) => {
    const facts = [pools, at(address)]
    expect(['10.0.0.0/24', '10.1.0.0/24', 'fd00::/24'].map((subnet) => next(subnet, ...facts))).toEqual(
      places,
    )
  })

  it('takes an address back from there', () => {
    const gone = factOf('endpoint/10.1.0.1/24', 'EndpointReleased', { endpoint: '10.1.0.1/24' as EndpointId })
    const last = at('10.1.0.254/24')
    const { pools: given } = after([pools, at('10.1.0.1/24'), last, gone]).allocations
    const pool = given.get(poolKey(network, '10.1.0.0/24' as Cidr))
    expect(pool && nextFree(pool, { first: 1, last: 254 })).toBe(1)
  })
})

describe('a pool of which only a part is given', () => {
  const half = requested([
    {
      auxAddresses: { printer: '10.0.0.129' },
      gateway: '10.0.0.130',
      ipRange: '10.0.0.128/25',
      subnet: '10.0.0.0/24',
    },
  ])

  it('counts places from the start of that part, and passes over what others have there', () => {
    expect(next('10.0.0.0/24', half)).toBe(3)
    expect(next('10.0.0.0/24', half, at('10.0.0.131/24'))).toBe(4)
    expect(after([half]).allocations.addresses.get(`${network}/10.0.0.129`)).toMatchObject({
      holder: streams.network,
    })
  })

  it('holds an address outside of it too, which moves nothing', () => {
    const facts = [half, at('10.0.0.5/24')]
    expect(after(facts).allocations.addresses.has(`${network}/10.0.0.5`)).toBe(true)
    expect(next('10.0.0.0/24', ...facts)).toBe(3)
  })

  it('knows which places are given in order', () => {
    const place = (cidr: string) => placeIn('pool', cidr as Cidr, '10.0.0.128/25' as Cidr)
    expect(place('10.0.0.131/24')).toEqual({ offset: 3, pool: 'pool' })
    expect(['10.0.0.131/24', '10.0.0.127/24'].map((cidr) => isInOrder(place(cidr)))).toEqual([true, false])
  })
})

describe('a pool of IPv6', () => {
  const wide = requested([{ gateway: 'fd00::1', subnet: 'fd00::/64' }])

  it('gives its first 2^32 places in order, holds those beyond, and begins again at the front', () => {
    expect(next('fd00::/64', wide, at('fd00::1:5/64'))).toBe(0x1_0006)
    expect(next('fd00::/64', wide, at('fd00::1:0:0/64'))).toBe(2)
    expect(next('fd00::/64', wide, at('fd00::ffff:fffe/64'))).toBe(2 ** 32 - 1)
    expect(next('fd00::/64', wide, at('fd00::ffff:ffff/64'))).toBe(2)
    expect(after([wide, at('fd00::1:0:0/64')]).allocations.addresses.size).toBe(2)
  })

  it('is not changed by what lies beyond, and none is made for what has none', () => {
    const pools = Table.of([['pool', { cursor: -1, words: Table.empty<number>() }]] as const)
    expect(give(pools, { offset: 2 ** 32, pool: 'pool' }, true)).toBe(pools)
    expect(give(pools, { offset: 1, pool: 'other' }, true)).toBe(pools)
  })
})

describe('an address of no pool', () => {
  it('is held all the same: a fold never refuses', () => {
    const facts = [requested([WEB]), at('192.168.0.1/16')]
    expect(after(facts).allocations.addresses.has(`${network}/192.168.0.1`)).toBe(true)
    expect(next('10.0.0.0/24', ...facts)).toBe(1)
    const alone = after([reserved]).allocations
    expect([...alone.addresses.keys()]).toEqual([`${network}/10.0.0.2`])
  })
})

describe("a network's link", () => {
  it('has its name and its MAC held, where the driver has one', () => {
    const { ifNames, macs } = after([networkRequested]).allocations
    expect(ifNames.get('host/cnb1')).toMatchObject({ holder: streams.network })
    expect(macs.size).toBe(1)
    const none = after([requested([WEB], '')]).allocations
    expect([none.ifNames.size, none.macs.size]).toEqual([0, 0])
  })
})
