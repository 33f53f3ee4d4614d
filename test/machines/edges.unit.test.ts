/** What a machine says and does at its edges: whom a refusal is about, what is left out of facts, and charts that are none. */
import { assign, createMachine, emit, not, or, setup } from 'xstate'
import { describe, expect, it } from 'vitest'
import type { EndpointId, Problem } from '../../events/index.ts'
import type { EntityKind, MachineCommand } from '../../machines/index.ts'
import { chartOf, decideStream, evolve, inOrder, problemsOfStream } from '../../machines/index.ts'
import { COMMANDS, ENDPOINT, ETH0, ETH1, NETWORK, OTHER, SANDBOX, stateIn } from './samples.ts'

const IDS = { endpoint: ENDPOINT, network: NETWORK, sandbox: SANDBOX }
const problems = (
  kind: EntityKind,
  state: string,
  command: MachineCommand | undefined,
): readonly Problem[] =>
  command === undefined ? [] : problemsOfStream(`${kind}/${IDS[kind]}`, stateIn(kind, state), command)
const rest = (all: readonly Problem[]): readonly object[] => all.map(({ message: _, ...more }) => more)

const add = (endpoint: EndpointId, ifName: typeof ETH0): MachineCommand => ({
  endpoint,
  gateway: false,
  gateway6: false,
  ifName,
  type: 'sandbox.addInterface',
})
const remove = (endpoint: EndpointId, more: object = {}): MachineCommand => ({
  endpoint,
  ...more,
  type: 'sandbox.removeInterface',
})

describe('a refusal tells programs', () => {
  it.each<[string, readonly Problem[], readonly object[]]>([
    [
      'which field is old',
      problems('endpoint', 'reserved', COMMANDS.endpoint['endpoint.join, attempt 2']),
      [{ code: 'ERR_EXPECTED_VERSION', field: 'attempt' }],
    ],
    [
      'that the endpoint is not here',
      problems('sandbox', 'created', remove(OTHER)),
      [{ code: 'ERR_NOT_FOUND', field: 'endpoint' }],
    ],
    [
      'who has the endpoint already, and who has the name',
      problems('sandbox', 'created, two interfaces', add(ENDPOINT, ETH1)),
      [
        { code: 'ERR_STATE', field: 'endpoint', holder: SANDBOX },
        { code: 'ERR_EXISTS', field: 'ifName', holder: OTHER },
      ],
    ],
    [
      'that a gateway would not stay',
      problems('sandbox', 'created, one interface', remove(ENDPOINT, { gateway: OTHER })),
      [{ code: 'ERR_NOT_FOUND', field: 'gateway' }],
    ],
    [
      'who may still have the interface',
      problems('endpoint', 'failed to leave', { type: 'endpoint.release' }),
      [{ code: 'ERR_IN_USE', holder: SANDBOX }],
    ],
    [
      'that it waits for a leave',
      problems('endpoint', 'leaving, to be released', { type: 'endpoint.release' }),
      [{ code: 'ERR_STATE' }],
    ],
    [
      'where the endpoint is',
      problems('endpoint', 'joined', COMMANDS.endpoint['endpoint.join']),
      [{ code: 'ERR_STATE', holder: SANDBOX }],
    ],
    [
      'nobody, where nobody has it',
      problems('network', 'deleted', COMMANDS.network['network.delete']),
      [{ code: 'ERR_STATE' }],
    ],
    [
      'nobody of a sandbox, which is not held',
      problems('sandbox', 'deleting', COMMANDS.sandbox['sandbox.delete']),
      [{ code: 'ERR_STATE' }],
    ],
    [
      'that there is none',
      problems('sandbox', 'absent', COMMANDS.sandbox['sandbox.delete']),
      [{ code: 'ERR_NOT_FOUND' }],
    ],
  ])('%s', (_what, all, told) => {
    expect(rest(all)).toEqual(told)
  })

  it.each([
    ['of IPv4', { gateway: 'f'.repeat(64), gateway6: OTHER }, 'f'.repeat(12)],
    ['of IPv6', { gateway: OTHER, gateway6: 'f'.repeat(64) }, 'f'.repeat(12)],
    ['that goes itself', { gateway: OTHER, gateway6: ENDPOINT }, ENDPOINT.slice(0, 12)],
  ])('which gateway would not stay: the one %s', (_which, gateways, id) => {
    const [problem] = problems('sandbox', 'created, two interfaces', remove(ENDPOINT, gateways))
    expect(problem?.message).toContain(`cannot go by endpoint ${id}, which has no interface here afterwards`)
  })

  it('what the interface is called that the endpoint has here already', () => {
    const [problem] = problems('sandbox', 'created, two interfaces', add(OTHER, 'eth7' as typeof ETH0))
    expect(problem?.message).toContain('endpoint cccccccccccc has interface eth1 here already')
  })

  it('what can be done now, and never a receipt', () => {
    const message = (kind: EntityKind, state: string, command: MachineCommand | undefined): string =>
      problems(kind, state, command)[0]?.message ?? ''
    expect(message('endpoint', 'failed to join', COMMANDS.endpoint['endpoint.join'])).toMatch(
      /; what can be done now: leave or delete$/,
    )
    expect(message('sandbox', 'creating', add(ENDPOINT, ETH0))).toMatch(
      /; wait for the receipt \(plan 1\.2\), or delete$/,
    )
    expect(message('network', 'deleting', COMMANDS.network['network.delete'])).toMatch(
      /; wait for the receipt \(plan 1\.2\)$/,
    )
  })
})

describe('a fact', () => {
  it('has its labels in order, however they came', () => {
    const orders = ['abcd', 'dcba', 'badc', 'cadb', 'dbca', 'Zaz9']
    for (const order of orders)
      expect(Object.keys(inOrder(Object.fromEntries([...order].map((key) => [key, key]))))).toEqual(
        [...order].sort(),
      )
  })

  it('of a network has the prefix of its interfaces if one was asked for, and no such field otherwise', () => {
    const create = COMMANDS.network['network.create']
    if (create?.type !== 'network.create') throw new TypeError('no sample of network.create')
    const dataOf = (command: MachineCommand) =>
      decideStream(`network/${NETWORK}`, undefined, command)[0]?.data
    expect(dataOf(create)).not.toHaveProperty('ifPrefix')
    expect(dataOf({ ...create, ifPrefix: 'lan' })).toHaveProperty('ifPrefix', 'lan')
  })

  it('that the chart does not take is a defect', () => {
    const fact = COMMANDS.endpoint['endpoint.join'] // no fact at all, which is as odd as one of another state
    expect(() => evolve('endpoint', undefined, { ...fact, stream: `endpoint/${ENDPOINT}` } as never)).toThrow(
      expect.objectContaining({ message: expect.stringContaining('chronet defect') as unknown }),
    )
  })

  it('that changes nothing leaves the state the same object', () => {
    const created = stateIn('sandbox', 'created')
    const { context } = created
    const again = evolve('sandbox', { context, value: 'created' }, {
      data: { endpoint: OTHER, sandbox: SANDBOX },
      stream: `sandbox/${SANDBOX}`,
      type: 'SandboxInterfaceRemoved',
      v: 1,
    } as never)
    expect(again).toEqual(created)
  })
})

describe('no chart is read', () => {
  const moved = () => ({ type: 'XMoved' })
  const nameless = [() => ({ type: 'XMoved' })].map((maker) =>
    Object.defineProperty(maker, 'name', { value: '' }),
  )[0]
  const machine = (state: object, more: object = {}) =>
    createMachine({ context: {}, id: 'x', initial: 'a', states: { a: state, b: {} }, ...more })

  it.each([
    [
      'of a machine that moves by itself',
      {},
      { on: { XMoved: { target: '.b' } } },
      'transitions stand in states',
    ],
    [
      'with a guard that nobody wrote',
      { on: { 'x.move': { actions: emit(moved), guard: 'typo' } } },
      {},
      "no guard 'typo'",
    ],
    [
      'with or()',
      { on: { 'x.move': { actions: emit(moved), guard: or(['one', 'other']) } } },
      {},
      'and() of names',
    ],
    ['with not()', { on: { 'x.move': { actions: emit(moved), guard: not('one') } } }, {}, 'and() of names'],
    [
      'that emits by a function without a name',
      { on: { 'x.move': { actions: emit(nameless as typeof moved) } } },
      {},
      'named functions',
    ],
    ['of a fact with two targets', { on: { XMoved: { target: ['b', 'a'] } } }, {}, 'one target'],
    [
      'of a fact that does something',
      { on: { XMoved: { actions: 'log', target: 'b' } } },
      {},
      'assigns by functions',
    ],
    [
      'of a fact that assigns no function',
      { on: { XMoved: { actions: assign({}), target: 'b' } } },
      {},
      'assigns by functions',
    ],
  ] as const)('%s', (_what, state, more, message) => {
    expect(() => chartOf(machine(state, more))).toThrow(message)
  })

  it('twice: it is remembered', () => {
    const once = setup({}).createMachine({ context: {}, id: 'x', initial: 'a', states: { a: {} } })
    expect(chartOf(once)).toBe(chartOf(once))
  })
})
