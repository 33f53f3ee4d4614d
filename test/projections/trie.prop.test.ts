/** The trie is a map: held against `Map` through random edits, with keys that are made to collide. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Trie, diff } from '../../projections/trie.ts'

/** One and the same hash, found by search: two pairs of blocks that collide from where they start. */
const COLLIDING = ['k000ei52k000oy2a', 'k000ei52k00100n0', 'k001071ck000oy2a', 'k001071ck00100n0']

/** Few keys, so that operations meet; long ones that differ only at the front or only at the end. */
const id = 'f'.repeat(64)
const key = fc.oneof(
  fc.constantFrom(...COLLIDING),
  fc.nat(30).map((n) => `${id}/${n}`),
  fc.nat(30).map((n) => `${n}/${id}`),
  fc.nat(300).map(String),
)
const operation = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constant('set' as const), key, fc.nat(5)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('delete' as const), key, fc.constant(0)) },
)
const operations = fc.array(operation, { maxLength: 300 })
type Operation = readonly ['delete' | 'set', string, number]

/** An odd value goes in by `update`, which must come to the same. */
const apply = (trie: Trie<number>, [op, k, v]: Operation): Trie<number> => {
  if (op === 'set') return v % 2 === 0 ? trie.set(k, v) : trie.update(k, () => v)
  return trie.has(k) && k.length % 2 === 0 ? trie.update(k, () => undefined) : trie.delete(k)
}
const applyAll = (trie: Trie<number>, all: readonly Operation[]): Trie<number> => all.reduce(apply, trie)
const edit = (trie: Trie<number>, all: readonly Operation[]): Trie<number> =>
  applyAll(trie.begin(), all).seal()
const contents = (trie: Trie<number>): [string, number][] =>
  [...trie.entries()].map(([k, v]): [string, number] => [k, v]).sort()

describe('a trie', () => {
  it('holds what a Map holds after the same operations', () => {
    fc.assert(
      fc.property(operations, (all) => {
        const map = new Map<string, number>()
        let trie = Trie.empty<number>()
        for (const each of all) {
          trie = apply(trie, each)
          if (each[0] === 'set') map.set(each[1], each[2])
          else map.delete(each[1])
          expect(trie.get(each[1])).toBe(map.get(each[1]))
          expect(trie.has(each[1])).toBe(map.has(each[1]))
        }
        expect(trie.size).toBe(map.size)
        expect(contents(trie)).toEqual([...map].sort())
        expect([...trie.keys()].sort()).toEqual([...map.keys()].sort())
        expect([...trie.values()].sort()).toEqual([...map.values()].sort())
      }),
    )
  })

  it('leaves every older version as it was', () => {
    fc.assert(
      fc.property(operations, operations, (first, second) => {
        const old = applyAll(Trie.empty(), first)
        const before = contents(old)
        applyAll(old, second)
        edit(old, second)
        expect(contents(old)).toEqual(before)
      }),
    )
  })

  it('comes to the same by an edit as without one', () => {
    fc.assert(
      fc.property(operations, operations, (first, second) => {
        const old = edit(Trie.empty(), first)
        expect(contents(edit(old, second))).toEqual(contents(applyAll(old, second)))
        expect(edit(old, second).size).toBe(applyAll(old, second).size)
      }),
    )
  })

  it('keeps two edits of one trie apart', () => {
    fc.assert(
      fc.property(operations, operations, operations, (first, left, right) => {
        const base = applyAll(Trie.empty(), first)
        const [a, b] = [base.begin(), base.begin()]
        const length = Math.max(left.length, right.length)
        for (let i = 0; i < length; i++) {
          applyAll(a, left.slice(i, i + 1))
          applyAll(b, right.slice(i, i + 1))
        }
        expect(contents(a.seal())).toEqual(contents(applyAll(base, left)))
        expect(contents(b.seal())).toEqual(contents(applyAll(base, right)))
      }),
    )
  })

  it('is not changed any more once it is sealed, not even through the edit it came from', () => {
    const open = Trie.of<number>([['a', 1]])
      .begin()
      .set('b', 2)
    const sealed = open.seal()
    open.set('a', 9)
    expect(contents(sealed)).toEqual([
      ['a', 1],
      ['b', 2],
    ])
  })

  it('is the same object after a set of an identical value or a delete of nothing', () => {
    fc.assert(
      fc.property(operations, key, (all, k) => {
        const trie = applyAll(Trie.empty(), all)
        const value = trie.get(k)
        expect(value === undefined ? trie.delete(k) : trie.set(k, value)).toBe(trie)
      }),
    )
  })

  it('is the one empty trie when nothing is left', () => {
    expect(Trie.empty().set('a', 1).delete('a')).toBe(Trie.empty())
    expect(Trie.empty().begin().set('a', 1).delete('a').seal()).toBe(Trie.empty())
  })
})

describe('diff', () => {
  it('tells exactly the keys whose values differ', () => {
    fc.assert(
      fc.property(operations, operations, operations, (common, left, right) => {
        const base = applyAll(Trie.empty(), common)
        const [a, b] = [applyAll(base, left), edit(base, right)]
        const changes = diff(a, b)
        const keys = new Set([...a.keys(), ...b.keys()].filter((k) => a.get(k) !== b.get(k)))
        expect(new Set(changes.map((c) => c.key))).toEqual(keys)
        expect(changes.length).toBe(keys.size)
        for (const c of changes) expect([c.before, c.after]).toEqual([a.get(c.key), b.get(c.key)])
      }),
    )
  })

  it('finds one change among many, and none between a trie and itself', () => {
    const base = Trie.of(Array.from({ length: 10_000 }, (_, i) => [`${i}`, i] as const))
    expect(diff(base, base.set('17', 0))).toEqual([{ after: 0, before: 17, key: '17' }])
    expect(diff(base, base.delete('17'))).toEqual([{ before: 17, key: '17' }])
    expect(diff(base, base)).toEqual([])
  })
})
