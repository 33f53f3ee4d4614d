/**
 * The connections that the kernel follows in the namespace of a socket, read and never changed. The numbers are those of
 * linux/netfilter/nfnetlink_conntrack.h, nf_conntrack_common.h and nf_conntrack_tcp.h; all integers are big-endian.
 */
import { type Message, NLM_F_DUMP, type Writer } from './message.ts'
import { Attributes } from './message.ts'
import { header, HEADER_BYTES } from './nftables/protocol.ts'
import { AF_UNSPEC } from './rtnetlink.ts'

/** NFNL_SUBSYS_CTNETLINK, and IPCTNL_MSG_CT_GET in it. */
const GET_FLOWS = (1 << 8) | 1

/** enum ctattr_type */
const FLOW = { original: 1, protocolInfo: 4, reply: 2, status: 3 } as const
/** enum ctattr_tuple, ctattr_ip, ctattr_l4proto */
const TUPLE = { ip: 1, protocol: 2 } as const
const IP = { dst4: 2, dst6: 4, src4: 1, src6: 3 } as const
const PROTOCOL = { dstPort: 3, number: 1, srcPort: 2 } as const
/** CTA_PROTOINFO_TCP, and CTA_PROTOINFO_TCP_STATE in it. */
const TCP_INFO = 1
const TCP_STATE = 1
/** TCP_CONNTRACK_ESTABLISHED */
const ESTABLISHED = 3
/** IPS_ASSURED: both sides have spoken, and the entry stays when the table is full. A ping or one answered question never has it. */
const ASSURED = 4

/** One side's view of a connection. Addresses are their bytes as text (latin1): 4 or 16 characters, quick to compare. */
export type Tuple = {
  readonly dst: string
  readonly dstPort: number
  readonly protocol: number
  readonly src: string
  readonly srcPort: number
}

/** As the first packet had it, and as answers have it: they differ where addresses are translated. */
export type Flow = { readonly original: Tuple; readonly reply: Tuple }

/** All that are followed, of both families. */
export const dumpFlows = (writer: Writer): Writer =>
  header(writer.reset().begin(GET_FLOWS, NLM_F_DUMP), AF_UNSPEC).end()

/** An established one; undefined: it is only being tried, or has ended. */
export function decodeFlow({ body }: Pick<Message, 'body'>): Flow | undefined {
  let original: Tuple | undefined
  let reply: Tuple | undefined
  let status = 0
  let state = ESTABLISHED
  for (const a = new Attributes(body, HEADER_BYTES); a.next();)
    if (a.type === FLOW.original) original = decodeTuple(a.nested())
    else if (a.type === FLOW.reply) reply = decodeTuple(a.nested())
    else if (a.type === FLOW.status) status = a.u32be()
    else if (a.type === FLOW.protocolInfo) state = decodeState(a.nested())
  const isEstablished = (status & ASSURED) !== 0 && state === ESTABLISHED
  return original === undefined || reply === undefined || !isEstablished ? undefined : { original, reply }
}

/** Of TCP; what has no states is as good as established. */
function decodeState(info: Attributes): number {
  while (info.next())
    if (info.type === TCP_INFO)
      for (const tcp = info.nested(); tcp.next();) if (tcp.type === TCP_STATE) return tcp.u8()
  return ESTABLISHED
}

function decodeTuple(parts: Attributes): Tuple {
  const tuple = { dst: '', dstPort: 0, protocol: 0, src: '', srcPort: 0 }
  while (parts.next())
    if (parts.type === TUPLE.ip)
      for (const ip = parts.nested(); ip.next();)
        if (ip.type === IP.src4 || ip.type === IP.src6) tuple.src = ip.bytes().toString('latin1')
        else if (ip.type === IP.dst4 || ip.type === IP.dst6) tuple.dst = ip.bytes().toString('latin1')
        else continue
    else if (parts.type === TUPLE.protocol)
      for (const protocol = parts.nested(); protocol.next();)
        if (protocol.type === PROTOCOL.number) tuple.protocol = protocol.u8()
        else if (protocol.type === PROTOCOL.srcPort) tuple.srcPort = protocol.u16be()
        else if (protocol.type === PROTOCOL.dstPort) tuple.dstPort = protocol.u16be()
  return tuple
}
