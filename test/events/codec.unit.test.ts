import { describe, expect, it } from 'vitest'
import { decodeCommit, encodeCommit } from '../../events/index.ts'
import type { Commit, Instant, Seq } from '../../events/index.ts'
import { draft, ORIGIN } from './support.ts'

const commit = (pad = 0, unit = 'é'): Commit => ({
  ...draft(['host'], { id: 'the-command' }),
  facts: [{ data: { pad: unit.repeat(pad) }, stream: 'host', type: 'Counted', v: 1, version: 1 }],
  at: '2026-01-01T00:00:00.000Z' as Instant,
  origin: ORIGIN,
  prev: '0'.repeat(64),
  seq: 1 as Seq,
})

const codeOf = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return (error as { code?: unknown }).code
  }
  return undefined
}

describe('the codec', () => {
  it('gives back the commit, and one text whatever order its keys had', () => {
    const { facts, ...rest } = commit()
    expect(decodeCommit(encodeCommit(commit()))).toEqual(commit())
    expect(encodeCommit({ facts, ...rest })).toBe(encodeCommit(commit()))
  })

  it('says of peers what it says, and nothing where there are none', () => {
    const knowing = { ...commit(), knows: { ['ab'.repeat(32)]: 7 as Seq } }
    expect(encodeCommit(knowing)).toContain(`"knows":{"${'ab'.repeat(32)}":7},"origin"`)
    expect(decodeCommit(encodeCommit(knowing))).toEqual(knowing)
    expect(encodeCommit(commit())).not.toContain('knows')
  })

  it('keeps fields that this version does not know', () => {
    const later = { ...commit(), witness: { b: 7 } }
    expect(decodeCommit(encodeCommit(later))).toEqual(later)
  })

  // Up to 0x7f a unit is one byte of UTF-8, up to 0x7ff two, else three; a surrogate pair is four.
  it.each([
    'a',
    '\x7f',
    '\x80',
    'é',
    '\u07ff',
    '\u0800',
    '\ud7ff',
    '\ue000',
    '€',
    '\u{10000}',
    '😀',
    '\u{10ffff}',
  ])('takes a commit of the largest size, counted in bytes of UTF-8, and none that is larger: %j', (unit) => {
    const big = commit(50, unit)
    const bytes = Buffer.byteLength(encodeCommit(big))
    expect(encodeCommit(big, bytes)).toBe(encodeCommit(big))
    expect(() => encodeCommit(big, bytes - 1)).toThrow(
      expect.objectContaining({ code: 'ERR_COMMIT_INVALID', details: { bytes, bytesMax: bytes - 1 } }),
    )
  })

  it.each(['seq', 'epoch', 'prev', 'origin', 'at', 'actor', 'command', 'facts'])(
    'refuses a commit without %s, with a typed error',
    (field) => {
      const { [field as 'seq']: gone, ...rest } = commit()
      expect(gone).toBeDefined()
      expect(codeOf(() => decodeCommit(JSON.stringify(rest)))).toBe('ERR_COMMIT_INVALID')
    },
  )

  const [good] = commit().facts
  it.each([
    ['seq is no positive integer', { seq: 0 }],
    ['seq is no positive integer', { seq: 1.5 }],
    ['epoch is no positive integer', { epoch: '1' }],
    ['epoch is no positive integer', { epoch: 0 }],
    ['prev is no hash', { prev: '0'.repeat(63) }],
    ['prev is no hash', { prev: Array(64).fill('0') }],
    ['origin or at is no text', { origin: 7 }],
    ['origin or at is no text', { at: 7 }],
    ['actor is malformed', { actor: 'socket' }],
    ['actor is malformed', { actor: { kind: 7 } }],
    ['command is malformed', { command: 'count' }],
    ['command is malformed', { command: { data: {}, id: 7, type: 'count' } }],
    ['command is malformed', { command: { data: {}, id: 'a', type: 7 } }],
    ['command is malformed', { command: { data: [], id: 'a', type: 'count' } }],
    ['facts is no list', { facts: { 0: good } }],
    ['facts is no list', { facts: [] }],
    ['a fact is malformed', { facts: [good, 'host'] }],
    ['a fact is malformed', { facts: [{ ...good, stream: 7 }, good] }],
    ['a fact is malformed', { facts: [{ ...good, type: 7 }] }],
    ['a fact is malformed', { facts: [{ ...good, v: 0 }] }],
    ['a fact is malformed', { facts: [{ ...good, version: 0.5 }] }],
    ['a fact is malformed', { facts: [{ ...good, data: [] }] }],
  ])('refuses one of which %s: %j', (fault, over) => {
    expect(() => decodeCommit(JSON.stringify({ ...commit(), ...over }))).toThrow(`commit: ${fault}`)
  })

  it('refuses what is no JSON, and tells what the parser said', () => {
    expect(() => decodeCommit('{')).toThrow(
      expect.objectContaining({ cause: expect.any(SyntaxError) as unknown, code: 'ERR_COMMIT_INVALID' }),
    )
  })

  it('refuses what is no commit at all', () => {
    for (const text of ['', '[]', '"x"', '{}', 'null', JSON.stringify({ ...commit(), facts: [{}] })]) {
      expect(
        codeOf(() => decodeCommit(text)),
        text,
      ).toBe('ERR_COMMIT_INVALID')
    }
  })

  it('writes nothing that it could not read again', () => {
    expect(() => encodeCommit({ ...commit(), facts: [] })).toThrow('defect')
  })
})
