/** Names and errors of the language: what ends a stream, how commits and plans are called, what a refusal says. */
import { describe, expect, it } from 'vitest'
import {
  assertNever,
  commitName,
  EngineError,
  FACT_VERSIONS,
  isLast,
  planIdOf,
  RefusedError,
  streamOf,
} from '../../events/index.ts'
import type { CommandId, Epoch, NetworkId, Problem, SandboxId, EndpointId, Seq } from '../../events/index.ts'
import { RecentCommands } from '../../events/recent.ts'

describe('facts', () => {
  it('end their stream when the entity is no more, and no other does', () => {
    expect(Object.keys(FACT_VERSIONS).filter((type) => isLast({ type }))).toEqual([
      'EndpointReleased',
      'NetworkDeleted',
      'SandboxDeleted',
    ])
  })

  it('stand in streams that say what they are of; commits and plans have names', () => {
    expect(streamOf.network('n' as NetworkId)).toBe('network/n')
    expect(streamOf.endpoint('e' as EndpointId)).toBe('endpoint/e')
    expect(streamOf.sandbox('s' as SandboxId)).toBe('sandbox/s')
    expect(commitName(12 as Seq)).toBe('#12')
    expect(planIdOf(3 as Epoch, 12 as Seq)).toBe('3.12')
  })
})

describe('an error', () => {
  const taken: Problem = { code: 'ERR_ADDRESS_TAKEN', message: 'the address is taken' }
  const used: Problem = { code: 'ERR_IN_USE', message: 'the network is used' }

  it('tells programs its code and details, and its cause if it has one', () => {
    const cause = new Error('why')
    const error = new EngineError('ERR_CLOSED', 'it is closed', { cause, details: { seq: 1 } })
    expect([error.name, error.code, error.message, error.cause, error.details]).toEqual([
      'EngineError',
      'ERR_CLOSED',
      'it is closed',
      cause,
      { seq: 1 },
    ])
    const plain = new EngineError('ERR_CLOSED', 'it is closed')
    expect([plain.details, Object.hasOwn(plain, 'cause')]).toEqual([{}, false])
  })

  it('of a refusal is its one problem, or all of them in a list, with the code of the first', () => {
    const one = new RefusedError([taken])
    expect([one.name, one.code, one.message]).toEqual(['RefusedError', 'ERR_ADDRESS_TAKEN', taken.message])
    const both = new RefusedError([taken, used])
    expect(both.message).toBe(
      '2 problems:\n  1. ERR_ADDRESS_TAKEN the address is taken\n  2. ERR_IN_USE the network is used',
    )
    expect([both.code, both.problems, both.details]).toEqual([
      'ERR_ADDRESS_TAKEN',
      [taken, used],
      { problems: [taken, used] },
    ])
  })

  it('of ours says what was not expected', () => {
    expect(() => assertNever({ kind: 'odd' } as never)).toThrow('chronet defect: unexpected {"kind":"odd"}')
  })
})

describe('the latest commands', () => {
  it('are remembered, as many as were asked for at least, and twice as many at most', () => {
    const recent = new RecentCommands(2)
    const known = () => ['a', 'b', 'c', 'd', 'e'].filter((id) => recent.seqOf(id as CommandId) !== undefined)
    for (const [i, id] of ['a', 'b', 'c', 'd'].entries()) recent.add(id as CommandId, (i + 1) as Seq)
    expect([known(), recent.seqOf('b' as CommandId)]).toEqual([['a', 'b', 'c', 'd'], 2])
    recent.add('e' as CommandId, 5 as Seq)
    expect(known()).toEqual(['c', 'd', 'e'])
  })
})
