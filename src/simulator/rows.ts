/**
 * Rows in the order of their keys, kept in that order as they come and go: whoever reads a range finds it by bisection, and nothing is
 * sorted again because one row was written.
 */

import type { AbstractIteratorOptions } from 'abstract-level'

export type Row = [key: string, value: string]
export type Range = Pick<
  AbstractIteratorOptions<string, string>,
  'gt' | 'gte' | 'limit' | 'lt' | 'lte' | 'reverse'
>

export class Rows {
  readonly #keys: string[]
  readonly #values: Map<string, string>

  constructor(from: ReadonlyMap<string, string> = new Map()) {
    this.#values = new Map(from)
    this.#keys = [...from.keys()].sort()
  }

  get(key: string): string | undefined {
    return this.#values.get(key)
  }

  /** @param value undefined: the row goes */
  put(key: string, value: string | undefined): void {
    const isThere = this.#values.has(key)
    if (value === undefined) {
      if (isThere) this.#keys.splice(this.#place(key), 1)
      this.#values.delete(key)
      return
    }
    if (!isThere) this.#insert(key)
    this.#values.set(key, value)
  }

  /** A copy of all. */
  toMap(): Map<string, string> {
    return new Map(this.#values)
  }

  /** Rows in a range, in order of keys (ASCII, so UTF-16 order is byte order), as they are now. */
  range({ gt, gte, limit = -1, lt, lte, reverse = false }: Range): readonly Row[] {
    const from = Math.max(
      gte === undefined ? 0 : this.#place(gte),
      gt === undefined ? 0 : this.#placeAfter(gt),
    )
    const end = this.#keys.length
    const to = Math.min(
      lt === undefined ? end : this.#place(lt),
      lte === undefined ? end : this.#placeAfter(lte),
    )
    const count = Math.max(0, limit < 0 ? to - from : Math.min(limit, to - from))
    const keys = reverse
      ? this.#keys.slice(Math.max(from, to - count), Math.max(from, to)).reverse()
      : this.#keys.slice(from, from + count)
    return keys.map((key) => [key, this.#values.get(key) ?? ''])
  }

  #insert(key: string): void {
    const last = this.#keys.at(-1)
    if (last === undefined || last < key) this.#keys.push(key)
    else this.#keys.splice(this.#place(key), 0, key)
  }

  /** Where the first key is that is not before this one. */
  #place(key: string): number {
    let [from, to] = [0, this.#keys.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#keys[middle] ?? '') < key) from = middle + 1
      else to = middle
    }
    return from
  }

  #placeAfter(key: string): number {
    const place = this.#place(key)
    return this.#keys[place] === key ? place + 1 : place
  }
}
