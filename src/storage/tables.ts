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
import { crc32c, maskedCrc } from './crc32c.ts'
import { codeOf } from './errors.ts'

const FOOTER_BYTES = 48
const MAGIC = 0xdb4775248b80fb57n
const TRAILER_BYTES = 5
const SNAPPY = 1

/** A table that is not what was written, and why. */
export type BrokenTable = { readonly file: string; readonly why: string }

type Handle = { readonly offset: number; readonly size: number }

/** Checks every table in a store's directory; those that are broken. Reads all of it: about 3 ms a megabyte. */
export async function checkTables(path: string): Promise<readonly BrokenTable[]> {
  const broken: BrokenTable[] = []
  const files = await readdir(path).catch(emptyIfGone<readonly string[]>([]))
  for (const file of files.filter((name) => /\.(?:ldb|sst)$/.test(name))) {
    // Whoever has the store may remove a table meanwhile.
    const table = await readFile(join(path, file)).catch(emptyIfGone(undefined))
    const why = table === undefined ? undefined : faultOf(table)
    if (why !== undefined) broken.push({ file, why })
  }
  return broken
}

const emptyIfGone =
  <T>(empty: T) =>
  (error: unknown): T => {
    if (codeOf(error) === 'ENOENT') return empty
    throw error
  }

/** Why a table is broken; undefined: it is sound. */
function faultOf(table: Buffer): string | undefined {
  try {
    checkTable(table)
    return undefined
  } catch (error) {
    if (error instanceof RangeError) return error.message
    throw error
  }
}

function checkTable(table: Buffer): void {
  if (table.length < FOOTER_BYTES) throw new RangeError('it is too short')
  const footer = new Cursor(table.subarray(-FOOTER_BYTES))
  if (table.readBigUInt64LE(table.length - 8) !== MAGIC)
    throw new RangeError('its last bytes are not those of a table')
  const [metaIndex, index] = [footer.handle(), footer.handle()]
  const named = [metaIndex, index].flatMap((handle) => [...handlesIn(checkBlock(table, handle))])
  named.forEach((handle) => checkBlock(table, handle))
  // Together they must be the whole file: nothing is left out.
  let end = 0
  for (const { offset, size } of [...named, metaIndex, index].sort((a, b) => a.offset - b.offset)) {
    if (offset !== end) throw new RangeError(`a block is missing at byte ${end}`)
    end = offset + size + TRAILER_BYTES
  }
  if (end !== table.length - FOOTER_BYTES) throw new RangeError('a block is missing at its end')
}

/** The block's bytes as they are stored, its compression's byte the last. */
function checkBlock(table: Buffer, { offset, size }: Handle): Buffer {
  const end = offset + size
  if (end + TRAILER_BYTES > table.length) throw new RangeError('a block lies beyond its end')
  if (maskedCrc(crc32c(table, offset, end + 1)) !== table.readUInt32LE(end + 1))
    throw new RangeError(`the block at byte ${offset} has another checksum`)
  return table.subarray(offset, end + 1)
}

/** The blocks that an index names. Entries: shared key bytes, own key bytes, value bytes, key, value. */
function* handlesIn(block: Buffer): Generator<Handle, void, void> {
  const type = block[block.length - 1]
  const bytes = type === SNAPPY ? unsnappy(block.subarray(0, -1)) : block.subarray(0, -1)
  const restarts = bytes.readUInt32LE(bytes.length - 4)
  const entries = new Cursor(bytes.subarray(0, bytes.length - 4 * (restarts + 1)))
  while (!entries.atEnd()) {
    entries.varint()
    const keyBytes = entries.varint()
    const valueBytes = entries.varint()
    entries.take(keyBytes)
    yield new Cursor(entries.take(valueBytes)).handle()
  }
}

/** Snappy: the length, then literals and copies of what is there already. Only index blocks need it. */
function unsnappy(compressed: Buffer): Buffer {
  const input = new Cursor(compressed)
  const output = Buffer.alloc(input.varint())
  let end = 0
  while (!input.atEnd()) {
    const tag = input.take(1).readUInt8()
    if ((tag & 3) === 0) {
      const literal = input.take(literalBytes(tag >>> 2, input))
      end += literal.copy(output, end)
      continue
    }
    const { length, offset } = copyOf(tag, input)
    // Byte by byte: a copy may overlap what it writes.
    for (let i = 0; i < length; i++, end++) output[end] = output[end - offset] ?? 0
  }
  return output
}

const literalBytes = (code: number, input: Cursor): number =>
  code < 60 ? code + 1 : input.take(code - 59).readUIntLE(0, code - 59) + 1

function copyOf(tag: number, input: Cursor): { readonly length: number; readonly offset: number } {
  if ((tag & 3) === 1) {
    const offset = ((tag >>> 5) << 8) | input.take(1).readUInt8()
    return { length: ((tag >>> 2) & 7) + 4, offset }
  }
  const bytes = (tag & 3) === 2 ? 2 : 4
  return { length: (tag >>> 2) + 1, offset: input.take(bytes).readUIntLE(0, bytes) }
}

/** Reads forward through bytes. @throws {RangeError} past their end. */
class Cursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  handle(): Handle {
    return { offset: this.varint(), size: this.varint() }
  }

  take(count: number): Buffer {
    if (this.#at + count > this.#bytes.length) throw new RangeError('something in it is cut off')
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  /** Seven bits a byte, the lowest first. */
  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.take(1).readUInt8()
      value += (byte & 0x7f) * scale
      if (byte < 128) return value
    }
  }
}
