/**
 * The blocks of LevelDB's tables, as bytes: checksum, compression, entries. Formats: LevelDB's doc/table_format.md and
 * snappy's format_description.txt. Whatever is not as it should be throws a RangeError.
 */
import { crc32c, extendCrc, maskedCrc } from './crc32c.ts'

/** Behind each block: a byte for its compression, and the checksum of both. */
export const TRAILER_BYTES = 5
const PLAIN = 0
const SNAPPY = 1
/** A block holds one row at least, however long: a commit is a mebibyte at most. */
const BLOCK_BYTES_MAX = 4 << 20

/** Where a block lies; the trailer is not counted. */
export type Handle = { readonly offset: number; readonly size: number }

/** A block is not what was written. */
export class BrokenBlock extends RangeError {
  override readonly name = 'BrokenBlock'
  /** Where it begins, in bytes from the file's start. */
  readonly at: number

  constructor(at: number, why: string) {
    super(why)
    this.at = at
  }
}

/** The block's bytes as they are stored, its compression's byte the last. @throws {BrokenBlock} */
export function checkBlock(table: Buffer, { offset, size }: Handle): Buffer {
  const end = offset + size
  if (end + TRAILER_BYTES > table.length) throw new BrokenBlock(offset, 'a block lies beyond its end')
  if (maskedCrc(crc32c(table, offset, end + 1)) !== table.readUInt32LE(end + 1))
    throw new BrokenBlock(offset, 'a block has another checksum')
  return table.subarray(offset, end + 1)
}

/** The block that begins here, its end found by the checksum that stands there; undefined: none does. */
export function findBlock(table: Buffer, offset: number): Handle | undefined {
  let crc = extendCrc(undefined, table[offset] ?? 0)
  const last = Math.min(table.length - TRAILER_BYTES, offset + BLOCK_BYTES_MAX)
  for (let end = offset + 1; end <= last; end++) {
    const type = table[end] ?? 0
    crc = extendCrc(crc, type)
    if ((type === PLAIN || type === SNAPPY) && maskedCrc(crc) === table.readUInt32LE(end + 1))
      return { offset, size: end - offset }
  }
  return undefined
}

/** Keys and values of a block. An entry: bytes shared with the last key, own key bytes, value bytes, key, value. */
export function* entriesIn(block: Buffer): Generator<readonly [key: Buffer, value: Buffer], void, void> {
  const type = block[block.length - 1]
  const bytes = type === SNAPPY ? unsnappy(block.subarray(0, -1)) : block.subarray(0, -1)
  const restarts = bytes.readUInt32LE(bytes.length - 4)
  const entries = new Cursor(bytes.subarray(0, bytes.length - 4 * (restarts + 1)))
  let key: Buffer = Buffer.alloc(0)
  while (!entries.atEnd()) {
    const [shared, own, valueBytes] = [entries.varint(), entries.varint(), entries.varint()]
    key = Buffer.concat([key.subarray(0, shared), entries.take(own)])
    yield [key, entries.take(valueBytes)]
  }
}

/** Snappy: the length, then literals and copies of what is there already. */
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
export class Cursor {
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
