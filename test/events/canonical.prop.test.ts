import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CANONICAL_DEPTH_MAX, canonicalJson, isCanonical } from '../../events/canonical.ts'

const text = fc.string({ unit: 'binary' })
const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    fc.maxSafeInteger().map((n) => n + 0),
    fc.boolean(),
    fc.array(tie('value')),
    fc.dictionary(fc.oneof(text, fc.nat().map(String)), tie('value'), { noNullPrototype: false }),
  ),
})).value

/** The same value, the keys of its objects put in in reverse. */
const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]) => [key, reversed(inner)] as const)
  return Object.fromEntries(entries.reverse())
}

/** RFC 8785 written the slow way. */
const reference = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(reference).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${reference(inner)}`).join(',')}}`
}

describe('canonical JSON', () => {
  it('is what RFC 8785 says, whatever order the keys came in', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(canonicalJson(value)).toBe(reference(value))
        expect(canonicalJson(reversed(value))).toBe(reference(value))
      }),
    )
  })

  it('stands for the value it was made of', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(value)
      }),
    )
  })

  it('knows its own texts, and no others', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(isCanonical(canonicalJson(value))).toBe(true)
      }),
    )
    for (const other of [
      '{"b":1,"a":2}',
      '{"a": 1}',
      '1.5',
      'null',
      '[1,null]',
      '"\\u0041"',
      '1e3',
      '{',
      '-0',
    ]) {
      expect(isCanonical(other), other).toBe(false)
    }
  })

  it('puts keys that look like integers in the order of text', () => {
    expect(canonicalJson({ 9: 'c', 10: 'b', a: 'd', 1: 'a' })).toBe('{"1":"a","10":"b","9":"c","a":"d"}')
  })

  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [0.5, '0.5'],
    [Number.NaN, 'NaN'],
    [2 ** 53, '9007199254740992'],
    [1n, '1'],
    [new Date(0), 'no plain object'],
    [new Map(), 'no plain object'],
    [() => 1, '() => 1'],
  ])('refuses %s and says where it stands', (value, name) => {
    expect(() => canonicalJson({ a: [{ b: 1, c: value }] })).toThrow(`$.a.0.c is ${name}`)
    expect(() => canonicalJson({ z: 1, a: [1, value] })).toThrow('$.a.1')
    expect(() => canonicalJson({ z: value, a: 1 })).toThrow('$.z')
  })

  it('refuses holes in lists and lone surrogates, but not what only looks like one', () => {
    expect(() => canonicalJson([1, , 2])).toThrow('$.1 is undefined')
    expect(() => canonicalJson({ a: '\ud800' })).toThrow('surrogate')
    expect(() => canonicalJson({ a: '\\\udfff' })).toThrow('surrogate')
    expect(canonicalJson('\\ud800 \u{1f600}')).toBe(JSON.stringify('\\ud800 \u{1f600}'))
  })

  it('nests as deep as its maximum and no deeper, so a cycle ends', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
    expect(canonicalJson(nested(CANONICAL_DEPTH_MAX + 1))).toContain('1')
    expect(() => canonicalJson(nested(CANONICAL_DEPTH_MAX + 2))).toThrow('nested deeper')
    const list: unknown[] = []
    list.push(list)
    const object: Record<string, unknown> = {}
    object.it = object
    for (const cycle of [list, object]) expect(() => canonicalJson(cycle)).toThrow('nested deeper')
  })

  it('takes plain objects of another realm, as they come from elsewhere in the process', () => {
    expect(canonicalJson(runInNewContext('({ b: [1], a: { c: true } })'))).toBe('{"a":{"c":true},"b":[1]}')
    expect(() => canonicalJson(runInNewContext('new Date(0)'))).toThrow('no plain object')
  })
})
