/** Specs and steps for the tests of the firewall. */
import type {
  Cidr,
  FirewallNetworkSpec,
  FirewallSpec,
  IfName,
  Origin,
  Spec,
  Step,
} from '../../events/index.ts'
import { keyOf } from '../../events/index.ts'
import type { StepResult } from '../../src/kernel/kernel.ts'
import { tableName } from '../../src/reconcile/marks.ts'

export type Specs = {
  readonly a: FirewallNetworkSpec
  readonly b: FirewallNetworkSpec
  readonly firewall: FirewallSpec
  readonly internal: FirewallNetworkSpec
  readonly network: (
    bridge: string,
    subnets: readonly string[],
    more?: Partial<FirewallNetworkSpec>,
  ) => FirewallNetworkSpec
  readonly table: string
}

/** Make it so. */
export const ensure = (spec: Spec): Step => ({ key: keyOf(spec), op: 'ensure', spec })
/** Make it vanish. */
export const remove = (spec: Spec): Step => ({ key: keyOf(spec), op: 'remove', spec, takes: [] })
/** Results in short: whether something changed, or `class code` of the failure. */
export const changed = (results: readonly StepResult[]): readonly (boolean | string)[] =>
  results.map((result) => (result.ok ? result.changed : `${result.failure.class} ${result.failure.code}`))

/** A firewall and networks, as an engine of this origin wants them. */
export function specsOf(origin: Origin): Specs {
  const table = tableName(origin)
  const network = (bridge: string, subnets: readonly string[], more: Partial<FirewallNetworkSpec> = {}) =>
    ({
      bridge: bridge as IfName,
      internal: false,
      kind: 'firewall-network',
      masquerade: true,
      subnets: subnets as Cidr[],
      table,
      ...more,
    }) satisfies FirewallNetworkSpec
  return {
    a: network('br-a', ['10.1.0.0/24', 'fd00:a::/64']),
    b: network('br-b', ['10.2.0.0/20', 'fd00:b::/61']),
    firewall: { kind: 'firewall', table },
    internal: network('br-i', ['10.3.0.0/24', 'fd00:1::/64'], { internal: true }),
    network,
    table,
  }
}
