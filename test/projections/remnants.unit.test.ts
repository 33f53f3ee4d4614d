/** Holds that outlive their owners, where there is more than one reason for them: several sweeps, several owners. */
import { describe, expect, it } from 'vitest'
import type { AnyFact } from '../../events/index.ts'
import { allProjections, foldFact, positionOf, sweepOf, unswept } from '../../projections/index.ts'
import { commitOf } from './commits.ts'
import {
  after,
  busy,
  intended,
  intendedFor,
  joinFailed,
  joinRequested,
  left,
  network,
  networkDeleted,
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

const joinedAs = (ifName: string): AnyFact =>
  ({ ...joinRequested, data: { ...joinRequested.data, ifName } }) as AnyFact
const of = (fact: AnyFact, id: string): AnyFact =>
  ({ ...fact, data: { ...fact.data, endpoint: id }, stream: `endpoint/${id}` }) as AnyFact
const held = (...facts: readonly AnyFact[]) => after([networkRequested, ...facts]).allocations
const eth = (n: number): string => `${sandbox}/eth${n}`
const address = `${network}/10.0.0.2`

/** For each thing the sweep that has it; `owner` while its owner has it, or its sweep failed; nothing if it is free. */
const whoHas = (...facts: readonly AnyFact[]) => {
  const all = held(...facts)
  const told = (table: 'addresses' | 'ifNames', key: string) => {
    const hold = all[table].get(key)
    return hold && (sweepOf(all, hold, { key, table }) ?? 'owner')
  }
  return [told('addresses', address), told('ifNames', eth(0)), told('ifNames', eth(1))]
}

describe('an endpoint that left twice, both sweeps pending', () => {
  const twice = [reserved, joinedAs('eth0'), left(plan(6)), joinedAs('eth1'), left(plan(7))]

  it('has left a name to each of them, and keeps its address', () => {
    expect(whoHas(...twice)).toEqual(['owner', plan(6), plan(7)])
  })

  it('gets free what the one removed, not what the other has', () => {
    expect(whoHas(...twice, settled(6))).toEqual(['owner', undefined, plan(7)])
    expect(whoHas(...twice, settled(7))).toEqual(['owner', plan(6), undefined])
    expect(whoHas(...twice, settled(7), settled(6))).toEqual(['owner', undefined, undefined])
  })

  it('lies on both links with its address, which the last of them tells', () => {
    const gone = [...twice, released]
    expect(whoHas(...gone)).toEqual([plan(7), plan(6), plan(7)])
    expect(whoHas(...gone, settled(7))).toEqual([plan(6), plan(6), undefined])
    expect(whoHas(...gone, settled(6), settled(7))).toEqual([undefined, undefined, undefined])
  })

  it('has only that swept again which failed', () => {
    const failed = [...twice, settled(6, busy(veth))]
    expect(whoHas(...failed)).toEqual(['owner', 'owner', plan(7)])
    const again = [...failed, intended(8, 'sweep')]
    expect(whoHas(...again)).toEqual(['owner', plan(8), plan(7)])
    expect(whoHas(...again, settled(8))).toEqual(['owner', undefined, plan(7)])
    expect(whoHas(...again, settled(7))).toEqual(['owner', plan(8), undefined])
  })

  it('is not swept again by what is no sweep', () => {
    const failed = [...twice, settled(6, busy(veth)), intended(8, 'heal')]
    expect(unswept(held(...failed))).toEqual([streams.endpoint])
    expect(whoHas(...failed, settled(8))).toEqual(['owner', 'owner', plan(7)])
  })

  it('loses with the old kernel what failed, and not what is pending', () => {
    expect(whoHas(...twice, settled(6, busy(veth)), started(true))).toEqual(['owner', undefined, plan(7)])
  })
})

describe('an interface name', () => {
  it('that is taken again while its sweep is pending stays when that is done, since when it was first held', () => {
    const facts = [
      [networkRequested],
      [reserved, joinedAs('eth0')],
      [left(plan(6))],
      [joinedAs('eth0')],
      [settled(6)],
    ]
    const { ifNames } = after(...facts).allocations
    expect(ifNames.get(eth(0))).toEqual({ holder: streams.endpoint, since: '2026-01-01T00:00:00.002Z' })
  })

  it('goes with an endpoint that is released in whatever state', () => {
    expect(held(reserved, joinedAs('eth0'), released).ifNames.has(eth(0))).toBe(false)
  })
})

describe('sweeps that failed', () => {
  it('are told in order, of all whom they concern', () => {
    const ids = ['e5', 'e3', 'e1', 'e4', 'e2', 'e6', 'e0']
    const facts = ids.flatMap((id, n) => [
      of(reserved, id),
      of(joinedAs(`eth${n}`), id),
      of(left(plan(20 + n)), id),
      settled(20 + n, ...(id === 'e6' ? [] : [busy(veth)])),
    ])
    const all = ['e0', 'e1', 'e2', 'e3', 'e4', 'e5'].map((id) => `endpoint/${id}`)
    expect(unswept(held(...facts))).toEqual(all)
    const again = [...facts, intendedFor(40, 'sweep', 'endpoint/e3')]
    expect(unswept(held(...again))).toEqual(all.filter((stream) => stream !== 'endpoint/e3'))
  })
})

describe('what another holds by now', () => {
  it('is not freed by whoever had it before', () => {
    const data = { ...networkRequested.data, bridge: { mac: '', name: '' }, network: 'other' }
    const other = { ...networkRequested, data, stream: 'network/other' } as AnyFact
    const { subnets } = held(other, networkDeleted, settled(9))
    expect(subnets.get('10.0.0.0/24')?.holder).toBe('network/other')
  })
})

describe('facts about what nobody holds', () => {
  const before = after([networkRequested])
  const folded = (fact: AnyFact) => foldFact(before, fact, positionOf(commitOf(9, []), 0))

  it.each([
    ['a leave', left(plan(6))],
    ['a join that failed', joinFailed(plan(4))],
    ['a release', released],
    ['a receipt', settled(6)],
    ['a sweep', intendedFor(6, 'sweep', streams.endpoint)],
    ['a new kernel', started(true)],
  ])('change nothing: %s', (_what, fact) => {
    expect(folded(fact).allocations).toBe(before.allocations)
  })

  it('leave everything the same object, where no projection has a use for them', () => {
    expect(folded(released)).toMatchObject({ topology: before.topology })
    const { init } = allProjections.host
    expect(allProjections.host.evolve(init, released as never, positionOf(commitOf(9, []), 0))).toBe(init)
    const receipt = settled(6)
    const { history: _, ...plain } = before
    expect(foldFact(plain, receipt, positionOf(commitOf(9, []), 0))).toBe(plain)
  })
})
