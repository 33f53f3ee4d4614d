/** The table is a map: held against `Map` through random edits, and through versions made of any version there ever was. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Table, diff } from '../../projections/table.ts'

/** Few keys, so that operations meet; long ones that differ only at the front or only at the end. */
const id = 'f'.repeat(64)
const key = fc.oneof(
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
const apply = (table: Table<number>, [op, k, v]: Operation): Table<number> => {
  if (op === 'set') return v % 2 === 0 ? table.set(k, v) : table.update(k, () => v)
  return table.has(k) && k.length % 2 === 0 ? table.update(k, () => undefined) : table.delete(k)
}
const applyAll = (table: Table<number>, all: readonly Operation[]): Table<number> => all.reduce(apply, table)
const edit = (table: Table<number>, all: readonly Operation[]): Table<number> =>
  applyAll(table.begin(), all).seal()
const contents = (table: Table<number>): [string, number][] =>
  [...table.entries()].map(([k, v]): [string, number] => [k, v]).sort()

describe('a table', () => {
  it('holds what a Map holds after the same operations', () => {
    fc.assert(
      fc.property(operations, (all) => {
        const map = new Map<string, number>()
        let table = Table.empty<number>()
        for (const each of all) {
          table = apply(table, each)
          if (each[0] === 'set') map.set(each[1], each[2])
          else map.delete(each[1])
          expect(table.get(each[1])).toBe(map.get(each[1]))
          expect(table.has(each[1])).toBe(map.has(each[1]))
        }
        expect(table.size).toBe(map.size)
        expect(contents(table)).toEqual([...map].sort())
        expect([...table.keys()].sort()).toEqual([...map.keys()].sort())
        expect([...table.values()].sort()).toEqual([...map.values()].sort())
      }),
    )
  })

  it('leaves every older version as it was', () => {
    fc.assert(
      fc.property(operations, operations, (first, second) => {
        const old = applyAll(Table.empty(), first)
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
        const old = edit(Table.empty(), first)
        expect(contents(edit(old, second))).toEqual(contents(applyAll(old, second)))
        expect(edit(old, second).size).toBe(applyAll(old, second).size)
      }),
    )
  })

  it('keeps two edits of one table apart', () => {
    fc.assert(
      fc.property(operations, operations, operations, (first, left, right) => {
        const base = applyAll(Table.empty(), first)
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
    const open = Table.of<number>([['a', 1]])
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
        const table = applyAll(Table.empty(), all)
        const value = table.get(k)
        expect(value === undefined ? table.delete(k) : table.set(k, value)).toBe(table)
      }),
    )
  })

  it('is the one empty table when nothing is left', () => {
    expect(Table.empty().set('a', 1).delete('a')).toBe(Table.empty())
    expect(Table.empty().begin().set('a', 1).delete('a').seal()).toBe(Table.empty())
  })
})

describe('diff', () => {
  it('tells exactly the keys whose values differ', () => {
    fc.assert(
      fc.property(operations, operations, operations, (common, left, right) => {
        const base = applyAll(Table.empty(), common)
        const [a, b] = [applyAll(base, left), edit(base, right)]
        const changes = diff(a, b)
        const keys = new Set([...a.keys(), ...b.keys()].filter((k) => a.get(k) !== b.get(k)))
        expect(new Set(changes.map((c) => c.key))).toEqual(keys)
        expect(changes.length).toBe(keys.size)
        for (const c of changes) expect([c.before, c.after]).toEqual([a.get(c.key), b.get(c.key)])
      }),
    )
  })

  it('finds one change among many, and none between a table and itself', () => {
    const base = Table.of(Array.from({ length: 10_000 }, (_, i) => [`${i}`, i] as const))
    expect(diff(base, base.set('17', 0))).toEqual([{ after: 0, before: 17, key: '17' }])
    expect(diff(base, base.delete('17'))).toEqual([{ before: 17, key: '17' }])
    expect(diff(base, base)).toEqual([])
  })
})

describe('versions', () => {
  /** A step: from which version, and what is done to it. Runs of one step make versions that lie far behind the newest. */
  const step = fc.tuple(fc.nat(), operation, fc.constantFrom(1, 1, 1, 100, 1500))

  it('each stay what they are, whichever of them the next is made of', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.nat(), (steps, looks) => {
        const all: { readonly map: ReadonlyMap<string, number>; readonly table: Table<number> }[] = [
          { map: new Map(), table: Table.empty() },
        ]
        for (const [nth, operationOf, times] of steps) {
          let { map, table } = all[nth % all.length] ?? { map: new Map(), table: Table.empty<number>() }
          for (let i = 0; i < times; i++) {
            const [op, k, v]: Operation = [operationOf[0], operationOf[1], operationOf[2] + i]
            table = apply(table, [op, k, v])
            map = new Map(map)
            if (op === 'set') (map as Map<string, number>).set(k, v)
            else (map as Map<string, number>).delete(k)
          }
          all.push({ map, table })
        }
        const order = all
          .map((_, i) => all[(i * 7 + looks) % all.length])
          .filter((each) => each !== undefined)
        for (const { map, table } of order) {
          expect(table.size).toBe(map.size)
          expect(contents(table)).toEqual([...map].sort())
          for (const [k, v] of map) expect(table.get(k)).toBe(v)
          expect(table.get('never there')).toBeUndefined()
        }
        for (const [i, { map: a, table: before }] of order.entries()) {
          const { map: b, table: after } = order[(i + looks) % order.length] ?? { map: a, table: before }
          const keys = [...new Set([...a.keys(), ...b.keys()])].filter((k) => a.get(k) !== b.get(k))
          const changes = diff(before, after)
          expect(changes.map((c) => c.key).sort()).toEqual(keys.sort())
          for (const c of changes) expect([c.before, c.after]).toEqual([a.get(c.key), b.get(c.key)])
        }
      }),
      { numRuns: 60 },
    )
  })

  it('can be iterated while newer ones are made: as they were at the first step', () => {
    const base = Table.of(Array.from({ length: 5 }, (_, i) => [`${i}`, i] as const))
    let table = base
    const seen: number[] = []
    for (const [k, v] of base.entries()) {
      table = table.delete(k).set(`new ${k}`, v)
      seen.push(v)
    }
    expect(seen.sort()).toEqual([0, 1, 2, 3, 4])
    expect([base.size, table.size, base.has('0'), table.has('0')]).toEqual([5, 5, true, false])
  })

  it('cost a long life nothing: who keeps the first of many keeps no more than a few changes for each entry', () => {
    const first = Table.of([['a', -1]] as const) as Table<number>
    let last = first
    for (let i = 0; i < 10_000; i++) last = last.set('a', i)
    expect([first.get('a'), last.get('a')]).toEqual([-1, 9999])
    // Two maps by now, so no way leads from one to the other: they are compared by all they have.
    expect(diff(first, last)).toEqual([{ after: 9999, before: -1, key: 'a' }])
  })
})

describe('an edit', () => {
  it('can be looked into while it is open: as it will be when it is sealed', () => {
    const base = Table.of(Array.from({ length: 5 }, (_, n) => [`k${n}`, n] as const))
    const open = base.begin().set('k0', 10).delete('k1').set('new', 7)
    open.update('k2', () => undefined)
    open.set('gone', 1).delete('gone')
    const expected = [
      ['k0', 10],
      ['k3', 3],
      ['k4', 4],
      ['new', 7],
    ]
    expect([...open.entries()].sort()).toEqual(expected)
    expect([...open.keys()].sort()).toEqual(expected.map(([k]) => k))
    expect([open.size, open.get('k1'), open.has('k2')]).toEqual([4, undefined, false])
    expect([...open.seal().entries()].sort()).toEqual(expected)
    expect(base.size).toBe(5)
  })

  it('that changes nothing comes to what it began from', () => {
    const base = Table.of<number>([['a', 1]])
    const open = base.begin()
    expect([open.size, open.get('a'), [...open.values()]]).toEqual([1, 1, [1]])
    expect(open.set('a', 1).delete('b').seal()).toBe(base)
  })

  it('can be the beginning of another, and neither sees what the other does', () => {
    const first = Table.of<number>([['a', 1]])
      .begin()
      .set('b', 2)
    const second = first.begin()
    expect([...second.entries()].sort()).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    first.set('b', 20)
    second.set('a', 10)
    expect([first.get('a'), first.get('b'), second.get('a'), second.get('b')]).toEqual([1, 20, 10, 2])
  })

  it('goes on after it was sealed, whatever was made of that', () => {
    const open = Table.empty<number>().begin().set('a', 1)
    const sealed = open.seal()
    const made = sealed.set('b', 2)
    open.set('c', 3)
    expect([contents(sealed), contents(made), contents(open.seal())]).toEqual([
      [['a', 1]],
      [
        ['a', 1],
        ['b', 2],
      ],
      [
        ['a', 1],
        ['c', 3],
      ],
    ])
  })

  it('is no edit any more once it is sealed', () => {
    const sealed = Table.of<number>([['a', 1]])
    expect(sealed.seal()).toBe(sealed)
    expect(sealed.update('a', (value) => value)).toBe(sealed)
    expect(sealed.update('b', (value) => value)).toBe(sealed)
    expect(sealed.update('b', () => 2).size).toBe(2)
  })
})
