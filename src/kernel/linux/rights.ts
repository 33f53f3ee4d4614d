/**
 * Whether this process may do here what the port does, found out before anything is made. Capabilities alone do not tell: they
 * count over a namespace's owner, and a process may be root of one namespace and nobody in the next (user_namespaces(7)). So the
 * kernel is asked, by calls that need the right and cannot change anything.
 */
import { EngineError } from '../../../events/index.ts'
import { EACCES, EINVAL, ENOENT, EPERM, errnoName } from '../errno.ts'
import { CLONE_NEWNET, libc, MS_BIND, O_CLOEXEC } from './libc.ts'
import { changeLink } from './links.ts'
import { NETLINK_ROUTE, NetlinkError, NetlinkSocket, Writer } from './netlink.ts'

const OWN_NETNS = '/proc/thread-self/ns/net'
/** No link gets so far: the kernel counts them from 1. */
const NO_LINK = 0x7fffffff
/** linux/nsfs.h; answers with the flag of clone(2) for it. */
const NS_GET_NSTYPE = 0xb703
const NO_ARGUMENT = Buffer.alloc(1)

/**
 * @param hostNetns path of the namespace to take as the host: what may be done in it, only the worker can tell
 * @throws {EngineError} ERR_NOT_PERMITTED (`details.missing`); ERR_NOT_FOUND: no namespace is at that path; ERR_KERNEL_UNSUPPORTED:
 *   this is no Linux.
 */
export function checkRights(hostNetns: string | undefined): void {
  if (process.platform !== 'linux')
    throw new EngineError(
      'ERR_KERNEL_UNSUPPORTED',
      `networks are made on Linux, not on ${process.platform}; ${ELSEWHERE}`,
    )
  const missing = [
    ...(hostNetns === undefined ? missingInOwn() : []),
    ...(mayMount() ? [] : ['CAP_SYS_ADMIN over the mount namespace']),
  ]
  if (missing.length > 0) throw notPermitted(missing)
  if (hostNetns !== undefined) checkHost(hostNetns)
}

/** Whether a namespace is there (ioctl_nsfs(2)). */
function checkHost(hostNetns: string): void {
  const fd = libc().open(hostNetns, O_CLOEXEC)
  if (fd < 0) throw hostError(hostNetns, new NetlinkError('open', libc().errno()))
  const type = libc().ioctl(fd, NS_GET_NSTYPE, NO_ARGUMENT)
  libc().close(fd)
  if (type !== CLONE_NEWNET) throw hostError(hostNetns, new NetlinkError('NS_GET_NSTYPE', EINVAL))
}

const ELSEWHERE = 'or use the simulated kernel: npm start -- --simulated, or chronet/simulator in a program'

/** The refusal, and what to do. */
function notPermitted(missing: readonly string[], cause?: unknown): EngineError {
  const message =
    `networks cannot be made here: this process (uid ${process.geteuid?.() ?? '?'}) has no ${missing.join(', no ')}; ` +
    `run it as root, or where you are root by yourself: unshare -Urnm, as npm start does; ${ELSEWHERE}`
  return new EngineError('ERR_NOT_PERMITTED', message, { cause, details: { missing } })
}

/** What a failure to enter the namespace that is to be the host means. Other errors come back as they are. */
export function hostError(hostNetns: string | undefined, error: unknown): unknown {
  const code = (error as { readonly code?: unknown }).code
  if (hostNetns === undefined || error instanceof EngineError || typeof code !== 'string') return error
  if (code === errnoName(EPERM) || code === errnoName(EACCES))
    return notPermitted([`CAP_SYS_ADMIN over the network namespace ${hostNetns}`], error)
  if (code === errnoName(ENOENT) || code === errnoName(EINVAL))
    return new EngineError(
      'ERR_NOT_FOUND',
      `host namespace ${hostNetns}: no network namespace is there (${code})`,
      {
        cause: error,
        details: { hostNetns },
      },
    )
  return error
}

function missingInOwn(): readonly string[] {
  return [
    ...(mayEnter() ? [] : ['CAP_SYS_ADMIN over the network namespace']),
    ...(mayChangeLinks() ? [] : ['CAP_NET_ADMIN over the network namespace']),
  ]
}

/** Enters the namespace that the thread is in: nothing changes, but the right is asked for (setns(2)). */
function mayEnter(): boolean {
  const fd = libc().open(OWN_NETNS, O_CLOEXEC)
  if (fd < 0) return false
  const entered = libc().setns(fd, CLONE_NEWNET) === 0
  libc().close(fd)
  return entered
}

/** Asks to change a link that cannot be; the right is looked at first (rtnetlink_rcv_msg). */
function mayChangeLinks(): boolean {
  const socket = NetlinkSocket.open(NETLINK_ROUTE)
  const writer = new Writer()
  changeLink(writer.reset(), NO_LINK, {})
  const [answer] = socket.transact(writer)
  socket.close()
  return answer?.errno !== EPERM
}

/** Asks to bind nothing: EINVAL, if not EPERM before (mount(2)). */
const mayMount = (): boolean => libc().mount('', '/', null, MS_BIND, null) === 0 || libc().errno() !== EPERM
