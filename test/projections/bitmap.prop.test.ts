/** The bitmap is a set of numbers: held against `Set`, also where whole words and the words above them are full. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BITMAP_SIZE, hasBit, nextGap, withBit, withoutBit } from '../../projections/bitmap.ts'
import type { Bitmap } from '../../projections/bitmap.ts'
import { Table } from '../../projections/table.ts'

/** Runs of numbers, so that words become full; and the far end. */
const run = fc.tuple(fc.oneof(fc.nat(3000), fc.constant(BITMAP_SIZE - 100)), fc.integer({ min: 1, max: 100 }))
const operation = fc.tuple(fc.constantFrom('add', 'remove'), run)

const numbersOf = ([from, length]: readonly [number, number]): number[] =>
  Array.from({ length }, (_, i) => from + i)

describe('a bitmap', () => {
  it('has what a Set has after the same operations, and finds its gaps', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), fc.nat(4000), fc.nat(4000), (all, from, last) => {
        const set = new Set<number>()
        let bitmap: Bitmap = Table.empty()
        for (const [op, numbers] of all)
          for (const n of numbersOf(numbers)) {
            if (op === 'add') set.add(n)
            else set.delete(n)
            bitmap = op === 'add' ? withBit(bitmap, n) : withoutBit(bitmap, n)
          }
        let gap = from
        while (set.has(gap)) gap++
        expect(nextGap(bitmap, from, last)).toBe(gap <= last ? gap : undefined)
        for (let n = 0; n < 3200; n += 7) expect(hasBit(bitmap, n)).toBe(set.has(n))
        for (const n of set) bitmap = withoutBit(bitmap, n)
        expect(bitmap.size).toBe(0)
      }),
    )
  })

  it('finds the one gap of a full /16, and none when that is taken', () => {
    let bitmap: Bitmap = Table.empty<number>().begin()
    for (let n = 0; n < 65536; n++) if (n !== 40_000) bitmap = withBit(bitmap, n)
    bitmap = bitmap.seal()
    expect(nextGap(bitmap, 1, 65_535)).toBe(40_000)
    expect(nextGap(bitmap, 40_001, 65_535)).toBeUndefined()
    expect(nextGap(withBit(bitmap, 40_000), 0, 65_535)).toBeUndefined()
    expect(nextGap(withBit(bitmap, 40_000), 0, BITMAP_SIZE - 1)).toBe(65_536)
  })

  it('is the same object when the number is there already, or is not', () => {
    const bitmap = withBit(Table.empty(), 5)
    expect(withBit(bitmap, 5)).toBe(bitmap)
    expect(withoutBit(bitmap, 6)).toBe(bitmap)
  })
})
