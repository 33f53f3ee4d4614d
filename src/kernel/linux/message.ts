/**
 * Netlink messages as bytes: a writer that appends messages and attributes to one growing buffer, and a cursor that
 * reads attributes. No socket here. Lengths are written when a message or nest ends, over a place kept for them.
 *
 * Layouts: linux/netlink.h. Netlink speaks the host's byte order; all hosts that Node supports on Linux save s390x are
 * little-endian, and `netlink.ts` refuses the others.
 */
import { assert } from '../../../events/errors.ts'

/** struct nlmsghdr: length u32, type u16, flags u16, sequence u32, port u32. */
export const MESSAGE_HEADER = 16
const ATTRIBUTE_HEADER = 4

/** nlmsg_flags. `REQUEST` is set by {@link Writer.begin}. */
export const NLM_F_REQUEST = 0x1
export const NLM_F_ACK = 0x4
export const NLM_F_DUMP = 0x300
export const NLM_F_REPLACE = 0x100
export const NLM_F_EXCL = 0x200
export const NLM_F_CREATE = 0x400
export const NLM_F_APPEND = 0x800
const NLA_F_NESTED = 0x8000
const NLA_TYPE_MASK = 0x3fff

/** One received message; `body` begins after the netlink header and is a view, valid during the call only. */
export type Message = {
  readonly body: Buffer
  readonly flags: number
  /** Port id of the socket whose request caused it (of notifications), else of the receiver. */
  readonly portId: number
  readonly seq: number
  readonly type: number
}

const align = (length: number): number => (length + 3) & ~3

/** Builds any number of messages. Reuse it: `reset` keeps the memory. */
export class Writer {
  #buffer = Buffer.allocUnsafe(4096)
  #length = 0
  #open = -1
  readonly #starts: number[] = []

  /** How many messages are complete. */
  get count(): number {
    return this.#starts.length
  }

  /** Where message `index` begins in {@link bytes}. */
  startOf(index: number): number {
    const start = this.#starts[index]
    assert(start !== undefined, `no message ${index}`)
    return start
  }

  /** All complete messages; a view that the next write may change. */
  bytes(): Buffer {
    assert(this.#open < 0, 'a netlink message is still open')
    return this.#buffer.subarray(0, this.#length)
  }

  reset(): this {
    this.#length = 0
    this.#open = -1
    this.#starts.length = 0
    return this
  }

  /** Begins a message; its fixed header (`field…`) and attributes follow, then {@link end}. */
  begin(type: number, flags: number = NLM_F_ACK): this {
    assert(this.#open < 0, 'a netlink message is still open')
    this.#open = this.#length
    this.#reserve(MESSAGE_HEADER)
    return this.field32(0)
      .field16(type)
      .field16(flags | NLM_F_REQUEST)
      .field32(0)
      .field32(0)
  }

  end(): this {
    this.#buffer.writeUInt32LE(this.#length - this.#open, this.#open)
    this.#pad()
    this.#starts.push(this.#open)
    this.#open = -1
    return this
  }

  // Fields of a fixed header, and of structures inside attributes: no length, no type, no padding.

  field8(value: number): this {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
    return this
  }

  field16(value: number): this {
    this.#reserve(2)
    this.#length = this.#buffer.writeUInt16LE(value, this.#length)
    return this
  }

  field16be(value: number): this {
    this.#reserve(2)
    this.#length = this.#buffer.writeUInt16BE(value, this.#length)
    return this
  }

  field32(value: number): this {
    this.#reserve(4)
    this.#length = this.#buffer.writeUInt32LE(value >>> 0, this.#length)
    return this
  }

  // Attributes.

  u8(type: number, value: number): this {
    return this.#attribute(type, 1).field8(value).#pad()
  }

  u16(type: number, value: number): this {
    return this.#attribute(type, 2).field16(value).#pad()
  }

  u16be(type: number, value: number): this {
    return this.#attribute(type, 2).field16be(value).#pad()
  }

  u32(type: number, value: number): this {
    return this.#attribute(type, 4).field32(value)
  }

  u32be(type: number, value: number): this {
    this.#attribute(type, 4)
    this.#length = this.#buffer.writeUInt32BE(value >>> 0, this.#length)
    return this
  }

  u64be(type: number, value: bigint): this {
    this.#attribute(type, 8)
    this.#length = this.#buffer.writeBigUInt64BE(value, this.#length)
    return this
  }

  /** UTF-8 with the zero byte at its end (NLA_NUL_STRING). */
  str(type: number, text: string): this {
    const size = Buffer.byteLength(text)
    this.#attribute(type, size + 1)
    this.#length += this.#buffer.write(text, this.#length, 'utf8')
    return this.field8(0).#pad()
  }

  raw(type: number, bytes: Uint8Array): this {
    this.#attribute(type, bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
    return this.#pad()
  }

  /** An attribute that holds what `fill` writes. */
  nest(type: number, fill: () => void): this {
    const start = this.#length
    this.#attribute(type | NLA_F_NESTED, 0)
    fill()
    this.#buffer.writeUInt16LE(this.#length - start, start)
    return this
  }

  #attribute(type: number, size: number): this {
    this.#reserve(align(ATTRIBUTE_HEADER + size))
    this.#length = this.#buffer.writeUInt16LE(ATTRIBUTE_HEADER + size, this.#length)
    this.#length = this.#buffer.writeUInt16LE(type, this.#length)
    return this
  }

  #pad(): this {
    const end = align(this.#length)
    this.#reserve(end - this.#length)
    while (this.#length < end) this.#buffer[this.#length++] = 0
    return this
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + size))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

/**
 * A cursor over attributes: `for (const a = new Attributes(body, 16); a.next();) switch (a.type) …`. Values are read
 * in place; `bytes` and `nested` are views of the buffer.
 */
export class Attributes {
  /** Of the current attribute, without the flags of nesting and byte order. */
  type = 0
  readonly #buffer: Buffer
  readonly #end: number
  #start = 0
  #size = 0
  #following: number

  constructor(buffer: Buffer, start = 0, end: number = buffer.length) {
    this.#buffer = buffer
    this.#end = end
    this.#following = start
  }

  /** Goes to the next attribute; false at the end, or where the rest is no attribute. */
  next(): boolean {
    const at = this.#following
    if (at + ATTRIBUTE_HEADER > this.#end) return false
    const length = this.#buffer.readUInt16LE(at)
    if (length < ATTRIBUTE_HEADER || at + length > this.#end) return false
    this.type = this.#buffer.readUInt16LE(at + 2) & NLA_TYPE_MASK
    this.#start = at + ATTRIBUTE_HEADER
    this.#size = length - ATTRIBUTE_HEADER
    this.#following = at + align(length)
    return true
  }

  /** Bytes of the value. */
  get size(): number {
    return this.#size
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#start)
  }

  u16(): number {
    return this.#buffer.readUInt16LE(this.#start)
  }

  u16be(): number {
    return this.#buffer.readUInt16BE(this.#start)
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.#start)
  }

  i32(): number {
    return this.#buffer.readInt32LE(this.#start)
  }

  u32be(): number {
    return this.#buffer.readUInt32BE(this.#start)
  }

  u64be(): bigint {
    return this.#buffer.readBigUInt64BE(this.#start)
  }

  /** Text, with or without the zero byte at its end. */
  text(): string {
    const end = this.#start + this.#size
    const last = this.#size > 0 && this.#buffer[end - 1] === 0 ? end - 1 : end
    return this.#buffer.toString('utf8', this.#start, last)
  }

  bytes(): Buffer {
    return this.#buffer.subarray(this.#start, this.#start + this.#size)
  }

  nested(): Attributes {
    return new Attributes(this.#buffer, this.#start, this.#start + this.#size)
  }
}
