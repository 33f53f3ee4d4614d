/**
 * The shape that projections' states have: a record whose fields are tables, or plain values.
 *
 * So one function each opens a state for many changes, seals it, and takes it apart into rows.
 */
import { Trie } from './trie.ts'

/** The state with another table; the same object if it is the same table. */
export const withTable = <S, K extends keyof S>(state: S, table: K, trie: S[K]): S =>
  state[table] === trie ? state : { ...state, [table]: trie }

/** The state with its tables open for edits ({@link Trie.begin}); the state itself stays as it is. */
export const beginTables = <S extends object>(state: S): S => mapTables(state, (trie) => trie.begin())

/** The state with its tables sealed ({@link Trie.seal}). */
export const sealTables = <S extends object>(state: S): S => mapTables(state, (trie) => trie.seal())

function mapTables<S extends object>(state: S, change: (trie: Trie<unknown>) => Trie<unknown>): S {
  const fields = Object.entries(state).map(([name, value]: [string, unknown]) => [
    name,
    value instanceof Trie ? change(value) : value,
  ])
  return Object.fromEntries(fields) as S
}
