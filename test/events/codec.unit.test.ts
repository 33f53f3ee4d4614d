import { describe, expect, it } from 'vitest'
import { decodeCommit, encodeCommit } from '../../events/index.ts'
import type { Commit, Instant, Seq } from '../../events/index.ts'
import { draft, ORIGIN } from './support.ts'

const commit = (pad = 0): Commit => ({
  ...draft(['host'], { id: 'the-command' }),
  facts: [{ data: { pad: 'é'.repeat(pad) }, stream: 'host', type: 'Counted', v: 1, version: 1 }],
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

  it('keeps fields that this version does not know', () => {
    const later = { ...commit(), knows: { b: 7 } }
    expect(decodeCommit(encodeCommit(later))).toEqual(later)
  })

  it('takes a commit of the largest size, counted in bytes of UTF-8, and none that is larger', () => {
    const bytes = Buffer.byteLength(encodeCommit(commit(50)))
    expect(encodeCommit(commit(50), bytes)).toBe(encodeCommit(commit(50)))
    expect(codeOf(() => encodeCommit(commit(50), bytes - 1))).toBe('ERR_COMMIT_INVALID')
  })

  it.each(['seq', 'epoch', 'prev', 'origin', 'at', 'actor', 'command', 'facts'])(
    'refuses a commit without %s, with a typed error',
    (field) => {
      const { [field as 'seq']: gone, ...rest } = commit()
      expect(gone).toBeDefined()
      expect(codeOf(() => decodeCommit(JSON.stringify(rest)))).toBe('ERR_COMMIT_INVALID')
    },
  )

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
