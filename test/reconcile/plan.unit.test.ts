/** The planner's decisions, one by one. */
import { describe, expect, it } from 'vitest'
import type { EndpointId, SandboxId, Spec, Step } from '../../events/index.ts'
import { keyOf } from '../../events/index.ts'
import { applied, Table, type AppliedResource, type Desired } from '../../projections/index.ts'
import { differencesOf, differingFields, equalSpecs } from '../../src/reconcile/diff.ts'
import { basesOf, planAll, planOn, type Base, type Plan } from '../../src/reconcile/plan.ts'
import { changedSpecs, specsOf, withWants } from '../../src/reconcile/specs.ts'
import { context, endpointWant, networkWant, nothing, sandboxWant } from './wants.ts'

const named = (steps: readonly Step[]): string[] => steps.map((step) => `${step.op} ${step.key}`)

const network: Desired = { ...nothing, networks: nothing.networks.set('network2', networkWant(2)) }
const sandbox: Desired = { ...network, sandboxes: nothing.sandboxes.set('sandbox1', sandboxWant(1)) }
const joined: Desired = {
  ...sandbox,
  endpoints: nothing.endpoints.set('endpoint1', endpointWant(1, 2, 1)),
  sandboxes: nothing.sandboxes.set('sandbox1', sandboxWant(1, 'endpoint1' as EndpointId)),
}

/** Bases as if all of it were there. */
function standing(desired: Desired, state: Base['state'] = 'present'): Map<string, Base> {
  return new Map([...specsOf(desired, context)].map(([key, spec]) => [key, { spec, state }]))
}
const planBetween = (before: Desired, after: Desired, bases: ReadonlyMap<string, Base>): Plan =>
  planOn(changedSpecs(before, after, context), (key) => bases.get(key))

describe('a network', () => {
  it('is ensured from the bridge outwards', () => {
    const { cut, realise, sweep } = planBetween(nothing, network, new Map())
    expect(named(realise)).toEqual([
      'ensure link/host/cnb2',
      'ensure sysctl/host/net.ipv4.ip_forward',
      'ensure nft/chronet_0badcafe',
      'ensure nft/chronet_0badcafe/cnb2',
      'ensure addr/host/cnb2/10.0.2.1/24',
    ])
    expect([...cut, ...sweep]).toEqual([])
  })

  it('goes as cut and sweep; the last takes our table along, and forwarding stays', () => {
    const { cut, realise, sweep } = planBetween(network, nothing, standing(network))
    expect(realise).toEqual([])
    expect(named(cut)).toEqual(['remove nft/chronet_0badcafe', 'cut link/host/cnb2'])
    expect(cut[0]).toMatchObject({ takes: ['nft/chronet_0badcafe/cnb2'] })
    expect(named(sweep)).toEqual(['remove link/host/cnb2'])
    expect(sweep[0]).toMatchObject({ takes: ['addr/host/cnb2/10.0.2.1/24'] })
  })

  it('leaves our table to the others', () => {
    const two = { ...network, networks: network.networks.set('network0', networkWant(0)) }
    expect(named(planBetween(two, network, standing(two)).cut)).toEqual([
      'remove nft/chronet_0badcafe/cnb0',
      'cut link/host/cnb0',
    ])
    expect(named(planBetween(network, two, standing(network)).realise)).toEqual([
      'ensure link/host/cnb0',
      'ensure nft/chronet_0badcafe/cnb0',
      'ensure addr/host/cnb0/10.0.0.1/24',
    ])
  })
})

describe('an endpoint', () => {
  it('is ensured alone, since its network and its sandbox stand', () => {
    expect(named(planBetween(sandbox, joined, standing(sandbox)).realise)).toEqual([
      'ensure link/host/cnv1-1',
      'ensure addr/sandbox1/eth2/10.0.2.3/24',
      'ensure route/sandbox1/0.0.0.0/0',
    ])
  })

  it('goes with all that lies on it, in one cut and one sweep', () => {
    const { cut, sweep } = planBetween(joined, sandbox, standing(joined))
    expect(named(cut)).toEqual(['cut link/host/cnv1-1'])
    expect(sweep).toEqual([
      {
        key: 'link/host/cnv1-1',
        op: 'remove',
        spec: expect.objectContaining({ kind: 'veth' }) as unknown,
        takes: ['addr/sandbox1/eth2/10.0.2.3/24', 'route/sandbox1/0.0.0.0/0'],
      },
    ])
  })

  it('that was cut before is only swept', () => {
    const { cut, sweep } = planBetween(joined, sandbox, standing(joined, 'cut'))
    expect(cut).toEqual([])
    expect(named(sweep)).toEqual(['remove link/host/cnv1-1'])
  })

  it('whose leave failed is planned again, though nobody wants it any more', () => {
    const want = endpointWant(1, 2, 1)
    const again = withWants(sandbox, { endpoints: [want] })
    expect(planBetween(sandbox, sandbox, standing(joined)).cut).toEqual([])
    expect(planBetween(again, sandbox, standing(joined))).toEqual(
      planBetween(joined, sandbox, standing(joined)),
    )
  })

  it('of which nothing came to be leaves nothing to do', () => {
    expect(planBetween(joined, sandbox, standing(sandbox))).toEqual({ cut: [], realise: [], sweep: [] })
  })

  it('of which only part is known is ensured again, or removed', () => {
    expect(planBetween(sandbox, joined, standing(joined, 'unknown')).realise).toHaveLength(3)
    const { cut, sweep } = planBetween(joined, sandbox, standing(joined, 'unknown'))
    expect(named([...cut, ...sweep])).toEqual(['cut link/host/cnv1-1', 'remove link/host/cnv1-1'])
  })

  it('hands the default route to another by one step', () => {
    const wide = { ...network, networks: network.networks.set('network0', networkWant(0)) }
    const two = {
      ...nothing,
      endpoints: joined.endpoints.set('endpoint0', endpointWant(0, 0, 1)),
      networks: wide.networks,
      sandboxes: joined.sandboxes,
    }
    const moved = {
      ...two,
      sandboxes: two.sandboxes.set('sandbox1', sandboxWant(1, 'endpoint0' as EndpointId)),
    }
    const { cut, realise, sweep } = planBetween(two, moved, standing(two))
    expect(realise).toMatchObject([
      { key: 'route/sandbox1/0.0.0.0/0', op: 'ensure', spec: { link: 'eth0', via: '10.0.0.1' } },
    ])
    expect([...cut, ...sweep]).toEqual([])
  })

  it('that no longer is the gateway loses its route at once, since its link stays', () => {
    const bare = { ...joined, sandboxes: sandbox.sandboxes }
    const { cut, sweep } = planBetween(joined, bare, standing(joined))
    expect(named(cut)).toEqual(['remove route/sandbox1/0.0.0.0/0'])
    expect(sweep).toEqual([])
  })
})

describe('the cost of a plan', () => {
  it('is a look at each key of the endpoint, however many there are', () => {
    const many = Array.from({ length: 1000 }, (_, i) => endpointWant(i + 2, 2, i + 2))
    const crowded: Desired = {
      ...sandbox,
      endpoints: Table.of(many.map((want) => [want.id, want])),
    }
    const bases = standing(crowded)
    const looks: string[] = []
    planOn(
      changedSpecs(
        crowded,
        { ...joined, endpoints: crowded.endpoints.set('endpoint1', endpointWant(1, 2, 1)) },
        context,
      ),
      (key) => {
        looks.push(key)
        return bases.get(key)
      },
    )
    expect(looks.sort()).toEqual([
      'addr/sandbox1/eth2/10.0.2.3/24',
      'link/host/cnv1-1',
      'route/sandbox1/0.0.0.0/0',
    ])
  })
})

describe('a sandbox', () => {
  it('has a namespace of its own, or the one that it was given', () => {
    const adopts = { bootId: 'b', cookie: '7', path: '/proc/7/ns/net' }
    const given = withWants(sandbox, { sandboxes: [{ ...sandboxWant(1), adopts }] })
    const of = (desired: Desired): Spec | undefined => specsOf(desired, context).get('netns/sandbox1')
    expect([of(sandbox), of(given)]).toStrictEqual([
      { kind: 'netns', sandbox: 'sandbox1' },
      { adopts, kind: 'netns', sandbox: 'sandbox1' },
    ])
  })

  it('goes with its endpoints: links first, then the namespace', () => {
    const { cut, sweep } = planBetween(joined, network, standing(joined))
    expect(named(cut)).toEqual(['cut link/host/cnv1-1'])
    expect(named(sweep)).toEqual(['remove link/host/cnv1-1', 'remove netns/sandbox1'])
  })
})

describe('a start', () => {
  it('on an undamaged kernel does nothing', () => {
    const found = new Map(
      [...specsOf(joined, context)].map(([key, spec]) => [key, { ours: true, spec: structuredClone(spec) }]),
    )
    expect(planAll(specsOf(joined, context), basesOf({ found, strays: [] }))).toEqual([])
  })

  it('removes strays directly and first', () => {
    const spec = [...specsOf(joined, context).values()].find((s) => s.kind === 'veth') as Spec
    const strays = [{ key: keyOf(spec), label: 'link cnv1-1', spec }]
    const steps = planAll(specsOf(network, context), basesOf({ found: new Map(), strays }))
    expect(named(steps)[0]).toBe('remove link/host/cnv1-1')
    expect(named(steps)).toContain('ensure link/host/cnb2')
  })

  it('makes again what stood on a link that goes, on the one that comes in its place, and nothing else', () => {
    const wanted = specsOf(joined, context)
    const bases = standing(joined)
    // An endpoint of before, with the interface that is wanted of this one.
    const link = bases.get('link/host/cnv1-1') as Base
    const old = { ...link.spec, name: 'cnv1-0' } as Spec
    bases.delete('link/host/cnv1-1')
    bases.set('link/host/cnv1-0', { spec: old, state: 'present' })
    const steps = planAll(wanted, bases)
    expect(named(steps)).toEqual([
      'remove link/host/cnv1-0',
      'ensure link/host/cnv1-1',
      'ensure addr/sandbox1/eth2/10.0.2.3/24',
      'ensure route/sandbox1/0.0.0.0/0',
    ])
    expect(steps[0]).toMatchObject({ takes: ['addr/sandbox1/eth2/10.0.2.3/24', 'route/sandbox1/0.0.0.0/0'] })
  })

  it('leaves a link whose bridge goes, and puts it on its own', () => {
    const bases = standing(joined)
    const link = bases.get('link/host/cnv1-1') as Base
    const bridge = bases.get('link/host/cnb2') as Base
    bases.set('link/host/cnb9', { spec: { ...bridge.spec, name: 'cnb9' } as Spec, state: 'present' })
    bases.set('link/host/cnv1-1', { spec: { ...link.spec, bridge: 'cnb9' } as Spec, state: 'present' })
    expect(named(planAll(specsOf(joined, context), bases))).toEqual([
      'remove link/host/cnb9',
      'ensure link/host/cnv1-1',
    ])
  })

  it('never removes what is not ours, and ensures what stands in its place', () => {
    const spec = [...specsOf(network, context).values()].find((s) => s.kind === 'bridge') as Spec
    const bases = basesOf({ found: new Map([[keyOf(spec), { ours: false, spec }]]), strays: [] })
    expect(planAll(new Map(), bases)).toEqual([])
    expect(named(planAll(new Map([[keyOf(spec), spec]]), bases))).toEqual(['ensure link/host/cnb2'])
  })
})

describe('a difference', () => {
  const wanted = specsOf(network, context)
  const bridge = wanted.get('link/host/cnb2') as Spec

  it('names the fields', () => {
    const other = { ...bridge, mtu: 1300 } as Spec
    expect(equalSpecs(bridge, structuredClone(bridge))).toBe(true)
    expect(equalSpecs(bridge, other)).toBe(false)
    expect(differingFields(bridge, other)).toEqual(['mtu'])
  })

  it('names them in order, whichever of the two has them', () => {
    const own: Spec = { kind: 'netns', sandbox: 'sandbox1' as SandboxId }
    const adopts = { bootId: 'b', cookie: '7', path: '/proc/7/ns/net' }
    const other: Spec = { adopts, kind: 'netns', sandbox: 'sandbox2' as SandboxId }
    expect(differingFields(own, other)).toEqual(['adopts', 'sandbox'])
    expect(differingFields(other, own)).toEqual(['adopts', 'sandbox'])
  })

  it('is what is missing, changed, or not ours, of what a receipt vouches for', () => {
    const found = new Map([...wanted].map(([key, spec]) => [key, { ours: true, spec }]))
    const resources = [...wanted].map(
      ([key, spec]) => [key, { intents: [], spec, state: 'present' }] as const,
    )
    const vouched = { ...applied.init, resources: Table.of<AppliedResource>(resources) }
    expect(differencesOf(wanted, { found }, applied.init)).toEqual([])
    expect(differencesOf(wanted, { found }, vouched)).toEqual([])
    found.delete('nft/chronet_0badcafe')
    found.set(keyOf(bridge), { ours: true, spec: { ...bridge, mtu: 1300 } as Spec })
    found.set('addr/host/cnb2/10.0.2.1/24', {
      ours: false,
      spec: wanted.get('addr/host/cnb2/10.0.2.1/24') as Spec,
    })
    expect(
      differencesOf(wanted, { found }, vouched)
        .map((d) => `${d.found} ${d.key} ${d.fields.join()}`)
        .sort(),
    ).toEqual([
      'changed addr/host/cnb2/10.0.2.1/24 ',
      'changed link/host/cnb2 mtu',
      'missing nft/chronet_0badcafe ',
    ])
  })
})
