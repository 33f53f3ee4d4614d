/**
 * Projections as tables of plain rows and back: what `openSnapshots` of events stores and loads.
 *
 * Rows come one by one, straight from one unchanging version, so that a snapshot can be written in small pieces while the
 * engine goes on.
 */
import { allProjections, initialProjections, type ProjectionName, type Projections } from './fold.ts'
import type { PoolState } from './pools.ts'
import { Table } from './table.ts'

/** A table's name, `<projection>.<field>`, and its rows: JSON values. */
export type ProjectionTable = readonly [name: string, rows: Iterable<unknown>]

/** Names what the tables mean: a snapshot with another is worth nothing and is folded anew. */
export const projectionsCode: string = Object.values(allProjections)
  .map(({ name, version }) => `${name}@${version}`)
  .join(' ')

/** Takes projections apart. A table's rows are `[key, value]`; a plain field is one row. */
export function* tablesOf(all: Projections): Generator<ProjectionTable, void> {
  for (const [projection, state] of Object.entries(all) as [ProjectionName, object][])
    for (const [field, value] of Object.entries(state) as [string, unknown][]) {
      const name = `${projection}.${field}`
      yield [name, value instanceof Table ? encodeRows(value, CODECS[name]) : [value]]
    }
}

/** Puts projections together again. Tables that are not theirs are left alone, missing ones are empty. */
export function projectionsFrom(tables: ReadonlyMap<string, readonly unknown[]>): Projections {
  const all: Record<string, object> = { ...initialProjections }
  if (tables.has('history.counts')) all['history'] = allProjections.history.init
  for (const [projection, state] of Object.entries(all)) {
    const fields = Object.entries(state).map(([field, empty]: [string, unknown]) => {
      const name = `${projection}.${field}`
      const rows = tables.get(name)
      if (rows === undefined) return [field, empty]
      return [field, empty instanceof Table ? decodeRows(rows, CODECS[name]) : rows[0]]
    })
    all[projection] = Object.fromEntries(fields) as object
  }
  return all as Projections
}

/** How values go that are not JSON as they are: those with tables in them. Equal ones go alike. */
type Codec = { readonly decode: (json: unknown) => unknown; readonly encode: (value: unknown) => unknown }

const CODECS: Readonly<Record<string, Codec>> = {
  'allocations.pools': {
    decode: (json) => {
      const { cursor, words } = json as { cursor: number; words: [string, number][] }
      return { cursor, words: Table.of(words) } satisfies PoolState
    },
    encode: (value) => {
      const { cursor, words } = value as PoolState
      return { cursor, words: [...words.entries()].sort(byKey) }
    },
  },
  'topology.members': {
    decode: (json) => Table.of((json as string[]).map((id) => [id, true] as const)),
    encode: (value) => [...(value as Table<true>).keys()].sort(),
  },
}

function* encodeRows(table: Table<unknown>, codec: Codec | undefined): Generator<unknown, void> {
  for (const [key, value] of table.entries()) yield [key, codec ? codec.encode(value) : value]
}

const decodeRows = (rows: readonly unknown[], codec: Codec | undefined): Table<unknown> =>
  Table.of(
    (rows as readonly [string, unknown][]).map(
      ([key, value]) => [key, codec ? codec.decode(value) : value] as const,
    ),
  )

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1)
