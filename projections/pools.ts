/**
 * Pools: which addresses of a subnet are given, by their place in it, and where the last one was given.
 *
 * Addresses are given in rising order from there, so that one that was just freed rests as long as it can: neighbours on
 * the link may still remember its MAC.
 */
import type { Cidr, NetworkId } from '../events/index.ts'
import { cidrFrom, contains, offsetOf, pathOf } from '../events/index.ts'
import { BITMAP_SIZE, hasBit, nextGap, withBit, withoutBit, type Bitmap } from './bitmap.ts'
import type { Table } from './table.ts'

export type PoolState = {
  /** Place of the address given last; -1: none yet. */
  readonly cursor: number
  /** Places that are given. */
  readonly words: Bitmap
}

/** Where an address lies: the key of its pool, and its place, from 0 for the first of the range that is given in order. */
export type Place = { readonly offset: number; readonly pool: string }

/** The key of a network's pool; the subnet in canonical text. */
export const poolKey = (network: NetworkId, subnet: Cidr): string => pathOf(network, subnet)

/**
 * The place of an address in its pool; `cidr` has the subnet's prefix length. Addresses outside of `range`, out of which
 * alone they are chosen, have all the same place, behind those that are given in order.
 */
export function placeIn(pool: string, cidr: Cidr, range?: Cidr): Place {
  const { address, length } = cidrFrom(cidr)
  if (range === undefined) return { offset: offsetOf({ address, length }), pool }
  const part = cidrFrom(range)
  return { offset: contains(part, address) ? offsetOf({ address, length: part.length }) : BITMAP_SIZE, pool }
}

/** Whether a place is one of those that are given in order. */
export const isInOrder = ({ offset }: Place): boolean => offset < BITMAP_SIZE

/**
 * Gives an address; `moveCursor` unless it is not one in the order, as a gateway. Places beyond a bitmap's are not given
 * in order: that they are held is told by `addresses` alone.
 */
export const give = (pools: Table<PoolState>, place: Place, moveCursor: boolean): Table<PoolState> =>
  changePool(pools, place, ({ cursor, words }, offset) => ({
    cursor: moveCursor ? offset : cursor,
    words: withBit(words, offset),
  }))

/** Takes an address back. */
export const takeBack = (pools: Table<PoolState>, place: Place): Table<PoolState> =>
  changePool(pools, place, ({ cursor, words }, offset) => ({ cursor, words: withoutBit(words, offset) }))

const changePool = (
  pools: Table<PoolState>,
  { offset, pool }: Place,
  change: (state: PoolState, offset: number) => PoolState,
): Table<PoolState> =>
  offset >= BITMAP_SIZE ? pools : pools.update(pool, (state) => state && change(state, offset))

/** Whether the address of a place is given. */
export const hasPlace = ({ words }: PoolState, place: number): boolean =>
  place < BITMAP_SIZE && hasBit(words, place)

/**
 * The next free place of a pool between `first` and `last`, after the one given last, then from the start.
 * @returns undefined if all are given
 */
export function nextFree(
  pool: PoolState,
  range: { readonly first: number; readonly last: number },
): number | undefined {
  const last = Math.min(range.last, BITMAP_SIZE - 1)
  const from = Math.max(pool.cursor + 1, range.first)
  return nextGap(pool.words, from, last) ?? nextGap(pool.words, range.first, last)
}
