/**
 * Transactions: changes as bytes, sent at once, all or nothing.
 *
 * The first message names the generation of the ruleset that the changes were computed for, and the kernel
 * refuses the whole if anybody has committed since (ERESTART). So what we remember of the table may be
 * trusted without looking. An acknowledged message is no proof, since a later one may still fail (measured);
 * the acknowledged end is.
 */
import { ENOBUFS, ERESTART } from '../../errno.ts'
import { NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, Writer } from '../message.ts'
import { NetlinkError, type NetlinkSocket } from '../netlink.ts'
import type { Change } from './changes.ts'
import { encodeRule, encodeVerdict } from './expressions.ts'
import {
  BATCH_GENERATION,
  batchMessage,
  CHAIN,
  DATA_VALUE,
  ELEMENT,
  ELEMENT_CATCHALL,
  ELEMENTS,
  header,
  HOOK,
  IFNAME_BYTES,
  IFNAME_TYPE,
  MAP,
  MAP_FLAGS,
  MESSAGE,
  NFPROTO_INET,
  RULE,
  TABLE,
  USER_COMMENT,
  userData,
  VERDICT_DATA,
} from './protocol.ts'
import { ifnameBytes } from './statements.ts'

const EMSGSIZE = 90

/** What a transaction came to. Only after `done` has anything changed; of `lost` it is not known. */
export type Outcome =
  | { readonly is: 'done' }
  /** `change`: the one that the kernel refused; undefined: it refused all. */
  | {
      readonly change: Change | undefined
      readonly errno: number
      readonly is: 'failed'
      readonly message: string
    }
  | { readonly is: 'lost' }
  /** Somebody else was quicker: look again. */
  | { readonly is: 'overtaken' }
  | { readonly is: 'too long' }

/** Runs the changes to a table as one transaction on top of a generation. */
export function commit(
  socket: NetlinkSocket,
  table: string,
  changes: readonly Change[],
  generation: number,
): Outcome {
  const writer = encodeBatch(table, changes, generation)
  if (writer.bytes().length > socket.sendBytesMax) return { is: 'too long' }
  try {
    const answers = socket.transact(writer)
    // What fails after the first failure is mostly its consequence. An answer that was lost says ENOBUFS itself.
    const failed = answers.findIndex(({ errno }) => errno !== 0)
    const answer = answers[failed]
    if (answer === undefined) return { is: 'done' }
    if (answer.errno === ERESTART) return { is: 'overtaken' }
    if (answer.errno === ENOBUFS) return { is: 'lost' }
    return { change: changes[failed - 1], errno: answer.errno, is: 'failed', message: answer.message }
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error
    if (error.errno === EMSGSIZE) return { is: 'too long' }
    return { change: undefined, errno: error.errno, is: 'failed', message: error.message }
  }
}

/** The bytes of a transaction: begin, one message per change, end. */
export function encodeBatch(table: string, changes: readonly Change[], generation: number): Writer {
  const writer = new Writer()
  batchMessage(writer, MESSAGE.batchBegin, 0).u32be(BATCH_GENERATION, generation).end()
  changes.forEach((change, index) => {
    encodeChange(writer, table, change, index)
  })
  return batchMessage(writer, MESSAGE.batchEnd, NLM_F_ACK).end()
}

function encodeChange(writer: Writer, table: string, change: Change, index: number): void {
  const begin = (type: number, flags = 0): Writer =>
    // Every object names its table in attribute 1.
    header(writer.begin(type, flags), NFPROTO_INET).str(TABLE.name, table)
  switch (change.op) {
    case 'add-table':
      begin(MESSAGE.newTable, NLM_F_CREATE)
        .u32be(TABLE.flags, change.flags)
        .raw(TABLE.comment, userData(USER_COMMENT, Buffer.from(`${change.comment}\0`)))
      break
    case 'delete-table':
      begin(MESSAGE.deleteTable)
      break
    case 'add-chain':
      begin(MESSAGE.newChain, NLM_F_CREATE)
      encodeChain(writer, change)
      break
    case 'delete-chain':
      begin(MESSAGE.deleteChain).str(CHAIN.name, change.chain)
      break
    case 'flush-chain':
      // All rules of the chain: no handle is given.
      begin(MESSAGE.deleteRule).str(RULE.chain, change.chain)
      break
    case 'add-rule':
      begin(MESSAGE.newRule, NLM_F_CREATE | NLM_F_APPEND).str(RULE.chain, change.chain)
      writer.nest(RULE.expressions, () => {
        encodeRule(writer, change.rule)
      })
      break
    case 'add-map':
      begin(MESSAGE.newMap, NLM_F_CREATE)
      encodeMap(writer, change.map, index + 1)
      break
    case 'delete-map':
      begin(MESSAGE.deleteMap).str(MAP.name, change.map)
      break
    case 'add-element':
      begin(MESSAGE.newElement, NLM_F_CREATE)
      encodeElement(writer, change)
      break
    case 'delete-element':
      begin(MESSAGE.deleteElement)
      encodeElement(writer, change)
  }
  writer.end()
}

function encodeChain(writer: Writer, { base, chain }: Change & { op: 'add-chain' }): void {
  writer.str(CHAIN.name, chain)
  if (base === undefined) return
  writer.nest(CHAIN.hook, () => writer.u32be(HOOK.number, base.hook).u32be(HOOK.priority, base.priority))
  writer.u32be(CHAIN.policy, base.policy === 'accept' ? 1 : 0).str(CHAIN.type, base.type)
}

/** `id` is asked for, but of use only to rules that come before the map has its name. */
function encodeMap(writer: Writer, name: string, id: number): void {
  writer
    .str(MAP.name, name)
    .u32be(MAP.flags, MAP_FLAGS.map)
    .u32be(MAP.keyType, IFNAME_TYPE)
    .u32be(MAP.keyLength, IFNAME_BYTES)
    .u32be(MAP.dataType, VERDICT_DATA)
    .u32be(MAP.dataLength, 16)
    .u32be(MAP.id, id)
    .nest(MAP.description, () => undefined)
    .raw(MAP.userData, MAP_USER_DATA)
}

/**
 * How `nft` is to read the map: byte order of the key (0) that of the host (1), of the data (1) none (0), no
 * merging of elements (6: 0). Without it names are printed as ""; a data byte order of 1 makes everybody's
 * `nft list` abort.
 */
const MAP_USER_DATA = Buffer.concat(
  (
    [
      [0, 1],
      [1, 0],
      [6, 0],
    ] as const
  ).map(([kind, value]) => userData(kind, Buffer.of(value, 0, 0, 0))),
)

function encodeElement(
  writer: Writer,
  element: { readonly key: string; readonly map: string; readonly verdict?: string },
): void {
  writer.str(ELEMENTS.map, element.map).nest(ELEMENTS.list, () =>
    writer.nest(ELEMENT.item, () => {
      if (element.key === '') writer.u32be(ELEMENT.flags, ELEMENT_CATCHALL)
      else writer.nest(ELEMENT.key, () => writer.raw(DATA_VALUE, ifnameBytes(element.key)))
      if (element.verdict !== undefined) encodeVerdict(writer, ELEMENT.data, element.verdict)
    }),
  )
}
