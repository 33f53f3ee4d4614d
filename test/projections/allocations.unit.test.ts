/** Who holds what, as stories; the general law stands in `fold.prop.test.ts`. */
import { describe, expect, it } from 'vitest'
import type { AnyFact, Cidr } from '../../events/index.ts'
import { nextFree, poolKey, sweepOf, unswept } from '../../projections/index.ts'
import {
  after,
  busy,
  endpoint,
  intended,
  intendedFor,
  joinFailed,
  joinRequested,
  left,
  network,
  networkDeleted,
  networkFailed,
  networkRequested,
  plan,
  released,
  reserved,
  sandbox,
  settled,
  started,
  streams,
  veth,
} from './story.ts'

const held = (...facts: readonly AnyFact[]) => after([networkRequested, ...facts]).allocations
const address = `${network}/10.0.0.2`
const ifName = `${sandbox}/eth0`
const sweeps = (table: 'addresses' | 'ifNames' | 'subnets', key: string, ...facts: readonly AnyFact[]) => {
  const allocations = held(...facts)
  const hold = allocations[table].get(key)
  return hold && sweepOf(allocations, hold, { key, table })
}
const hosts = { first: 1, last: 254 }
const next = (...facts: readonly AnyFact[]) => {
  const pool = held(...facts).pools.get(poolKey(network, '10.0.0.0/24' as Cidr))
  return pool && nextFree(pool, hosts)
}

describe('a network', () => {
  it('holds its subnet, its gateway and its bridge from the request on', () => {
    const holder = streams.network
    const { addresses, macs, subnets } = held()
    expect(subnets.get('10.0.0.0/24')).toMatchObject({ holder })
    expect(addresses.get(`${network}/10.0.0.1`)).toMatchObject({ holder })
    expect(macs.get(`${network}/02:00:00:00:00:01`)).toMatchObject({ holder })
  })

  it('holds its subnet after deletion until its bridge is swept', () => {
    expect(sweeps('subnets', '10.0.0.0/24', networkDeleted)).toBe(plan(9))
    expect(held(networkDeleted, settled(9, busy(veth))).subnets.size).toBe(1)
    const swept = held(networkDeleted, settled(9))
    expect([swept.subnets.size, swept.addresses.size, swept.pools.size]).toEqual([0, 0, 0])
  })

  it('that failed holds what it has until it is deleted, swept or not', () => {
    expect(sweeps('subnets', '10.0.0.0/24', networkFailed, settled(2))).toBeUndefined()
    expect(sweeps('subnets', '10.0.0.0/24', networkFailed, networkDeleted, settled(9))).toBe(plan(2))
    expect(held(networkFailed, networkDeleted, settled(9), settled(2)).subnets.size).toBe(0)
  })
})

describe('an endpoint', () => {
  it('holds address and MAC from reserved to released', () => {
    expect(held(reserved).addresses.get(address)).toMatchObject({ holder: streams.endpoint })
    expect(held(reserved).macs.get(`${network}/02:42:0a:00:00:02`)).toMatchObject({
      holder: streams.endpoint,
    })
    expect(held(reserved, joinRequested, left(), released).addresses.has(address)).toBe(false)
  })

  it('holds its interface name until it left, or until its link is swept', () => {
    const joins = [reserved, joinRequested]
    expect(held(...joins).ifNames.get(ifName)).toMatchObject({ holder: streams.endpoint })
    expect(held(...joins, joinFailed()).ifNames.has(ifName)).toBe(false)
    expect(sweeps('ifNames', ifName, ...joins, joinFailed(plan(4)))).toBe(plan(4))
    expect(held(...joins, joinFailed(plan(4)), settled(4)).ifNames.has(ifName)).toBe(false)
  })

  it('that left with a sweep pending keeps its address when that is done', () => {
    const leaving = [reserved, joinRequested, left(plan(6))]
    expect(sweeps('addresses', address, ...leaving)).toBeUndefined()
    expect(held(...leaving, settled(6)).addresses.get(address)).toMatchObject({ holder: streams.endpoint })
  })
})

describe('a sweep that failed', () => {
  const failed = [reserved, joinRequested, left(plan(6)), released, settled(6, busy(veth))]

  it('frees nothing and is told as unswept', () => {
    expect(held(...failed).addresses.get(address)).toMatchObject({ holder: streams.endpoint })
    expect(sweeps('addresses', address, ...failed)).toBeUndefined()
    expect(unswept(held(...failed))).toEqual([streams.endpoint])
  })

  it('is followed by another whose success frees what it held', () => {
    const again = [...failed, intended(7, 'sweep')]
    expect(sweeps('addresses', address, ...again)).toBe(plan(7))
    expect(unswept(held(...again))).toEqual([])
    expect(held(...again, settled(7)).addresses.has(address)).toBe(false)
  })

  it('is not helped by a sweep of something else', () => {
    const other = [...failed, intendedFor(7, 'sweep', 'endpoint/other'), settled(7)]
    expect(held(...other).addresses.has(address)).toBe(true)
  })

  it('is over when the kernel is another one, and only then', () => {
    expect(held(...failed, started(false)).addresses.has(address)).toBe(true)
    expect(held(...failed, started(true)).addresses.has(address)).toBe(false)
  })
})

describe('a pool', () => {
  it('gives addresses in rising order, past the gateway, and one that was freed last of all', () => {
    expect(next()).toBe(2)
    expect(next(reserved)).toBe(3)
    expect(next(reserved, released)).toBe(3)
  })

  it('starts again at the front when its end is reached', () => {
    const late = {
      ...reserved,
      data: { ...reserved.data, addresses: ['10.0.0.254/24'] },
    } as unknown as AnyFact
    expect(next(late)).toBe(2)
  })

  it('passes over an address that a sweep still holds', () => {
    const late = {
      ...reserved,
      data: { ...reserved.data, addresses: ['10.0.0.254/24'], endpoint: 'e2' },
      stream: 'endpoint/e2',
    } as unknown as AnyFact
    expect(next(reserved, joinRequested, left(plan(6)), released, late)).toBe(3)
    expect(next(reserved, joinRequested, left(plan(6)), released, late, settled(6))).toBe(2)
  })
})

it('keeps each endpoint to its own holds', () => {
  expect([...held(reserved, joinRequested).estates.keys()].sort()).toEqual([
    `endpoint/${endpoint}`,
    streams.network,
  ])
})
