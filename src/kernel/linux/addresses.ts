/** Addresses on the wire (struct ifaddrmsg): messages to add, delete and dump them, and the decoder. */
import { ipOf, prefixLengthOf } from '../../../events/address.ts'
import type { Cidr } from '../../../events/index.ts'
import {
  Attributes,
  type Message,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  type Writer,
} from './message.ts'
import {
  AF_INET6,
  familyNumber,
  ipBytes,
  ipText,
  RTM_DELADDR,
  RTM_GETADDR,
  RTM_NEWADDR,
} from './rtnetlink.ts'

const IFA_ADDRESS = 1
const IFA_LOCAL = 2
/** We know that nobody else has the address: without it, it would be unusable for 1 to 2 s (duplicate detection). */
const IFA_F_NODAD = 2

/** An address as the kernel tells it; `index` is its link's. */
export type Address = { readonly address: Cidr; readonly index: number }

function encode(writer: Writer, type: number, flags: number, address: Cidr, index: number): void {
  const family = familyNumber(address)
  const bytes = ipBytes(ipOf(address))
  writer.begin(type, flags).field8(family).field8(prefixLengthOf(address))
  writer
    .field8(family === AF_INET6 ? IFA_F_NODAD : 0)
    .field8(0)
    .field32(index)
  writer.raw(IFA_LOCAL, bytes).raw(IFA_ADDRESS, bytes).end()
}

export const addAddress = (writer: Writer, address: Cidr, index: number): void =>
  encode(writer, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, address, index)

export const deleteAddress = (writer: Writer, address: Cidr, index: number): void =>
  encode(writer, RTM_DELADDR, NLM_F_ACK, address, index)

/** All addresses of both families. */
export function dumpAddresses(writer: Writer): Writer {
  return writer.begin(RTM_GETADDR, NLM_F_DUMP).field32(0).field32(0).end()
}

/** Reads RTM_NEWADDR and RTM_DELADDR. IFA_LOCAL is the own address; IPv6 tells only IFA_ADDRESS. */
export function decodeAddress({ body }: Pick<Message, 'body'>): Address {
  let bytes: Buffer | undefined
  for (const a = new Attributes(body, 8); a.next();)
    if (a.type === IFA_LOCAL || (a.type === IFA_ADDRESS && bytes === undefined)) bytes = a.bytes()
  const text = bytes === undefined ? '' : ipText(bytes)
  return { address: `${text}/${body.readUInt8(1)}` as Cidr, index: body.readUInt32LE(4) }
}
