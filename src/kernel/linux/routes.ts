/** Unicast routes of the main table on the wire (struct rtmsg): messages to add, delete, look up and dump them, and the decoder. */
import { cidrFrom, formatCidr, ipOf, networkOf, prefixLengthOf } from '../../../events/address.ts'
import type { Cidr, Ip } from '../../../events/index.ts'
import { ROUTE_PROTOCOL } from '../../reconcile/marks.ts'
import {
  Attributes,
  type Message,
  NLM_F_ACK,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  type Writer,
} from './message.ts'
import {
  AF_INET,
  AF_INET6,
  familyNumber,
  ipBytes,
  ipText,
  RTM_DELROUTE,
  RTM_GETROUTE,
  RTM_NEWROUTE,
} from './rtnetlink.ts'

const RT_TABLE_MAIN = 254
const RT_SCOPE_LINK = 253
const RT_SCOPE_NOWHERE = 255
const RTN_UNICAST = 1
const RTPROT_KERNEL = 2
const METRIC_IP6_KERNEL = 256
const RTN_LOCAL = 2
const RTA_DST = 1
const RTA_OIF = 4
const RTA_GATEWAY = 5
const RTA_PRIORITY = 6
const RTA_PREFSRC = 7
const RTA_MULTIPATH = 9
const RTA_TABLE = 15

/** What a route of ours is made of. `index` is its link's. */
export type Route = { readonly dst: Cidr; readonly index: number; readonly via?: Ip }

/** A route as the kernel tells it. */
export type SeenRoute = Route & {
  /** 0 is IPv4's default, 1024 IPv6's. */
  readonly metric: number
  readonly protocol: number
}

type Encoded = Route & { readonly metric?: number; readonly protocol?: number; readonly src?: Ip }

function encode(writer: Writer, type: number, flags: number, route: Encoded, scope: number): void {
  const { dst, index, metric, protocol = ROUTE_PROTOCOL, src, via } = route
  const length = prefixLengthOf(dst)
  writer.begin(type, flags).field8(familyNumber(dst)).field8(length).field8(0).field8(0)
  writer.field8(RT_TABLE_MAIN).field8(protocol).field8(scope).field8(RTN_UNICAST).field32(0)
  if (length > 0) writer.raw(RTA_DST, ipBytes(ipOf(dst)))
  if (via !== undefined) writer.raw(RTA_GATEWAY, ipBytes(via))
  if (src !== undefined) writer.raw(RTA_PREFSRC, ipBytes(src))
  if (metric !== undefined) writer.u32(RTA_PRIORITY, metric)
  writer.u32(RTA_OIF, index).end()
}

/** IPv4 routes without a gateway reach the link only; IPv6 knows no scopes. */
const scopeOf = (route: Route): number =>
  route.via === undefined && familyNumber(route.dst) === AF_INET ? RT_SCOPE_LINK : 0

/** `replace`: also where another route to the same destination stands. */
export const addRoute = (writer: Writer, route: Route, replace = false): void =>
  encode(
    writer,
    RTM_NEWROUTE,
    NLM_F_ACK | NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL),
    route,
    scopeOf(route),
  )

/** The subnet of an address with a prefix length. */
export const subnetOf = (address: Cidr): Cidr => formatCidr(networkOf(cidrFrom(address)))

/**
 * The route that the kernel makes along with an address, as it makes it: it goes with the address. Beside another one to the same
 * subnet by another link.
 */
export function addReached(writer: Writer, address: Cidr, index: number): void {
  const isV4 = familyNumber(address) === AF_INET
  const route = { dst: subnetOf(address), index, protocol: RTPROT_KERNEL }
  const how = isV4 ? { src: ipOf(address) } : { metric: METRIC_IP6_KERNEL }
  encode(writer, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND, { ...route, ...how }, scopeOf(route))
}

/** Only a route with our protocol number, to this destination by this link and gateway, is deleted. */
export const deleteRoute = (writer: Writer, route: Route): void =>
  encode(writer, RTM_DELROUTE, NLM_F_ACK, route, RT_SCOPE_NOWHERE)

/** All routes of one family. */
export function dumpRoutes(writer: Writer, family: number): Writer {
  writer.begin(RTM_GETROUTE, NLM_F_DUMP).field8(family)
  for (let i = 0; i < 11; i++) writer.field8(0)
  return writer.end()
}

/** The way to one address; the reply tells with {@link isLocal} whether it is the namespace's own by now. */
export function getRoute(writer: Writer, address: Ip): void {
  const bytes = ipBytes(address)
  writer
    .begin(RTM_GETROUTE, NLM_F_ACK)
    .field8(familyNumber(address))
    .field8(bytes.length * 8)
  for (let i = 0; i < 10; i++) writer.field8(0)
  writer.raw(RTA_DST, bytes).end()
}

export const isLocal = ({ body }: Pick<Message, 'body'>): boolean => body.readUInt8(7) === RTN_LOCAL

/**
 * Reads RTM_NEWROUTE and RTM_DELROUTE; undefined for what is no unicast route of the main table by a link. Of several hops
 * (RTA_MULTIPATH, an array of struct rtnexthop) the first one's link is told.
 */
export function decodeRoute({ body }: Pick<Message, 'body'>): SeenRoute | undefined {
  const family = body.readUInt8(0)
  let table = body.readUInt8(4)
  let [dst, via]: (Buffer | undefined)[] = []
  let index = 0
  let metric = 0
  for (const a = new Attributes(body, 12); a.next();)
    if (a.type === RTA_DST) dst = a.bytes()
    else if (a.type === RTA_OIF) index = a.u32()
    else if (a.type === RTA_MULTIPATH) index = a.bytes().readInt32LE(4)
    else if (a.type === RTA_GATEWAY) via = a.bytes()
    else if (a.type === RTA_PRIORITY) metric = a.u32()
    else if (a.type === RTA_TABLE) table = a.u32()
  if (table !== RT_TABLE_MAIN || body.readUInt8(7) !== RTN_UNICAST || index === 0) return undefined
  if (family !== AF_INET && family !== AF_INET6) return undefined
  const text = dst === undefined ? (family === AF_INET6 ? '::' : '0.0.0.0') : ipText(dst)
  return {
    dst: `${text}/${body.readUInt8(1)}` as Cidr,
    index,
    metric,
    protocol: body.readUInt8(5),
    ...(via === undefined ? {} : { via: ipText(via) }),
  }
}
