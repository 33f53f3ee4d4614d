/**
 * Rules as the kernel holds them: lists of expressions of its small register machine, and one codec for both
 * directions.
 *
 * A dumped rule is compared with a wanted one in this form, so there is no decompiler. What the kernel adds
 * of its own (counts, flags that are 0) is left out when decoding; what we do not know is kept as
 * hexadecimal, hence differs. Source: linux/netfilter/nf_tables.h.
 */
import type { Attributes, Writer } from '../message.ts'

/** One expression; its fields are those of its layout. Data is `0x…`, or a {@link Verdict}. */
export type Expression = {
  readonly fields: Readonly<Record<string, number | string>>
  readonly name: string
}

export type Rule = readonly Expression[]

/** As `nft` prints it: `accept`, `jump from-br0`. */
export type Verdict = string

/** Whether two rules are one, as far as packets can tell. */
export const sameRule = (a: Rule, b: Rule): boolean =>
  a.length === b.length && a.every((expression, i) => sameExpression(expression, b[i]))

function sameExpression(a: Expression, b: Expression | undefined): boolean {
  if (a === b) return true
  if (a.name !== b?.name || Object.keys(a.fields).length !== Object.keys(b.fields).length) return false
  for (const field in a.fields) if (a.fields[field] !== b.fields[field]) return false
  return true
}

/** Bytes as data is written: `0x…`. */
export const hex = (bytes: Buffer): string => `0x${bytes.toString('hex')}`

/** `flags` is left out when 0; `count` is what the kernel counts, of no meaning here. */
type FieldType = 'count' | 'data' | 'flags' | 'text' | 'u32'

/** Name and type of the fields, by attribute number: enum nft_*_attributes. */
const LAYOUTS: ReadonlyMap<string, ReadonlyMap<number, readonly [name: string, type: FieldType]>> = new Map(
  Object.entries({
    bitwise: layout({ sreg: 1, dreg: 2, len: 3, op: 6 }, { mask: [4, 'data'], xor: [5, 'data'] }),
    cmp: layout({ sreg: 1, op: 2 }, { data: [3, 'data'] }),
    counter: layout({}, { bytes: [1, 'count'], packets: [2, 'count'] }),
    ct: layout({ dreg: 1, key: 2 }),
    immediate: layout({ dreg: 1 }, { data: [2, 'data'] }),
    lookup: layout({ sreg: 2, dreg: 3 }, { flags: [5, 'flags'], set: [1, 'text'] }),
    masq: layout({}, { flags: [1, 'flags'] }),
    meta: layout({ dreg: 1, key: 2 }),
    payload: layout({ dreg: 1, base: 2, offset: 3, len: 4 }),
  }),
)

function layout(
  numbers: Readonly<Record<string, number>>,
  others: Readonly<Record<string, readonly [number, FieldType]>> = {},
): ReadonlyMap<number, readonly [string, FieldType]> {
  return new Map([
    ...Object.entries(numbers).map(([name, attribute]) => [attribute, [name, 'u32']] as const),
    ...Object.entries(others).map(([name, [attribute, type]]) => [attribute, [name, type]] as const),
  ])
}

const LIST_ELEM = 1
const EXPR_NAME = 1
const EXPR_DATA = 2
const DATA_VALUE = 1
const DATA_VERDICT = 2
const VERDICT_CODE = 1
const VERDICT_CHAIN = 2

/** NF_ACCEPT, NF_DROP and enum nft_verdicts. */
const VERDICTS = { accept: 1, continue: -1, drop: 0, goto: -4, jump: -3, return: -5 } as const
const VERDICT_WORDS = new Map<number, string>(Object.entries(VERDICTS).map(([word, code]) => [code, word]))

/** Appends a rule's expressions, inside the attribute that lists them. */
export function encodeRule(writer: Writer, expressions: Rule): void {
  for (const { fields, name } of expressions) {
    writer.nest(LIST_ELEM, () => {
      writer.str(EXPR_NAME, name)
      writer.nest(EXPR_DATA, () => {
        for (const [attribute, [field, type]] of LAYOUTS.get(name) ?? [])
          encodeField(writer, attribute, type, fields[field])
      })
    })
  }
}

function encodeField(writer: Writer, attribute: number, type: FieldType, value?: number | string): void {
  if (value === undefined) return
  if (typeof value === 'number') writer.u32be(attribute, value)
  else if (type === 'text') writer.str(attribute, value)
  else if (value.startsWith('0x'))
    writer.nest(attribute, () => writer.raw(DATA_VALUE, Buffer.from(value.slice(2), 'hex')))
  else encodeVerdict(writer, attribute, value)
}

/** Appends a verdict as data: of a rule, or of an element of a verdict map. */
export function encodeVerdict(writer: Writer, attribute: number, text: Verdict): void {
  const [word = '', chain] = text.split(' ')
  const code = Object.hasOwn(VERDICTS, word) ? VERDICTS[word as keyof typeof VERDICTS] : Number(word)
  writer.nest(attribute, () =>
    writer.nest(DATA_VERDICT, () => {
      writer.u32be(VERDICT_CODE, code)
      if (chain !== undefined) writer.str(VERDICT_CHAIN, chain)
    }),
  )
}

/**
 * Reads a dumped rule's expressions. Never throws: what is malformed comes out as something that nobody
 * wants.
 */
export function decodeRule(list: Attributes): Rule {
  const expressions: Expression[] = []
  while (list.next()) expressions.push(decodeExpression(list.nested()))
  return expressions
}

function decodeExpression(attributes: Attributes): Expression {
  let name = ''
  let data: Attributes | undefined
  while (attributes.next()) {
    if (attributes.type === EXPR_NAME) name = attributes.text()
    else if (attributes.type === EXPR_DATA) data = attributes.nested()
  }
  const layout = LAYOUTS.get(name)
  const fields: Record<string, number | string> = {}
  while (data?.next() === true) {
    const [field, type] = layout?.get(data.type) ?? [`#${data.type}`, 'unknown']
    const value = decodeField(data, type)
    if (value !== undefined) fields[field] = value
  }
  return { fields, name }
}

/** Undefined: of no meaning. */
function decodeField(attributes: Attributes, type: FieldType | 'unknown'): number | string | undefined {
  if (type === 'count') return undefined
  if (type === 'text') return attributes.text()
  if (type === 'data') return decodeData(attributes.nested()) ?? hex(attributes.bytes())
  if (type === 'unknown' || attributes.size !== 4) return hex(attributes.bytes())
  const value = attributes.u32be()
  return type === 'flags' && value === 0 ? undefined : value
}

/** Reads data: a value as `0x…`, or a verdict. Undefined: neither. */
export function decodeData(data: Attributes): string | undefined {
  if (!data.next()) return undefined
  if (data.type === DATA_VALUE) return hex(data.bytes())
  return data.type === DATA_VERDICT ? decodeVerdict(data.nested()) : undefined
}

function decodeVerdict(attributes: Attributes): Verdict {
  let word = ''
  let chain = ''
  while (attributes.next()) {
    if (attributes.type === VERDICT_CODE && attributes.size === 4) word = verdictWord(attributes.u32be() | 0)
    else if (attributes.type === VERDICT_CHAIN) chain = ` ${attributes.text()}`
  }
  return word + chain
}

const verdictWord = (code: number): string => VERDICT_WORDS.get(code) ?? String(code)
