/**
 * What ties the two halves of a machine: the derived table evolves as xstate itself would, and its chart, read to decide,
 * says what xstate's public `transition()` says, on every state that a random walk meets.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import { initialTransition, transition } from 'xstate'
import type { AnyFact, FactDraft } from '../../events/index.ts'
import type { EntityState, SandboxState } from '../../machines/index.ts'
import {
  chartOf,
  decideStream,
  evolveStream,
  initialState,
  isQuick,
  MACHINES,
  problemsOfStream,
} from '../../machines/index.ts'
import { FACTS, KINDS } from './samples.ts'
import { anyStep, commandOf, STREAM } from './walks.ts'

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** JSON with keys in the order of the canonical form (RFC 8785), recursively. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(',')}}`
}

type Action = { readonly params: unknown; readonly type: string }
/** What `transition()` gives, whose types say less of a machine that may be any. */
type Outcome = [AnyMachineSnapshot, readonly Action[]]

/** The facts among what xstate says there is to do. */
const emittedBy = (actions: readonly Action[]): unknown[] =>
  actions.flatMap(({ params, type }) =>
    type === 'xstate.emit' ? [(params as { event: unknown }).event] : [],
  )

function folded(state: EntityState, fact: FactDraft<AnyFact>): EntityState {
  const after = evolveStream(state, fact)
  if (after === undefined) throw new Error(`${fact.type} was not folded`)
  return after
}

describe.each(KINDS)('on any walk, %s', (kind) => {
  const machine: AnyStateMachine = MACHINES[kind]
  const walk = fc.array(anyStep, { maxLength: 40, minLength: 30 })

  it('decides and evolves as the public transition of xstate does', { timeout: 60_000 }, () => {
    let steps = 0
    const holds = fc.property(walk, (asked) => {
      let state: EntityState = initialState(MACHINES[kind])
      let snapshot: AnyMachineSnapshot = initialTransition(machine)[0]
      for (const step of asked) {
        steps++
        const command = commandOf(kind, state, step)
        const facts = decideStream(STREAM[kind], state, command)
        const [unmoved, actions] = transition(machine, snapshot, command) as Outcome
        expect(facts).toStrictEqual(emittedBy(actions))
        expect(plain({ context: unmoved.context as unknown, value: unmoved.value as unknown })).toEqual(
          plain(state),
        )
        for (const fact of facts) {
          state = folded(state, fact)
          ;[snapshot] = transition(machine, snapshot, fact)
        }
        expect(state.value).toBe(snapshot.value)
        expect(plain(state.context)).toEqual(plain(snapshot.context))
      }
    })
    fc.assert(holds, { numRuns: 70 })
    expect(steps).toBeGreaterThan(2_000)
    expect(isQuick(machine)).toBe(true)
  })

  it('evolves as xstate does by any facts that the chart takes, those no command makes there included', () => {
    const holds = fc.property(fc.array(fc.nat(99), { maxLength: 30 }), (picks) => {
      let state: EntityState = initialState(MACHINES[kind])
      let snapshot: AnyMachineSnapshot = initialTransition(machine)[0]
      for (const pick of picks) {
        const taken = chartOf(machine).states.get(state.value)?.facts
        const facts = FACTS[kind].filter((fact) => taken?.has(fact.type))
        const fact = facts[pick % facts.length]
        if (fact === undefined) return
        state = folded(state, fact)
        ;[snapshot] = transition(machine, snapshot, fact)
        expect(state.value).toBe(snapshot.value)
        expect(plain(state.context)).toEqual(plain(snapshot.context))
      }
    })
    fc.assert(holds, { numRuns: 60 })
  })

  it('emits if and only if nothing speaks against it, receipts apart', () => {
    const holds = fc.property(walk, (asked) => {
      let state: EntityState = initialState(MACHINES[kind])
      for (const step of asked) {
        const command = commandOf(kind, state, step)
        const facts = decideStream(STREAM[kind], state, command)
        const problems = problemsOfStream(STREAM[kind], state, command)
        if (command.type === 'effects.settle') expect(problems).toEqual([])
        else expect(facts.length > 0).toBe(problems.length === 0)
        for (const { message } of problems)
          expect(message).toMatch(/^\w+( '\w+' \([0-9a-f]{12}\))?: \w+ refused/)
        state = facts.reduce<EntityState>(folded, state)
      }
    })
    fc.assert(holds)
  })

  it('writes facts and states that are plain JSON, facts with their keys in canonical order', () => {
    const holds = fc.property(walk, (asked) => {
      let state: EntityState = initialState(MACHINES[kind])
      for (const step of asked)
        for (const fact of decideStream(STREAM[kind], state, commandOf(kind, state, step))) {
          expect(JSON.stringify(fact)).toBe(canonical(fact))
          expect(plain(fact)).toStrictEqual(fact)
          expect(Object.keys(fact)).toEqual(['data', 'stream', 'type', 'v'])
          expect(fact.stream).toBe(STREAM[kind])
          state = folded(state, fact)
          expect(plain(state)).toStrictEqual(state)
        }
    })
    fc.assert(holds)
  })
})

describe('on any walk, a sandbox', () => {
  it('has each endpoint and each interface name at most once, and a gateway that is one of them', () => {
    const holds = fc.property(fc.array(anyStep, { maxLength: 60 }), (asked) => {
      let state: EntityState = initialState(MACHINES.sandbox)
      for (const step of asked) {
        state = decideStream(STREAM.sandbox, state, commandOf('sandbox', state, step)).reduce(folded, state)
        const { gateway, gateway6, interfaces } = (state as SandboxState).context
        expect(new Set(interfaces.map((one) => one.endpoint)).size).toBe(interfaces.length)
        expect(new Set(interfaces.map((one) => one.ifName)).size).toBe(interfaces.length)
        for (const id of [gateway, gateway6])
          if (id !== undefined) expect(interfaces.map((one) => one.endpoint)).toContain(id)
      }
    })
    fc.assert(holds)
  })
})
