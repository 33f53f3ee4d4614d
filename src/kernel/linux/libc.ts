/**
 * The only door to the C library. Everything else in `linux/` asks for `libc()` and gets plain functions that return
 * what the call returns; -1 means: ask `errno()` at once. A native addon could replace this one file.
 *
 * The library is loaded at the first call, not on import, so that chronet can be imported where there is no Linux.
 */
import koffi from 'koffi'

/** A watch on a descriptor, which can rest between `stop` and `start`. `close` ends it, before the descriptor is closed. */
export type Watch = { close(): void; start(): void; stop(): void }

/** As in the man pages, section 2. Buffers are passed by pointer and must live until the call returns. */
export interface Libc {
  /** setsockopt(SO_ATTACH_FILTER): the socket gets what this classic BPF program lets through (struct sock_filter, 8 bytes each). */
  attachFilter(fd: number, program: Uint8Array): number
  bind(fd: number, address: Uint8Array, length: number): number
  close(fd: number): number
  /** Of the last call on this thread. */
  errno(): number
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array): number
  /** Requests whose third argument is a pointer. */
  ioctl(fd: number, request: number, argument: Uint8Array): number
  mount(
    source: string | null,
    target: string,
    type: string | null,
    flags: number,
    data: string | null,
  ): number
  open(path: string, flags: number): number
  /** Calls back, on the loop, while the descriptor is readable. Does not keep the process alive. */
  onReadable(fd: number, listener: () => void): Watch
  /** Bytes received, cut to `length`; with MSG_TRUNC the whole length. */
  recv(fd: number, buffer: Uint8Array, length: number, flags: number): number
  send(fd: number, buffer: Uint8Array, length: number, flags: number): number
  setns(fd: number, type: number): number
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number
  socket(domain: number, type: number, protocol: number): number
  umount2(target: string, flags: number): number
  unshare(flags: number): number
}

/** sched.h */
export const CLONE_NEWNET = 0x40000000
/** fcntl.h */
export const O_CLOEXEC = 0o2000000
/** sys/mount.h */
export const MS_BIND = 4096
export const MNT_DETACH = 2

/** asm-generic/socket.h */
const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
/** struct sock_filter and sock_fprog, linux/filter.h. */
const SOCK_FILTER_BYTES = 8
const SOCK_FPROG_BYTES = 16

let loaded: Libc | undefined

/** The C library of this process. Throws off Linux. */
export function libc(): Libc {
  loaded ??= load()
  return loaded
}

function load(): Libc {
  if (process.platform !== 'linux') throw new Error(`the linux kernel port cannot run on ${process.platform}`)
  // The process itself, which is linked with its libc: so glibc and musl are found alike.
  const self = koffi.load(null)
  const calls = {
    bind: self.func('int bind(int, const void *, uint)'),
    close: self.func('int close(int)'),
    getsockname: self.func('int getsockname(int, void *, void *)'),
    getsockopt: self.func('int getsockopt(int, int, int, void *, void *)'),
    ioctl: self.func('int ioctl(int, ulong, void *)'),
    mount: self.func('int mount(const char *, const char *, const char *, ulong, const char *)'),
    open: self.func('int open(const char *, int)'),
    recv: self.func('long recv(int, void *, size_t, int)'),
    send: self.func('long send(int, const void *, size_t, int)'),
    setns: self.func('int setns(int, int)'),
    setsockopt: self.func('int setsockopt(int, int, int, const void *, uint)'),
    socket: self.func('int socket(int, int, int)'),
    umount2: self.func('int umount2(const char *, int)'),
    unshare: self.func('int unshare(int)'),
  }
  koffi.struct('sock_fprog', { len: 'uint16', filter: 'const void *' })
  const attach = self.func('setsockopt', 'int', ['int', 'int', 'int', 'const sock_fprog *', 'uint'])
  return {
    attachFilter: (fd, program) =>
      Number(
        attach(
          fd,
          SOL_SOCKET,
          SO_ATTACH_FILTER,
          { filter: program, len: program.length / SOCK_FILTER_BYTES },
          SOCK_FPROG_BYTES,
        ),
      ),
    ...(calls as unknown as Omit<Libc, 'attachFilter' | 'errno' | 'onReadable'>),
    errno: () => koffi.errno(),
    onReadable,
  }
}

function onReadable(fd: number, listener: () => void): Watch {
  const handle = koffi.node.poll(fd, { readable: true }, listener)
  handle.unref()
  return {
    close: () => handle.close(),
    start: () => handle.start({ readable: true }, listener),
    stop: () => handle.stop(),
  }
}
