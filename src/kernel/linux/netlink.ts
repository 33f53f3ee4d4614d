/**
 * A netlink socket, used synchronously: the kernel handles a request inside send(2), in the calling thread, so all
 * answers are queued when it returns and are drained without waiting. A socket stays in the namespace it was made in.
 *
 * Many messages may go in one send. That is not a transaction for rtnetlink: if one fails, the next are run all the
 * same; answers are matched by sequence number. See netlink(7), linux/netlink.h.
 */
import { endianness } from 'node:os'
import { assert } from '../../../events/errors.ts'
import { EINTR, ENOBUFS, errnoName } from '../errno.ts'
import { libc, O_CLOEXEC, type Watch } from './libc.ts'
import { Attributes, type Message, MESSAGE_HEADER, NLM_F_ACK, type Writer } from './message.ts'

export * from './message.ts'

/** Protocols of family netlink. */
export const NETLINK_ROUTE = 0
export const NETLINK_NETFILTER = 12

const AF_NETLINK = 16
const SOCK_RAW = 3
const SOL_SOCKET = 1
const SO_SNDBUF = 7
const SO_RCVBUF = 8
const SO_SNDBUFFORCE = 32
const SO_RCVBUFFORCE = 33
const SO_NETNS_COOKIE = 71
const SOL_NETLINK = 270
const NETLINK_ADD_MEMBERSHIP = 1
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const NETLINK_GET_STRICT_CHK = 12
const MSG_DONTWAIT = 0x40
const SIOCGIFINDEX = 0x8933
/** struct ifreq: a name, then a union. */
const IFNAMSIZ = 16
const IFREQ_BYTES = 40
const MSG_TRUNC = 0x20

const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const NLM_F_DUMP_INTR = 0x10
const NLM_F_ACK_TLVS = 0x200
const NLMSGERR_ATTR_MSG = 1

const BUFFER_BYTES = 8 * 1024 * 1024
/** How often a dump that changed under us is begun anew before it is taken as it is. */
const DUMP_TRIES_MAX = 10

/** How long notifications gather before they are read, in milliseconds; and how long at most while requests are being made. */
const GATHER_MS = 5
const GATHER_MS_MAX = 50

/** What the kernel answered to one message. `errno` 0: done. */
export type Answer = {
  readonly errno: number
  /** The kernel's own words (extended acknowledgement), else the errno's name; empty when done. */
  readonly message: string
  /** Messages sent back for it, copied; a get has one. */
  readonly replies: readonly Message[]
}

/** A call on the socket itself failed, as opposed to a request. */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError'
  /** Errno name. */
  readonly code: string
  readonly errno: number

  constructor(call: string, errno: number) {
    super(`${call}: ${errnoName(errno)}`)
    this.code = errnoName(errno)
    this.errno = errno
  }
}

/** When a request was last made on this thread, by `performance.now()`. */
let requestedAt = -Infinity

/** Shared by all sockets of the thread: nothing is received while something else is being received. */
const inbox = Buffer.allocUnsafe(256 * 1024)
/** The same for questions by ioctl. */
const ifreq = Buffer.alloc(IFREQ_BYTES)

export class NetlinkSocket {
  readonly fd: number
  /** What the kernel knows the socket by: notifications about its own changes carry it. */
  readonly portId: number
  #seq = 0
  #gathering: NodeJS.Timeout | undefined
  #watch: Watch | undefined
  #closed = false

  private constructor(fd: number) {
    assert(endianness() === 'LE', 'netlink is implemented for little-endian hosts')
    const address = Buffer.alloc(12)
    libc().getsockname(fd, address, uint32(address.length))
    this.fd = fd
    this.portId = address.readUInt32LE(4)
  }

  /**
   * Opens one in the calling thread's namespace.
   * @param options.groups numbers of multicast groups, as RTNLGRP_LINK = 1.
   */
  static open(protocol: number, options: { readonly groups?: readonly number[] } = {}): NetlinkSocket {
    const fd = libc().socket(AF_NETLINK, SOCK_RAW | O_CLOEXEC, protocol)
    if (fd < 0) throw new NetlinkError('socket', libc().errno())
    const address = Buffer.alloc(12)
    address.writeUInt16LE(AF_NETLINK)
    if (libc().bind(fd, address, address.length) < 0) throw closing(fd, 'bind')
    setOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1)
    setOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1)
    setOption(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
    enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF)
    enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF)
    for (const group of options.groups ?? [])
      if (!setOption(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)) throw closing(fd, `join group ${group}`)
    return new NetlinkSocket(fd)
  }

  /** Takes over the descriptor of one that another thread opened: descriptors are the process's. */
  static adopt(fd: number): NetlinkSocket {
    return new NetlinkSocket(fd)
  }

  /** Cookie of the socket's namespace (SO_NETNS_COOKIE), decimal text: unique in this boot. */
  get netnsCookie(): string {
    const value = Buffer.alloc(8)
    if (libc().getsockopt(this.fd, SOL_SOCKET, SO_NETNS_COOKIE, value, uint32(8)) < 0)
      throw new NetlinkError('SO_NETNS_COOKIE', libc().errno())
    return value.readBigUInt64LE().toString()
  }

  /**
   * Index of a link of the socket's namespace, 0 if there is none. Of all ways to ask, the one that takes no lock
   * (netdevice(7)): a request would wait for whoever changes links anywhere on the machine.
   */
  linkIndex(name: string): number {
    ifreq.fill(0, ifreq.write(name, 0, IFNAMSIZ - 1, 'latin1'))
    return libc().ioctl(this.fd, SIOCGIFINDEX, ifreq) < 0 ? 0 : ifreq.readInt32LE(IFNAMSIZ)
  }

  /** Bytes that one send may have (about: the kernel's own overhead counts too), as granted. */
  get sendBytesMax(): number {
    const value = Buffer.alloc(4)
    libc().getsockopt(this.fd, SOL_SOCKET, SO_SNDBUF, value, uint32(4))
    return Math.floor(value.readUInt32LE() * 0.9)
  }

  /**
   * Sends all messages of the writer at once and gives one answer to each, in order. A message without NLM_F_ACK counts
   * as done unless an error comes. Answers that the kernel dropped (its buffer was full) say ENOBUFS: then it is not
   * known whether the message was done. Keep to 100 messages.
   * @throws {NetlinkError} the send failed: nothing was done.
   */
  transact(writer: Writer): readonly Answer[] {
    requestedAt = performance.now()
    const { answers, due, first } = this.#send(writer)
    for (let left = due.filter(Boolean).length; left > 0;) {
      const length = this.#receive()
      // Nothing waits any more: what is unanswered by now was dropped.
      if (length < 0 && length !== -ENOBUFS) break
      forEachMessage(length, (message) => {
        const index = message.seq - first
        const answer = answers[index]
        if (answer === undefined) return
        if (message.type === NLMSG_ERROR) {
          if (due[index] === true) left--
          due[index] = false
          answers[index] = { ...readError(message), replies: answer.replies }
        } else {
          const reply = { ...message, body: Buffer.from(message.body) }
          answers[index] = { ...answer, replies: [...answer.replies, reply] }
        }
      })
    }
    return answers
  }

  /**
   * Sends the one message of the writer, which must bear NLM_F_DUMP, and decodes every message of the answer; undefined
   * leaves one out. When something changed during the dump (NLM_F_DUMP_INTR), or answers were dropped, it is begun anew.
   * @throws {NetlinkError} with the errno that the kernel gave.
   */
  dump<T>(writer: Writer, decode: (message: Message) => T | undefined): T[] {
    assert(writer.count === 1, 'a dump is one message')
    for (let tries = 1; ; tries++) {
      const items: T[] = []
      const complete = this.#dumpOnce(writer, (message) => {
        const item = decode(message)
        if (item !== undefined) items.push(item)
      })
      // Under constant change no dump is ever whole; what stood there all the time is in each of them.
      if (complete || tries === DUMP_TRIES_MAX) return items
    }
  }

  #dumpOnce(writer: Writer, visit: (message: Message) => void): boolean {
    const { first } = this.#send(writer)
    let complete = true
    for (let done = false; !done;) {
      const length = this.#receive()
      if (length === -ENOBUFS) complete = false
      else if (length < 0) throw new NetlinkError('dump', -length)
      forEachMessage(length, (message) => {
        if (message.seq !== first) return
        if ((message.flags & NLM_F_DUMP_INTR) !== 0) complete = false
        if (message.type !== NLMSG_ERROR && message.type !== NLMSG_DONE) return visit(message)
        done = true
        const errno = message.body.length >= 4 ? -message.body.readInt32LE() : 0
        if (errno > 0) throw new NetlinkError('dump', errno)
      })
    }
    return complete
  }

  /** Takes all notifications that wait. False: some were lost, so look at everything. */
  drain(visit: (message: Message) => void): boolean {
    let complete = true
    for (;;) {
      const length = this.#receive()
      if (length === -ENOBUFS) complete = false
      else if (length < 0) return complete
      forEachMessage(length, visit)
    }
  }

  /**
   * Leaves notifications about the doings of these sockets in the kernel, where they cost nothing. What the kernel then does
   * by itself bears no port id, and comes.
   * @returns whether the kernel took the filter; without it they come like any other.
   */
  ignore(portIds: readonly number[]): boolean {
    return libc().attachFilter(this.fd, withoutPorts(portIds)) === 0
  }

  /**
   * Calls back, on the loop, a moment after there is something to {@link drain}: what one change of a link tells comes in a
   * dozen pieces, and whoever waits for that change's answer, or for the next one's, should not wait for them too.
   */
  onReadable(listener: () => void): void {
    assert(this.#watch === undefined, 'a netlink socket has one listener')
    const gather = (end: number): void => {
      this.#gathering = setTimeout(() => {
        const now = performance.now()
        if (now - requestedAt < GATHER_MS && now < end) return gather(end)
        listener()
        if (!this.#closed) watch.start()
      }, GATHER_MS).unref()
    }
    const watch = libc().onReadable(this.fd, () => {
      watch.stop()
      gather(performance.now() + GATHER_MS_MAX)
    })
    this.#watch = watch
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#watch?.close()
    clearTimeout(this.#gathering)
    libc().close(this.fd)
  }

  /** Numbers the messages and sends them. `answers`: as if no more came of them; `due`: which will be answered. */
  #send(writer: Writer): { answers: Answer[]; due: boolean[]; first: number } {
    assert(!this.#closed, 'the netlink socket is closed')
    // 31 bits are kept free of the wrap: far more requests than a process makes.
    const first = this.#seq + 1
    this.#seq += writer.count
    const bytes = writer.bytes()
    const answers: Answer[] = []
    const due: boolean[] = []
    for (let index = 0; index < writer.count; index++) {
      const start = writer.startOf(index)
      bytes.writeUInt32LE(first + index, start + 8)
      const isDue = (bytes.readUInt16LE(start + 6) & NLM_F_ACK) !== 0
      due.push(isDue)
      answers.push(isDue ? LOST : DONE)
    }
    if (libc().send(this.fd, bytes, bytes.length, 0) < 0) throw new NetlinkError('send', libc().errno())
    return { answers, due, first }
  }

  /** One datagram into the inbox: its length, or a negative errno. */
  #receive(): number {
    for (;;) {
      const length = libc().recv(this.fd, inbox, inbox.length, MSG_DONTWAIT | MSG_TRUNC)
      if (length > inbox.length) return -ENOBUFS
      if (length >= 0) return length
      const errno = libc().errno()
      if (errno !== EINTR) return -errno
    }
  }
}

const NONE: readonly Message[] = []
const DONE: Answer = { errno: 0, message: '', replies: NONE }
const LOST: Answer = { errno: ENOBUFS, message: 'the answer was lost', replies: NONE }

function forEachMessage(length: number, visit: (message: Message) => void): void {
  for (let at = 0; at + MESSAGE_HEADER <= length;) {
    const size = inbox.readUInt32LE(at)
    if (size < MESSAGE_HEADER || at + size > length) return
    visit({
      body: inbox.subarray(at + MESSAGE_HEADER, at + size),
      flags: inbox.readUInt16LE(at + 6),
      portId: inbox.readUInt32LE(at + 12),
      seq: inbox.readUInt32LE(at + 8),
      type: inbox.readUInt16LE(at + 4),
    })
    at += (size + 3) & ~3
  }
}

/** NLMSG_ERROR: a negative errno (0 acknowledges), the header it answers (NETLINK_CAP_ACK cut the rest), attributes. */
function readError(message: Message): Pick<Answer, 'errno' | 'message'> {
  const errno = -message.body.readInt32LE()
  if (errno === 0) return DONE
  let text = errnoName(errno)
  if ((message.flags & NLM_F_ACK_TLVS) !== 0) {
    const attributes = new Attributes(message.body, 4 + MESSAGE_HEADER)
    while (attributes.next()) if (attributes.type === NLMSGERR_ATTR_MSG) text = attributes.text()
  }
  return { errno, message: text }
}

/** Classic BPF (linux/filter.h): drops a message whose nlmsg_pid is one of these, and keeps all others whole. */
function withoutPorts(portIds: readonly number[]): Buffer {
  const [LOAD_WORD, JUMP_IF_EQUAL, RETURN] = [0x20, 0x15, 0x06]
  const drop = portIds.length + 2
  const program: readonly (readonly [code: number, jumpTrue: number, operand: number])[] = [
    [LOAD_WORD, 0, 12],
    // A load swaps to the network's order, and the header is in the host's.
    ...portIds.map((port, i) => [JUMP_IF_EQUAL, drop - (i + 2), swapped(port)] as const),
    [RETURN, 0, 0xffff_ffff],
    [RETURN, 0, 0],
  ]
  const bytes = Buffer.alloc(program.length * 8)
  for (const [i, [code, jumpTrue, operand]] of program.entries()) {
    bytes.writeUInt16LE(code, i * 8)
    bytes.writeUInt8(jumpTrue, i * 8 + 2)
    bytes.writeUInt32LE(operand, i * 8 + 4)
  }
  return bytes
}

function swapped(word: number): number {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(word)
  return bytes.readUInt32BE()
}

function closing(fd: number, call: string): NetlinkError {
  const error = new NetlinkError(call, libc().errno())
  libc().close(fd)
  return error
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

const setOption = (fd: number, level: number, name: number, value: number): boolean =>
  libc().setsockopt(fd, level, name, uint32(value), 4) === 0

/** The forced form needs CAP_NET_ADMIN in the first user namespace; without it the kernel clamps to rmem_max, silently. */
function enlarge(fd: number, forced: number, plain: number): void {
  if (!setOption(fd, SOL_SOCKET, forced, BUFFER_BYTES)) setOption(fd, SOL_SOCKET, plain, BUFFER_BYTES)
}
