/** From wants to specs and plans, where wants end in an odd order, or are asked for again; and what counts as a difference. */
import { describe, expect, it } from 'vitest'
import type { Cidr, EndpointId, IfName, Ip, Spec, Step } from '../../events/index.ts'
import { keyOf } from '../../events/index.ts'
import { applied, Table, type Applied, type AppliedResource, type Desired } from '../../projections/index.ts'
import { differencesOf, differingFields, isVouchedFor, lacksOf } from '../../src/reconcile/diff.ts'
import { basesOf, plan, planOn, type Base } from '../../src/reconcile/plan.ts'
import { changedSpecs, specsOf, withWants, type Specs } from '../../src/reconcile/specs.ts'
import { context, endpointWant, networkWant, nothing, sandboxWant } from './wants.ts'

const ENDPOINT = 'endpoint1' as EndpointId
const network: Desired = { ...nothing, networks: nothing.networks.set('network1', networkWant(1)) }
const sandbox: Desired = { ...network, sandboxes: nothing.sandboxes.set('sandbox1', sandboxWant(1)) }
const joined: Desired = {
  ...sandbox,
  endpoints: nothing.endpoints.set(ENDPOINT, endpointWant(1, 1, 1)),
  sandboxes: nothing.sandboxes.set('sandbox1', sandboxWant(1, ENDPOINT)),
}
const named = (steps: readonly Step[]): string[] => steps.map((step) => `${step.op} ${step.key}`)
const keys = (specs: Specs): readonly string[] => [...specs.keys()].sort()

/** Receipts as if all of it were there. */
const standing = (desired: Desired, state: AppliedResource['state'] = 'present'): Applied => ({
  ...applied.init,
  resources: Table.of<AppliedResource>(
    [...specsOf(desired, context)].map(([key, spec]) => [key, { intents: [], spec, state }]),
  ),
})
const between = (before: Desired, after: Desired, there: Applied) =>
  plan(changedSpecs(before, after, context), there)

const OWN = ['addr/sandbox1/eth1/10.0.1.3/24', 'addr/sandbox1/eth1/fd00:1::3/64', 'link/host/cnv1-1']
const ROUTES = ['route/sandbox1/0.0.0.0/0', 'route/sandbox1/::/0']

describe('an endpoint', () => {
  it.each([
    ['both families', { gateway: ENDPOINT, gateway6: ENDPOINT }, ROUTES],
    ['IPv4', { gateway: ENDPOINT }, ROUTES.slice(0, 1)],
    ['IPv6', { gateway6: ENDPOINT }, ROUTES.slice(1)],
    ['IPv6, another that of IPv4', { gateway: 'e2' as EndpointId, gateway6: ENDPOINT }, ROUTES.slice(1)],
    ['IPv4, another that of IPv6', { gateway: ENDPOINT, gateway6: 'e2' as EndpointId }, ROUTES.slice(0, 1)],
    ['neither', {}, []],
  ])('that is the gateway of %s has the routes of these', (_what, gateways, routes) => {
    const sandboxes = nothing.sandboxes.set('sandbox1', { ...sandboxWant(1), ...gateways })
    const { after } = changedSpecs(sandbox, { ...joined, sandboxes }, context)
    expect(keys(after)).toEqual([...OWN, ...routes].sort())
  })

  it('is translated once: asked again, its specs are the same objects', () => {
    const [once, again] = [specsOf(joined, context), specsOf(joined, context)]
    for (const key of [...OWN, ...ROUTES]) expect(again.get(key)).toBe(once.get(key))
  })

  it('is translated anew when its network is another', () => {
    const networks = joined.networks.set('network1', { ...networkWant(1), mtu: 1400 })
    const link = specsOf({ ...joined, networks }, context).get('link/host/cnv1-1')
    expect([specsOf(joined, context).get('link/host/cnv1-1'), link]).toMatchObject([
      { mtu: 0 },
      { mtu: 1400 },
    ])
  })

  it('on a network that the kernel refused goes with it, though it is wanted still', () => {
    const refused = { ...joined, networks: nothing.networks }
    expect(keys(specsOf(refused, context))).toEqual(['netns/sandbox1'])
    const { after, before } = changedSpecs(joined, refused, context)
    expect(keys(before)).toEqual(expect.arrayContaining([...OWN, ...ROUTES]))
    expect(keys(after)).toEqual([])
    const { cut, sweep } = between(joined, refused, standing(joined))
    expect(named(sweep)).toEqual(['remove link/host/cnv1-1', 'remove link/host/cnb1'])
    expect(named(cut)).toContain('cut link/host/cnv1-1')
  })

  it('on another network is not touched by that', () => {
    const two = { ...joined, networks: joined.networks.set('network2', networkWant(2)) }
    expect(keys(changedSpecs(two, joined, context).before)).not.toEqual(expect.arrayContaining(OWN))
  })
})

describe('wants that are put back, since their end failed', () => {
  it('of a network and a sandbox give the same steps once more', () => {
    const again = withWants(nothing, { networks: [networkWant(1)], sandboxes: [sandboxWant(1)] })
    expect(between(again, nothing, standing(sandbox))).toEqual(between(sandbox, nothing, standing(sandbox)))
    expect(named(between(again, nothing, standing(sandbox)).sweep)).toEqual([
      'remove link/host/cnb1',
      'remove netns/sandbox1',
    ])
  })

  it('of an endpoint whose sandbox is not wanted leave that as it is', () => {
    const again = withWants(network, { endpoints: [endpointWant(1, 1, 1)] })
    expect([again.endpoints.size, again.sandboxes.size]).toEqual([1, 0])
    expect(again.networks).toBe(network.networks)
    expect(withWants(joined, {})).toEqual(joined)
  })
})

describe('a network of a driver that is not there', () => {
  it('is a defect, which says so: it was refused when it was asked for', () => {
    const networks = nothing.networks.set('network1', { ...networkWant(1), driver: 'overlay' })
    expect(() => specsOf({ ...nothing, networks }, context)).toThrow(
      'chronet defect: network network1 is of driver overlay, which is not there',
    )
  })
})

describe('what networks share', () => {
  it('is planned with the first that comes and with the last that goes', () => {
    const two = { ...network, networks: network.networks.set('network2', networkWant(2)) }
    const shared = ['nft/chronet_0badcafe', 'sysctl/host/net.ipv4.ip_forward']
    expect(keys(changedSpecs(nothing, network, context).after)).toEqual(expect.arrayContaining(shared))
    const { after, before } = changedSpecs(network, two, context)
    for (const specs of [after, before]) expect(keys(specs)).toEqual(expect.arrayContaining(shared))
    expect(named(between(network, two, standing(network)).realise)).not.toContain(
      'ensure nft/chronet_0badcafe',
    )
  })
})

describe('a base', () => {
  const [spec] = [...specsOf(network, context).values()].filter(({ kind }) => kind === 'bridge')
  const bridge = spec as Spec

  it('of what was observed: strays and what is ours are there, what is not ours is not', () => {
    const stray = { ...bridge, name: 'cnb9' } as Spec
    const other = { ...bridge, name: 'docker0' } as Spec
    const found = new Map([
      [keyOf(bridge), { ours: true, spec: bridge }],
      [keyOf(other), { ours: false, spec: other }],
    ])
    expect([...basesOf({ found, strays: [{ key: keyOf(stray), label: 'a stray', spec: stray }] })]).toEqual([
      [keyOf(stray), { spec: stray, state: 'present' }],
      [keyOf(bridge), { spec: bridge, state: 'present' }],
    ])
  })

  it.each(['cut', 'unknown'] as const)('that is %s is made again, though it looks as it should', (state) => {
    const base: Base = { spec: bridge, state }
    const after = new Map([[keyOf(bridge), bridge]])
    expect(named(planOn({ after, before: new Map() }, () => base).realise)).toEqual(['ensure link/host/cnb1'])
    expect(planOn({ after, before: new Map() }, () => ({ ...base, state: 'present' })).realise).toEqual([])
  })
})

describe('a difference', () => {
  const wanted = specsOf(network, context)
  const bridge = wanted.get('link/host/cnb1') as Spec

  it('is in fields, told in the order of their names', () => {
    const other = { ...bridge, ipv6: false, mac: '02:00:00:00:00:09', mtu: 1300 } as Spec
    expect(differingFields(other, bridge)).toEqual(['ipv6', 'mac', 'mtu'])
    const direct: Spec = { dst: '0.0.0.0/0' as Cidr, kind: 'route', link: 'eth0' as IfName, ns: 'host' }
    const routed: Spec = { ...direct, via: '10.0.0.1' as Ip }
    for (const pair of [[direct, routed] as const, [routed, direct] as const])
      expect(differingFields(...pair)).toEqual(['via'])
  })

  it('counts only where a receipt says that it was there', () => {
    const nowhere = { found: new Map() }
    expect(lacksOf(wanted, nowhere).map(({ found }) => found)).toEqual([...wanted].map(() => 'missing'))
    expect(differencesOf(wanted, nowhere, applied.init)).toEqual([])
    expect(differencesOf(wanted, nowhere, standing(network))).toEqual(lacksOf(wanted, nowhere))
    for (const state of ['cut', 'unknown'] as const)
      expect([...wanted.keys()].filter((key) => isVouchedFor(key, standing(network, state)))).toEqual([])
  })
})
