/**
 * What files a store counts on, and how large its tables are, read from its MANIFEST without LevelDB: which would open a store
 * whose write-ahead log is lost as if it had never been, would write in a directory before it finds a table missing, and finds one that
 * stands in another's place only when it reads it.
 *
 * Format: CURRENT names the MANIFEST, which is a journal (`journals.ts`) of edits (LevelDB's db/version_edit.cc).
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Cursor } from './blocks.ts'
import { ifGone, type BrokenFile } from './errors.ts'
import { entriesOf, faultOf } from './journals.ts'

/** Fields of an edit. */
const COMPARATOR = 1
const LOG_NUMBER = 2
const NEXT_FILE = 3
const LAST_SEQUENCE = 4
const COMPACT_POINTER = 5
const DELETED_FILE = 6
const NEW_FILE = 7
const PREVIOUS_LOG = 9

/** Rows lie in these; a lone MANIFEST is left when the process dies while it makes its first store. */
export const DATA_FILE = /\.(?:ldb|log|sst)$/

/** What a store's MANIFEST says of it. */
export type Manifest = {
  /** Files that the store counts on and that are lost; or what would name them is broken. */
  readonly broken: readonly BrokenFile[]
  /** Names of its tables; others were not finished when the process died. Undefined: it cannot be told. */
  readonly tables?: ReadonlySet<string>
}

/** Reads it. A directory without a store lacks nothing. */
export async function readManifest(path: string): Promise<Manifest> {
  const files = await readdir(path).catch(ifGone<readonly string[]>([]))
  const current = await readFile(join(path, 'CURRENT'), 'utf8').catch(ifGone(undefined))
  if (current === undefined)
    return files.some((file) => DATA_FILE.test(file)) ? broken('CURRENT', 'it is missing') : { broken: [] }
  const name = /^(MANIFEST-\d+)\n$/.exec(current)?.[1]
  if (name === undefined) return broken('CURRENT', 'it names no MANIFEST')
  const manifest = await readFile(join(path, name)).catch(ifGone(undefined))
  if (manifest === undefined) return broken(name, 'it is missing')
  const fault = faultOf(manifest)
  if (fault !== undefined) return { broken: [{ ...fault, file: name }] }
  try {
    return await compare(path, countedIn(manifest), new Set(files))
  } catch (error) {
    if (error instanceof RangeError) return broken(name, error.message)
    throw error
  }
}

const broken = (file: string, why: string): Manifest => ({ broken: [{ file, why }] })

/** Tables by number, with their sizes in bytes. */
type Counted = { readonly log: number; readonly tables: ReadonlyMap<number, number> }

async function compare(
  path: string,
  { log, tables }: Counted,
  files: ReadonlySet<string>,
): Promise<Manifest> {
  // Old stores have tables of the other ending.
  const named = new Map(
    [...tables].map(([table, bytes]) => {
      const old = fileName(table, 'sst')
      return [files.has(old) ? old : fileName(table, 'ldb'), bytes]
    }),
  )
  // A new store has no write-ahead log yet.
  const counted = log === 0 ? [...named.keys()] : [...named.keys(), fileName(log, 'log')]
  const missing = counted.filter((file) => !files.has(file)).map((file) => ({ file, why: 'it is missing' }))
  return { broken: [...missing, ...(await otherThan(named, path))], tables: new Set(named.keys()) }
}

/** Tables that are not of the size that they were made with: cut off, or others. */
async function otherThan(named: ReadonlyMap<string, number>, path: string): Promise<BrokenFile[]> {
  const found = await Promise.all(
    [...named].map(async ([file, bytes]) => {
      const there = await stat(join(path, file)).catch(ifGone(undefined))
      if (there === undefined || there.size === bytes) return []
      return [
        { file, why: `it has ${there.size} bytes, and was made with ${bytes}: cut off, or another file` },
      ]
    }),
  )
  return found.flat()
}

const fileName = (number: number, kind: string): string => `${String(number).padStart(6, '0')}.${kind}`

/** All edits together. */
function countedIn(manifest: Buffer): Counted {
  const tables = new Map<number, number>()
  let log: number | undefined
  for (const edit of entriesOf(manifest)) {
    const fields = new Cursor(edit)
    while (!fields.atEnd()) {
      const field = fields.varint()
      if (field === LOG_NUMBER) log = fields.varint()
      else if (field === NEW_FILE) tables.set(...newFile(fields))
      else if (field === DELETED_FILE) tables.delete(deletedFile(fields))
      else skip(field, fields)
    }
  }
  if (log === undefined) throw new RangeError('it ends too early')
  return { log, tables }
}

function newFile(fields: Cursor): [number: number, bytes: number] {
  fields.varint()
  const [number, bytes] = [fields.varint(), fields.varint()]
  // Its first and its last key.
  for (let key = 0; key < 2; key++) fields.take(fields.varint())
  return [number, bytes]
}

function deletedFile(fields: Cursor): number {
  fields.varint()
  return fields.varint()
}

function skip(field: number, fields: Cursor): void {
  if (field === COMPARATOR) fields.take(fields.varint())
  else if (field === NEXT_FILE || field === LAST_SEQUENCE || field === PREVIOUS_LOG) fields.varint()
  else if (field === COMPACT_POINTER) {
    fields.varint()
    fields.take(fields.varint())
  } else throw new RangeError(`an edit has a field ${field}`)
}
