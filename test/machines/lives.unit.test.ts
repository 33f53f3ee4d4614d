/** Lives of entities, told as a turn would have them: what is asked, what follows, where that leads. */
import { describe, expect, it } from 'vitest'
import type { EndpointId, Origin, PlanId } from '../../events/index.ts'
import type { EntityKind, EntityState, MachineCommand, SandboxState } from '../../machines/index.ts'
import { decideStream, evolveStream } from '../../machines/index.ts'
import { COMMANDS, ENDPOINT, ETH0, ETH1, FAILURE, OTHER, PLAN, stateIn, SWEEP } from './samples.ts'
import { STREAM } from './walks.ts'

const LATER = '1.9' as PlanId
const joinAgain = COMMANDS.endpoint['endpoint.join, attempt 2']
const done = (plan: PlanId, sweep?: PlanId): MachineCommand => ({
  failures: [],
  plan,
  ...(sweep === undefined ? {} : { sweep }),
  type: 'effects.settle',
})
const failed = (plan: PlanId): MachineCommand => ({ failures: [FAILURE], plan, type: 'effects.settle' })

/** Asks one thing after the other; gives what followed, as `type` or `type, sweep`, and the state at the end. */
function live(kind: EntityKind, from: string, ...asked: readonly (MachineCommand | undefined)[]) {
  let state: EntityState | undefined = stateIn(kind, from)
  const facts: string[] = []
  for (const command of asked)
    for (const fact of command === undefined ? [] : decideStream(STREAM[kind], state, command)) {
      facts.push('sweep' in fact.data ? `${fact.type}, sweep ${fact.data.sweep}` : fact.type)
      state = evolveStream(state, fact)
    }
  return { facts, state }
}

describe('an endpoint', () => {
  const leave: MachineCommand = { plan: LATER, type: 'endpoint.leave' }
  const release: MachineCommand = { type: 'endpoint.release' }

  it('that leaves keeps its address, and can join again', () => {
    const { facts, state } = live('endpoint', 'joined', leave, done(LATER, SWEEP), joinAgain)
    expect(facts).toEqual(['EndpointLeaveRequested', 'EndpointLeft, sweep 1.3', 'EndpointJoinRequested'])
    expect(state?.value).toBe('joining')
  })

  it('that is disconnected is released by the receipt of its leave, in the same commit', () => {
    const { facts, state } = live('endpoint', 'joined', leave, release, done(LATER, SWEEP))
    expect(facts).toEqual([
      'EndpointLeaveRequested',
      'EndpointReleaseRequested',
      'EndpointLeft, sweep 1.3',
      'EndpointReleased',
    ])
    expect(state?.value).toBe('released')
  })

  it('whose leave failed is not released until it has left', () => {
    const { facts, state } = live(
      'endpoint',
      'joined',
      leave,
      release,
      failed(LATER),
      release,
      leave,
      done(LATER),
    )
    expect(facts).toEqual([
      'EndpointLeaveRequested',
      'EndpointReleaseRequested',
      'EndpointLeaveFailed',
      'EndpointLeaveRequested',
      'EndpointLeft',
    ])
    expect(state?.value).toBe('reserved')
  })

  it('that leaves while it joins does not hear the receipt of its join', () => {
    const { facts, state } = live('endpoint', 'joining', leave, done(PLAN), failed(PLAN), done(LATER))
    expect(facts).toEqual(['EndpointLeaveRequested', 'EndpointLeft'])
    expect(state?.value).toBe('reserved')
  })

  it('that connect reserved is released if the kernel refuses', () => {
    const { facts, state } = live('endpoint', 'joining, releaseOnFailure', failed(PLAN))
    expect(facts).toEqual(['EndpointJoinFailed', 'EndpointReleaseRequested', 'EndpointReleased'])
    expect(state?.value).toBe('released')
  })

  it('that left while connect was under way is not released by a failure of its leave', () => {
    const { facts } = live('endpoint', 'joining, releaseOnFailure', leave, failed(LATER))
    expect(facts).toEqual(['EndpointLeaveRequested', 'EndpointLeaveFailed'])
  })

  it('hears a receipt once', () => {
    expect(live('endpoint', 'joining', done(PLAN), done(PLAN)).facts).toEqual(['EndpointJoined'])
  })
})

describe('a network', () => {
  const remove: MachineCommand = { plan: LATER, type: 'network.delete' }

  it('that the kernel refused can be deleted', () => {
    const { facts, state } = live('network', 'creating', failed(PLAN), remove, done(LATER, SWEEP))
    expect(facts).toEqual(['NetworkCreateFailed', 'NetworkDeleteRequested', 'NetworkDeleted, sweep 1.3'])
    expect(state?.value).toBe('deleted')
  })

  it('that is deleted while it is created does not hear the receipt of its creation', () => {
    const { facts } = live('network', 'creating', remove, done(PLAN), failed(LATER), remove)
    expect(facts).toEqual(['NetworkDeleteRequested', 'NetworkDeleteFailed', 'NetworkDeleteRequested'])
  })
})

describe('a sandbox', () => {
  const add = (endpoint: EndpointId, ifName: typeof ETH0, gateway: boolean): MachineCommand => ({
    endpoint,
    gateway,
    gateway6: !gateway,
    ifName,
    type: 'sandbox.addInterface',
  })
  const gatewayAfter = (...asked: readonly MachineCommand[]) =>
    (live('sandbox', 'created', ...asked).state as SandboxState).context.gateway
  const both = [add(ENDPOINT, ETH0, true), add(OTHER, ETH1, false)] as const

  it('has the default route by the interface that was last chosen for it', () => {
    expect(gatewayAfter(...both)).toBe(ENDPOINT)
    expect(
      gatewayAfter(...both, { endpoint: ENDPOINT, gateway: OTHER, type: 'sandbox.removeInterface' }),
    ).toBe(OTHER)
  })

  it('has the default route of each family by an interface of its own', () => {
    const { context } = live('sandbox', 'created', ...both).state as SandboxState
    expect(context).toMatchObject({ gateway: ENDPOINT, gateway6: OTHER })
    const go = { endpoint: OTHER, gateway6: ENDPOINT, type: 'sandbox.removeInterface' } as const
    const { state } = live('sandbox', 'created', ...both, go)
    expect((state as SandboxState).context).toMatchObject({ gateway: ENDPOINT, gateway6: ENDPOINT })
  })

  it('loses the default route with its interface, unless it moves', () => {
    expect(gatewayAfter(...both, { endpoint: ENDPOINT, type: 'sandbox.removeInterface' })).toBeUndefined()
  })

  it('keeps the default route when another interface goes, and its fact says so', () => {
    const command = { endpoint: OTHER, type: 'sandbox.removeInterface' } as const
    expect(gatewayAfter(...both, command)).toBe(ENDPOINT)
    const [fact] = decideStream(STREAM.sandbox, stateIn('sandbox', 'created, two interfaces'), command)
    expect(fact?.data).toMatchObject({ endpoint: OTHER, gateway: ENDPOINT })
  })

  it('gives interfaces up while it is deleted', () => {
    const remove = { endpoint: ENDPOINT, type: 'sandbox.removeInterface' } as const
    const { facts } = live('sandbox', 'deleting, two interfaces', remove, done(PLAN))
    expect(facts).toEqual(['SandboxInterfaceRemoved', 'SandboxDeleted'])
  })
})

describe('the fact of a creation', () => {
  const dataOf = (kind: 'network' | 'sandbox', command: MachineCommand): unknown =>
    decideStream(STREAM[kind], undefined, command)[0]?.data
  const network = COMMANDS.network['network.create'] as MachineCommand & { readonly type: 'network.create' }
  const sandbox = COMMANDS.sandbox['sandbox.create'] as MachineCommand & { readonly type: 'sandbox.create' }

  it.each([
    ['claim', { owner: 'e'.repeat(64) as Origin, seq: 3 }],
    ['ifPrefix', 'lan'],
    ['options', { a: '1', b: '2' }],
  ])('of a network has its %s if that was asked for, and else says nothing of it', (field, value) => {
    expect(dataOf('network', { ...network, [field]: value })).toHaveProperty(field, value)
    expect(dataOf('network', network)).not.toHaveProperty(field)
  })

  it('has options and labels in the order of their names', () => {
    const data = dataOf('network', { ...network, options: { b: '2', a: '1' } })
    expect(JSON.stringify(data)).toContain('"labels":{"a":"1","b":"2"}')
    expect(JSON.stringify(data)).toContain('"options":{"a":"1","b":"2"}')
  })

  it('of a sandbox has the namespace that was given to it, and else says nothing of one', () => {
    const adopts = { bootId: 'b', cookie: '7', path: '/proc/7/ns/net' }
    expect(dataOf('sandbox', { ...sandbox, adopts })).toHaveProperty('adopts', adopts)
    expect(dataOf('sandbox', sandbox)).not.toHaveProperty('adopts')
  })

  it('of a sandbox that ended by itself has what was found', () => {
    const state = stateIn('sandbox', 'created, of a namespace that was there')
    const vanish = { failures: [FAILURE], type: 'sandbox.vanish' } as const
    expect(decideStream(STREAM.sandbox, state, vanish)[0]?.data).toMatchObject({ failures: [FAILURE] })
  })
})
