/** What entities need of the host, what a resolver answers, and which commits speak of an entity, as stories. */
import { describe, expect, it } from 'vitest'
import { commitsOf, resolve, settledBy } from '../../projections/index.ts'
import { factOf } from './commits.ts'
import {
  after,
  busy,
  connected,
  endpoint,
  intended,
  interfaceRemoved,
  joinFailed,
  leaveFailed,
  leaveRequested,
  left,
  network,
  networkDeleteRequested,
  networkFailed,
  plan,
  released,
  sandbox,
  sandboxDeleteRequested,
  sandboxRequested,
  settled,
  streams,
  veth,
} from './story.ts'

describe('wants', () => {
  it('of an endpoint are there from the request to join to the request to leave', () => {
    expect(after(...connected).desired.endpoints.get(endpoint)).toEqual({
      addresses: ['10.0.0.2/24'],
      id: endpoint,
      ifName: 'eth0',
      link: { mac: '02:00:00:00:00:02', name: 'cnv1' },
      mac: '02:42:0a:00:00:02',
      network,
      priority: 5,
      sandbox,
    })
    expect(after(...connected, [leaveRequested]).desired.endpoints.size).toBe(0)
    expect(after(...connected, [leaveRequested], [leaveFailed]).desired.endpoints.size).toBe(0)
  })

  it('end where the kernel refused', () => {
    expect(after(...connected, [joinFailed()]).desired.endpoints.size).toBe(0)
    expect(after(...connected, [networkFailed]).desired.networks.size).toBe(0)
  })

  it('of networks and sandboxes end with the request to delete them', () => {
    expect(after(...connected).desired.networks.size).toBe(1)
    expect(after(...connected, [networkDeleteRequested]).desired.networks.size).toBe(0)
    expect(after(...connected, [sandboxDeleteRequested]).desired.sandboxes.size).toBe(0)
  })

  it('of a sandbox name the endpoint of its default route', () => {
    const { sandboxes } = after(...connected).desired
    expect(sandboxes.get(sandbox)).toEqual({ gateway: endpoint, id: sandbox })
    expect(after(...connected, [interfaceRemoved]).desired.sandboxes.get(sandbox)).toEqual({
      id: sandbox,
    })
  })

  it('of a sandbox name the namespace that it was given, whatever its routes are, until that is gone', () => {
    const adopts = { bootId: 'b', cookie: '7', path: '/proc/7/ns/net' }
    const { data } = sandboxRequested as { readonly data: object }
    const given = factOf(streams.sandbox, 'SandboxCreateRequested', { ...data, adopts } as never)
    const facts = connected.flat().map((fact) => (fact === sandboxRequested ? given : fact))
    expect(after([given]).desired.sandboxes.get(sandbox)).toStrictEqual({ adopts, id: sandbox })
    expect(after(facts).desired.sandboxes.get(sandbox)).toStrictEqual({
      adopts,
      gateway: endpoint,
      id: sandbox,
    })
    expect(after(facts).topology.sandboxes.get(sandbox)).toMatchObject({ adopts, state: 'created' })
    expect(after(...connected).topology.sandboxes.get(sandbox)).not.toHaveProperty('adopts')
    const failures = [busy(veth)]
    const gone = factOf(streams.sandbox, 'SandboxVanished', { failures, sandbox })
    const ended = after(facts, [gone])
    expect(ended.desired.sandboxes.size).toBe(0)
    expect(ended.topology.sandboxes.get(sandbox)).toMatchObject({ adopts, failures, state: 'vanished' })
  })

  it('remember what is reserved until it is released', () => {
    expect(after(...connected).desired.reserved.size).toBe(1)
    expect(after(...connected, [leaveRequested], [left(), released]).desired.reserved.size).toBe(0)
  })
})

describe('a resolver', () => {
  it.each(['db', 'box', 'front', 'FRONT'])('finds a joined endpoint as %s, whatever the case', (name) => {
    expect(resolve(after(...connected).names, network, name)).toEqual(['10.0.0.2'])
  })

  it('finds nobody who is not joined, or no more', () => {
    const { names } = after(...connected.slice(0, 5))
    expect(resolve(names, network, 'db')).toEqual([])
    const leaving = after(...connected, [leaveRequested]).names
    expect(leaving.records.size).toBe(0)
    expect(after(...connected, [leaveRequested], [left(), released]).names.endpoints.size).toBe(0)
  })
})

describe('history', () => {
  it('knows the commits that speak of an entity, each once, and which one settled a plan', () => {
    const { history } = after(
      ...connected,
      [leaveRequested, intended(7, 'cut')],
      [settled(7, busy(veth)), leaveFailed],
    )
    expect(history && commitsOf(history, streams.endpoint)).toEqual([5, 6, 7, 8])
    expect(history && commitsOf(history, streams.network)).toEqual([1, 2])
    expect(history && settledBy(history, plan(7))).toBe(8)
    expect(history && settledBy(history, plan(9))).toBeUndefined()
  })

  it('keeps a long life in order', () => {
    const heals = Array.from({ length: 200 }, () => [intended(7, 'heal')])
    const { history } = after(...connected, ...heals)
    const expected = Array.from({ length: 202 }, (_, i) => i + 5)
    expect(history && commitsOf(history, streams.endpoint)).toEqual(expected)
  })
})
