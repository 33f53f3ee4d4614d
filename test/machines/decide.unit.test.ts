/** How machines are asked: by their charts where xstate is known to say the same, by xstate itself otherwise. */
import { describe, expect, it } from 'vitest'
import type { AnyFact, FactDraft } from '../../events/index.ts'
import {
  decide,
  decideStream,
  endpointMachine,
  evolve,
  evolveStream,
  initialState,
  isQuick,
  kindOf,
  machineOf,
  networkMachine,
  problemsOf,
} from '../../machines/index.ts'
import { COMMANDS, ENDPOINT, fold, NETWORK, PLAN, stateIn } from './samples.ts'

const reserve = COMMANDS.endpoint['endpoint.reserve']
const settled: FactDraft<AnyFact> = {
  data: { failures: [], late: false, plan: PLAN, seen: [] },
  stream: 'effects',
  type: 'EffectsSettled',
  v: 1,
}
type Transition = typeof networkMachine.transition

/** A machine of an xstate of another day, in which a transition comes to something else than its chart says. */
function machineWhere(
  theirs: (...of: Parameters<Transition>) => ReturnType<Transition>,
): typeof networkMachine {
  return Object.assign(Object.create(networkMachine) as typeof networkMachine, { transition: theirs })
}

describe('decide', () => {
  const created = stateIn('network', 'created')
  const ask = { plan: PLAN, type: 'network.delete' } as const

  it('says by the chart what the xstate that is installed says', () => {
    expect(decide(networkMachine, created, ask).map((fact) => fact.type)).toEqual(['NetworkDeleteRequested'])
    expect(isQuick(networkMachine)).toBe(true)
  })

  it('asks xstate at the first time only', () => {
    let asked = 0
    const machine = machineWhere((...of) => {
      asked++
      return networkMachine.transition(...of)
    })
    for (let time = 0; time < 3; time++)
      expect(decide(machine, created, ask)).toEqual(decide(networkMachine, created, ask))
    expect(asked).toBe(1)
    expect(isQuick(machine)).toBe(true)
  })

  it('leaves the word to xstate from then on if it says something else', () => {
    const machine = machineWhere((snapshot) => snapshot)
    for (let time = 0; time < 2; time++) expect(decide(machine, created, ask)).toEqual([])
    expect(isQuick(machine)).toBe(false)
    expect(decide(networkMachine, created, ask)).toHaveLength(1)
  })

  it('leaves the state as it was, and what it gave before too', () => {
    const before = JSON.stringify(created)
    const first = decide(networkMachine, created, ask)
    decide(networkMachine, stateIn('network', 'absent'), ask)
    expect(first).toHaveLength(1)
    expect(JSON.stringify(created)).toBe(before)
  })

  it('puts labels in canonical order', () => {
    const [fact] = decideStream(`network/${NETWORK}`, undefined, COMMANDS.network['network.create'] ?? ask)
    expect(JSON.stringify(fact)).toContain('"labels":{"a":"1","b":"2"}')
  })

  it('knows no machine for the streams of plans and of the host', () => {
    expect(['effects', 'host', 'endpoint', 'toString/x'].map(machineOf)).toEqual(Array(4).fill(undefined))
    expect(kindOf(`endpoint/${ENDPOINT}`)).toBe('endpoint')
    expect(() => decideStream('effects', undefined, ask)).toThrow('no machine decides for stream effects')
  })
})

describe('evolve', () => {
  it('throws at a fact that the chart does not take in this state, naming all three', () => {
    const fact = {
      data: { endpoint: ENDPOINT },
      stream: `endpoint/${ENDPOINT}`,
      type: 'EndpointReleased',
      v: 1,
    } as const
    expect(() => evolve('endpoint', undefined, fact)).toThrow(
      `chronet defect: endpoint/${ENDPOINT} in state 'absent' met EndpointReleased, which its chart does not take`,
    )
  })

  it('leaves a state alone at facts of others', () => {
    const reserved = stateIn('endpoint', 'reserved')
    expect(evolve('endpoint', reserved, settled)).toBe(reserved)
    expect(evolveStream(reserved, settled)).toBe(reserved)
    expect(evolveStream(undefined, settled)).toBeUndefined()
  })
})

describe('an endpoint', () => {
  it('that was reserved and joined in one turn asks to join with attempt 1', () => {
    const [reserved] = decideStream(
      `endpoint/${ENDPOINT}`,
      undefined,
      reserve ?? { type: 'endpoint.release' },
    )
    const state = fold('endpoint', reserved === undefined ? [] : [reserved])
    const join = COMMANDS.endpoint['endpoint.join']
    if (join?.type !== 'endpoint.join') throw new TypeError('no sample of endpoint.join')
    expect(problemsOf(endpointMachine, state, join)).toEqual([])
    const [fact] = decide(endpointMachine, state, join)
    expect(fact).toMatchObject({ data: { attempt: 1 }, type: 'EndpointJoinRequested' })
  })

  it('is absent before its first fact', () => {
    expect(initialState(endpointMachine)).toEqual({
      context: { attempts: 0, endpoint: '', name: '' },
      value: 'absent',
    })
  })
})
