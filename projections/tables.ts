/**
 * The shape that projections' states have: a record whose fields are tables, or plain values.
 *
 * So one function each opens a state for many changes, seals it, and takes it apart into rows.
 */
import { Table } from './table.ts'

/** The state with another table; the same object if it is the same table. */
export const withTable = <S, K extends keyof S>(state: S, name: K, table: S[K]): S =>
  state[name] === table ? state : { ...state, [name]: table }

/** The state with its tables open for edits ({@link Table.begin}); the state itself stays as it is. */
export const beginTables = <S extends object>(state: S): S => mapTables(state, (table) => table.begin())

/** The state with its tables sealed ({@link Table.seal}). */
export const sealTables = <S extends object>(state: S): S => mapTables(state, (table) => table.seal())

function mapTables<S extends object>(state: S, change: (table: Table<unknown>) => Table<unknown>): S {
  const fields = Object.entries(state).map(([name, value]: [string, unknown]) => [
    name,
    value instanceof Table ? change(value) : value,
  ])
  return Object.fromEntries(fields) as S
}
