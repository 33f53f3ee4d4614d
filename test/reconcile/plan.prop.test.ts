/** The planner against a model of the kernel, over random lives of wants. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { needsOf, providesOf, type ResourceKey, type Spec, type Step } from '../../events/index.ts'
import type { Desired } from '../../projections/index.ts'
import { planAll, planOn, type Base, type Plan } from '../../src/reconcile/plan.ts'
import { changedSpecs, specsOf, type Specs } from '../../src/reconcile/specs.ts'
import { changed, changes, context, nothing, type Change } from './wants.ts'
import { World } from './world.ts'

/** Calls back with each change of a life: the wants before and after. */
function live(life: readonly Change[], see: (before: Desired, after: Desired) => void): Desired {
  let desired = nothing
  life.forEach((change, attempt) => {
    const next = changed(desired, change, attempt)
    see(desired, next)
    desired = next
  })
  return desired
}

const run = (world: World, { cut, realise, sweep }: Plan): void => {
  world.run([...realise, ...cut])
  world.run(sweep)
}

const withoutSysctls = (specs: Specs): Map<ResourceKey, Spec> =>
  new Map([...specs].filter(([, spec]) => spec.kind !== 'sysctl'))

const byKey = (steps: readonly Step[]): string[] =>
  steps.map((s) => JSON.stringify(s.op === 'remove' ? { ...s, takes: [...s.takes].sort() } : s)).sort()

describe('the specs of a change', () => {
  it('are the difference of the specs of everything', () => {
    fc.assert(
      fc.property(changes, (life) => {
        live(life, (before, after) => {
          const change = changedSpecs(before, after, context)
          const all = { after: specsOf(after, context), before: specsOf(before, context) }
          const keys = new Set([...all.before.keys(), ...all.after.keys()])
          for (const key of keys) {
            const touched = change.before.has(key) || change.after.has(key)
            if (!touched) expect(all.after.get(key)).toEqual(all.before.get(key))
            else {
              expect(change.before.get(key)).toEqual(all.before.get(key))
              expect(change.after.get(key)).toEqual(all.after.get(key))
            }
          }
          for (const key of [...change.before.keys(), ...change.after.keys()]) expect(keys).toContain(key)
        })
      }),
    )
  })
})

describe('a plan', () => {
  it('brings the world to what is wanted, whatever the life', () => {
    fc.assert(
      fc.property(changes, (life) => {
        const world = new World()
        live(life, (before, after) => {
          run(world, planOn(changedSpecs(before, after, context), world.base))
          expect(world.standing()).toEqual(withoutSysctls(specsOf(after, context)))
        })
      }),
    )
  })

  it('of a change is the plan of everything', () => {
    fc.assert(
      fc.property(changes, (life) => {
        const world = new World()
        live(life, (before, after) => {
          const incremental = planOn(changedSpecs(before, after, context), world.base)
          const full = planOn({ after: specsOf(after, context), before: world.bases }, world.base)
          expect(byKey(incremental.realise)).toEqual(byKey(full.realise))
          expect(byKey(incremental.cut)).toEqual(byKey(full.cut))
          expect(byKey(incremental.sweep)).toEqual(byKey(full.sweep))
          run(world, incremental)
        })
      }),
    )
  })

  it('is empty the second time', () => {
    fc.assert(
      fc.property(changes, (life) => {
        const world = new World()
        const desired = live(life, () => undefined)
        run(world, planOn({ after: specsOf(desired, context), before: world.bases }, world.base))
        expect(planAll(specsOf(desired, context), world.bases)).toEqual([])
      }),
    )
  })

  it('works in any order that serves the needs', () => {
    fc.assert(
      fc.property(changes, fc.infiniteStream(fc.nat()), (life, chance) => {
        const world = new World()
        const desired = live(life, () => undefined)
        const wanted = specsOf(desired, context)
        world.run(anyOrder(planOn({ after: wanted, before: new Map() }, world.base).realise, chance))
        expect(new Map([...world.bases].map(([key, { spec }]) => [key, spec]))).toEqual(wanted)
      }),
    )
  })

  it('touches nothing that is foreign or was not asked about', () => {
    fc.assert(
      fc.property(changes, (life) => {
        const world = new World()
        const foreign: Spec = {
          ipv6: false,
          kind: 'bridge',
          mac: '02:00:00:00:00:99' as never,
          mtu: 0,
          name: 'docker0' as never,
        }
        world.bases.set('link/host/docker0', { spec: foreign, state: 'present' })
        live(life, (before, after) => {
          const { cut, realise, sweep } = planOn(changedSpecs(before, after, context), world.base)
          for (const step of [...realise, ...cut, ...sweep]) expect(step.key).not.toBe('link/host/docker0')
          run(world, { cut, realise, sweep })
        })
        expect(world.bases.get('link/host/docker0')).toEqual({ spec: foreign, state: 'present' })
      }),
    )
  })
})

describe('the plan of everything', () => {
  it('brings any world of ours to any wants', () => {
    fc.assert(
      fc.property(changes, changes, fc.infiniteStream(fc.nat()), (life, other, chance) => {
        const world = new World()
        const had = specsOf(
          live(other, () => undefined),
          context,
        )
        for (const [key, spec] of had) world.bases.set(key, { spec, state: stateOf(chance) })
        const wanted = specsOf(
          live(life, () => undefined),
          context,
        )
        world.run(planAll(wanted, world.bases))
        expect(world.standing()).toEqual(withoutSysctls(wanted))
      }),
    )
  })

  it('says what goes with a link that another one replaces, and makes it again', () => {
    const joined = (n: number, network: number): ReturnType<typeof specsOf> =>
      specsOf(
        live(
          [
            { internal: false, n: network, type: 'network' },
            { n: 2, type: 'sandbox' },
            { n, network, sandbox: 2, type: 'join' },
          ],
          () => undefined,
        ),
        context,
      )
    const world = new World()
    for (const [key, spec] of joined(1, 3)) world.bases.set(key, { spec, state: 'present' })
    const wanted = joined(0, 2)
    world.run(planAll(wanted, world.bases))
    expect(world.standing()).toEqual(withoutSysctls(wanted))
  })

  it('has its steps with keys in alphabetical order', () => {
    fc.assert(
      fc.property(changes, changes, (life, other) => {
        const had = specsOf(
          live(other, () => undefined),
          context,
        )
        const bases = new Map<ResourceKey, Base>(
          [...had].map(([key, spec]) => [key, { spec, state: 'present' }]),
        )
        for (const step of planAll(
          specsOf(
            live(life, () => undefined),
            context,
          ),
          bases,
        ))
          expect(Object.keys(step)).toEqual(Object.keys(step).sort())
      }),
    )
  })
})

const stateOf = (chance: Iterator<number>): Base['state'] =>
  (['cut', 'present', 'unknown'] as const)[next(chance) % 3] ?? 'present'

const next = (chance: Iterator<number>): number => Number(chance.next().value)

/** The steps in a random order, each behind what it needs. */
function anyOrder(steps: readonly Step[], chance: Iterator<number>): Step[] {
  const rest = [...steps]
  const ordered: Step[] = []
  const provided = new Set<ResourceKey>()
  while (rest.length > 0) {
    const ready = rest.filter((step) => needsOf(step.spec).every((need) => provided.has(need)))
    const step = ready[next(chance) % ready.length]
    if (!step) throw new Error('the needs go in a circle')
    rest.splice(rest.indexOf(step), 1)
    ordered.push(step)
    for (const key of providesOf(step.spec)) provided.add(key)
  }
  return ordered
}
