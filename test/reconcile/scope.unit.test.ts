/** Where a hint makes us look: which of the wanted specs it may be about, and that no other want is translated for it. */
import { describe, expect, it } from 'vitest'
import type { AnyFact, IfName, ResourceKey, SandboxId, Spec } from '../../events/index.ts'
import type { Projections } from '../../projections/index.ts'
import type { Hint } from '../../src/kernel/kernel.ts'
import { specsWithin } from '../../src/reconcile/near.ts'
import {
  EVERYWHERE,
  NOWHERE,
  placesOf,
  readPlace,
  widen,
  within,
  type Scope,
} from '../../src/reconcile/scope.ts'
import { specsOf, type SpecContext } from '../../src/reconcile/specs.ts'
import {
  after,
  bridge,
  connected,
  endpoint,
  ensure,
  interfaceAdded,
  intended,
  joinRequested,
  joined,
  network,
  reserved,
  sandbox,
  sandboxRequested,
  settled,
  veth,
} from '../projections/story.ts'
import { context } from './wants.ts'

const hint = (what: Hint['what'], ns: string = 'host', link?: string): Hint => ({
  ...(link === undefined ? {} : { link }),
  ns,
  what,
})
const scopeOf = (...hints: readonly Hint[]): Scope => hints.reduce(widen, NOWHERE)

/** A second sandbox on the network, and receipts of what carries the two. */
const S2 = 'd'.repeat(64) as SandboxId
const of = (fact: AnyFact, more: object): AnyFact => ({ ...fact, data: { ...fact.data, ...more } }) as AnyFact
const e2 = { endpoint: 'e2', sandbox: S2 }
const veth2 = {
  ...veth,
  name: 'cnv2' as IfName,
  peer: { ...(veth as { peer: object }).peer, ns: S2 },
} as Spec
const all: Projections = after(
  ...connected,
  [intended(3, 'realise', ensure(bridge), ensure(veth), ensure(veth2)), settled(3)],
  [
    of({ ...sandboxRequested, stream: `sandbox/${S2}` }, { name: 'two', sandbox: S2 }),
    of({ ...reserved, stream: 'endpoint/e2' }, { addresses: ['10.0.0.3/24'], ...e2 }),
    of(
      { ...joinRequested, stream: 'endpoint/e2' },
      { ...e2, link: { mac: '02:00:00:00:00:03', name: 'cnv2' } },
    ),
    of({ ...interfaceAdded, stream: `sandbox/${S2}` }, e2),
    of({ ...joined, stream: 'endpoint/e2' }, e2),
  ],
)
const wanted = specsOf(all.desired, context)
const keysOf = (specs: ReadonlyMap<ResourceKey, Spec>): readonly string[] => [...specs.keys()].sort()

const OWN = [`addr/${sandbox}/eth0/10.0.0.2/24`, `route/${sandbox}/0.0.0.0/0`]

describe('a hint', () => {
  it.each([
    ['a link of the host', hint('link', 'host', 'cnv1'), ['link/host/cnv1']],
    ['the bridge', hint('link', 'host', 'cnb1'), ['addr/host/cnb1/10.0.0.1/24', 'link/host/cnb1']],
    ['a link of a sandbox', hint('link', sandbox, 'eth0'), [...OWN, 'link/host/cnv1', `netns/${sandbox}`]],
    ['an address in a sandbox', hint('addr', sandbox, 'eth0'), OWN],
    ['a route in a sandbox', hint('route', sandbox), OWN],
    ['an address of the host', hint('addr', 'host', 'cnb1'), ['addr/host/cnb1/10.0.0.1/24']],
    ['our table', hint('nft'), ['nft/chronet_0badcafe', 'nft/chronet_0badcafe/cnb1']],
    ['a stranger', hint('link', 'host', 'docker0'), []],
    ['a stranger that is called as one in a sandbox', hint('link', 'host', 'eth0'), []],
    [
      'some link of the host',
      hint('link', 'host'),
      [
        'addr/host/cnb1/10.0.0.1/24',
        'link/host/cnb1',
        'link/host/cnv1',
        'link/host/cnv2',
        'sysctl/host/net.ipv4.ip_forward',
      ],
    ],
  ] as const)('of %s is about what stands there', (_what, told, keys) => {
    const scope = scopeOf(told)
    expect(keysOf(within(scope, wanted))).toEqual([...keys].sort())
    expect(keysOf(specsWithin(all, scope, context))).toEqual([...keys].sort())
  })

  it('after another is about both, and about the same only once', () => {
    const scope = scopeOf(hint('nft'), hint('link', 'host', 'cnv2'))
    const keys = ['link/host/cnv2', 'nft/chronet_0badcafe', 'nft/chronet_0badcafe/cnb1']
    expect(keysOf(specsWithin(all, scope, context))).toEqual(keys)
    expect(widen(scope, hint('nft'))).toBe(scope)
    expect(scopeOf()).toBe(NOWHERE)
    expect(keysOf(specsWithin(all, NOWHERE, context))).toEqual([])
  })

  it('that some were lost is about everything, and so is all that comes after', () => {
    const scope = scopeOf(hint('nft'), hint('overrun'))
    expect(scope).toBe(EVERYWHERE)
    expect(widen(scope, hint('nft'))).toBe(EVERYWHERE)
    expect(within(scope, wanted)).toBe(wanted)
    expect(specsWithin(all, scope, context)).toEqual(wanted)
  })
})

describe('a look at a place', () => {
  /** The endpoints and networks that are translated for it. */
  const translated = (...hints: readonly Hint[]): readonly string[] => {
    const names = new Set<string>()
    const driver = context.drivers.get('bridge')
    if (!driver) throw new TypeError('no driver of bridges')
    const drivers: SpecContext['drivers'] = new Map([
      [
        'bridge',
        {
          ...driver,
          endpointSpecs: (...given) => (names.add(given[0].id), driver.endpointSpecs(...given)),
          networkSpecs: (...given) => (names.add(given[0].id), driver.networkSpecs(...given)),
        },
      ],
    ])
    // Translations are remembered by want: other wants are others.
    const fresh = { ...all.desired, endpoints: all.desired.endpoints }
    for (const want of [...fresh.endpoints.values()])
      fresh.endpoints = fresh.endpoints.set(want.id, { ...want })
    specsWithin({ ...all, desired: fresh }, scopeOf(...hints), { ...context, drivers })
    return [...names].sort()
  }

  it.each([
    ['a sandbox', hint('addr', sandbox), [network, endpoint]],
    ['a link that leads to a sandbox', hint('link', 'host', 'cnv2'), [network, 'e2']],
    ['a bridge', hint('link', 'host', 'cnb1'), [network]],
    ['a link that no receipt knows', hint('link', 'host', 'eth7'), [network]],
    ['our table', hint('nft'), [network]],
    ["the host's addresses", hint('addr', 'host', 'cnb1'), [network]],
    ['the whole host', hint('link', 'host'), [network, endpoint, 'e2']],
    ['a sandbox that is not ours', hint('addr', 'f'.repeat(64)), []],
  ] as const)('costs what is near: %s', (_what, told, names) => {
    expect(translated(told)).toEqual([...names].sort())
  })
})

describe('a place', () => {
  it('is read as it was written', () => {
    const cnv1 = { link: 'cnv1' }
    const [table = '', one = '', ns = '', inet = ''] = [
      ...scopeOf(hint('nft')).places,
      ...scopeOf(hint('link', 'host', 'cnv1')).places,
      ...scopeOf(hint('link', S2, 'eth0')).places,
      ...scopeOf(hint('addr', S2)).places,
    ]
    expect([table, one, ns, inet].map(readPlace)).toEqual(['nft', cnv1, { ns: S2 }, { ns: S2 }])
    expect(readPlace('host')).toEqual({ ns: 'host' })
  })

  it('of a setting is its namespace', () => {
    const spec: Spec = { kind: 'sysctl', name: 'net.ipv4.ip_forward', ns: S2, value: '1' }
    expect(placesOf(spec)).toEqual([S2])
  })
})
