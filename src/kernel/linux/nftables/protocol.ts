/**
 * The numbers of nftables' netlink protocol, and the header that all its messages begin with.
 * Sources: linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h. All of its integers are big-endian.
 */
import { NLM_F_DUMP, type Writer } from '../message.ts'

const NFNL_SUBSYS_NFTABLES = 10

/** The family of our table: IPv4 and IPv6 in one. */
export const NFPROTO_INET = 1

/** Multicast group of changes: one message per object, then the new generation. */
export const NFNLGRP_NFTABLES = 7

const type = (number: number): number => (NFNL_SUBSYS_NFTABLES << 8) | number

/** nlmsg_type: enum nf_tables_msg_types, and the two that begin and end a transaction. */
export const MESSAGE = {
  batchBegin: 16,
  batchEnd: 17,
  deleteChain: type(5),
  deleteElement: type(14),
  deleteMap: type(11),
  deleteRule: type(8),
  deleteTable: type(2),
  getChain: type(4),
  getElement: type(13),
  getGeneration: type(16),
  getMap: type(10),
  getRule: type(7),
  getTable: type(1),
  newChain: type(3),
  newElement: type(12),
  newGeneration: type(15),
  newMap: type(9),
  newRule: type(6),
  newTable: type(0),
} as const

/** enum nft_table_attributes */
export const TABLE = { comment: 6, flags: 2, name: 1 } as const
/** enum nft_chain_attributes */
export const CHAIN = { hook: 4, name: 3, policy: 5, table: 1, type: 7 } as const
/** enum nft_hook_attributes */
export const HOOK = { number: 1, priority: 2 } as const
/** enum nft_rule_attributes */
export const RULE = { chain: 2, expressions: 4, table: 1 } as const
/** enum nft_set_attributes: maps are sets. */
export const MAP = {
  dataLength: 7,
  dataType: 6,
  description: 9,
  flags: 3,
  id: 10,
  keyLength: 5,
  keyType: 4,
  name: 2,
  table: 1,
  userData: 13,
} as const
/** enum nft_set_elem_list_attributes */
export const ELEMENTS = { list: 3, map: 2, table: 1 } as const
/** enum nft_set_elem_attributes, within a list's items (1) */
export const ELEMENT = { data: 2, flags: 3, item: 1, key: 1 } as const
/** NFTA_DATA_VALUE */
export const DATA_VALUE = 1
/** NFTA_BATCH_GENID: the generation that the transaction was made for. */
export const BATCH_GENERATION = 1
/** NFTA_GEN_ID */
export const GENERATION_ID = 1

/** enum nft_set_flags */
export const MAP_FLAGS = { anonymous: 1, map: 8 } as const
/** NFT_SET_ELEM_CATCHALL */
export const ELEMENT_CATCHALL = 2
/** NFT_DATA_VERDICT */
export const VERDICT_DATA = 0xffffff00
/** `ifname` among nft's own data types: the kernel stores the number and does not look at it. */
export const IFNAME_TYPE = 41
export const IFNAME_BYTES = 16

/** struct nfgenmsg. `resource`: of a batch, the subsystem. */
export const header = (writer: Writer, family: number, resource = 0): Writer =>
  writer.field8(family).field8(0).field16be(resource)

/** Where the attributes of a message's body begin. */
export const HEADER_BYTES = 4

/** Begins or ends a batch of nftables' messages. */
export const batchMessage = (writer: Writer, messageType: number, flags: number): Writer =>
  header(writer.begin(messageType, flags), 0, NFNL_SUBSYS_NFTABLES)

/** A request for all objects of a type, of family inet. Attributes and `end` follow. */
export const dumpMessage = (writer: Writer, messageType: number): Writer =>
  header(writer.reset().begin(messageType, NLM_F_DUMP), NFPROTO_INET)

/** User data, a convention between programs: type u8, length u8, value. */
export const userData = (kind: number, value: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(kind, value.length), value])

/** Finds a text in user data, without the zero byte at its end. Undefined: there is none of that kind. */
export function userText(bytes: Uint8Array, kind: number): string | undefined {
  for (let at = 0; at + 2 <= bytes.length;) {
    const [found, length = 0] = bytes.subarray(at, at + 2)
    const value = bytes.subarray(at + 2, at + 2 + length)
    if (found === kind) return Buffer.from(value).toString('utf8').replace(/\0$/, '')
    at += 2 + length
  }
  return undefined
}

/** NFTNL_UDATA_TABLE_COMMENT */
export const USER_COMMENT = 0
