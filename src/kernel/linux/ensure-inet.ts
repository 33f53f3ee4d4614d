/**
 * Addresses and routes as their specs say, on links of ours. As with links, the kernel's EEXIST is what makes us look.
 */
import { bitsOf, familyOf, ipOf, prefixLengthOf } from '../../../events/address.ts'
import type { AddrSpec, Cidr, Ip, RouteSpec } from '../../../events/index.ts'
import { ROUTE_PROTOCOL } from '../../reconcile/marks.ts'
import { EADDRNOTAVAIL, EEXIST, ENETDOWN, ENODEV, ESRCH } from '../errno.ts'
import { addAddress, deleteAddress } from './addresses.ts'
import { type Context, type Done, indexOfOurs, namespaceOf, UNCHANGED } from './context.ts'
import type { Namespace } from './namespaces.ts'
import type { Answer, Writer } from './netlink.ts'
import { demand, Refusal } from './refusal.ts'
import {
  addReached,
  addRoute,
  deleteRoute,
  getRoute,
  isLocal,
  subnetOf,
  type Route,
  type SeenRoute,
} from './routes.ts'

/** How long to wait for the kernel to make an IPv6 address its own: 0.1 ms is usual, 4 ms the most that was seen. */
const OWN_ROUTE_WAIT_MS = 50

export async function ensureAddress(context: Context, spec: AddrSpec): Promise<Done> {
  const ns = await namespaceOf(context, spec.ns)
  const what = `add address ${spec.address} to ${spec.link}`
  const { answer, index } = withIndex(context, ns, spec.link, (w, at) => addAddress(w, spec.address, at))
  if (demand(answer, what, EEXIST).errno === 0) {
    if (isNewlyOwn(spec)) await untilOwn(ns, ipOf(spec.address))
    return { changed: true }
  }
  if (ns.addresses().some((there) => there.index === index && there.address === spec.address))
    return isReached(spec.address, index, ns.routes()) ? UNCHANGED : reach(ns, spec.address, index)
  throw new Refusal('EEXIST', `${what}: the link has it with another prefix length (EEXIST)`)
}

/** Whether there is a route to the subnet of an address by its link, whoever made it. A single address has none. */
export const isReached = (address: Cidr, index: number, routes: readonly SeenRoute[]): boolean =>
  prefixLengthOf(address) === bitsOf(familyOf(address)) ||
  routes.some((route) => route.index === index && route.via === undefined && route.dst === subnetOf(address))

/** Puts the kernel's own route back that somebody deleted. A link that is down has none, and gets it when it comes up. */
function reach(ns: Namespace, address: Cidr, index: number): Done {
  const [answer] = ns.request((w) => addReached(w, address, index))
  return { changed: demand(answer, `add route to ${subnetOf(address)}`, EEXIST, ENETDOWN).errno === 0 }
}

/** At most so many messages in a send. */
const SEND_MAX = 100

/**
 * Adds what stands next to each other in one namespace with one send. True: it was added. Anything else (it is there
 * already, its link is not, an index was stale) is left to {@link ensureAddress} and {@link ensureRoute}.
 */
export async function addAll(
  { namespaces }: Context,
  specs: readonly (AddrSpec | RouteSpec)[],
): Promise<readonly boolean[]> {
  const [first] = specs
  const ns = first && (await namespaces.get(first.ns))
  if (ns === undefined || specs.length > SEND_MAX) return []
  const indexes = specs.map((spec) => (spec.ns === ns.ref ? ns.remembered(spec.link) : undefined))
  const together = indexes.indexOf(undefined) < 0 ? specs : specs.slice(0, indexes.indexOf(undefined))
  if (together.length < 2) return []
  const answers = ns.request((w) => {
    for (const [i, spec] of together.entries()) {
      const index = indexes[i] ?? 0
      if (spec.kind === 'addr') addAddress(w, spec.address, index)
      else addRoute(w, routeOf(spec, index))
    }
  })
  for (const [i, spec] of together.entries())
    if (spec.kind === 'addr' && answers[i]?.errno === 0 && isNewlyOwn(spec))
      await untilOwn(ns, ipOf(spec.address))
  return answers.map(({ errno }) => errno === 0)
}

/** Whether the kernel answers for the address only a moment later. */
const isNewlyOwn = ({ address, ns }: AddrSpec): boolean => ns !== 'host' && address.includes(':')

export async function removeAddress(context: Context, spec: AddrSpec): Promise<Done> {
  const found = await linkOfOurs(context, spec)
  if (found === undefined) return UNCHANGED
  const [answer] = found.ns.request((w) => deleteAddress(w, spec.address, found.index))
  return { changed: demand(answer, `delete address ${spec.address}`, ENODEV, EADDRNOTAVAIL).errno === 0 }
}

export async function ensureRoute(context: Context, spec: RouteSpec): Promise<Done> {
  const ns = await namespaceOf(context, spec.ns)
  const what = `add route ${spec.dst} by ${spec.link}`
  const { answer, index } = withIndex(context, ns, spec.link, (w, at) => addRoute(w, routeOf(spec, at)))
  if (demand(answer, what, EEXIST).errno === 0) return { changed: true }
  const route = routeOf(spec, index)
  const standing = ns.routes().find((there) => there.dst === spec.dst && hasDefaultMetric(there))
  if (standing !== undefined && standing.protocol !== ROUTE_PROTOCOL)
    throw new Refusal('EEXIST', `${what}: there is another route to it (EEXIST)`)
  if (standing?.index === index && standing.via === spec.via) return UNCHANGED
  const [replaced] = ns.request((w) => addRoute(w, route, true))
  demand(replaced, what)
  return { changed: true }
}

export async function removeRoute(context: Context, spec: RouteSpec): Promise<Done> {
  const found = await linkOfOurs(context, spec)
  if (found === undefined) return UNCHANGED
  // Whatever its gateway is by now: the key is the destination.
  const [answer] = found.ns.request((w) => deleteRoute(w, { dst: spec.dst, index: found.index }))
  return { changed: demand(answer, `delete route ${spec.dst}`, ENODEV, ESRCH).errno === 0 }
}

/** Routes of ours have no metric of their own: of several to one destination, these are the ones that compete. */
export const hasDefaultMetric = ({ dst, metric }: SeenRoute): boolean =>
  metric === (dst.includes(':') ? 1024 : 0)

const routeOf = ({ dst, via }: RouteSpec, index: number): Route =>
  via === undefined ? { dst, index } : { dst, index, via }

/** Sends with a link's index, and once more if the one that was remembered is stale. */
function withIndex(
  { mark }: Context,
  ns: Namespace,
  link: string,
  write: (writer: Writer, index: number) => void,
): { readonly answer: Answer | undefined; readonly index: number } {
  const attempt = (index: number) => ({ answer: ns.request((w) => write(w, index))[0], index })
  const first = attempt(indexOfOurs(mark, ns, link))
  if (first.answer?.errno !== ENODEV || !ns.forget(link)) return first
  return attempt(indexOfOurs(mark, ns, link))
}

/** The link that something stands on which shall go; undefined: there is none of ours, so nothing stands there. */
async function linkOfOurs(
  { mark, namespaces }: Context,
  spec: AddrSpec | RouteSpec,
): Promise<{ readonly index: number; readonly ns: Namespace } | undefined> {
  const ns = await namespaces.get(spec.ns)
  const link = ns?.find(spec.link)
  return ns === undefined || link === undefined || !mark.mayUse(link, spec.ns)
    ? undefined
    : { index: link.index, ns }
}

/**
 * Waits until the kernel answers for a new IPv6 address. It does so from a work queue, and a reply that comes before is
 * dropped, which costs whoever connects first a second. Not having waited long enough is no failure.
 */
async function untilOwn(ns: Namespace, address: Ip): Promise<void> {
  const deadline = performance.now() + OWN_ROUTE_WAIT_MS
  while (performance.now() < deadline) {
    const [answer] = ns.request((w) => getRoute(w, address))
    if (answer?.replies.some(isLocal)) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}
