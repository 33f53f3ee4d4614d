/**
 * Who is at the other end of a unix socket, as the kernel says (SO_PEERCRED, unix(7)) and, of the login, the audit subsystem
 * (/proc/<pid>/loginuid, proc(5)): the uid that logged in, which `sudo` and `su` do not change.
 */
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { Actor } from '../../events/index.ts'
import { libc } from '../kernel/linux/libc.ts'

/** asm-generic/socket.h; the architectures that number them otherwise (MIPS, PA-RISC, SPARC) run no Node of today but MIPS. */
const SOL_SOCKET = 1
const SO_PEERCRED = 17
/** What stands in loginuid when nobody logged in: (uid_t)-1. */
const NO_LOGIN = 0xffff_ffff

export type Peer = NonNullable<Actor['verified']>

/** Undefined: this system has no SO_PEERCRED, or the peer is gone. */
export function peerOf(socket: Socket): Peer | undefined {
  const fd = descriptorOf(socket)
  if (process.platform !== 'linux' || fd === undefined) return undefined
  // struct ucred { pid_t pid; uid_t uid; gid_t gid; }
  const credentials = new Uint32Array(3)
  const length = new Uint32Array([credentials.byteLength])
  const bytes = (words: Uint32Array): Uint8Array => new Uint8Array(words.buffer)
  if (libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, bytes(credentials), bytes(length)) !== 0)
    return undefined
  const [pid = 0, uid = NO_LOGIN] = credentials
  // 0: a process that our namespace of processes does not see.
  if (pid === 0) return { uid }
  const loginUid = loginUidOf(pid)
  return { ...(loginUid === undefined ? {} : { loginUid }), pid, uid }
}

/** The uid that logged in, from which a process descends; undefined: none did, or it is not known. */
export function loginUidOf(pid: number | 'self'): number | undefined {
  try {
    const uid = Number(readFileSync(`/proc/${pid}/loginuid`, 'utf8'))
    return Number.isSafeInteger(uid) && uid !== NO_LOGIN ? uid : undefined
  } catch {
    return undefined
  }
}

/** Node gives it nowhere else; there is none once the socket is closed. */
function descriptorOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null }
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined
}
