/**
 * Hints: rtnetlink's notifications from the host and every open sandbox. They say where to look, never what is so. What our
 * own sockets did is left out by port id; what the kernel then does by itself (carriers, routes of an address) is not.
 */
import type { Hint } from '../kernel.ts'
import { decodeAddress } from './addresses.ts'
import { decodeLink, linkIndexOf } from './links.ts'
import type { Namespace, Namespaces } from './namespaces.ts'
import { type Message, NETLINK_ROUTE, NetlinkSocket } from './netlink.ts'
import { WorkerError } from './netns.ts'
import { decodeRoute } from './routes.ts'
import {
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  RTNLGRP_ALL,
} from './rtnetlink.ts'

export class Hints {
  readonly #listeners = new Set<(hint: Hint) => void>()
  readonly #namespaces: Namespaces
  #workerPort: number | undefined
  #started = false

  constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces
  }

  /** The first listener begins the watch: a short command that asks for none pays for none. */
  listen(listener: (hint: Hint) => void): () => void {
    this.#listeners.add(listener)
    if (!this.#started) this.#start()
    return () => void this.#listeners.delete(listener)
  }

  close(): void {
    this.#listeners.clear()
  }

  #start(): void {
    this.#started = true
    const { worker } = this.#namespaces
    this.#namespaces.onOpened = (ns) => void this.#watch(ns)
    // The worker answers in order: its port is known when the first socket is there.
    void worker.call('portId', undefined).then(
      (port) => (this.#workerPort = port),
      () => undefined,
    )
    for (const ns of this.#namespaces.opened) void this.#watch(ns)
  }

  async #watch(ns: Namespace): Promise<void> {
    const at = { fd: ns.fd, groups: RTNLGRP_ALL, protocol: NETLINK_ROUTE }
    try {
      const monitor = NetlinkSocket.adopt(await this.#namespaces.worker.call('socket', at))
      if (!ns.watch(monitor)) return
      monitor.ignore(this.#portsOf(ns))
      monitor.onReadable(() => this.#drain(ns, monitor))
    } catch (error) {
      // The namespace, or the whole port, was closed meanwhile. Else nobody watches, so let somebody look.
      if (!(error instanceof WorkerError)) throw error
      this.#tell({ ns: ns.ref, what: 'overrun' })
    }
  }

  /** The sockets by which we change this namespace. */
  #portsOf(ns: Namespace): readonly number[] {
    return ns.ref === 'host' && this.#workerPort !== undefined ? [ns.portId, this.#workerPort] : [ns.portId]
  }

  #drain(ns: Namespace, monitor: NetlinkSocket): void {
    const hints = new Map<string, Hint>()
    // Some came before the filter.
    const ours = this.#portsOf(ns)
    const complete = monitor.drain((message) => {
      const hint = ours.includes(message.portId) ? undefined : hintOf(ns, message)
      if (hint !== undefined) hints.set(`${hint.what} ${hint.subject ?? ''}`, hint)
    })
    for (const hint of hints.values()) this.#tell(hint)
    if (!complete) this.#tell({ ns: ns.ref, what: 'overrun' })
  }

  #tell(hint: Hint): void {
    for (const listener of this.#listeners) listener(hint)
  }
}

function hintOf(names: Namespace, message: Message): Hint | undefined {
  const ns = names.ref
  switch (message.type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const known = names.nameOf(linkIndexOf(message))
      // Who has renamed one of ours is told by the look, not by the hint: so mostly nothing need be decoded.
      const name = known ?? decodeLink(message).name
      return { link: name, ns, subject: name, what: 'link' }
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const { address } = decodeAddress(message)
      return isByItself(message, address) ? undefined : { ns, subject: address, what: 'addr' }
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      // Routes of the table `local` and of multicast follow addresses, which tell for themselves.
      const route = decodeRoute(message)
      if (route === undefined || isByItself(message, route.dst)) return undefined
      return { ns, subject: route.dst, what: 'route' }
    }
    default:
      return undefined
  }
}

/** The kernel gives a link that speaks IPv6 an address and a route of its own: what comes so needs no look. */
const isByItself = ({ type }: Message, text: string): boolean =>
  (type === RTM_NEWADDR || type === RTM_NEWROUTE) && text.startsWith('fe80:')
