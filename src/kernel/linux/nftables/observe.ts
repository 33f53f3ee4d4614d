/**
 * What of the firewall is as it should be, and what is too much: a reading of our table, compared with specs.
 * Pure.
 */
import type {
  FirewallNetworkSpec,
  FirewallSpec,
  IfName,
  ResourceKey,
  Spec,
} from '../../../../events/index.ts'
import { keyOf } from '../../../../events/index.ts'
import type { Found, Stray } from '../../kernel.ts'
import type { FirewallObservation } from '../firewall.ts'
import { bridgesIn, differences, differing, wantedOf, wantedOfNetwork, type Table } from './ruleset.ts'
import { isOurs, type Mark } from './steps.ts'

/** Compares; `strays`: with what was not asked for. A stray table stands for all that is in it. */
export function compare(
  mark: Mark,
  table: Table | undefined,
  specs: readonly Spec[],
  strays: boolean,
): FirewallObservation {
  const found = new Map<ResourceKey, Found>()
  if (table === undefined) return { found, strays: [] }
  for (const spec of specs) {
    const one = lookUp(mark, table, spec)
    if (one !== undefined) found.set(keyOf(spec), one)
  }
  return { found, strays: strays && isOurs(mark, table) ? straysOf(mark, table, specs) : [] }
}

function lookUp(mark: Mark, table: Table, spec: Spec): Found | undefined {
  if ((spec.kind !== 'firewall' && spec.kind !== 'firewall-network') || spec.table !== mark.table)
    return undefined
  if (!isOurs(mark, table))
    // In a stranger's table nothing is ours, so there is nothing of a network's either.
    return spec.kind === 'firewall' ? { ours: false, spec: differing(spec, ['comment']) } : undefined
  // Its chains and elements are as they would be without it: it is not there.
  if (spec.kind === 'firewall-network' && differences(table, wantedOfNetwork(spec.bridge)).length === 0)
    return undefined
  const differs = differences(table, wantedOf(table, spec))
  return { ours: true, spec: differs.length === 0 ? spec : differing(spec, differs) }
}

function straysOf(mark: Mark, table: Table, specs: readonly Spec[]): readonly Stray[] {
  const asked = new Set(specs.map(keyOf))
  const whole: FirewallSpec = { kind: 'firewall', table: mark.table }
  if (!asked.has(keyOf(whole)))
    return [{ key: keyOf(whole), label: `nftables table inet ${mark.table}`, spec: whole }]
  return bridgesIn(table)
    .map((bridge) => strayNetwork(mark, bridge))
    .filter(({ key }) => !asked.has(key))
}

function strayNetwork(mark: Mark, bridge: IfName): Stray {
  const spec: FirewallNetworkSpec = {
    bridge,
    internal: false,
    kind: 'firewall-network',
    masquerade: false,
    subnets: [],
    table: mark.table,
  }
  return { key: keyOf(spec), label: `nftables chains of ${bridge} in table inet ${mark.table}`, spec }
}
