/**
 * Somebody in a network namespace: a process that enters it at its start and does there what it is told by IPC. Node makes
 * its sockets on the main thread, so once that thread is in the namespace, `node:net` and `node:os` are too.
 *
 *   node probe.js host | new | <path of a namespace>
 */
import { createServer, connect as connectTcp } from 'node:net'
import { networkInterfaces } from 'node:os'
import process from 'node:process'
import koffi from 'koffi'
import type { Cidr, Ip } from '../../events/index.ts'
import { addAddress } from '../kernel/linux/addresses.ts'
import { CLONE_NEWNET, libc, O_CLOEXEC } from '../kernel/linux/libc.ts'
import { deleteLink as deleteLinkMessage } from '../kernel/linux/links.ts'
import { Namespace } from '../kernel/linux/namespaces.ts'
import {
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  NetlinkSocket,
  NLM_F_ACK,
  Writer,
} from '../kernel/linux/netlink.ts'
import { batchMessage, header, MESSAGE } from '../kernel/linux/nftables/protocol.ts'
import { demand } from '../kernel/linux/refusal.ts'
import { ipBytes } from '../kernel/linux/rtnetlink.ts'
import type { Pings, Visit } from './stage.ts'

const AF_INET = 2
const SOCK_RAW = 3
const IPPROTO_ICMP = 1
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const ICMP_ECHO = 8
const ICMP_ECHOREPLY = 0
/** How long an echo is waited for, in seconds. */
const ECHO_PATIENCE_S = 1

/** What can be asked of a probe. */
const operations = {
  addresses: (ifName: string): readonly string[] =>
    (networkInterfaces()[ifName] ?? []).flatMap(({ cidr, family }) =>
      cidr === null || family !== 'IPv4' ? [] : [cidr],
    ),
  deleteLink,
  flushRuleset,
  listen,
  ping,
  plug,
  visit,
}

export type Operations = typeof operations
export type Request = {
  readonly args: readonly unknown[]
  readonly id: number
  readonly name: keyof Operations
}
export type Response = { readonly error?: string; readonly id: number; readonly value?: unknown }

function enter(where: string): void {
  if (where === 'host') return
  const fd = where === 'new' ? -1 : libc().open(where, O_CLOEXEC)
  const failed = where === 'new' ? libc().unshare(CLONE_NEWNET) < 0 : libc().setns(fd, CLONE_NEWNET) < 0
  if (failed) throw new Error(`cannot enter ${where}: errno ${libc().errno()}`)
}

const here = (): Namespace => new Namespace('host', undefined, NetlinkSocket.open(NETLINK_ROUTE))

function deleteLink(name: string): void {
  const ns = here()
  const link = ns.find(name)
  if (link === undefined) throw new Error(`there is no link ${name}`)
  const [answer] = ns.request((w) => deleteLinkMessage(w, link.index))
  ns.close()
  demand(answer, `delete link ${name}`)
}

/** Gives a link an address and takes it up. */
function plug(name: string, address: string): void {
  const ns = here()
  const link = ns.find(name)
  if (link === undefined) throw new Error(`there is no link ${name}`)
  const [answer] = ns.request((w) => addAddress(w, address as Cidr, link.index))
  demand(answer, `give ${name} ${address}`)
  ns.change(link, { up: true })
  ns.close()
}

/** As `nft flush ruleset`: deletes the tables of all families (0) and of whatever name. */
function flushRuleset(): void {
  const socket = NetlinkSocket.open(NETLINK_NETFILTER)
  const writer = batchMessage(new Writer(), MESSAGE.batchBegin, 0).end()
  header(writer.begin(MESSAGE.deleteTable), 0).end()
  batchMessage(writer, MESSAGE.batchEnd, NLM_F_ACK).end()
  const answers = socket.transact(writer)
  socket.close()
  for (const answer of answers) demand(answer, 'flush the ruleset')
}

/** Greets everybody with the address that they come from. */
function listen(port: number): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.end(socket.remoteAddress ?? '')
  })
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(port, '0.0.0.0', resolve)
  })
}

function visit(address: string, port: number, patienceMs: number): Promise<Visit> {
  const start = performance.now()
  return new Promise((resolve) => {
    let heard = ''
    const end = (said: string): void => {
      socket.destroy()
      resolve({ ms: performance.now() - start, said })
    }
    const socket = connectTcp({ host: address, port })
    socket.setTimeout(patienceMs, () => end('ETIMEDOUT'))
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
    socket.on('data', (chunk) => (heard += chunk.toString()))
    socket.on('end', () => end(heard))
  })
}

const connect = koffi.load(null).func('int connect(int, const void *, uint)') as (
  fd: number,
  address: Uint8Array,
  length: number,
) => number

/** Echo requests one after the other, by a raw socket (icmp(7)): whoever is root of the namespace may, and no `ping` is needed. */
function ping(address: string, count: number): Pings {
  const fd = libc().socket(AF_INET, SOCK_RAW | O_CLOEXEC, IPPROTO_ICMP)
  if (fd < 0) throw new Error(`no raw socket: errno ${libc().errno()}`)
  const peer = Buffer.alloc(16)
  peer.writeUInt16LE(AF_INET)
  ipBytes(address as Ip).copy(peer, 4)
  connect(fd, peer, peer.length)
  const patience = Buffer.alloc(16)
  patience.writeBigInt64LE(BigInt(ECHO_PATIENCE_S))
  libc().setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, patience, patience.length)
  const times = Array.from({ length: count }, (_, index) => echo(fd, index + 1)).filter((ms) => ms >= 0)
  libc().close(fd)
  const sum = times.reduce((total, ms) => total + ms, 0)
  return { replies: times.length, roundTripMs: times.length === 0 ? 0 : sum / times.length, sent: count }
}

/** Milliseconds to the reply; -1: none came. */
function echo(fd: number, sequence: number): number {
  const request = Buffer.alloc(16)
  request.writeUInt8(ICMP_ECHO)
  request.writeUInt16BE(process.pid & 0xffff, 4)
  request.writeUInt16BE(sequence, 6)
  request.writeUInt16BE(internetChecksum(request), 2)
  const start = performance.now()
  if (libc().send(fd, request, request.length, 0) < 0) return -1
  const packet = Buffer.alloc(256)
  for (;;) {
    if (libc().recv(fd, packet, packet.length, 0) < 0) return -1
    // A raw socket hears the IP header too, whose length is in words, and every other ICMP message from the peer.
    const reply = packet.subarray((packet.readUInt8() & 0xf) * 4)
    const isOurs = reply.readUInt32BE(4) === request.readUInt32BE(4)
    if (reply.readUInt8() === ICMP_ECHOREPLY && isOurs) return performance.now() - start
  }
}

/** RFC 1071, of an even number of bytes. */
function internetChecksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

async function answer({ args, id, name }: Request): Promise<Response> {
  try {
    const operation = operations[name] as (...args: readonly unknown[]) => unknown
    return { id, value: await operation(...args) }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error), id }
  }
}

// Ctrl-C reaches the whole group of processes: who started us decides, and our end is the end of the channel.
for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM'] as const) process.on(signal, () => undefined)
process.on('disconnect', () => process.exit())
process.on('message', (request: Request) => void answer(request).then((response) => process.send?.(response)))
enter(process.argv[2] ?? '')
process.send?.({ id: 0 } satisfies Response)
