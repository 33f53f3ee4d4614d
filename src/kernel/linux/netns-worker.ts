/**
 * The one thread that changes namespace: it makes, adopts, opens and removes sandboxes' namespaces, reads and writes sysctls
 * inside them, opens sockets in them, and deletes links, which waits 15 ms and more in the kernel. It hands back descriptors,
 * which are the process's; the main thread stays where it is.
 *
 * Every operation is synchronous and comes home before it answers. If it cannot come home, the thread ends: never go
 * on in the wrong namespace. `netns.ts` starts it anew at the next call.
 */
import { existsSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import type { Origin } from '../../../events/index.ts'
import { EAFNOSUPPORT, EINVAL, ENOENT } from '../errno.ts'
import { deleteLinks as deleteHostLinks } from './delete-links.ts'
import { CLONE_NEWNET, libc, MNT_DETACH, MS_BIND, O_CLOEXEC } from './libc.ts'
import { changeLink } from './links.ts'
import { NETLINK_ROUTE, NetlinkError, NetlinkSocket, Writer } from './netlink.ts'

/** A namespace that is open: descriptors of it and of a netlink socket in it. */
export type OpenNetns = { readonly fd: number; readonly socket: number }

/** Descriptor of a namespace; undefined: the one taken as the host. */
type Where = number | undefined

const OWN = '/proc/thread-self/ns/net'
const LOOPBACK = 1
const writer = new Writer()
let home = -1
/** For deletions: opened at the first one, in the host's namespace. */
let route: NetlinkSocket | undefined

/** Linux's own error of a failed call. */
const failed = (call: string): NetlinkError => new NetlinkError(call, libc().errno())

function openPath(path: string): number {
  const fd = libc().open(path, O_CLOEXEC)
  if (fd < 0) throw failed(`open ${path}`)
  return fd
}

/** Runs `body` inside; it must be synchronous and start nothing asynchronous, whose threads would stay there. */
function inside<T>(fd: Where, body: () => T): T {
  if (fd === undefined) return body()
  if (libc().setns(fd, CLONE_NEWNET) < 0) throw failed('setns')
  try {
    return body()
  } finally {
    goHome()
  }
}

/** An error without a code is no answer to a request: it ends the thread, and whoever waits is told of it. */
function goHome(): void {
  if (libc().setns(home, CLONE_NEWNET) < 0)
    throw new Error(`the way back to the host's namespace is barred (${failed('setns').message})`)
}

/** `net.ipv4.ip_forward` is ip_forward in ipv4 in net; a dot inside a part is written as a slash, as sysctl(8) does. */
const sysctlPath = (name: string): string =>
  `/proc/sys/${name.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'))}`

const readSysctl = (name: string): string =>
  readFileSync(sysctlPath(name), 'utf8').trim().replaceAll('\t', ' ')

/** True: it had another value. */
function writeSysctl(name: string, value: string): boolean {
  if (readSysctl(name) === value) return false
  writeFileSync(sysctlPath(name), value)
  return true
}

/** Absent when the kernel runs with ipv6.disable=1: then it is off. */
const hasIpv6 = (): boolean => existsSync(sysctlPath('net.ipv6.conf.default.disable_ipv6'))

/**
 * What makes a link speak IPv6. Other than the loopback it has its link-local address at once (we chose its MAC, so nobody
 * else has it), and takes neither addresses nor routes from whoever advertises some. With the last it begins to speak.
 */
const SPEAKS = ['accept_dad', 'accept_ra', 'disable_ipv6']

/** Makes links, by name, speak IPv6 or be silent; `default` are those to come. */
function switchIpv6(links: readonly string[], on: boolean): void {
  if (!hasIpv6() && on) throw new NetlinkError('switch IPv6 on', EAFNOSUPPORT)
  if (!hasIpv6()) return
  for (const link of links)
    for (const name of on && link !== 'lo' ? SPEAKS : ['disable_ipv6'])
      writeFileSync(`/proc/sys/net/ipv6/conf/${link}/${name}`, on ? '0' : '1')
}

function bringLoopbackUp(socket: NetlinkSocket): void {
  changeLink(writer.reset(), LOOPBACK, { up: true })
  const [answer] = socket.transact(writer)
  if (answer !== undefined && answer.errno !== 0) throw new NetlinkError('link lo up', answer.errno)
}

/** Makes a namespace; the mount comes last, so what is at the path is complete. */
function create({ path }: { readonly path: string }): OpenNetns {
  writeFileSync(path, '', { mode: 0o600 })
  if (libc().unshare(CLONE_NEWNET) < 0) throw failed('unshare')
  let fd = -1
  try {
    fd = openPath(OWN)
    const socket = NetlinkSocket.open(NETLINK_ROUTE)
    switchIpv6(['default', 'lo'], false)
    bringLoopbackUp(socket)
    if (libc().mount(OWN, path, null, MS_BIND, null) < 0) throw failed(`mount ${path}`)
    return { fd, socket: socket.fd }
  } catch (error) {
    if (fd >= 0) libc().close(fd)
    throw error
  } finally {
    goHome()
  }
}

/** Opens what is mounted at a path; undefined: there is nothing, or a file that is no namespace. */
function open({ path }: { readonly path: string }): OpenNetns | undefined {
  const fd = libc().open(path, O_CLOEXEC)
  if (fd < 0 && libc().errno() === ENOENT) return undefined
  if (fd < 0) throw failed(`open ${path}`)
  try {
    return { fd, socket: inside(fd, () => NetlinkSocket.open(NETLINK_ROUTE).fd) }
  } catch (error) {
    libc().close(fd)
    if (error instanceof NetlinkError && error.errno === EINVAL) return undefined
    throw error
  }
}

/**
 * Mounts a namespace that somebody else made at a path of ours, and takes its loopback up. What is mounted is what was looked at, whatever
 * comes to stand at its place meanwhile. Undefined: what has that cookie is not there any more.
 */
function adopt(at: {
  readonly cookie: string
  readonly from: string
  readonly path: string
}): OpenNetns | undefined {
  const opened = openForeign(at.from)
  if (opened === undefined) return undefined
  const socket = NetlinkSocket.adopt(opened.socket)
  try {
    if (socket.netnsCookie !== at.cookie) {
      discard(opened)
      return undefined
    }
    bringLoopbackUp(socket)
    bindAt(at.path, opened.fd)
    return opened
  } catch (error) {
    discard(opened)
    throw error
  }
}

/** Mounts what is open, by its descriptor. Where that fails, no file stays. */
function bindAt(path: string, fd: number): void {
  writeFileSync(path, '', { mode: 0o600 })
  if (libc().mount(`/proc/self/fd/${fd}`, path, null, MS_BIND, null) === 0) return
  const error = failed(`mount ${path}`)
  unlinkSync(path)
  throw error
}

/** The cookie of the namespace at a path; undefined: there is none. */
function cookieAt({ path }: { readonly path: string }): string | undefined {
  const opened = openForeign(path)
  if (opened === undefined) return undefined
  try {
    return NetlinkSocket.adopt(opened.socket).netnsCookie
  } finally {
    discard(opened)
  }
}

/** A namespace is a regular file to those who look: anything else might wait to be opened, as a FIFO does. */
function openForeign(path: string): OpenNetns | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true ? open({ path }) : undefined
}

function discard({ fd, socket }: OpenNetns): void {
  libc().close(socket)
  libc().close(fd)
}

/** Takes mount and file away. The namespace lives on while somebody is in it. True: there was one. */
function remove({ path }: { readonly path: string }): boolean {
  if (!existsSync(path)) return false
  // EINVAL: a file without a mount, from a birth that a crash interrupted.
  if (libc().umount2(path, MNT_DETACH) < 0 && libc().errno() !== EINVAL) throw failed(`umount ${path}`)
  unlinkSync(path)
  return true
}

const setIpv6 = (at: { readonly fd: Where; readonly links: readonly string[]; readonly on: boolean }): void =>
  inside(at.fd, () => switchIpv6(at.links, at.on))

/** Undefined: there is no such sysctl. */
const sysctlGet = ({ fd, name }: { readonly fd: Where; readonly name: string }): string | undefined =>
  inside(fd, () => (existsSync(sysctlPath(name)) ? readSysctl(name) : undefined))

/** True: it had another value. */
const sysctlSet = (at: { readonly fd: Where; readonly name: string; readonly value: string }): boolean =>
  inside(at.fd, () => writeSysctl(at.name, at.value))

/** Opens a netlink socket; its descriptor. */
const socket = (at: {
  readonly fd: Where
  readonly groups: readonly number[]
  readonly protocol: number
}): number => inside(at.fd, () => NetlinkSocket.open(at.protocol, { groups: at.groups }).fd)

const deletingSocket = (): NetlinkSocket => (route ??= NetlinkSocket.open(NETLINK_ROUTE))

const deleteLinks = (at: {
  readonly indexes: readonly number[]
  readonly origin: Origin
}): readonly number[] => deleteHostLinks(deletingSocket(), at.origin, at.indexes)

/** Port id of the socket that deletes, to know its notifications by. */
const portId = (_: undefined): number => deletingSocket().portId

/** Closes what is the thread's own: descriptors outlive threads. Nothing can be asked of it after that. */
function leave(_: undefined): void {
  route?.close()
  libc().close(home)
}

const operations = {
  adopt,
  cookieAt,
  create,
  deleteLinks,
  leave,
  open,
  portId,
  remove,
  setIpv6,
  socket,
  sysctlGet,
  sysctlSet,
}

/** What can be asked of the worker: arguments and answers by name. */
export type Operations = typeof operations
export type Request<K extends keyof Operations = keyof Operations> = {
  readonly argument: Parameters<Operations[K]>[0]
  readonly id: number
  readonly name: K
}
/** `code` is an errno's name. */
export type Response =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly code: string; readonly id: number; readonly message: string; readonly ok: false }

function answer(request: Request): Response {
  const run = operations[request.name] as (argument: unknown) => unknown
  try {
    return { id: request.id, ok: true, value: run(request.argument) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return { code, id: request.id, message, ok: false }
  }
}

function start(): void {
  const { hostNetns } = workerData as { readonly hostNetns?: string }
  home = openPath(hostNetns ?? OWN)
  if (libc().setns(home, CLONE_NEWNET) < 0) throw failed(`setns ${hostNetns ?? OWN}`)
  parentPort?.on('message', (request: Request) => parentPort?.postMessage(answer(request)))
}

start()
