/** What users see, as stories. */
import { describe, expect, it } from 'vitest'
import type { AnyFact } from '../../events/index.ts'
import {
  Table,
  endpointsBetween,
  endpointsIn,
  endpointsOf,
  failedIn,
  idsByPrefix,
} from '../../projections/index.ts'
import {
  after,
  busy,
  connected,
  endpoint,
  interfaceRemoved,
  joinFailed,
  joinRequested,
  joined,
  leaveFailed,
  leaveRequested,
  left,
  network,
  networkDeleteRequested,
  networkDeleted,
  networkFailed,
  networkRequested,
  plan,
  releaseRequested,
  released,
  reserved,
  sandbox,
  sandboxDeleteRequested,
  sandboxDeleted,
  sandboxRequested,
  veth,
} from './story.ts'

const seen = (...facts: readonly AnyFact[]) => after(facts).topology

describe('an endpoint', () => {
  it.each([
    ['reserved', [reserved]],
    ['joining', [reserved, joinRequested]],
    ['joined', [reserved, joinRequested, joined]],
    ['failed', [reserved, joinRequested, joinFailed()]],
    ['leaving', [reserved, joinRequested, joined, leaveRequested]],
    ['leaving', [reserved, joinRequested, joined, leaveRequested, releaseRequested]],
    ['failed', [reserved, joinRequested, joined, leaveRequested, leaveFailed]],
    ['reserved', [reserved, joinRequested, joined, leaveRequested, left()]],
    ['releasing', [reserved, releaseRequested]],
    [undefined, [reserved, releaseRequested, released]],
  ])('is %s after its facts so far', (state, facts) => {
    expect(seen(...facts).endpoints.get(endpoint)?.state).toBe(state)
  })

  it('has its place in the sandbox until it left, also where that failed', () => {
    const place = { ifName: 'eth0', link: { name: 'cnv1' }, priority: 5, sandbox }
    const joins = [reserved, joinRequested, joined, leaveRequested, leaveFailed]
    expect(seen(...joins).endpoints.get(endpoint)).toMatchObject(place)
    expect(seen(...joins, leaveRequested, left()).endpoints.get(endpoint)).not.toHaveProperty('sandbox')
  })

  it('is found by its sandbox while it is failed, and not before or after', () => {
    const names = (...facts: readonly AnyFact[]) => failedIn(seen(...facts), sandbox).map(({ name }) => name)
    const failed = [reserved, joinRequested, joined, leaveRequested, leaveFailed]
    expect(names(...failed.slice(0, -1))).toEqual([])
    expect(names(...failed)).toEqual(['db'])
    expect(names(reserved, joinRequested, joinFailed())).toEqual(['db'])
    expect(names(...failed, leaveRequested)).toEqual([])
    expect(names(...failed, releaseRequested, released)).toEqual([])
    expect(seen(...failed, leaveRequested).failed).toBe(Table.empty())
  })

  it('names its plan while it waits for it, and its failures when it failed', () => {
    expect(seen(reserved, joinRequested).endpoints.get(endpoint)).toMatchObject({ plan: plan(3) })
    const failed = seen(reserved, joinRequested, joinFailed()).endpoints.get(endpoint)
    expect(failed).toMatchObject({ failures: [busy(veth)] })
    expect(failed).not.toHaveProperty('plan')
  })

  it('tells since when it is in its state', () => {
    const { since } = after(...connected).topology.endpoints.get(endpoint) ?? {}
    expect(since).toBe('2026-01-01T00:00:00.006Z')
  })

  it('holds its name until it is released', () => {
    const key = `${network}/db`
    expect(seen(networkRequested, reserved, releaseRequested).endpointNames.get(key)).toBe(endpoint)
    const gone = seen(networkRequested, reserved, releaseRequested, released)
    expect(gone.endpointNames.size).toBe(0)
    expect(gone.members.get(network)).toBe(Table.empty())
  })
})

describe('a network', () => {
  it('is failed with what the kernel said, and keeps its name', () => {
    const t = seen(networkRequested, networkFailed)
    expect(t.networks.get(network)).toMatchObject({ failures: [{ code: 'EBUSY' }], state: 'failed' })
    expect(t.networkNames.get('web')).toBe(network)
  })

  it('frees its name with the request to delete it, and not that of another that took it', () => {
    const t = seen(networkRequested, networkDeleteRequested)
    expect(t.networkNames.size).toBe(0)
    expect(t.networks.get(network)?.state).toBe('deleting')
    const other = 'd'.repeat(64)
    const data = { ...networkRequested.data, network: other }
    const second = { ...networkRequested, data, stream: `network/${other}` } as AnyFact
    const both = seen(networkRequested, networkDeleteRequested, second, networkDeleted)
    expect([...both.networkNames.entries()]).toEqual([['web', other]])
    expect([...both.networks.keys()]).toEqual([other])
  })
})

describe('a sandbox', () => {
  it('lists its interfaces and the endpoint of its default route', () => {
    const box = after(...connected).topology.sandboxes.get(sandbox)
    expect(box).toMatchObject({ gateway: endpoint, interfaces: [{ endpoint, ifName: 'eth0' }] })
    const without = after(...connected, [interfaceRemoved]).topology.sandboxes.get(sandbox)
    expect(without).toMatchObject({ interfaces: [], state: 'created' })
    expect(without).not.toHaveProperty('gateway')
  })

  it('frees its name with the request to delete it, and is gone when deleted', () => {
    expect(seen(sandboxRequested, sandboxDeleteRequested).sandboxNames.size).toBe(0)
    expect(seen(sandboxRequested, sandboxDeleteRequested, sandboxDeleted).sandboxes.size).toBe(0)
  })
})

describe('queries', () => {
  it('find endpoints by their network, their sandbox, or both', () => {
    const { topology } = after(...connected)
    const [only] = endpointsOf(topology)
    expect(only?.id).toBe(endpoint)
    expect(endpointsOf(topology, network)).toEqual([only])
    expect(endpointsIn(topology, sandbox)).toEqual([only])
    expect(endpointsBetween(topology, network, sandbox)).toEqual([only])
    expect(endpointsOf(topology, 'nowhere' as never)).toEqual([])
  })

  it('find ids by how they begin, in order', () => {
    const table = Table.of([
      ['abd', 1],
      ['abc', 2],
      ['b', 3],
    ])
    expect(idsByPrefix(table, 'ab')).toEqual(['abc', 'abd'])
  })
})
