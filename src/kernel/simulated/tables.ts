/**
 * Tables of the simulated kernel. Rules are not kept as rules: a table is what it was told to do, and whether somebody
 * has taken something out of it since.
 */
import type { FirewallNetworkSpec, IfName } from '../../../events/index.ts'
import { emit, type Namespace, Refusal, type Table, type KernelWorld } from './world.ts'

/** Makes the table, or puts its base chains back. False: nothing was to be done. */
export function ensureTable(world: KernelWorld, ns: Namespace, name: string): boolean {
  const table = ns.tables.get(name)
  if (table?.intact === true) return false
  if (table === undefined) ns.tables.set(name, { drops: false, intact: true, name, networks: new Map() })
  else table.intact = true
  changed(world, ns, name)
  return true
}

/** Makes a network's chains and elements as the spec says. False: nothing was to be done. Throws ENOENT: no table. */
export function ensureTableNetwork(world: KernelWorld, ns: Namespace, spec: FirewallNetworkSpec): boolean {
  const table = needTable(ns, spec.table)
  const found = table.networks.get(spec.bridge)
  if (found?.intact === true && sameNetwork(found.spec, spec)) return false
  table.networks.set(spec.bridge, { intact: true, spec })
  changed(world, ns, spec.table)
  return true
}

/** Deletes a table. False: there was none. */
export function deleteTable(world: KernelWorld, ns: Namespace, name: string): boolean {
  if (!ns.tables.delete(name)) return false
  changed(world, ns, name)
  return true
}

/** Deletes a network's chains and elements. False: there were none. */
export function deleteTableNetwork(
  world: KernelWorld,
  ns: Namespace,
  place: { readonly bridge: IfName; readonly table: string },
): boolean {
  if (ns.tables.get(place.table)?.networks.delete(place.bridge) !== true) return false
  changed(world, ns, place.table)
  return true
}

/** `nft flush table`: chains and elements stay, rules go. */
export function flushTable(world: KernelWorld, ns: Namespace, name: string): void {
  const table = needTable(ns, name)
  table.intact = false
  for (const network of table.networks.values()) network.intact = false
  changed(world, ns, name)
}

/** `nft flush map` of all three maps: the base chains stay, and decide nothing for anybody. */
export function flushMaps(world: KernelWorld, ns: Namespace, name: string): void {
  for (const network of needTable(ns, name).networks.values()) network.intact = false
  changed(world, ns, name)
}

/** What two specs of one network say differently. */
export const networkDiffers = (a: FirewallNetworkSpec, b: FirewallNetworkSpec): string[] =>
  (['internal', 'masquerade', 'subnets'] as const).filter((key) => String(a[key]) !== String(b[key]))

const sameNetwork = (a: FirewallNetworkSpec, b: FirewallNetworkSpec): boolean =>
  networkDiffers(a, b).length === 0

function needTable(ns: Namespace, name: string): Table {
  const table = ns.tables.get(name)
  if (table === undefined) throw new Refusal('ENOENT', `no table inet ${name}`)
  return table
}

const changed = (world: KernelWorld, ns: Namespace, subject: string): void =>
  emit(world, { ns, subject, what: 'nft' })
