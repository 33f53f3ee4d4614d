/** Lines and messages: whatever comes, it is understood or refused with a code, and what is understood is what was said. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EngineError, RefusedError, type Problem } from '../../events/index.ts'
import { Lines } from '../../src/server/lines.ts'
import { decodeError, encodeError, parseFromClient, parseFromEngine } from '../../src/server/protocol.ts'

const cut = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const at = [...places.map((place) => place % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b)
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end))
}

describe('lines', () => {
  it('are the same however the bytes are cut', () => {
    const line = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' '))
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat()), (lines, places) => {
        const reader = new Lines(1000)
        const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(''))
        expect(cut(bytes, places).flatMap((chunk) => [...reader.push(chunk)])).toEqual(lines)
      }),
    )
  })

  it('may be as long as the maximum, and one byte more is refused before it is kept', () => {
    const text = 'x'.repeat(100)
    expect([...new Lines(100).push(Buffer.from(`${text}\n`))]).toEqual([text])
    for (const bytes of [`${text}x\n`, `${text}x`])
      expect(() => [...new Lines(100).push(Buffer.from(bytes))]).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID' }),
      )
  })

  it('that are no UTF-8 are refused, and those before are given', () => {
    const seen: string[] = []
    const read = (): void => {
      for (const line of new Lines(100).push(Buffer.from([0x61, 0x0a, 0xff, 0x0a]))) seen.push(line)
    }
    expect(read).toThrow(expect.objectContaining({ code: 'ERR_INVALID' }))
    expect(seen).toEqual(['a'])
  })
})

/** Almost messages: the fields that count, with anything in them. */
const nearly = fc
  .record(
    {
      cancel: fc.oneof(fc.constant(true), fc.jsonValue()),
      id: fc.oneof(fc.integer(), fc.double(), fc.jsonValue()),
      method: fc.oneof(fc.constantFrom('dispatch', 'commits', '__proto__'), fc.jsonValue()),
      more: fc.oneof(fc.integer(), fc.jsonValue()),
      params: fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue()),
    },
    { requiredKeys: [] },
  )
  .map((message) => JSON.stringify(message))

describe('messages', () => {
  it('are understood or refused with ERR_INVALID, whatever they are', () => {
    const anything = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), nearly)
    fc.assert(
      fc.property(anything, (line) => {
        for (const parse of [parseFromClient, parseFromEngine])
          try {
            parse(line)
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_INVALID' })
          }
      }),
      { numRuns: 1000 },
    )
  })

  it('nested beyond reason are refused, not fallen over', () => {
    for (const line of ['['.repeat(1_000_000), '{"id":'.repeat(1_000_000), `{"id":1,"x":${'['.repeat(1e6)}`])
      expect(() => parseFromClient(line)).toThrow(expect.objectContaining({ code: 'ERR_INVALID' }))
  })
})

const problem = fc.record<Problem>({
  code: fc.constantFrom('ERR_EXISTS', 'ERR_IN_USE', 'ERR_INVALID'),
  field: fc.string(),
  message: fc.string(),
})
const details = fc.dictionary(
  fc.string().filter((key) => key !== '__proto__'),
  fc.oneof(fc.string(), fc.integer(), fc.boolean()),
)
const sent = (error: unknown): Error => decodeError(JSON.parse(JSON.stringify(encodeError(error))))

describe('errors', () => {
  it('cross the wire whole', () => {
    fc.assert(
      fc.property(fc.string(), details, fc.array(problem, { minLength: 1 }), (message, more, problems) => {
        const error = new EngineError('ERR_STORE_LOCKED', message, { details: more })
        expect(sent(error)).toMatchObject({ code: error.code, details: more, message, name: 'EngineError' })
        const refused = new RefusedError(problems as unknown as [Problem])
        expect(sent(refused)).toBeInstanceOf(RefusedError)
        expect(sent(refused)).toMatchObject({ code: refused.code, message: refused.message, problems })
      }),
    )
  })

  it('of a wrong call keep their class, and what is no error at all becomes one', () => {
    expect(sent(new TypeError('no'))).toBeInstanceOf(TypeError)
    expect(sent(new RangeError('no'))).toBeInstanceOf(RangeError)
    expect(sent('no')).toMatchObject({ message: 'no' })
    fc.assert(fc.property(fc.jsonValue(), (wire) => decodeError(wire) instanceof Error))
  })

  it('whose details are no JSON come without them', () => {
    const round: Record<string, unknown> = {}
    round.self = round
    expect(sent(new EngineError('ERR_STATE', 'x', { details: round }))).toMatchObject({ details: {} })
  })
})
