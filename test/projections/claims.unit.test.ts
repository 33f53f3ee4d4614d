/** What a host has in its cluster, by the facts of its own log: grants, blocks, loans, numbers, and addresses of services. */
import { describe, expect, it } from 'vitest'
import type { AnyFact, Cidr, ClaimGranted, ClaimLost, NetworkId, Origin } from '../../events/index.ts'
import {
  commitsOf,
  foldCommit,
  hasPlace,
  loansOf,
  nextFree,
  ownBlocks,
  ownParts,
  poolKey,
  projectionsFrom,
  tablesOf,
  withHistory,
  type Projections,
} from '../../projections/index.ts'
import { commitOf, factOf } from './commits.ts'
import { network, networkCreated, networkRequested, streams } from './story.ts'

const SUBNET = '10.0.0.0/24' as Cidr
const PLACE = { seq: 7, stream: '2026-01-01T00:00:00Z' }
const OTHER = 'd'.repeat(64) as NetworkId
const PEER = 'e'.repeat(64) as Origin
const at = (n: number): string => new Date(Date.UTC(2026, 0, 1) + n).toISOString()

const granted = (over: Partial<ClaimGranted['data']> & Pick<ClaimGranted['data'], 'key'>): AnyFact =>
  factOf('host', 'ClaimGranted', { ...PLACE, first: PLACE, kind: 'block', network, subnet: SUBNET, ...over })
const block = (n: number, over: Partial<ClaimGranted['data']> = {}): AnyFact =>
  granted({ cidr: `10.0.0.${n}/27` as Cidr, key: `block.${n}`, ...over })
const address = granted({
  block: '10.0.0.64/27' as Cidr,
  cidr: '10.0.0.70/32' as Cidr,
  key: 'address.70',
  kind: 'address',
})
const LOSS = { why: 'taken' } as const
const lost = (key: string, over: Partial<ClaimLost['data']> = {}): AnyFact =>
  factOf('host', 'ClaimLost', { ...LOSS, key, ...over })
const released = (key: string): AnyFact =>
  factOf('host', 'ClaimReleased', { key, restsUntil: at(60_000) as never })
const vip = (n: number, over: Partial<ClaimGranted['data']> = {}): AnyFact =>
  granted({
    cidr: `10.0.0.${n}/32` as Cidr,
    key: `vip.${network}.${n}`,
    kind: 'vip',
    name: `service${n}`,
    ...over,
  })
const loan = (n: number, over: object = {}) => ({
  address: `10.0.0.${n}/24` as Cidr,
  host: 'west',
  key: `address.${n}`,
  network,
  to: PEER,
  ...over,
})
const lent = (n: number, over: object = {}): AnyFact =>
  factOf('host', 'AddressLent', { ...loan(n, over), ...PLACE })
const returned = (n: number): AnyFact => {
  const { address: back, key, network: of, to } = loan(n)
  return factOf('host', 'AddressReturned', { address: back, key, network: of, to })
}

/** Folded one by one, as an engine does: a fold of many at once may change tables in place. */
const after = (...commits: readonly (readonly AnyFact[])[]): Projections =>
  commits.reduce((all, facts, i) => foldCommit(all, commitOf(i + 1, facts)), withHistory)
const had = (...facts: readonly AnyFact[]) => after(...facts.map((fact) => [fact])).claims
const blocksOf = (...facts: readonly AnyFact[]) => ownBlocks(had(...facts), network, SUBNET)

describe('a grant', () => {
  it('is had since it was granted first, and is again what was said last', () => {
    expect(had(block(0), block(32)).grants.get('block.32')).toStrictEqual({
      cidr: '10.0.0.32/27',
      first: PLACE,
      key: 'block.32',
      kind: 'block',
      network,
      ...PLACE,
      since: at(2),
      subnet: SUBNET,
    })
    const again = had(block(0), block(0, { seq: 9 })).grants.get('block.0')
    expect([again?.since, again?.seq]).toStrictEqual([at(1), 9])
  })

  it('that is lost is kept with what is known of that, until it is given up', () => {
    const why = { host: 'west', key: 'block.0', to: PEER, why: 'taken' } as const
    expect(had(block(0), lost('block.0', why)).grants.get('block.0')).toMatchObject({
      lost: why,
      since: at(1),
    })
    expect(had(block(0), lost('block.0'), block(0)).grants.get('block.0')).not.toHaveProperty('lost')
    expect(had(block(0), block(32), released('block.0')).grants.has('block.0')).toBe(false)
  })

  it('of which nobody knows is neither lost nor given up', () => {
    const before = had(block(0))
    expect(had(block(0), lost('block.9'))).toStrictEqual(before)
    expect(had(block(0), released('block.9'))).toStrictEqual(before)
  })
})

describe('blocks of a pool', () => {
  it('are those that were granted, once each, in that order', () => {
    expect(blocksOf()).toStrictEqual([])
    expect(blocksOf(block(32), block(0), block(32))).toStrictEqual(['10.0.0.32/27', '10.0.0.0/27'])
    expect(ownBlocks(had(block(0)), OTHER, SUBNET)).toStrictEqual([])
  })

  it.each([
    ['that is lost', lost('block.0')],
    ['that is given up', released('block.0')],
    ['that is granted again, and another host has too', block(0, { contested: true })],
  ])('are not one %s', (_what, fact) => {
    expect(blocksOf(block(0), block(32), fact)).toStrictEqual(['10.0.0.32/27'])
    expect(had(block(0), fact).blocks.size).toBe(0)
  })

  it('are no names, pools or numbers, and nothing whose place is not said', () => {
    const others = [
      granted({ key: 'network.web', kind: 'network', name: 'web' }),
      granted({ cidr: SUBNET, key: 'pool', kind: 'pool' }),
      granted({ key: 'block.cidr' }),
      granted({ cidr: '10.0.0.0/27' as Cidr, key: 'block.subnet', subnet: undefined as never }),
      vip(200),
    ]
    const { blocks, borrowed, grants } = had(...others)
    expect([blocks.size, borrowed.size, grants.size]).toStrictEqual([0, 0, 5])
  })

  it('are not what others lend, which can be had where it is asked for', () => {
    const claims = had(block(0), address)
    expect(ownBlocks(claims, network, SUBNET)).toStrictEqual(['10.0.0.0/27'])
    expect(ownParts(claims, network, SUBNET)).toStrictEqual(['10.0.0.0/27', '10.0.0.70/32'])
    expect(ownParts(had(address), network, SUBNET)).toStrictEqual(['10.0.0.70/32'])
    expect(ownParts(had(address, released('address.70')), network, SUBNET)).toStrictEqual([])
    expect(ownParts(had(block(0)), network, SUBNET)).toStrictEqual(['10.0.0.0/27'])
  })
})

describe('a loan', () => {
  it('is known with its borrower until it comes back', () => {
    const claims = had(networkRequested, lent(9), lent(10, { network: OTHER }))
    expect(loansOf(claims, network)).toStrictEqual([{ ...loan(9), ...PLACE, since: at(2) }])
    expect(loansOf(had(networkRequested, lent(9), returned(9)), network)).toStrictEqual([])
  })

  it('is held by the host that has it, so that nobody here is given it', () => {
    const holdsOf = (...facts: readonly AnyFact[]) =>
      after([networkRequested], ...facts.map((fact) => [fact])).allocations
    const held = holdsOf(lent(2), lent(3))
    expect(held.addresses.get(`${network}/10.0.0.2`)).toMatchObject({ holder: `host/${PEER}`, since: at(2) })
    const pool = (of: typeof held) => of.pools.get(poolKey(network, SUBNET))
    const next = (of: typeof held) => nextFree(pool(of) as never, { first: 2, last: 254 })
    expect(hasPlace(pool(held) as never, 2)).toBe(true)
    expect(hasPlace(pool(held) as never, 4)).toBe(false)
    expect(hasPlace(pool(held) as never, 1 << 30)).toBe(false)
    const back = holdsOf(lent(2), lent(3), returned(3))
    expect([...back.addresses.keys()]).toContain(`${network}/10.0.0.2`)
    expect([...back.addresses.keys()]).not.toContain(`${network}/10.0.0.3`)
    expect(next(held)).not.toBe(2)
    const none = holdsOf(lent(2), returned(2))
    expect(none.estates.has(`host/${PEER}`)).toBe(false)
    expect(held.estates.get(`host/${PEER}`)).toMatchObject({ joined: [] })
  })

  it('of a network that is not here is held all the same', () => {
    expect(after([lent(2)]).allocations.addresses.get(`${network}/10.0.0.2`)).toBeDefined()
  })
})

describe('a network', () => {
  const viewAfter = (...facts: readonly AnyFact[]) =>
    after([networkRequested], ...facts.map((fact) => [fact])).topology.networks.get(network)
  const [one, two] = [200, 201].map((n) => ({
    address: `10.0.0.${n}/32`,
    key: `vip.${network}.${n}`,
    name: `service${n}`,
  }))

  it('has the addresses of services, each once, until they are lost or given up', () => {
    expect(viewAfter()).not.toHaveProperty('vips')
    expect(viewAfter(vip(200), vip(201))?.vips).toStrictEqual([one, two])
    expect(viewAfter(vip(200), vip(201), vip(200))?.vips).toStrictEqual([two, one])
    expect(viewAfter(vip(200), vip(201), released(`vip.${network}.200`))?.vips).toStrictEqual([two])
    expect(viewAfter(vip(200), lost(`vip.${network}.200`))).not.toHaveProperty('vips')
  })

  it('has none of blocks, of other networks, or without an address or a name', () => {
    const odd = [
      block(0),
      block(32, { name: 'odd' }),
      vip(200, { network: OTHER }),
      granted({ key: `vip.${network}.1`, kind: 'vip', name: 'nowhere' }),
      granted({ cidr: '10.0.0.9/32' as Cidr, key: `vip.${network}.2`, kind: 'vip' }),
    ]
    expect(viewAfter(...odd)).not.toHaveProperty('vips')
    const { networks } = after([networkRequested], [vip(200, { network: OTHER })]).topology
    expect([...networks.keys()]).toStrictEqual([network])
    // What ends of another kind ends no address of a service, whatever it is called.
    expect(viewAfter(vip(200), released(`block.${network}.200`))?.vips).toStrictEqual([one])
  })

  it('has its number among all networks, and keeps it and its addresses when its state changes', () => {
    const numbered = factOf(streams.network, 'VniAssigned', { network, vni: 4097 })
    expect(viewAfter()).not.toHaveProperty('vni')
    expect(viewAfter(numbered, vip(200), networkCreated)).toMatchObject({
      state: 'created',
      vips: [one],
      vni: 4097,
    })
    expect(viewAfter(networkCreated)).not.toHaveProperty('vni')
    expect(viewAfter(networkCreated)).not.toHaveProperty('vips')
    expect(after([numbered]).topology.networks.size).toBe(0)
  })

  it('keeps whose it is and its options when its state changes', () => {
    const more = { claim: { owner: PEER, seq: 3 }, ifPrefix: 'lan', options: { a: '1' } }
    const { data } = networkRequested as { readonly data: object }
    const asked = factOf(streams.network, 'NetworkCreateRequested', { ...data, ...more } as never)
    const view = after([asked], [networkCreated]).topology.networks.get(network)
    expect(view).toMatchObject({ ...more, state: 'created' })
    for (const field of Object.keys(more)) expect(viewAfter(networkCreated)).not.toHaveProperty(field)
  })

  it('is not told of by what others are granted', () => {
    expect(commitsOf(after([networkRequested], [block(0)]).history as never, streams.network)).toStrictEqual([
      1,
    ])
  })
})

describe('a snapshot', () => {
  it('has all of it, and what it lacks is empty', () => {
    const all = after([networkRequested], [block(0)], [address], [lent(9)], [vip(200)])
    const tables = new Map(
      [...tablesOf(all)].map(([name, rows]) => [name, JSON.parse(JSON.stringify([...rows])) as unknown[]]),
    )
    const { claims, topology } = projectionsFrom(tables)
    expect(ownParts(claims, network, SUBNET)).toStrictEqual(['10.0.0.0/27', '10.0.0.70/32'])
    expect(loansOf(claims, network)).toHaveLength(1)
    expect(topology.networks.get(network)?.vips).toHaveLength(1)
    tables.delete('claims.lent')
    const without = projectionsFrom(tables).claims
    expect([loansOf(without, network), without.grants.size]).toStrictEqual([[], 3])
  })
})
