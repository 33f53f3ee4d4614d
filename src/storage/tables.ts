/**
 * The checksums of LevelDB's table files, which LevelDB has but does not look at when it reads: it returns other bytes than
 * were written, or, where a key's length has changed, ends the whole process by an assertion (seen with
 * classic-level 3.0.0). So they are checked here, without it, before a store is opened whose last holder did not end well.
 *
 * Formats: LevelDB's doc/table_format.md and snappy's format_description.txt. A table is blocks one behind the other, each with a byte for
 * its compression and a masked CRC-32C behind it; one index names the data blocks, one the filter; the last 48 bytes name the two.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  BrokenBlock,
  checkBlock,
  Cursor,
  entriesIn,
  findBlock,
  type Handle,
  TRAILER_BYTES,
} from './blocks.ts'
import { ifGone, type BrokenFile } from './errors.ts'

const FOOTER_BYTES = 48
const MAGIC = 0xdb4775248b80fb57n

/**
 * Checks tables in a store's directory, all or those of these names; the ones that are broken. Reads all of it: about 3 ms a megabyte.
 */
export async function checkTables(path: string, names?: ReadonlySet<string>): Promise<readonly BrokenFile[]> {
  const broken: BrokenFile[] = []
  const files = await readdir(path).catch(ifGone<readonly string[]>([]))
  const tables = files.filter((name) => names?.has(name) ?? /\.(?:ldb|sst)$/.test(name))
  for (const file of tables) {
    // Whoever has the store may remove a table meanwhile.
    const table = await readFile(join(path, file)).catch(ifGone(undefined))
    const fault = table === undefined ? undefined : faultOf(table)
    if (fault !== undefined) broken.push({ ...fault, file })
  }
  return broken
}

/** The entries of a table's sound blocks, as LevelDB keeps them: keys with eight bytes of number and type behind. */
export function* entriesOf(table: Buffer): Generator<readonly [key: Buffer, value: Buffer], void, void> {
  for (const handle of blocksOf(table)) {
    const entries = soundly(() => [...entriesIn(checkBlock(table, handle))])
    if (Array.isArray(entries)) yield* entries
  }
}

/** Where the index is broken or cut off, blocks are found by their checksums, from the start to the first broken one. */
function blocksOf(table: Buffer): readonly Handle[] {
  const indexed = soundly(() => [...handlesIn(checkBlock(table, footerOf(table).index))])
  if (Array.isArray(indexed)) return indexed
  const found: Handle[] = []
  for (let at = 0; ;) {
    const handle = findBlock(table, at)
    if (handle === undefined) return found
    found.push(handle)
    at += handle.size + TRAILER_BYTES
  }
}

type Fault = Omit<BrokenFile, 'file'>

/** Where a table is broken and why; undefined: it is sound. */
function faultOf(table: Buffer): Fault | undefined {
  const checked = soundly(() => checkTable(table))
  return checked === true ? undefined : checked
}

/** What is got from bytes, or the fault that was met in them. */
function soundly<T extends true | readonly unknown[]>(read: () => T): Fault | T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return { ...(error instanceof BrokenBlock ? { at: error.at } : {}), why: error.message }
  }
}

function checkTable(table: Buffer): true {
  const { index, metaIndex } = footerOf(table)
  const named = [metaIndex, index].flatMap((handle) => [...handlesIn(checkBlock(table, handle))])
  named.forEach((handle) => checkBlock(table, handle))
  // Together they must be the whole file: nothing is left out.
  let end = 0
  for (const { offset, size } of [...named, metaIndex, index].sort((a, b) => a.offset - b.offset)) {
    if (offset !== end) throw new BrokenBlock(end, 'a block is missing')
    end = offset + size + TRAILER_BYTES
  }
  if (end !== table.length - FOOTER_BYTES) throw new BrokenBlock(end, 'a block is missing')
  return true
}

function footerOf(table: Buffer): { readonly index: Handle; readonly metaIndex: Handle } {
  if (table.length < FOOTER_BYTES) throw new RangeError('it is too short')
  if (table.readBigUInt64LE(table.length - 8) !== MAGIC)
    throw new RangeError('its last bytes are not those of a table')
  const footer = new Cursor(table.subarray(-FOOTER_BYTES))
  return { metaIndex: footer.handle(), index: footer.handle() }
}

/** The blocks that an index names. */
function* handlesIn(block: Buffer): Generator<Handle, void, void> {
  for (const [, value] of entriesIn(block)) yield new Cursor(value).handle()
}
