/**
 * The TCP connections of the sockets in a namespace (sock_diag(7), linux/inet_diag.h). What stays on one bridge is seen by nobody
 * else: it is not routed, so that the host's connection tracking does not hear of it.
 */
import type { Tuple } from './conntrack.ts'
import { type Message, NLM_F_DUMP, type Writer } from './message.ts'
import { AF_INET } from './rtnetlink.ts'

/** The netlink protocol that tells of sockets. */
export const NETLINK_SOCK_DIAG = 4

const SOCK_DIAG_BY_FAMILY = 20
const IPPROTO_TCP = 6
/** TCP_ESTABLISHED, as a bit of the states that are asked for. */
const ESTABLISHED = 1 << 1
/** struct inet_diag_sockid, in words. In a question to many it says nothing. */
const SOCKET_ID_WORDS = 12
/** Where it stands in struct inet_diag_msg, and in it the addresses. */
const PORTS_AT = 4
const SRC_AT = 8
const DST_AT = 24
const AF_INET_BYTES = 4
const AF_INET6_BYTES = 16
/** ::ffff:0:0/96: a socket of IPv6 that speaks IPv4 (RFC 4291 §2.5.5.2). */
const MAPPED = '\0'.repeat(10) + '\xff\xff'

/** @param family AF_INET or AF_INET6 */
export function dumpSockets(writer: Writer, family: number): Writer {
  writer.reset().begin(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP)
  writer.field8(family).field8(IPPROTO_TCP).field8(0).field8(0).field32(ESTABLISHED)
  for (let word = 0; word < SOCKET_ID_WORDS; word++) writer.field32(0)
  return writer.end()
}

/** The connection of a socket, from its own side. */
export function decodeSocket({ body }: Pick<Message, 'body'>): Tuple {
  const bytes = body.readUInt8(0) === AF_INET ? AF_INET_BYTES : AF_INET6_BYTES
  const address = (at: number): string => {
    const text = body.toString('latin1', at, at + bytes)
    return text.startsWith(MAPPED) ? text.slice(MAPPED.length) : text
  }
  return {
    dst: address(DST_AT),
    dstPort: body.readUInt16BE(PORTS_AT + 2),
    protocol: IPPROTO_TCP,
    src: address(SRC_AT),
    srcPort: body.readUInt16BE(PORTS_AT),
  }
}
