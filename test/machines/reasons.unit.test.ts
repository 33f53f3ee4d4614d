/** What a refusal says: what failed, on what, why, who holds it, what to do. */
import { describe, expect, it } from 'vitest'
import type { EntityKind, MachineCommand } from '../../machines/index.ts'
import { problemsOfStream } from '../../machines/index.ts'
import { COMMANDS, ENDPOINT, ETH0, NETWORK, OTHER, SANDBOX, stateIn } from './samples.ts'

const IDS = { endpoint: ENDPOINT, network: NETWORK, sandbox: SANDBOX }

const problems = (kind: EntityKind, state: string, command: MachineCommand) =>
  problemsOfStream(`${kind}/${IDS[kind]}`, stateIn(kind, state), command)
const sentences = (kind: EntityKind, state: string, command: MachineCommand | undefined) =>
  command === undefined ? [] : problems(kind, state, command).map(({ code, message }) => `${code} ${message}`)

describe('a guard says why', () => {
  it('attemptIsNext', () => {
    expect(sentences('endpoint', 'reserved', COMMANDS.endpoint['endpoint.join, attempt 2'])).toEqual([
      "ERR_EXPECTED_VERSION endpoint 'web' (bbbbbbbbbbbb): join refused: attempt 2 was asked for, but it was joined 0 times, so the next is 1; read its state again and repeat",
    ])
  })

  it('releaseIsNew', () => {
    expect(sentences('endpoint', 'leaving, to be released', { type: 'endpoint.release' })).toEqual([
      "ERR_STATE endpoint 'web' (bbbbbbbbbbbb): delete refused: it was asked for already, and follows its leave (plan 1.2); wait for that receipt",
    ])
  })

  it('sandboxGaveItUp', () => {
    expect(sentences('endpoint', 'failed to leave', { type: 'endpoint.release' })).toEqual([
      "ERR_IN_USE endpoint 'web' (bbbbbbbbbbbb): delete refused: its leave failed, so sandbox dddddddddddd may still have its interface and address; leave again, then delete",
    ])
    expect(problems('endpoint', 'failed to leave', { type: 'endpoint.release' })[0]?.holder).toBe(SANDBOX)
  })

  it('endpointIsNew and ifNameIsFree, both at once', () => {
    expect(sentences('sandbox', 'created, one interface', COMMANDS.sandbox['sandbox.addInterface'])).toEqual([
      "ERR_STATE sandbox 'c1' (dddddddddddd): join refused: endpoint bbbbbbbbbbbb has interface eth0 here already; let it leave first",
      "ERR_EXISTS sandbox 'c1' (dddddddddddd): join refused: endpoint bbbbbbbbbbbb has the interface name 'eth0'; choose another, or none to get the next free one",
    ])
  })

  it('ifNameIsFree alone, naming the holder', () => {
    const command = {
      endpoint: OTHER,
      gateway: false,
      gateway6: false,
      ifName: ETH0,
      type: 'sandbox.addInterface',
    } as const
    const [problem, ...others] = problems('sandbox', 'created, one interface', command)
    expect(others).toEqual([])
    expect(problem).toMatchObject({ code: 'ERR_EXISTS', field: 'ifName', holder: ENDPOINT })
  })

  it('endpointIsHere', () => {
    expect(sentences('sandbox', 'created', { endpoint: OTHER, type: 'sandbox.removeInterface' })).toEqual([
      "ERR_NOT_FOUND sandbox 'c1' (dddddddddddd): leave refused: endpoint cccccccccccc has no interface here; it has none",
    ])
  })

  it('newGatewayStays', () => {
    const command = { endpoint: ENDPOINT, gateway: ENDPOINT, type: 'sandbox.removeInterface' } as const
    expect(sentences('sandbox', 'created, one interface', command)).toEqual([
      "ERR_NOT_FOUND sandbox 'c1' (dddddddddddd): leave refused: the default route cannot go by endpoint bbbbbbbbbbbb, which has no interface here afterwards; it has eth0 (bbbbbbbbbbbb)",
    ])
  })
})

describe('the chart says why', () => {
  const join = COMMANDS.endpoint['endpoint.join']

  it('refuses to join twice, and names the sandbox that has it', () => {
    expect(sentences('endpoint', 'joined', join)).toEqual([
      "ERR_STATE endpoint 'web' (bbbbbbbbbbbb): join refused in state 'joined' (sandbox dddddddddddd): it is taken in 'reserved'; what can be done now: leave",
    ])
  })

  it('refuses to join while a plan is under way, and names the plan', () => {
    expect(sentences('endpoint', 'leaving', join)).toEqual([
      "ERR_STATE endpoint 'web' (bbbbbbbbbbbb): join refused in state 'leaving' (sandbox dddddddddddd): it is taken in 'reserved'; wait for the receipt (plan 1.2), or delete",
    ])
  })

  it('refuses anything of what is absent', () => {
    expect(sentences('endpoint', 'absent', { type: 'endpoint.release' })).toEqual([
      'ERR_NOT_FOUND endpoint: delete refused: there is none yet; create it first',
    ])
  })

  it('refuses anything of what has ended', () => {
    expect(sentences('network', 'deleted', COMMANDS.network['network.delete'])).toEqual([
      "ERR_STATE network 'blue' (aaaaaaaaaaaa): delete refused in state 'deleted': it is taken in 'creating', 'created', 'failed'; create a new network",
    ])
  })

  it('refuses an interface for a sandbox that is on its way out', () => {
    expect(sentences('sandbox', 'deleting', COMMANDS.sandbox['sandbox.addInterface'])).toEqual([
      "ERR_STATE sandbox 'c1' (dddddddddddd): join refused in state 'deleting': it is taken in 'created'; wait for the receipt (plan 1.2), or leave",
    ])
  })

  it('never refuses a receipt', () => {
    expect(sentences('network', 'deleted', COMMANDS.network['effects.settle, done'])).toEqual([])
    expect(sentences('network', 'created', COMMANDS.network['effects.settle, of another plan'])).toEqual([])
  })
})
