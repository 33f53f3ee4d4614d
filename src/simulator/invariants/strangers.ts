/** What is not ours in a kernel, as text: it must be the same before and after whatever an engine does (K3, V5). */
import { tableName, ROUTE_PROTOCOL } from '../../reconcile/marks.ts'
import type { KernelWorld, Link } from '../../kernel/simulated/world.ts'
import type { Origin } from '../../../events/index.ts'
import { RUN_DIR } from '../host.ts'

/** Strangers' links and what lies on them, tables that are not ours, and namespaces of others. One thing a line. */
export function strangersIn(world: KernelWorld, origin: Origin | undefined): string {
  const { addresses, links, routes, tables } = world.host
  const ours = origin === undefined ? '' : tableName(origin)
  return [
    ...[...links.values()].filter((link) => link.stranger).map(lineOf),
    ...addresses.filter(({ link }) => link.stranger).map(({ cidr, link }) => `addr ${cidr} ${link.name}`),
    ...routes
      .filter(({ link }) => link.stranger)
      .map(({ dst, link, via }) => `route ${dst} ${via ?? ''} ${link.name}`),
    ...[...tables.keys()].filter((name) => name !== ours).map((name) => `table ${name}`),
    ...[...world.mounts]
      .filter(([path]) => !isOurs(path))
      .map(([path, { cookie }]) => `namespace ${path} ${cookie}`),
  ].join('\n')
}

const isOurs = (path: string): boolean => path.startsWith(`${RUN_DIR}/`)

const lineOf = ({ alias, group, kind, mac, master, mtu, name, up }: Link): string =>
  `link ${name} ${kind} ${mac} group ${group} mtu ${mtu} ${up ? 'up' : 'down'} ${alias} ${master?.name ?? ''}`

/** All that is left in a kernel beside strangers, which nobody wants any more; empty: it is as before we came. */
export function leftIn(world: KernelWorld, origin: Origin | undefined): readonly string[] {
  const { addresses, links, routes, tables } = world.host
  const mine = (link: Link): boolean => !link.stranger && link.kind !== 'loopback'
  return [
    ...[...links.values()].filter(mine).map(lineOf),
    ...addresses.filter(({ link }) => mine(link)).map(({ cidr }) => `addr ${cidr}`),
    ...routes
      .filter(({ link, protocol }) => mine(link) || protocol === ROUTE_PROTOCOL)
      .map(({ dst }) => `route ${dst}`),
    ...[...world.mounts.keys()].filter(isOurs).map((path) => `namespace ${path}`),
    // In those of others, which a sandbox had: nothing of ours stays there.
    ...[...world.mounts].flatMap(([path, ns]) =>
      [...ns.links.values()].filter(mine).map((link) => `in ${path} ${lineOf(link)}`),
    ),
    ...[...tables.keys()]
      .filter((name) => origin !== undefined && name === tableName(origin))
      .map((name) => `table ${name}`),
  ]
}
