/**
 * A persistent set of numbers that finds the next one not in it in a few steps, however full it is: which addresses of a
 * pool are given.
 *
 * Level 0 has a bit for each number, in words of 32; each level above has a bit for each word below, set when that word
 * is full. So looking for a gap climbs over what is full and descends into what is not: at most {@link LEVELS} words up
 * and as many down. Words that are zero are not stored.
 */
import type { Table } from './table.ts'

/** Words by `level.index`; unsigned, 32 bits. */
export type Bitmap = Table<number>

/** Numbers are below this: an IPv4 pool is at most this large, and no IPv6 pool needs its further addresses in order. */
export const BITMAP_SIZE = 2 ** 32

const WORD_BITS = 32
const FULL = 0xffff_ffff
/** 32^7 > 2^32. */
const LEVELS = 7

/** @param n whole, 0 to BITMAP_SIZE - 1 */
export function withBit(bitmap: Bitmap, n: number): Bitmap {
  let next = bitmap
  let index = n
  for (let level = 0; level < LEVELS; level++) {
    const word = (wordAt(next, level, wordOf(index)) | bitOf(index)) >>> 0
    next = next.set(keyOf(level, wordOf(index)), word)
    if (word !== FULL) break
    index = wordOf(index)
  }
  return next
}

export function withoutBit(bitmap: Bitmap, n: number): Bitmap {
  let next = bitmap
  let index = n
  for (let level = 0; level < LEVELS; level++) {
    const before = wordAt(next, level, wordOf(index))
    const word = (before & ~bitOf(index)) >>> 0
    const key = keyOf(level, wordOf(index))
    next = word === 0 ? next.delete(key) : next.set(key, word)
    // Above, it was marked only if it was full.
    if (before !== FULL) break
    index = wordOf(index)
  }
  return next
}

export const hasBit = (bitmap: Bitmap, n: number): boolean => (wordAt(bitmap, 0, wordOf(n)) & bitOf(n)) !== 0

/** The least number from `from` to `last` that is not in the set. */
export function nextGap(bitmap: Bitmap, from: number, last: number): number | undefined {
  let level = 0
  let index = from
  // Climb: the rest of this word is full, so go on behind it, one level up.
  for (;;) {
    const bit = firstGap(wordAt(bitmap, level, wordOf(index)), index % WORD_BITS)
    if (bit !== undefined) {
      index = wordOf(index) * WORD_BITS + bit
      break
    }
    index = wordOf(index) + 1
    level++
  }
  // Descend: what is not full has a gap.
  for (; level > 0; level--) {
    index = index * WORD_BITS + (firstGap(wordAt(bitmap, level - 1, index), 0) ?? 0)
  }
  return index <= last ? index : undefined
}

const keyOf = (level: number, word: number): string => `${level}.${word}`
const wordOf = (index: number): number => Math.floor(index / WORD_BITS)
const bitOf = (index: number): number => 1 << (index % WORD_BITS)
const wordAt = (bitmap: Bitmap, level: number, word: number): number => bitmap.get(keyOf(level, word)) ?? 0

/** The lowest place from `start` where a word has a zero. */
function firstGap(word: number, start: number): number | undefined {
  const gaps = ~word & (FULL << start)
  return gaps === 0 ? undefined : 31 - Math.clz32(gaps & -gaps)
}
