/** The kernel of the past, as stories: what receipts and open intents make of resources. */
import { describe, expect, it } from 'vitest'
import type { AnyFact, Spec, StepFailure } from '../../events/index.ts'
import { keyOf } from '../../events/index.ts'
import { applied as projection, baseOf, openPlans, positionOf } from '../../projections/index.ts'
import { addr, after, busy, cut, ensure, intended, plan, remove, settled, started, veth } from './story.ts'
import { commitOf, factOf } from './commits.ts'

const applied = (...facts: readonly AnyFact[]) => after(facts).applied
const stateOf = (...facts: readonly AnyFact[]) => applied(...facts).resources.get(keyOf(veth))?.state
const baseState = (...facts: readonly AnyFact[]) => baseOf(applied(...facts), keyOf(veth))?.state

const made = [intended(3, 'realise', ensure(veth), ensure(addr)), settled(3)]
const needed = (spec: typeof addr): StepFailure => ({ ...busy(spec), class: 'need' })
const drift = (found: 'changed' | 'missing'): AnyFact =>
  factOf('host', 'DriftObserved', { differences: [{ fields: [], found, key: keyOf(veth), spec: veth }] })

describe('an addition', () => {
  it('counts as present from the intent on, and is present with the receipt', () => {
    expect(stateOf(intended(3, 'realise', ensure(veth)))).toBe('absent')
    expect(baseState(intended(3, 'realise', ensure(veth)))).toBe('present')
    expect(stateOf(...made)).toBe('present')
  })

  it('that failed leaves the resource unknown, as it was intended', () => {
    const failed = [intended(3, 'realise', ensure(veth), ensure(addr)), settled(3, busy(veth), needed(addr))]
    expect(applied(...failed).resources.get(keyOf(veth))).toEqual({
      intents: [],
      spec: veth,
      state: 'unknown',
    })
  })

  it('whose need failed never ran, and leaves nothing', () => {
    const failed = [intended(3, 'realise', ensure(veth), ensure(addr)), settled(3, busy(veth), needed(addr))]
    expect(applied(...failed).resources.has(keyOf(addr))).toBe(false)
  })

  it('that failed over something present leaves that, unknown', () => {
    const wider = { ...veth, mtu: 9000 }
    const failed = applied(...made, intended(4, 'realise', ensure(wider)), settled(4, busy(veth)))
    expect(failed.resources.get(keyOf(veth))).toMatchObject({ spec: veth, state: 'unknown' })
  })

  it('keeps what the kernel told of the resource', () => {
    const seen = [{ ifindex: 12, key: keyOf(veth) }]
    const receipt = factOf('effects', 'EffectsSettled', { failures: [], late: false, plan: plan(3), seen })
    const told = applied(intended(3, 'realise', ensure(veth)), receipt)
    expect(told.resources.get(keyOf(veth))?.seen).toEqual(seen[0])
  })
})

describe('a step that was skipped, since nobody wanted it any more', () => {
  const skipped = (n: number, ...specs: readonly Spec[]): AnyFact =>
    factOf('effects', 'EffectsSettled', {
      failures: [],
      late: true,
      plan: plan(n),
      seen: [],
      skipped: specs.map(keyOf),
    })

  it('leaves nothing where nothing was', () => {
    const late = applied(intended(3, 'realise', ensure(veth), ensure(addr)), skipped(3, addr))
    expect(late.resources.has(keyOf(addr))).toBe(false)
    expect(late.resources.get(keyOf(veth))?.state).toBe('present')
  })

  it('leaves what was, with what a removal would have taken along', () => {
    const late = applied(...made, intended(4, 'sweep', remove(veth, addr)), skipped(4, veth))
    expect([...late.resources.values()].map(({ intents, state }) => [intents, state])).toEqual([
      [[], 'present'],
      [[], 'present'],
    ])
  })
})

describe('a cut', () => {
  it('counts from the intent on, and not for what is not there', () => {
    expect(baseState(...made, intended(4, 'cut', cut(veth)))).toBe('cut')
    expect(stateOf(...made, intended(4, 'cut', cut(veth)), settled(4))).toBe('cut')
    expect(stateOf(...made, intended(4, 'cut', cut(veth)), settled(4, busy(veth)))).toBe('unknown')
    expect(baseState(intended(4, 'cut', cut(veth)))).toBeUndefined()
    expect(stateOf(intended(4, 'cut', cut(veth)), settled(4))).toBeUndefined()
  })
})

describe('a removal', () => {
  const removal = intended(4, 'sweep', remove(veth, addr))

  it('counts as done from the intent on, with all that it takes along', () => {
    const pending = applied(...made, removal)
    expect(baseOf(pending, keyOf(veth))).toBeUndefined()
    expect(baseOf(pending, keyOf(addr))).toBeUndefined()
    expect(pending.resources.size).toBe(2)
    expect(applied(...made, removal, settled(4)).resources.size).toBe(0)
  })

  it('that failed leaves all as it was', () => {
    const before = applied(...made).resources
    const failed = applied(...made, removal, settled(4, busy(veth))).resources
    expect([...failed.entries()].sort()).toEqual([...before.entries()].sort())
  })

  it('does not take what a later plan puts in its place', () => {
    const again = [...made, removal, intended(5, 'realise', ensure(veth))]
    expect(baseState(...again)).toBe('present')
    expect(baseState(...again, settled(4))).toBe('present')
    expect(stateOf(...again, settled(4), settled(5))).toBe('present')
  })
})

describe('the kernel', () => {
  it('that was replaced has nothing; open plans stay open, and count', () => {
    const fresh = applied(
      ...made,
      intended(4, 'cut', cut(veth)),
      intended(5, 'realise', ensure(addr)),
      started(true),
    )
    expect(openPlans(fresh).map((open) => open.plan)).toEqual([plan(4), plan(5)])
    expect(baseOf(fresh, keyOf(veth))).toBeUndefined()
    expect(baseOf(fresh, keyOf(addr))?.state).toBe('present')
  })

  it('that stayed has what it had when an engine starts again', () => {
    expect(stateOf(...made, started(false))).toBe('present')
  })

  it('that drifted lost what is missing, and nobody knows what is changed, until it is healed', () => {
    expect(baseState(...made, drift('missing'))).toBeUndefined()
    expect(baseState(...made, drift('changed'))).toBe('unknown')
    expect(baseState(...made, drift('changed'), intended(4, 'heal', ensure(veth)))).toBe('present')
  })
})

it('takes no notice of a second receipt', () => {
  expect(stateOf(...made, settled(3, busy(veth)))).toBe('present')
})

describe('what open intents and receipts say together', () => {
  const wider: Spec = { ...veth, mtu: 9000 } as Spec
  const of = (spec: Spec, ...facts: readonly AnyFact[]) => applied(...facts).resources.get(keyOf(spec))

  it('is the last spec that is to be made, whatever is cut or removed', () => {
    const base = (...facts: readonly AnyFact[]) => baseOf(applied(...facts), keyOf(veth))
    expect(base(...made, intended(4, 'realise', ensure(wider)))).toEqual({ spec: wider, state: 'present' })
    expect(base(...made, intended(4, 'cut', cut(wider)))).toEqual({ spec: veth, state: 'cut' })
  })

  it('is the new spec, once that is made', () => {
    const next = [...made, intended(4, 'realise', ensure(wider)), settled(4)]
    expect(of(veth, ...next)).toEqual({ intents: [], spec: wider, state: 'present' })
  })

  it('is what was tried, where that failed over nothing', () => {
    const two = [intended(3, 'realise', ensure(veth)), intended(4, 'realise', ensure(wider))]
    expect(of(veth, ...two, settled(4, busy(veth)))).toMatchObject({ spec: wider, state: 'unknown' })
    expect(of(veth, ...two, settled(4, busy(veth)))?.intents.map(({ plan: id }) => id)).toEqual([plan(3)])
  })

  it('waits for the plan that is open, when one is cut off that never was', () => {
    const cutOff = [intended(3, 'realise', ensure(veth)), intended(4, 'cut', cut(veth)), settled(4)]
    expect(of(veth, ...cutOff)).toMatchObject({ intents: [{ op: 'ensure', plan: plan(3) }], state: 'absent' })
    const lacked = [...made, intended(4, 'heal', ensure(veth)), settled(4, needed(veth))]
    expect(of(veth, ...lacked)).toEqual({ intents: [], spec: veth, state: 'present' })
  })

  it('keeps what the kernel told, until it tells something else or the resource is gone', () => {
    const told = (n: number, ...ifindex: readonly number[]) =>
      factOf('effects', 'EffectsSettled', {
        failures: [],
        late: false,
        plan: plan(n),
        seen: ifindex.map((index) => ({ ifindex: index, key: keyOf(veth) })),
      })
    const first = [intended(3, 'realise', ensure(veth)), told(3, 12)]
    const again = [...first, intended(4, 'heal', ensure(veth))]
    expect(of(veth, ...again, told(4))?.seen).toMatchObject({ ifindex: 12 })
    expect(of(veth, ...again, told(4, 13))?.seen).toMatchObject({ ifindex: 13 })
    const pending = of(veth, ...again, drift('missing'))
    expect(pending).toEqual({
      intents: [expect.objectContaining({ plan: plan(4) })],
      spec: veth,
      state: 'absent',
    })
  })

  it('knows nothing of what only a removal takes along, or only a drift tells as missing', () => {
    expect(of(addr, intended(4, 'sweep', remove(veth, addr)))).toBeUndefined()
    expect(applied(intended(4, 'sweep', remove(veth, addr)), settled(4)).resources.size).toBe(0)
    expect(applied(drift('missing')).resources.size).toBe(0)
    expect(of(veth, drift('changed'))).toEqual({ intents: [], spec: veth, state: 'unknown' })
    const skipped = factOf('effects', 'EffectsSettled', {
      failures: [],
      late: true,
      plan: plan(4),
      seen: [],
      skipped: [keyOf(veth)],
    })
    expect(applied(intended(4, 'sweep', remove(veth, addr)), skipped).resources.size).toBe(0)
  })

  it('stays the same object where a drift tells nothing new', () => {
    const folded = (facts: readonly AnyFact[], found: 'changed' | 'missing') => {
      const before = applied(...facts)
      const fact = drift(found) as Parameters<typeof projection.evolve>[1]
      return [projection.evolve(before, fact, positionOf(commitOf(9, []), 0)), before]
    }
    const [unknown, before] = folded([...made, drift('changed')], 'changed')
    expect(unknown).toBe(before)
    const [absent, pending] = folded([intended(3, 'realise', ensure(veth))], 'missing')
    expect(absent).toBe(pending)
  })

  it('tells open plans in the order of the log, over all epochs', () => {
    const opened = (id: string) =>
      factOf('effects', 'EffectsIntended', { for: [], plan: id as never, purpose: 'heal', steps: [] })
    const ids = ['1.9', '1.10', '2.11', '2.100', '10.101']
    const open = openPlans(applied(...ids.toReversed().map(opened)))
    expect(open.map((each) => each.plan)).toEqual(ids)
  })
})
