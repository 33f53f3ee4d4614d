/**
 * The scrubber: reads the whole log again, slowly, since what is not read can rot unseen. It also compares the rows that
 * find a client's command again, which no hash covers, and writes those anew that are gone or wrong.
 */
import { readChain } from './chain.ts'
import type { ChainSource, Link, RawCommit } from './chain.ts'
import type { Actor, Seq } from './fact.ts'
import { keys } from './store.ts'
import type { Row } from './store.ts'

/** What one step of a scrub did. */
export type Scrubbed = {
  /** Rows that were gone or wrong and could be derived. */
  readonly repaired: number
  /** All up to this number is good. */
  readonly verified: Seq
}

/** Whether a command came from outside, so that it may come again: the engine does not repeat its own. */
export const isClients = (actor: Actor): boolean => actor.kind !== 'engine' && actor.kind !== 'worker'

/** What follows `after`, up to `to`. @throws {EngineError} ERR_LOG_DAMAGED while iterating */
export async function* scrubChain(
  source: ChainSource,
  after: Link,
  to: Seq,
  chunkRows?: number,
): AsyncGenerator<Scrubbed, void, void> {
  let verified = after.seq
  for await (const chunk of readChain(source, after, { chunkRows, to })) {
    verified = chunk.at(-1)?.seq ?? verified
    yield { repaired: await repairCommandRows(source, chunk), verified }
  }
}

async function repairCommandRows(source: ChainSource, chunk: readonly RawCommit[]): Promise<number> {
  const rows = chunk
    .filter((raw) => isClients(raw.commit.actor))
    .map((raw): Row => [keys.command(raw.commit.command.id), String(raw.seq)])
  const found = await source.store.getMany(rows.map(([key]) => key))
  const wrong = rows.filter(([, value], i) => found[i] !== value)
  if (wrong.length === 0) return 0
  const batch = source.store.batch()
  for (const [key, value] of wrong) batch.put(key, value)
  await batch.write({ sync: true } as object)
  return wrong.length
}
