/** Queries and names: in what order things are listed, who answers to a name, what the history knows, how projections are called. */
import { describe, expect, it } from 'vitest'
import { FACT_VERSIONS, type AnyFact, type FactType } from '../../events/index.ts'
import {
  allProjections,
  commitsOf,
  endpointById,
  endpointsBetween,
  endpointsIn,
  endpointsOf,
  networkById,
  networksOf,
  positionOf,
  projectionsCode,
  resolve,
  sandboxById,
  sandboxesOf,
  type History,
} from '../../projections/index.ts'
import { commitOf, factOf } from './commits.ts'
import {
  after,
  connected,
  endpoint,
  interfaceAdded,
  interfaceRemoved,
  joinRequested,
  joined,
  leaveRequested,
  left,
  network,
  networkRequested,
  released,
  reserved,
  sandbox,
  sandboxDeleteRequested,
  sandboxRequested,
  started,
} from './story.ts'

/** The same fact of another entity, with other fields. */
const as = (
  fact: AnyFact,
  kind: 'endpoint' | 'network' | 'sandbox',
  id: string,
  more: object = {},
): AnyFact => ({ ...fact, data: { ...fact.data, [kind]: id, ...more }, stream: `${kind}/${id}` }) as AnyFact

describe('what is listed', () => {
  const many = (fact: AnyFact, kind: 'endpoint' | 'network' | 'sandbox', more: object = {}): AnyFact[] =>
    Object.entries({ a5: 'y', b7: 'z', c9: 'x', d1: 'w', d3: 'w' })
      .reverse()
      .map(([id, name]) => as(fact, kind, id, { name, ...more }))
  const ids = (views: readonly { readonly id: string }[]): string[] => views.map(({ id }) => id)

  it('stands in the order of names, and those that are called alike in the order of ids', () => {
    const sorted = ['d1', 'd3', 'c9', 'a5', 'b7']
    expect(ids(networksOf(after(many(networkRequested, 'network')).topology))).toEqual(sorted)
    expect(ids(sandboxesOf(after(many(sandboxRequested, 'sandbox')).topology))).toEqual(sorted)
    const { topology } = after(many(reserved, 'endpoint'))
    expect(ids(endpointsOf(topology))).toEqual(sorted)
    expect(ids(endpointsOf(topology, network))).toEqual(sorted)
  })

  it('is found by its id', () => {
    const { topology } = after(...connected)
    expect(networkById(topology, network)?.name).toBe('web')
    expect(endpointById(topology, endpoint)?.name).toBe('db')
    expect(sandboxById(topology, sandbox)?.name).toBe('box')
  })

  it('between a network and a sandbox is what has an interface there and is on the network', () => {
    const other = [
      as(reserved, 'endpoint', 'e2', { network: 'n2' }),
      as(joinRequested, 'endpoint', 'e2'),
      { ...interfaceAdded, data: { ...interfaceAdded.data, endpoint: 'e2', ifName: 'eth1' } } as AnyFact,
    ]
    const { topology } = after(...connected, other)
    expect(ids(endpointsIn(topology, sandbox))).toEqual([endpoint, 'e2'])
    expect(ids(endpointsBetween(topology, network, sandbox))).toEqual([endpoint])
    expect(endpointsIn(topology, 'nowhere' as never)).toEqual([])
  })

  it('leaves out an endpoint that is known by its interface only', () => {
    const { topology } = after([sandboxRequested, interfaceAdded])
    expect(endpointsIn(topology, sandbox)).toEqual([])
  })
})

describe('a name', () => {
  const box2 = as(sandboxRequested, 'sandbox', 's2', { hostname: 'front', name: 'second' })
  const second = [
    as(reserved, 'endpoint', 'e2', { addresses: ['10.0.0.3/24', 'fd00::3/64'] }),
    as(joined, 'endpoint', 'e2', { sandbox: 's2' }),
  ]
  const both = [...connected, [box2], second]
  const found = (name: string, ...commits: readonly (readonly AnyFact[])[]) =>
    resolve(after(...commits).names, network, name)

  it('that two answer to leads to both, oldest first, and to the other when one goes', () => {
    expect(found('front', ...both)).toEqual(['10.0.0.2', '10.0.0.3', 'fd00::3'])
    expect(found('front', ...both, [leaveRequested])).toEqual(['10.0.0.3', 'fd00::3'])
    expect(found('front', ...both, [as(leaveRequested, 'endpoint', 'e2')])).toEqual(['10.0.0.2'])
  })

  it('is told once, however often its endpoint joined', () => {
    expect(found('db', ...connected, [joined])).toEqual(['10.0.0.2'])
    const again = [[leaveRequested], [left(), joinRequested, interfaceAdded], [joined]]
    expect(found('front', ...both, ...again)).toEqual(['10.0.0.3', 'fd00::3', '10.0.0.2'])
  })

  it('is nobody while it is empty, and one where two are the same', () => {
    const box = as(sandboxRequested, 'sandbox', sandbox, { hostname: '', name: 'DB' })
    const { records } = after([networkRequested, box, reserved, joined]).names
    expect([...records.keys()]).toEqual([`${network}/db`])
  })

  it('of a sandbox that ends is not given to whoever joins after that', () => {
    expect(
      found('box', [networkRequested, sandboxRequested, sandboxDeleteRequested, reserved, joined]),
    ).toEqual([])
  })

  it('goes with an endpoint that is released while it is joined', () => {
    expect(after(...connected, [released]).names.records.size).toBe(0)
  })
})

describe('default routes', () => {
  const added = (id: string, gateway: boolean, gateway6: boolean): AnyFact =>
    ({ ...interfaceAdded, data: { ...interfaceAdded.data, endpoint: id, gateway, gateway6 } }) as AnyFact
  const removed = (id: string, more: object): AnyFact =>
    ({ ...interfaceRemoved, data: { endpoint: id, sandbox, ...more } }) as AnyFact
  const routes = (...facts: readonly AnyFact[]) => {
    const { desired, topology } = after([sandboxRequested, ...facts])
    const { gateway, gateway6 } = topology.sandboxes.get(sandbox) ?? {}
    expect(desired.sandboxes.get(sandbox)).toEqual({
      ...(gateway === undefined ? {} : { gateway }),
      ...(gateway6 === undefined ? {} : { gateway6 }),
      id: sandbox,
    })
    return [gateway, gateway6]
  }

  it('go each their own way, are wanted as they are seen, and end where no way is named', () => {
    expect(routes(added('e4', false, false))).toEqual([undefined, undefined])
    expect(routes(added('e4', true, false))).toEqual(['e4', undefined])
    expect(routes(added('e6', false, true))).toEqual([undefined, 'e6'])
    const both = [added('e4', true, false), added('e6', false, true)]
    expect(routes(...both)).toEqual(['e4', 'e6'])
    expect(routes(...both, added('e5', false, false))).toEqual(['e4', 'e6'])
    expect(routes(...both, removed('e6', { gateway: 'e4' }))).toEqual(['e4', undefined])
    expect(routes(...both, removed('e6', { gateway: 'e4', gateway6: 'e4' }))).toEqual(['e4', 'e4'])
    expect(routes(...both, removed('e4', { gateway6: 'e6' }))).toEqual([undefined, 'e6'])
  })

  it('of a sandbox whose end was asked for are not wanted', () => {
    const { desired } = after([sandboxRequested, sandboxDeleteRequested, added('e4', true, true)])
    expect(desired.sandboxes.size).toBe(0)
  })

  it('that stay as they are leave the want the same object', () => {
    const facts = [sandboxRequested, added('e4', true, true)]
    const before = after(facts).desired
    const { evolve } = allProjections.desired
    expect(evolve(before, added('e5', false, false) as never, positionOf(commitOf(9, []), 0))).toBe(before)
  })
})

describe('the history', () => {
  const PLANS_AND_HOST: readonly string[] = [
    'AddressLent',
    'AddressReturned',
    'ClaimGranted',
    'ClaimLost',
    'ClaimReleased',
    'ClockSteppedBack',
    'ClusterJoined',
    'ClusterLeft',
    'Contention',
    'DriftObserved',
    'EffectsIntended',
    'EffectsSettled',
    'HostEvicted',
    'HostStarted',
    'OrphansRemoved',
    'VniAssigned',
  ]
  const types = Object.keys(FACT_VERSIONS).filter((type) => !PLANS_AND_HOST.includes(type)) as FactType[]

  it.each(types)('has every fact of an entity: %s', (type) => {
    const fact = factOf('endpoint/any', type, {} as never)
    const { evolve, init } = allProjections.history
    const state: History = evolve(init, fact as never, positionOf(commitOf(3, []), 0))
    expect(commitsOf(state, 'endpoint/any')).toEqual([3])
  })
})

describe('projections', () => {
  it('are called as they stand among the others, with their versions: so a snapshot says what it means', () => {
    const named = Object.entries(allProjections).map(([key, { version }]) => `${key}@${version}`)
    expect(projectionsCode.split(' ')).toEqual(named)
  })

  it('begin with no host, and know the last that started', () => {
    expect(allProjections.host.init).toEqual({ bootId: '', cluster: null, cookie: '', epoch: 0 })
    expect(after([started(true)]).host).toEqual({ bootId: 'b', cluster: null, cookie: '7', epoch: 2 })
  })

  it('know the cluster that the host is in, over starts, until it has left', () => {
    const data = { allowLegacyServer: false, host: 'east', servers: ['nats://a:4222'] }
    const joined = factOf('host', 'ClusterJoined', data)
    expect(after([joined, started(true)]).host.cluster).toEqual(data)
    const elsewhere = { ...data, servers: ['nats://b:4222'] }
    expect(after([joined, factOf('host', 'ClusterJoined', elsewhere)]).host.cluster).toEqual(elsewhere)
    expect(after([joined, factOf('host', 'ClusterLeft', { host: 'east' })]).host.cluster).toBeNull()
  })

  it('are told where a fact stands: in which commit, and as which of its facts, from 1', () => {
    const commit = commitOf(7, [released, released])
    expect(positionOf(commit, 0)).toEqual({ at: commit.at, epoch: 1, index: 1, seq: 7 })
    expect(positionOf(commit, 1).index).toBe(2)
  })
})
