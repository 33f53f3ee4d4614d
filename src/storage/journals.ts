/**
 * The checksums of LevelDB's write-ahead logs. LevelDB looks at them, but where one is wrong it silently drops the record, and
 * often all behind it: a flipped bit would take acknowledged commits away, and what is left would look whole. So they are
 * checked here before a store is opened.
 *
 * Format: LevelDB's doc/log_format.md. Blocks of 32 KiB; records of a masked CRC-32C (4 bytes), a length (2), a type (1) and
 * data; what is too short for a header at a block's end is filled with zeros.
 *
 * A torn end is no damage: power went while the last record was being written, so nobody was told of it. It shows as a
 * file that ends within the record, or as a last sector that was never written.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c, maskedCrc } from './crc32c.ts'
import { ifGone, type BrokenFile } from './errors.ts'

const BLOCK_BYTES = 32 << 10
const HEADER_BYTES = 7
/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512
/** Types of records: an entry whole, or in parts. */
const FULL = 1
const FIRST = 2
const LAST = 4

/** Write-ahead logs that are damaged, and those that end within a record. */
export type Journals = { readonly broken: readonly BrokenFile[]; readonly torn: readonly BrokenFile[] }

/** Checks every write-ahead log in a store's directory. About 3 ms a megabyte, 8 MiB at most each. */
export async function checkJournals(path: string): Promise<Journals> {
  const broken: BrokenFile[] = []
  const torn: BrokenFile[] = []
  const files = await readdir(path).catch(ifGone<readonly string[]>([]))
  for (const file of files.filter((name) => name.endsWith('.log'))) {
    // Gone since it was listed: somebody else has the store, and LevelDB goes on to the next journal whenever it is opened.
    const journal = await readFile(join(path, file)).catch(ifGone(undefined))
    const flaw = journal && flawOf(journal)
    if (flaw !== undefined) (flaw.isTorn ? torn : broken).push({ at: flaw.at, file, why: flaw.why })
  }
  return { broken, torn }
}

/** Where a journal is damaged and why; undefined: it is sound, save perhaps for a torn end. */
export function faultOf(journal: Buffer): Omit<BrokenFile, 'file'> | undefined {
  const flaw = flawOf(journal)
  return flaw === undefined || flaw.isTorn ? undefined : { at: flaw.at, why: flaw.why }
}

type Flaw = { readonly at: number; readonly isTorn: boolean; readonly why: string }

/** The first record that is not sound. */
function flawOf(journal: Buffer): Flaw | undefined {
  for (const { at, end } of recordsIn(journal)) {
    if (end !== undefined) continue
    return isTorn(journal, at)
      ? { at, isTorn: true, why: 'it ends within a record' }
      : { at, isTorn: false, why: 'a record has another checksum' }
  }
  return undefined
}

/** What was written, record by record, the broken ones left out; and all that shares a block with one and stands behind it. */
export function* entriesOf(journal: Buffer): Generator<Buffer, void, void> {
  let parts: Buffer[] = []
  for (const { at, end } of recordsIn(journal)) {
    const type = end === undefined ? undefined : journal[at + 6]
    const isStart = type === FULL || type === FIRST
    // Without its beginning, the rest of an entry is nothing.
    if (type === undefined || isStart) parts = []
    if (isStart || (type !== undefined && parts.length > 0))
      parts.push(journal.subarray(at + HEADER_BYTES, end))
    if ((type === FULL || type === LAST) && parts.length > 0) yield Buffer.concat(parts)
  }
}

/** Records one behind the other. After one that is not sound (`end` undefined) come those of the next block. */
function* recordsIn(
  journal: Buffer,
): Generator<{ readonly at: number; readonly end: number | undefined }, void, void> {
  let at = 0
  while (at < journal.length) {
    const room = BLOCK_BYTES - (at % BLOCK_BYTES)
    if (room < HEADER_BYTES) {
      at += room
      continue
    }
    const end = recordEnd(journal, at, room)
    yield { at, end }
    at = end ?? at + room
  }
}

/** Where a sound record ends; undefined: it is not sound. */
function recordEnd(journal: Buffer, at: number, room: number): number | undefined {
  if (at + HEADER_BYTES > journal.length) return undefined
  const bytes = journal.readUInt16LE(at + 4)
  const end = at + HEADER_BYTES + bytes
  if (HEADER_BYTES + bytes > room || end > journal.length) return undefined
  return maskedCrc(crc32c(journal, at + 6, end)) === journal.readUInt32LE(at) ? end : undefined
}

/** Whether nothing sound stands behind: the file ends within this record, or in a sector that was never written. */
function isTorn(journal: Buffer, at: number): boolean {
  if (at + HEADER_BYTES > journal.length) return true
  if (hasSoundBehind(journal, at)) return false
  // A flipped length may point beyond the end too; then the record is sound with the length that the file's end gives.
  if (at + HEADER_BYTES + journal.readUInt16LE(at + 4) > journal.length)
    return maskedCrc(crc32c(journal, at + 6, journal.length)) !== journal.readUInt32LE(at)
  const lastSector = journal.length - (journal.length % SECTOR_BYTES || SECTOR_BYTES)
  return journal.subarray(Math.max(at, lastSector)).every((byte) => byte === 0)
}

/** Whether any record behind is sound: at a later block's start, or anywhere in this block. Only asked of broken files. */
function hasSoundBehind(journal: Buffer, at: number): boolean {
  const blockEnd = at - (at % BLOCK_BYTES) + BLOCK_BYTES
  for (let block = blockEnd; block < journal.length; block += BLOCK_BYTES)
    if (recordEnd(journal, block, BLOCK_BYTES) !== undefined) return true
  for (let i = at + HEADER_BYTES; i < Math.min(blockEnd, journal.length) - HEADER_BYTES; i++)
    if (isRecordType(journal[i + 6]) && recordEnd(journal, i, blockEnd - i) !== undefined) return true
  return false
}

const isRecordType = (type = 0): boolean => type >= FULL && type <= LAST
