/** The rows that a commit is in a store: itself, and for a client's command what finds it again. */
import type { RawCommit } from './chain.ts'
import { isClients } from './scrub.ts'
import { keys, type Row } from './store.ts'

export function rowsOf({ body, commit, hash, seq }: RawCommit): readonly Row[] {
  const { actor, command } = commit
  const row: Row = [keys.commit(seq), hash + body]
  return isClients(actor) ? [row, [keys.command(command.id), String(seq)]] : [row]
}
