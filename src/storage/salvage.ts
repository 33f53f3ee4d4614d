/**
 * Reads the commits that a damaged store still has, and puts them into another. Its files are read by their formats, not by
 * LevelDB: that would replay and delete the write-ahead log, write in the directory, drop what is broken without a word, or end the
 * process. Which of the commits are the log, the chain says (`openLog`), as of any store.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Store } from '../ports.ts'
import { Cursor } from './blocks.ts'
import { entriesOf as batchesOf } from './journals.ts'
import { DATA_FILE } from './manifest.ts'
import { entriesOf as entriesOfTable } from './tables.ts'

/** A row as it was written: a deletion has no value. `version` grows with each write of the store. */
type Row = { readonly key: string; readonly value: string | undefined; readonly version: number }

/** Keys of commits, as `events/store.ts` lays them out. */
const COMMIT = /^c[0-9a-f]{12}$/
const DELETION = 0
const VALUE = 1
/** Bytes behind a key in a table: number and type. */
const TAG_BYTES = 8
/** The largest number there is: the index uses it, no row has it. */
const VERSION_MAX = 2 ** 56 - 1
const ROWS_PER_BATCH = 500

/**
 * Puts the newest version of every commit that can be read in `path` into a store; other rows are derived or caches.
 * @returns how many
 */
export async function salvage(path: string, into: Store): Promise<number> {
  const versions = new Map<string, number>()
  const present = new Set<string>()
  // A table that was just made of a write-ahead log has its rows again; so has the table that others were made of.
  for (const file of (await readdir(path)).filter((name) => DATA_FILE.test(name)).sort()) {
    const bytes = await readFile(join(path, file))
    let batch = into.batch()
    for (const { key, value, version } of file.endsWith('.log') ? rowsOfJournal(bytes) : rowsOfTable(bytes)) {
      if (!COMMIT.test(key) || version <= (versions.get(key) ?? -1)) continue
      versions.set(key, version)
      if (value === undefined) present.delete(key)
      else present.add(key)
      batch = value === undefined ? batch.del(key) : batch.put(key, value)
      if (batch.length < ROWS_PER_BATCH) continue
      await batch.write()
      batch = into.batch()
    }
    await batch.write()
  }
  return present.size
}

function* rowsOfTable(bytes: Buffer): Generator<Row, void, void> {
  for (const [key, value] of entriesOfTable(bytes)) {
    const at = key.length - TAG_BYTES
    if (at < 0) continue
    const version = key.readUInt32LE(at + 4) * 2 ** 24 + (key.readUInt32LE(at) >>> 8)
    if (version === VERSION_MAX) continue
    const isValue = key[at] === VALUE
    yield { key: key.toString('utf8', 0, at), value: isValue ? value.toString('utf8') : undefined, version }
  }
}

/** An entry of a write-ahead log is a batch: number of its first row (8 bytes), how many (4), and per row type, key, value. */
function* rowsOfJournal(bytes: Buffer): Generator<Row, void, void> {
  for (const batch of batchesOf(bytes)) {
    if (batch.length < 12) continue
    let version = batch.readUInt32LE(4) * 2 ** 32 + batch.readUInt32LE(0)
    const rows = new Cursor(batch.subarray(12))
    for (; !rows.atEnd(); version++) {
      const type = rows.take(1)[0]
      const key = rows.take(rows.varint()).toString('utf8')
      const value = type === DELETION ? undefined : rows.take(rows.varint()).toString('utf8')
      yield { key, value, version }
    }
  }
}
