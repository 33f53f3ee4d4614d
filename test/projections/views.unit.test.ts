/** What users see of a network, a sandbox and an endpoint in each of their states: these fields, and no others. */
import { describe, expect, it } from 'vitest'
import type { AnyFact } from '../../events/index.ts'
import {
  foldCommits,
  isOfTopology,
  positionOf,
  tablesOf,
  topology,
  TopologyFold,
  withHistory,
} from '../../projections/index.ts'
import { commitOf, factOf } from './commits.ts'
import {
  after,
  bridge,
  busy,
  connected,
  endpoint,
  interfaceAdded,
  interfaceRemoved,
  joinFailed,
  joinRequested,
  joined,
  leaveRequested,
  network,
  networkCreated,
  networkDeleteRequested,
  networkFailed,
  networkRequested,
  plan,
  releaseRequested,
  reserved,
  sandbox,
  sandboxCreated,
  sandboxDeleteRequested,
  sandboxDeleted,
  sandboxRequested,
  streams,
  veth,
} from './story.ts'

/** Each fact in a commit of its own: the first at .001. */
const seen = (...facts: readonly AnyFact[]) => after(...facts.map((fact) => [fact])).topology
const at = (ms: number): string => `2026-01-01T00:00:00.00${ms}Z`

const networkDeleteFailed = factOf(streams.network, 'NetworkDeleteFailed', {
  failures: [busy(bridge)],
  network,
  plan: plan(8),
})
const sandboxFailed = factOf(streams.sandbox, 'SandboxCreateFailed', {
  failures: [busy(veth)],
  plan: plan(2),
  sandbox,
})
const sandboxDeleteFailed = factOf(streams.sandbox, 'SandboxDeleteFailed', {
  failures: [busy(veth)],
  plan: plan(8),
  sandbox,
})

describe('a network', () => {
  const {
    network: id,
    plan: _,
    ...rest
  } = networkRequested.data as { readonly network: string; readonly plan: string }
  const lasting = { ...rest, id }

  it.each<[string, readonly AnyFact[], object]>([
    ['creating', [networkRequested], { plan: plan(1), since: at(1) }],
    ['created', [networkRequested, networkCreated], { since: at(2) }],
    ['failed', [networkRequested, networkFailed], { failures: [busy(bridge)], since: at(2) }],
    ['deleting', [networkRequested, networkFailed, networkDeleteRequested], { plan: plan(8), since: at(3) }],
    [
      'failed',
      [networkRequested, networkCreated, networkDeleteRequested, networkDeleteFailed],
      { failures: [busy(bridge)], since: at(4) },
    ],
  ])('is %s', (state, facts, more) => {
    expect(seen(...facts).networks.get(network)).toStrictEqual({ ...lasting, ...more, state })
  })

  it('keeps what its interfaces are called, if that was asked for', () => {
    const data = { ...networkRequested.data, ifPrefix: 'lan' }
    const { networks } = seen({ ...networkRequested, data } as AnyFact, networkCreated)
    expect(networks.get(network)).toStrictEqual({
      ...lasting,
      ifPrefix: 'lan',
      since: at(2),
      state: 'created',
    })
  })
})

describe('a sandbox', () => {
  const lasting = { domain: '', hostname: 'Front', id: sandbox, interfaces: [], labels: {}, name: 'box' }

  it.each<[string, readonly AnyFact[], object]>([
    ['creating', [sandboxRequested], { plan: plan(2), since: at(1) }],
    ['created', [sandboxRequested, sandboxCreated], { since: at(2) }],
    ['failed', [sandboxRequested, sandboxFailed], { failures: [busy(veth)], since: at(2) }],
    ['deleting', [sandboxRequested, sandboxFailed, sandboxDeleteRequested], { plan: plan(8), since: at(3) }],
    [
      'failed',
      [sandboxRequested, sandboxCreated, sandboxDeleteRequested, sandboxDeleteFailed],
      { failures: [busy(veth)], since: at(4) },
    ],
  ])('is %s', (state, facts, more) => {
    expect(seen(...facts).sandboxes.get(sandbox)).toStrictEqual({ ...lasting, ...more, state })
  })

  it('has its interfaces and default routes in every state, each endpoint once', () => {
    const six = {
      ...interfaceAdded,
      data: { ...interfaceAdded.data, gateway: false, gateway6: true, ifName: 'eth6' },
    }
    const made = [sandboxRequested, sandboxCreated, interfaceAdded, six as AnyFact]
    const here = { gateway: endpoint, gateway6: endpoint, interfaces: [{ endpoint, ifName: 'eth6' }] }
    expect(seen(...made).sandboxes.get(sandbox)).toStrictEqual({
      ...lasting,
      ...here,
      since: at(2),
      state: 'created',
    })
    expect(seen(...made, sandboxDeleteRequested, sandboxDeleteFailed).sandboxes.get(sandbox)).toStrictEqual({
      ...lasting,
      ...here,
      failures: [busy(veth)],
      since: at(6),
      state: 'failed',
    })
    expect(seen(...made, sandboxDeleteRequested, interfaceRemoved).sandboxes.get(sandbox)).toStrictEqual({
      ...lasting,
      plan: plan(8),
      since: at(5),
      state: 'deleting',
    })
  })

  it('that has none of the default routes names none', () => {
    const plain = { ...interfaceAdded, data: { ...interfaceAdded.data, gateway: false } } as AnyFact
    const view = seen(sandboxRequested, plain).sandboxes.get(sandbox)
    expect(Object.keys(view ?? {})).not.toContain('gateway')
    expect(Object.keys(view ?? {})).not.toContain('gateway6')
  })

  it('frees its name, and not that of another that took it', () => {
    const data = { ...sandboxRequested.data, sandbox: 'other' }
    const second = { ...sandboxRequested, data, stream: 'sandbox/other' } as AnyFact
    const { sandboxNames } = seen(sandboxRequested, sandboxDeleteRequested, second, sandboxDeleted)
    expect([...sandboxNames.entries()]).toEqual([['box', 'other']])
    const { evolve, init } = topology
    for (const fact of [sandboxDeleteRequested, sandboxDeleted, networkDeleteRequested])
      expect(evolve(init, fact as never, positionOf(commitOf(9, []), 0))).toBe(init)
  })
})

describe('an endpoint', () => {
  const { endpoint: id, ...rest } = reserved.data as { readonly endpoint: string }
  const lasting = { ...rest, id }
  const place = { ifName: 'eth0', link: { mac: '02:00:00:00:00:02', name: 'cnv1' }, priority: 5, sandbox }

  it.each<[string, readonly AnyFact[], object]>([
    ['reserved', [reserved], { since: at(1) }],
    ['joining', [reserved, joinRequested], { ...place, plan: plan(3), since: at(2) }],
    ['joined', [reserved, joinRequested, joined], { ...place, since: at(3) }],
    ['failed', [reserved, joinRequested, joinFailed()], { ...place, failures: [busy(veth)], since: at(3) }],
    ['leaving', [reserved, joinRequested, joined, leaveRequested], { ...place, plan: plan(5), since: at(4) }],
    ['releasing', [reserved, joinRequested, joinFailed(), releaseRequested], { since: at(4) }],
  ])('is %s', (state, facts, more) => {
    expect(seen(...facts).endpoints.get(endpoint)).toStrictEqual({ ...lasting, ...more, state })
  })

  it('frees its name, and not that of another that took it', () => {
    const data = { ...reserved.data, endpoint: 'other' }
    const second = { ...reserved, data, stream: 'endpoint/other' } as AnyFact
    const released = factOf(streams.endpoint, 'EndpointReleased', { endpoint })
    const t = seen(reserved, second, released)
    expect([...t.endpointNames.entries()]).toEqual([[`${network}/db`, 'other']])
    expect([...(t.members.get(network)?.keys() ?? [])]).toEqual(['other'])
  })
})

describe('the topology folded alone', () => {
  const commits = connected.map((facts, i) => commitOf(i + 1, facts))
  const tables = (all: object): unknown =>
    [...tablesOf(all as never)].map(([name, rows]) => [name, [...rows].sort()])

  it('is what folding everything makes of it, wherever it begins', () => {
    const expected = foldCommits(withHistory, commits).topology
    const whole = new TopologyFold()
    whole.add(commits)
    const rest = new TopologyFold(foldCommits(withHistory, commits.slice(0, 3)).topology)
    for (const commit of commits.slice(3)) rest.add([commit])
    for (const fold of [whole, rest])
      expect(tables({ topology: fold.topology() })).toEqual(tables({ topology: expected }))
  })

  it('leaves alone what it begins with, and what it gave before', () => {
    const before = foldCommits(withHistory, commits.slice(0, 3)).topology
    const fold = new TopologyFold(before)
    const first = fold.topology()
    fold.add(commits.slice(3))
    for (const each of [before, first]) expect([each.endpoints.size, each.sandboxes.size]).toEqual([0, 1])
    expect(fold.topology().endpoints.size).toBe(1)
  })

  it('knows its tables in a snapshot', () => {
    const names = [...tablesOf(withHistory)].map(([name]) => name).filter(isOfTopology)
    expect(names).toContain('topology.endpoints')
    expect(names.filter((name) => !name.startsWith('topology.'))).toEqual([])
  })
})
