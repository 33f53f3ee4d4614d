/** The rule of all machines: commands emit and never move, facts move and never emit; and every no has a reason. */
import { assign, createMachine, emit } from 'xstate'
import { describe, expect, it } from 'vitest'
import { chartOf, MACHINES, REASONS } from '../../machines/index.ts'
import { FACTS, KINDS } from './samples.ts'

const moved = () => ({ type: 'XMoved' })
const breaking = (state: object) =>
  createMachine({ id: 'x', initial: 'a', context: {}, states: { a: state, b: {} } })

describe.each(KINDS)('the chart of %s', (kind) => {
  const chart = chartOf(MACHINES[kind])
  const states = [...chart.states.values()]

  it('keeps the rule in every state, and begins absent', () => {
    expect(chart.initial).toBe('absent')
    expect(chart.kind).toBe(kind)
  })

  it('takes every fact of its kind somewhere, and no other', () => {
    const taken = new Set(states.flatMap((state) => [...state.facts.keys()]))
    expect([...taken].sort()).toEqual(FACTS[kind].map((fact) => fact.type).sort())
  })

  it('emits only facts that the same state takes, so that a decision can always be folded', () => {
    for (const state of states)
      for (const way of [...state.commands.values()].flat()) {
        const [first = ''] = way.emits
        expect([...state.facts.keys()]).toContain(first)
      }
  })

  it('takes nothing in a final state', () => {
    const final = states.filter((state) => state.final)
    expect(final).toHaveLength(1)
    expect(final.flatMap((state) => [...state.commands.keys(), ...state.facts.keys()])).toEqual([])
  })
})

describe('reasons', () => {
  it('stand beside exactly the guards that can refuse', () => {
    const refusing = new Set<string>()
    for (const kind of KINDS)
      for (const state of chartOf(MACHINES[kind]).states.values())
        for (const [type, ways] of state.commands)
          if (type !== 'effects.settle')
            for (const guard of ways.flatMap((way) => way.guards)) refusing.add(guard.name)
    expect([...refusing].sort()).toEqual(Object.keys(REASONS).sort())
  })
})

describe('a chart is not read', () => {
  it.each([
    ['a command moves', { on: { 'x.move': { target: 'b', actions: emit(moved) } } }, 'never moves'],
    ['a command assigns', { on: { 'x.move': { actions: assign({}) } } }, 'emits by named functions'],
    ['a command does nothing', { on: { 'x.move': {} } }, 'a command that is taken emits'],
    [
      'a command emits a constant',
      { on: { 'x.move': { actions: emit({ type: 'XMoved' }) } } },
      'named functions',
    ],
    ['a fact is guarded', { on: { XMoved: { target: 'b', guard: () => true } } }, 'never refused'],
    ['a fact has two ways', { on: { XMoved: [{ target: 'b' }, { target: 'a' }] } }, 'never refused'],
    ['a fact goes nowhere', { on: { XMoved: { actions: assign({}) } } }, 'one target'],
    ['a fact emits', { on: { XMoved: { target: 'b', actions: emit(moved) } } }, 'assigns by functions'],
    ['a state acts on entry', { entry: emit(moved) }, 'no entry'],
    ['a state has a timer', { after: { 1000: 'b' } }, 'no entry, exit, invoke, after or always'],
    ['a state has states', { initial: 'c', states: { c: {} } }, 'states are flat'],
  ])('in which %s', (_name, state, message) => {
    expect(() => chartOf(breaking(state))).toThrow(message)
  })

  it('in which a guard is not and() of names', () => {
    const odd = { on: { 'x.move': { guard: () => true, actions: emit(moved) } } }
    expect(() => chartOf(breaking(odd))).toThrow('a guard is a name')
  })
})
