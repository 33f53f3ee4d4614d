/**
 * Bridges and veths as their specs say. The hot path only creates; what stands already (EEXIST) is looked at: equal is
 * no write, ours and different is changed, a stranger's is a conflict.
 */
import type { BridgeSpec, VethSpec } from '../../../events/index.ts'
import { aliasOf, bridgeText, vethText } from '../../reconcile/marks.ts'
import { ENETDOWN } from '../errno.ts'
import {
  BR_STATE_FORWARDING,
  createBridge,
  createVeth,
  type Link,
  type LinkChange,
  setPortState,
} from './links.ts'
import { type Context, type Done, indexOfOurs, namespaceOf, strangers } from './context.ts'
import type { Mark } from './mark.ts'
import type { Namespace } from './namespaces.ts'
import type { Writer } from './netlink.ts'
import { demand, demandBirth, Refusal } from './refusal.ts'
import { deleteLinks, undeleted } from './remove-links.ts'

/** A bridge: born down with its mark, then given its alias, and taken up when it speaks IPv6 as asked. */
export async function ensureBridge(context: Context, spec: BridgeSpec): Promise<Done> {
  const { mark } = context
  const { host } = context.namespaces
  const renamed = renamedOf(context, spec)
  const fresh = renamed === undefined && create(host, spec, (w) => createBridge(w, spec, mark.living))
  const link = renamed ?? standingOf(context, spec)
  if (link === undefined)
    throw new Refusal('ENODEV', `bridge ${spec.name} vanished while it was looked at (ENODEV)`)
  const switched = await setIpv6(context, host, link, spec.ipv6)
  const changed = changeIf(host, link, {
    ...changesOf(link, spec, mark),
    ...aliasFor(link, mark, bridgeText(spec)),
    ...(spec.ipv6 && !link.up ? { quiet: true } : {}),
  })
  return {
    changed: fresh || switched || changed,
    ifindex: host.remember({ index: link.index, name: spec.name }),
  }
}

/** A veth pair, its peer born in the sandbox. Asynchronous only for what cannot be mended in place. */
export async function ensureVeth(context: Context, spec: VethSpec): Promise<Done> {
  const { mark } = context
  const { host } = context.namespaces
  indexOfOurs(mark, host, spec.bridge)
  const sandbox = await namespaceOf(context, spec.peer.ns)
  const renamed = renamedOf(context, spec)
  if (renamed === undefined && (await bear(context, spec, sandbox)))
    return { changed: true, ifindex: await raise(context, spec, sandbox) }
  const link = renamed ?? standingOf(context, spec)
  if (link === undefined)
    throw new Refusal('EEXIST', `the sandbox has an interface ${spec.peer.name} already (EEXIST)`)
  host.remember({ index: link.index, name: spec.name })
  const peer = peerOf(link, sandbox)
  if (peer !== undefined) {
    const switched = await setIpv6(context, sandbox, peer, spec.peer.ipv6)
    return { changed: mend(context, spec, link, peer, sandbox) || switched, ifindex: link.index }
  }
  // Its other end is gone to another namespace: nothing can bring it back, so it is made anew.
  const [errno = 0] = await deleteLinks(context, [link])
  if (errno !== 0) throw undeleted(link, errno)
  return ensureVeth(context, spec)
}

/** Somebody may have renamed what we made: the index finds it still. Where nothing is remembered, this asks nothing. */
function renamedOf({ mark, namespaces: { host } }: Context, spec: BridgeSpec | VethSpec): Link | undefined {
  const index = host.remembered(spec.name)
  const link = index === undefined ? undefined : host.find(index)
  if (link !== undefined && mark.isOf(link, spec)) return link
  host.forget(spec.name)
  return undefined
}

/** False: something stands there already. */
function create(host: Namespace, spec: BridgeSpec | VethSpec, write: (writer: Writer) => void): boolean {
  const [answer] = host.request(write)
  return demandBirth(answer, spec.kind, spec.name).errno === 0
}

/** A veth whose peer speaks IPv6, or does not, from birth on. False: something stands there already. */
function bear({ mark, namespaces }: Context, spec: VethSpec, sandbox: Namespace): Promise<boolean> {
  const { host, worker } = namespaces
  const { fd } = sandbox
  const { ipv6 } = spec.peer
  return sandbox.bear(
    ipv6,
    // The first that speaks IPv6 brings the loopback to speak it too: packets to an own address go by it.
    () => worker.call('setIpv6', { fd, links: ipv6 ? ['default', 'lo'] : ['default'], on: ipv6 }),
    () => create(host, spec, (w) => createVeth(w, spec, { group: mark.living, netnsFd: fd ?? -1 })),
  )
}

/** Makes a link that stands already speak IPv6, or be silent, and in a sandbox the loopback with it. True: it was otherwise. */
async function setIpv6({ namespaces }: Context, ns: Namespace, link: Link, on: boolean): Promise<boolean> {
  const isAsAsked = link.ipv6 === on && !(on && link.acceptsRa)
  const inSandbox = ns.ref !== 'host'
  if (isAsAsked && !(on && inSandbox && ns.find('lo')?.ipv6 === false)) return false
  const links = on && inSandbox ? ['lo', link.name] : [link.name]
  await namespaces.worker.call('setIpv6', { fd: ns.fd, links, on })
  return true
}

/** What stands under the spec's name. @throws {Refusal} EEXIST: it is a stranger's. */
function standingOf({ mark, namespaces: { host } }: Context, spec: BridgeSpec | VethSpec): Link | undefined {
  const link = host.find(spec.name)
  if (link !== undefined && !mark.isOf(link, spec)) throw strangers(link)
  return link
}

/**
 * The second half of a veth's birth; returns its index. A crash before it leaves a link that group and name tell to be
 * ours. If its bridge went meanwhile, no half of it stays.
 */
async function raise(context: Context, spec: VethSpec, sandbox: Namespace): Promise<number> {
  const { host } = context.namespaces
  const link = { index: host.indexOf(spec.name), name: spec.name }
  const peer = { index: sandbox.indexOf(spec.peer.name), name: spec.peer.name }
  try {
    plugIn(context, spec, link)
    sandbox.change(peer, { up: true })
  } catch (error) {
    await deleteLinks(context, [{ ...link, group: context.mark.living }])
    throw error
  }
  sandbox.remember(peer)
  return host.remember(link)
}

/** The index of the bridge that is remembered may be stale: then it is looked up, once. */
function plugIn({ mark, namespaces: { host } }: Context, spec: VethSpec, link: Place): void {
  const alias = aliasOf(mark.origin, vethText(spec))
  const attempt = (): void =>
    host.change(link, { alias, master: indexOfOurs(mark, host, spec.bridge), quiet: true, up: true })
  try {
    attempt()
  } catch (error) {
    const stale = error instanceof Refusal && (error.code === 'ENODEV' || error.code === 'EINVAL')
    if (!stale || !host.forget(spec.bridge)) throw error
    attempt()
  }
}

type Place = Pick<Link, 'index' | 'name'>

/** What differs from a living link in good order, as changes. */
function changesOf(
  link: Link,
  wanted: { readonly mtu: number; readonly name: string },
  mark: Mark,
): LinkChange {
  return {
    ...(link.group === mark.living ? {} : { group: mark.living }),
    ...(wanted.mtu === 0 || link.mtu === wanted.mtu ? {} : { mtu: wanted.mtu }),
    ...(link.name === wanted.name ? {} : { name: wanted.name }),
    ...(link.up ? {} : { up: true }),
  }
}

/** @returns whether there was anything to change. */
function changeIf(ns: Namespace, link: Link, change: LinkChange): boolean {
  if (Object.keys(change).length === 0) return false
  // Before Linux 6.2 a link that is up keeps its name.
  if (change.name !== undefined && link.up) ns.change(link, { up: false })
  ns.change(link, change.name === undefined ? change : { ...change, up: true })
  return true
}

/** Anybody may have changed the alias: it is only given where there is none. */
const aliasFor = (link: Link, mark: Mark, text: string): LinkChange =>
  link.alias === '' ? { alias: aliasOf(mark.origin, text) } : {}

/** The other end of a veth, if it is in this sandbox. Indexes are a namespace's own, so both ends must name each other. */
function peerOf(link: Link, sandbox: Namespace): Link | undefined {
  const peer = sandbox.find(link.peer)
  return peer?.kind === 'veth' && peer.peer === link.index ? peer : undefined
}

/** Puts a standing pair in order. Returns whether anything had to be written. */
function mend(context: Context, spec: VethSpec, link: Link, peer: Link, sandbox: Namespace): boolean {
  const { mark } = context
  const { host } = context.namespaces
  const master = indexOfOurs(mark, host, spec.bridge)
  const outside = changeIf(host, link, {
    ...changesOf(link, spec, mark),
    ...aliasFor(link, mark, vethText(spec)),
    ...(link.master === master ? {} : { master }),
    ...(link.up ? {} : { quiet: true }),
  })
  const inside = changeIf(sandbox, peer, {
    ...changesOf(peer, { mtu: spec.mtu, name: spec.peer.name }, mark),
    ...(peer.mac === spec.peer.mac ? {} : { mac: spec.peer.mac }),
  })
  sandbox.remember({ index: peer.index, name: spec.peer.name })
  const enabled = enablePort(host, link)
  return outside || inside || enabled
}

/** After a cut the port stays off until somebody says otherwise. A new port is taken up by the kernel. */
function enablePort(host: Namespace, { index, name }: Link): boolean {
  if (host.find(index)?.portState === BR_STATE_FORWARDING) return false
  const [answer] = host.request((w) => setPortState(w, index, BR_STATE_FORWARDING))
  // Without carrier the kernel refuses, and enables the port itself when the carrier comes.
  return demand(answer, `enable port ${name}`, ENETDOWN).errno === 0
}
