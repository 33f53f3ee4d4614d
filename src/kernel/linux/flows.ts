/**
 * How many established connections end at some addresses: those that the host's connection tracking follows, whatever their protocol,
 * and those of the TCP sockets in the namespaces where the addresses lie. One that both tell of counts once.
 */
import type { FlowEnd } from '../kernel.ts'
import { decodeFlow, dumpFlows, type Tuple } from './conntrack.ts'
import type { Namespace, Namespaces } from './namespaces.ts'
import { NetlinkError, NetlinkSocket, Writer } from './netlink.ts'
import { WorkerError } from './netns.ts'
import { AF_INET, AF_INET6, ipBytes } from './rtnetlink.ts'
import { decodeSocket, dumpSockets, NETLINK_SOCK_DIAG } from './sockets.ts'

/** @param openTracking a NETLINK_NETFILTER socket in the host's namespace. @returns undefined: the kernel does not tell of one or the other */
export async function countFlows(
  namespaces: Namespaces,
  openTracking: () => Promise<NetlinkSocket>,
  ends: readonly FlowEnd[],
): Promise<number | undefined> {
  const own = new Set(ends.flatMap(({ addresses }) => addresses).map((ip) => ipBytes(ip).toString('latin1')))
  const isOurs = ({ dst, src }: Tuple): boolean => own.has(src) || own.has(dst)
  const found = new Set<string>()
  try {
    await using(openTracking(), (socket) => {
      socket.dump(dumpFlows(new Writer()), (message) => {
        const flow = decodeFlow(message)
        const tuple = flow && [flow.original, flow.reply].find(isOurs)
        if (tuple !== undefined) found.add(nameOf(tuple))
        return undefined
      })
    })
    for (const sandbox of new Set(ends.map((end) => end.sandbox))) {
      const ns = await namespaces.get(sandbox)
      // Without a namespace there are no sockets.
      if (ns === undefined) continue
      await using(openSockets(namespaces, ns), (socket) => {
        for (const family of [AF_INET, AF_INET6])
          for (const tuple of socket.dump(dumpSockets(new Writer(), family), decodeSocket))
            if (isOurs(tuple)) found.add(nameOf(tuple))
      })
    }
  } catch (error) {
    if (error instanceof NetlinkError || error instanceof WorkerError) return undefined
    throw error
  }
  return found.size
}

const openSockets = async ({ worker }: Namespaces, { fd }: Namespace): Promise<NetlinkSocket> =>
  NetlinkSocket.adopt(await worker.call('socket', { fd, groups: [], protocol: NETLINK_SOCK_DIAG }))

async function using(opening: Promise<NetlinkSocket>, work: (socket: NetlinkSocket) => void): Promise<void> {
  const socket = await opening
  try {
    work(socket)
  } finally {
    socket.close()
  }
}

/** The same from either side. */
function nameOf({ dst, dstPort, protocol, src, srcPort }: Tuple): string {
  const [a, b] = [`${src} ${srcPort}`, `${dst} ${dstPort}`]
  return a < b ? `${protocol} ${a} ${b}` : `${protocol} ${b} ${a}`
}
