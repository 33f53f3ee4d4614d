/**
 * The namespaces that are open here: the host's and one per sandbox, each with a kept netlink socket, so that nothing
 * but a birth, an opening or a removal needs the worker. A sandbox's namespace is found by its path and nothing else.
 */
import { existsSync, fstatSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Adopted, NetnsSpec, NsRef, SandboxId } from '../../../events/index.ts'
import { readBootId } from '../boot-id.ts'
import { ENODEV } from '../errno.ts'
import { type Address, decodeAddress, dumpAddresses } from './addresses.ts'
import { libc } from './libc.ts'
import { changeLink, decodeLink, dumpLinks, getLink, type Link, type LinkChange } from './links.ts'
import { type Answer, NETLINK_ROUTE, NetlinkSocket, Writer } from './netlink.ts'
import type { NetnsWorker } from './netns.ts'
import { demand, Refusal } from './refusal.ts'
import { decodeRoute, dumpRoutes, type SeenRoute } from './routes.ts'
import { AF_INET, AF_INET6 } from './rtnetlink.ts'

/** One for all: a message is written and sent without a pause between. */
const writer = new Writer()

/** A namespace that requests can be sent to. */
export class Namespace {
  /** Decimal text (SO_NETNS_COOKIE). */
  readonly cookie: string
  /** Undefined for the host's. */
  readonly fd: number | undefined
  readonly ref: NsRef
  readonly #indexes = new Map<string, number>()
  readonly #names = new Map<number, string>()
  readonly #socket: NetlinkSocket
  #births: Promise<unknown> | undefined
  /** Whether a link that is born here speaks IPv6; undefined: not known. */
  #bornWithIpv6: boolean | undefined
  #closed = false
  #monitor: NetlinkSocket | undefined

  constructor(ref: NsRef, fd: number | undefined, socket: NetlinkSocket, bornWithIpv6?: boolean) {
    this.ref = ref
    this.fd = fd
    this.#bornWithIpv6 = bornWithIpv6
    this.#socket = socket
    this.cookie = socket.netnsCookie
  }

  /** Port id of the socket that makes our changes. */
  get portId(): number {
    return this.#socket.portId
  }

  /** Sends the messages that `fill` writes; one answer each. */
  request(fill: (writer: Writer) => void): readonly Answer[] {
    fill(writer.reset())
    return this.#socket.transact(writer)
  }

  /** One link by name or index, as it is now. */
  find(which: number | string): Link | undefined {
    const [answer] = this.request((w) => getLink(w, which))
    const [reply] = demand(answer, `look at link ${which}`, ENODEV).replies
    return reply && decodeLink(reply)
  }

  /** The index of a link by name, 0 if there is none: much cheaper than {@link find}, and says nothing of whose it is. */
  indexOf(name: string): number {
    return this.#socket.linkIndex(name)
  }

  /** How many links of ours are known here. */
  get rememberedLinks(): number {
    return this.#indexes.size
  }

  /** The index that a link of ours had when it was last seen; the kernel may have forgotten it since. */
  remembered(name: string): number | undefined {
    return this.#indexes.get(name)
  }

  /** Only links of ours are remembered: whoever uses an index needs not look at the mark again. */
  remember({ index, name }: Pick<Link, 'index' | 'name'>): number {
    this.#indexes.set(name, index)
    this.#names.set(index, name)
    return index
  }

  /** The name that we gave a link, if it is one that is remembered. */
  nameOf(index: number): string | undefined {
    return this.#names.get(index)
  }

  /** @returns whether it was remembered. */
  forget(name: string): boolean {
    this.#names.delete(this.#indexes.get(name) ?? 0)
    return this.#indexes.delete(name)
  }

  change(link: Pick<Link, 'index' | 'name'>, change: LinkChange): void {
    const [answer] = this.request((w) => changeLink(w, link.index, change))
    demand(answer, `change link ${link.name}`)
  }

  links(): readonly Link[] {
    return this.#socket.dump(dumpLinks(writer.reset()), decodeLink)
  }

  addresses(): readonly Address[] {
    return this.#socket.dump(dumpAddresses(writer.reset()), decodeAddress)
  }

  /** Unicast routes of the main table. */
  routes(): readonly SeenRoute[] {
    return [AF_INET, AF_INET6].flatMap((family) =>
      this.#socket.dump(dumpRoutes(writer.reset(), family), decodeRoute),
    )
  }

  /**
   * Makes a link that does, or does not, speak IPv6 from its birth: what the namespace's links are born with is switched by
   * `turn` if it is otherwise. Births that need different ones wait for each other.
   */
  async bear<T>(ipv6: boolean, turn: () => Promise<unknown>, make: () => T): Promise<T> {
    if (this.#births === undefined && this.#bornWithIpv6 === ipv6) return make()
    const before = this.#births ?? Promise.resolve()
    const birth = before
      .catch(() => undefined)
      .then(async () => {
        if (this.#bornWithIpv6 !== ipv6) {
          this.#bornWithIpv6 = undefined
          await turn()
          this.#bornWithIpv6 = ipv6
        }
        return make()
      })
    this.#births = birth
    try {
      return await birth
    } finally {
      if (this.#births === birth) this.#births = undefined
    }
  }

  /**
   * Takes a socket that hears this namespace's notifications, to close it with the rest: it would keep the namespace alive.
   * @returns false: the namespace is closed already, and so is the socket now.
   */
  watch(monitor: NetlinkSocket): boolean {
    if (this.#closed) monitor.close()
    else this.#monitor = monitor
    return !this.#closed
  }

  close(): void {
    this.#closed = true
    this.#monitor?.close()
    this.#socket.close()
    if (this.fd !== undefined) libc().close(this.fd)
  }
}

export class Namespaces {
  readonly host: Namespace
  readonly worker: NetnsWorker
  readonly #directory: string
  readonly #open = new Map<SandboxId, Namespace>()
  readonly #opening = new Map<SandboxId, Promise<Namespace | undefined>>()
  #onOpened: (ns: Namespace) => void = () => {}

  private constructor(host: Namespace, worker: NetnsWorker, directory: string) {
    this.host = host
    this.worker = worker
    this.#directory = directory
  }

  /** @param runDir namespaces are mounted in `netns/` under it, which is made with the first of them. */
  static async open(worker: NetnsWorker, runDir: string, elsewhere: boolean): Promise<Namespaces> {
    const directory = join(runDir, 'netns')
    // The own namespace needs no hop: a command that only changes the host never waits for the worker to start.
    const socket = elsewhere
      ? NetlinkSocket.adopt(
          await worker.call('socket', { fd: undefined, groups: [], protocol: NETLINK_ROUTE }),
        )
      : NetlinkSocket.open(NETLINK_ROUTE)
    return new Namespaces(new Namespace('host', undefined, socket), worker, directory)
  }

  /** Told of every sandbox's namespace that is opened from now on. */
  set onOpened(listener: (ns: Namespace) => void) {
    this.#onOpened = listener
  }

  /** The host's and those of sandboxes that are open now. */
  get opened(): readonly Namespace[] {
    return [this.host, ...this.#open.values()]
  }

  /** The namespace, opened if it must be; undefined: there is none. */
  async get(ref: NsRef): Promise<Namespace | undefined> {
    if (ref === 'host') return this.host
    const known = this.#open.get(ref)
    if (known !== undefined) return known
    // Two that ask at the same time get the same one.
    const opening = this.#opening.get(ref) ?? this.#openNow(ref)
    this.#opening.set(ref, opening)
    return opening
  }

  /** As {@link get}, but looks at the path first: somebody may have unmounted what is open here, or mounted another. */
  async look(sandbox: SandboxId): Promise<Namespace | undefined> {
    const known = this.#open.get(sandbox)
    if (known?.fd !== undefined && !isAt(known.fd, this.#pathOf(sandbox))) this.#drop(sandbox)
    return this.get(sandbox)
  }

  /** Makes the namespace, or finds it, or adopts another's, and takes its loopback up. */
  async ensure(spec: NetnsSpec): Promise<{ readonly changed: boolean; readonly ns: Namespace }> {
    const ns = await this.look(spec.sandbox)
    const { adopts } = spec
    // What was adopted in another boot is gone, whatever has its cookie now.
    if (adopts !== undefined && (adopts.bootId !== readBootId() || (ns ?? adopts).cookie !== adopts.cookie))
      throw gone(adopts)
    if (ns?.fd !== undefined) {
      const lo = ns.find('lo')
      if (lo === undefined || lo.up) return { changed: false, ns }
      ns.change(lo, { up: true })
      return { changed: true, ns }
    }
    mkdirSync(this.#directory, { mode: 0o700, recursive: true })
    if (adopts !== undefined) return { changed: true, ns: await this.#adopt(spec.sandbox, adopts) }
    const birth = await this.worker.call('create', { path: this.#pathOf(spec.sandbox) })
    return { changed: true, ns: this.#keep(spec.sandbox, birth, false) }
  }

  /** The cookie of any namespace, by its path; undefined: there is none. */
  cookieAt(path: string): Promise<string | undefined> {
    return this.worker.call('cookieAt', { path })
  }

  /** @returns whether there was one. */
  remove(sandbox: SandboxId): Promise<boolean> {
    this.#drop(sandbox)
    return this.worker.call('remove', { path: this.#pathOf(sandbox) })
  }

  /** Sandboxes that have something at their path. */
  list(): readonly SandboxId[] {
    return existsSync(this.#directory) ? (readdirSync(this.#directory) as SandboxId[]) : []
  }

  close(): void {
    for (const ns of this.opened) ns.close()
    this.#open.clear()
  }

  async #adopt(sandbox: SandboxId, adopts: Adopted): Promise<Namespace> {
    const { cookie, path: from } = adopts
    const opened = await this.worker.call('adopt', { cookie, from, path: this.#pathOf(sandbox) })
    if (opened === undefined) throw gone(adopts)
    return this.#keep(sandbox, opened)
  }

  async #openNow(sandbox: SandboxId): Promise<Namespace | undefined> {
    try {
      const opened = await this.worker.call('open', { path: this.#pathOf(sandbox) })
      return opened && this.#keep(sandbox, opened)
    } finally {
      this.#opening.delete(sandbox)
    }
  }

  #keep(
    sandbox: SandboxId,
    opened: { readonly fd: number; readonly socket: number },
    bornWithIpv6?: boolean,
  ): Namespace {
    const ns = new Namespace(sandbox, opened.fd, NetlinkSocket.adopt(opened.socket), bornWithIpv6)
    this.#open.set(sandbox, ns)
    this.#onOpened(ns)
    return ns
  }

  #drop(sandbox: SandboxId): void {
    this.#open.get(sandbox)?.close()
    this.#open.delete(sandbox)
  }

  #pathOf(sandbox: SandboxId): string {
    return join(this.#directory, sandbox)
  }
}

const gone = ({ cookie, path }: Adopted): Refusal =>
  new Refusal('ESTALE', `the namespace that was at ${path} (cookie ${cookie}) is not there any more`)

/** Whether the open namespace is the one mounted at the path: its inode cannot be another's while it is open. */
function isAt(fd: number, path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false })
  const here = fstatSync(fd)
  return there !== undefined && there.ino === here.ino && there.dev === here.dev
}
