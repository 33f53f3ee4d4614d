/** The netlink codec: what the writer writes, the cursor reads, and both keep the kernel's alignment. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  Attributes,
  MESSAGE_HEADER,
  NLM_F_ACK,
  NLM_F_REQUEST,
  Writer,
} from '../../src/kernel/linux/message.ts'

type Value =
  | { readonly bytes: Uint8Array; readonly type: number }
  | { readonly nested: readonly Value[]; readonly type: number }
  | { readonly text: string; readonly type: number }

const type = fc.integer({ max: 0x3fff, min: 1 })
// A text ends at its zero byte, so it has none inside.
const text = fc.string({ unit: 'grapheme' }).map((each) => each.replaceAll('\0', ''))
const { values } = fc.letrec<{ value: Value; values: readonly Value[] }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ bytes: fc.uint8Array({ maxLength: 300 }), type }),
    fc.record({ text, type }),
    fc.record({ nested: tie('values'), type }),
  ),
  values: fc.array(tie('value'), { maxLength: 6 }),
}))

function write(writer: Writer, all: readonly Value[]): void {
  for (const value of all)
    if ('bytes' in value) writer.raw(value.type, value.bytes)
    else if ('text' in value) writer.str(value.type, value.text)
    else
      writer.nest(value.type, () => {
        write(writer, value.nested)
      })
}

/** Reads as what was written: the kernel's attributes do not say what they are. */
function read(attributes: Attributes, like: readonly Value[]): readonly Value[] {
  const found = like.map((value): Value | undefined => {
    if (!attributes.next()) return undefined
    const { type } = attributes
    if ('bytes' in value) return { bytes: new Uint8Array(attributes.bytes()), type }
    if ('text' in value) return { text: attributes.text(), type }
    return { nested: read(attributes.nested(), value.nested), type }
  })
  expect(attributes.next()).toBe(false)
  return found.filter((value) => value !== undefined)
}

describe('netlink messages', () => {
  it('are read as they were written, nested and of any length', () => {
    fc.assert(
      fc.property(fc.array(values, { maxLength: 4 }), (messages) => {
        const writer = new Writer()
        for (const message of messages) {
          writer.begin(16)
          write(writer, message)
          writer.end()
        }
        const bytes = writer.bytes()
        expect(bytes.length % 4).toBe(0)
        expect(writer.count).toBe(messages.length)
        for (const [index, message] of messages.entries()) {
          const start = writer.startOf(index)
          const end = start + bytes.readUInt32LE(start)
          expect(bytes.readUInt16LE(start + 6)).toBe(NLM_F_REQUEST | NLM_F_ACK)
          expect(read(new Attributes(bytes, start + MESSAGE_HEADER, end), message)).toEqual(message)
        }
      }),
    )
  })

  it('end the cursor where an attribute would reach over the end, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (noise) => {
        const buffer = Buffer.from(noise)
        let read = 0
        for (const a = new Attributes(buffer); a.next(); read++) expect(a.bytes().length).toBe(a.size)
        expect(read).toBeLessThanOrEqual(buffer.length / 4)
      }),
    )
  })

  it('are forgotten on reset, and their memory is used again', () => {
    const writer = new Writer().begin(16).str(3, 'eth0').end().reset()
    expect([writer.count, writer.bytes().length]).toEqual([0, 0])
  })
})
