/**
 * What bears our mark and was not asked for: links of the host by group, MAC and name, also the one of their birth, routes by protocol number, and what
 * lies in our directory of namespaces. Addresses bear no mark, so there are no stray ones.
 */
import {
  type IfName,
  keyOf,
  type Mac,
  type RouteSpec,
  type SandboxId,
  type Spec,
} from '../../../events/index.ts'
import { ROUTE_PROTOCOL } from '../../reconcile/marks.ts'
import type { Stray } from '../kernel.ts'
import type { Link } from './links.ts'
import type { View, Views } from './views.ts'

/** In no particular order. */
export async function straysBeside(views: Views, specs: readonly Spec[]): Promise<readonly Stray[]> {
  const asked = new Set(specs.map(keyOf))
  const inside = views.context.namespaces.list().map(async (sandbox) => {
    const view = await views.of(sandbox)
    const netns = strayNetns(sandbox, view)
    return view === undefined ? [netns] : [netns, ...strayRoutes(views, view)]
  })
  const strays = [
    ...strayLinks(views, specs),
    ...strayRoutes(views, views.host),
    ...(await Promise.all(inside)).flat(),
  ]
  return strays.filter(({ key }) => !asked.has(key))
}

/** A link that was renamed and is asked for is no stray: the next ensure finds it. */
function strayLinks({ context, host }: Views, specs: readonly Spec[]): Stray[] {
  const askedMacs = new Set(specs.flatMap((spec) => ('mac' in spec ? [spec.mac] : [])))
  return host.links
    .filter((link) => context.mark.isOurs(link) && !askedMacs.has(link.mac))
    .map((link) => {
      const spec = link.kind === 'bridge' ? bridgeOf(link) : vethOf(host, link)
      return { key: keyOf(spec), label: `link ${link.name} (index ${link.index})`, spec }
    })
}

const bridgeOf = ({ ipv6, mac, mtu, name }: Link): Spec => ({
  ipv6,
  kind: 'bridge',
  mac,
  mtu,
  name: name as IfName,
})

/** Where its other end is, nobody needs to know who removes it. */
const vethOf = (host: View, { mac, master, mtu, name }: Link): Spec => ({
  bridge: (host.linkAt(master)?.name ?? '') as IfName,
  kind: 'veth',
  mac,
  mtu,
  name: name as IfName,
  peer: { ipv6: false, mac: '' as Mac, name: '' as IfName, ns: '' as SandboxId },
})

function strayRoutes({ context: { mark } }: Views, view: View): Stray[] {
  const { ref } = view.ns
  return view.routes.flatMap(({ dst, index, protocol, via }) => {
    const link = view.linkAt(index)
    if (protocol !== ROUTE_PROTOCOL || link === undefined || !mark.mayUse(link, ref)) return []
    const name = link.name as IfName
    const spec: RouteSpec = { dst, kind: 'route', link: name, ns: ref, ...(via === undefined ? {} : { via }) }
    return [{ key: keyOf(spec), label: `route to ${dst} by ${name}`, spec }]
  })
}

/** Without a view, it is a file that a birth left which a crash interrupted. */
function strayNetns(sandbox: SandboxId, view: View | undefined): Stray {
  const spec: Spec = { kind: 'netns', sandbox }
  const what = view === undefined ? 'not mounted' : `cookie ${view.ns.cookie}`
  return { key: keyOf(spec), label: `namespace ${sandbox.slice(0, 12)} (${what})`, spec }
}
