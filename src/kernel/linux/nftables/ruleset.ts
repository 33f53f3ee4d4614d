/**
 * What our table should hold: specs in, chains and map elements out. Pure.
 *
 * A packet costs the same whatever the number of networks: three verdict maps lead it, by the interface by
 * which it comes or goes, to the chains of one bridge. A network is up to three chains and one element for
 * each:
 *
 * - `from-<bridge>`, of packets that come from it: an internal network's may not leave it.
 * - `to-<bridge>`, of packets that go to it: replies may, its own may (they are seen here only if bridge-nf-
 *   call-iptables is on), all else is refused. So networks are kept apart by the target's chain, and nothing
 *   in the source's.
 * - `nat-<bridge>`, of connections that leave it: their source becomes the host's.
 *
 * A chain without rules is left out. The map `nat` is looked up by `iifname` in postrouting, which the kernel
 * knows of forwarded packets since 5.7; there it leaves the host's own alone, which have none. (Before 5.7 it
 * would never match; the table's comment, by which we know it for ours, needs 5.10 anyway.)
 *
 * `accept` ends the walk through this table only, `drop` ends it for all: other tables can refuse what we let
 * pass, and can not let pass what we refuse.
 */
import {
  keyOf,
  type FirewallNetworkSpec,
  type FirewallSpec,
  type IfName,
  type ResourceKey,
} from '../../../../events/index.ts'
import { sameRule, type Rule, type Verdict } from './expressions.ts'
import { address, counter, ctState, ifname, masquerade, rule, verdict, vmap } from './statements.ts'

/** Where a chain hooks in: what makes it a base chain. Numbers as in linux/netfilter.h. */
export type Base = {
  readonly hook: number
  /** `accept` or `drop`: of packets that no rule decides on. */
  readonly policy: Verdict
  readonly priority: number
  readonly type: string
}

export type Chain = { readonly base?: Base; readonly rules: readonly Rule[] }

/**
 * A named set or map; elements by interface name are read of verdict maps of ours only. `''` is the catch-
 * all.
 */
export type VerdictMap = { readonly elements: ReadonlyMap<string, Verdict>; readonly kind: string }

/** A table of family inet, as far as it concerns us. */
export type Table = {
  readonly chains: ReadonlyMap<string, Chain>
  readonly comment: string
  /** NFT_TABLE_F_*: 1 is dormant. */
  readonly flags: number
  readonly maps: ReadonlyMap<string, VerdictMap>
}

/** A table being changed. */
export type Draft = {
  readonly chains: Map<string, Chain>
  comment: string
  flags: number
  readonly maps: Map<string, { readonly elements: Map<string, Verdict>; readonly kind: string }>
}

/** What one resource wants of the table; `undefined`: it must not be there. */
export type Wanted = {
  readonly chains: ReadonlyMap<string, Chain | undefined>
  readonly elements: readonly {
    readonly key: string
    readonly map: string
    readonly verdict: Verdict | undefined
  }[]
  readonly flags?: number
  readonly maps: ReadonlyMap<string, string | undefined>
}

/** Kind of the maps of ours, as `nft` prints their type. */
export const VERDICT_MAP = 'ifname : verdict'

const MAPS = ['from', 'to', 'nat'] as const
type MapName = (typeof MAPS)[number]

const BASE_CHAINS: ReadonlyMap<string, Chain> = new Map([
  [
    'forward',
    {
      base: { hook: 2, policy: 'accept', priority: 0, type: 'filter' },
      rules: [vmap('iifname', 'from'), vmap('oifname', 'to')],
    },
  ],
  [
    'postrouting',
    { base: { hook: 4, policy: 'accept', priority: 100, type: 'nat' }, rules: [vmap('iifname', 'nat')] },
  ],
])

// Names. `nft` must be able to read them back: letters, digits, `/`, `-`, `_` and `.`; 31 bytes suit every kernel.

const PLAIN_NAME = /^[A-Za-z0-9_.-]+$/

/**
 * A bridge's part of a chain's name: its own name, or, if `nft` could not read that, `/` and base64url of it.
 */
const labelOf = (bridge: string): string =>
  PLAIN_NAME.test(bridge) ? bridge : `/${Buffer.from(bridge).toString('base64url')}`

/** The chain of a map for a bridge: `from-br0`. */
export const chainName = (map: MapName, bridge: string): string => `${map}-${labelOf(bridge)}`

/** The bridge that a chain belongs to; undefined: to none. */
export function bridgeOfChain(chain: string): IfName | undefined {
  const label = /^(?:from|to|nat)-(.+)$/.exec(chain)?.[1]
  if (label === undefined) return undefined
  const bridge = label.startsWith('/') ? Buffer.from(label.slice(1), 'base64url').toString() : label
  // Only one spelling is ours, so that chain and bridge name each other.
  return bridge !== '' && labelOf(bridge) === label && Buffer.byteLength(bridge) <= 15
    ? (bridge as IfName)
    : undefined
}

/** All bridges that the table speaks of, by chain or by element, sorted. */
export function bridgesIn(table: Table): readonly IfName[] {
  const bridges = new Set<string>()
  for (const chain of table.chains.keys()) bridges.add(bridgeOfChain(chain) ?? '')
  for (const map of table.maps.values()) for (const key of map.elements.keys()) bridges.add(key)
  bridges.delete('')
  return [...bridges].sort() as IfName[]
}

/** The resource that a chain belongs to. */
export const ownerOfChain = (table: string, chain: string): ResourceKey =>
  ownerOfElement(table, bridgeOfChain(chain) ?? '')

/** The resource that an element belongs to. */
export const ownerOfElement = (table: string, bridge: string): ResourceKey =>
  bridge === '' ? `nft/${table}` : `nft/${table}/${bridge}`

// What specs want.

/** What the table itself wants: base chains, maps, and nothing in it that belongs to no network. */
export function wantedOfTable(table: Table): Wanted {
  const strange = [...table.chains.keys()].filter((name) => bridgeOfChain(name) === undefined)
  return {
    chains: new Map([...strange.map((name) => [name, undefined] as const), ...BASE_CHAINS]),
    elements: MAPS.map((map) => ({ key: '', map, verdict: undefined })),
    flags: 0,
    maps: new Map([
      ...[...table.maps.keys()].map((name) => [name, undefined] as const),
      ...MAPS.map((name) => [name, VERDICT_MAP] as const),
    ]),
  }
}

/** What a network wants; without rules, as when it is to vanish, it wants nothing to be there. */
export function wantedOfNetwork(bridge: IfName, rules: (map: MapName) => readonly Rule[] = () => []): Wanted {
  const parts = MAPS.map((map) => ({ map, name: chainName(map, bridge), rules: rules(map) }))
  return {
    chains: new Map(parts.map(({ name, rules }) => [name, rules.length > 0 ? { rules } : undefined])),
    elements: parts.map(({ map, name, rules }) => ({
      key: bridge,
      map,
      verdict: rules.length > 0 ? `jump ${name}` : undefined,
    })),
    maps: new Map(),
  }
}

/** The rules of a network's chain that a map leads to. */
export function rulesOf(spec: FirewallNetworkSpec, map: MapName): readonly Rule[] {
  const { bridge } = spec
  const leaves = ifname('oifname', '!=', bridge)
  switch (map) {
    case 'from':
      return spec.internal ? [rule(leaves, counter, verdict('drop'))] : []
    case 'to':
      return [
        rule(ctState('established', 'related'), verdict('accept')),
        rule(ifname('iifname', '==', bridge), verdict('accept')),
        rule(counter, verdict('drop')),
      ]
    case 'nat':
      if (spec.internal || !spec.masquerade) return []
      return spec.subnets.map((subnet) => rule(leaves, address('saddr', subnet), masquerade))
  }
}

/**
 * What the table should hold for a spec. Specs are plain data that never change, so a network's is made once.
 */
export function wantedOf(table: Table, spec: FirewallNetworkSpec | FirewallSpec): Wanted {
  if (spec.kind === 'firewall') return wantedOfTable(table)
  const known = wantedBySpec.get(spec)
  if (known !== undefined) return known
  const wanted = wantedOfNetwork(spec.bridge, (map) => rulesOf(spec, map))
  wantedBySpec.set(spec, wanted)
  return wanted
}

const wantedBySpec = new WeakMap<FirewallNetworkSpec, Wanted>()

// Comparing and changing.

export const emptyTable = (comment: string): Table => ({
  chains: new Map(),
  comment,
  flags: 0,
  maps: new Map(),
})

export const draftOf = (table: Table): Draft => ({
  chains: new Map(table.chains),
  comment: table.comment,
  flags: table.flags,
  maps: new Map([...table.maps].map(([name, map]) => [name, { ...map, elements: new Map(map.elements) }])),
})

/**
 * What of it is not as wanted, named as people would: `chain to-br0`, `map from`, `flags`. Empty: nothing.
 */
export function differences(table: Table, wanted: Wanted): readonly string[] {
  const names = new Set<string>()
  if (wanted.flags !== undefined && wanted.flags !== table.flags) names.add('flags')
  for (const [name, kind] of wanted.maps) if (table.maps.get(name)?.kind !== kind) names.add(`map ${name}`)
  for (const [name, chain] of wanted.chains)
    if (!sameChain(table.chains.get(name), chain)) names.add(`chain ${name}`)
  for (const { key, map, verdict } of wanted.elements)
    if (table.maps.get(map)?.elements.get(key) !== verdict) names.add(`map ${map}`)
  return [...names].sort()
}

/** Makes it as wanted. True: something was not. What is equal already keeps its identity. */
export function impose(draft: Draft, wanted: Wanted): boolean {
  if (differences(draft, wanted).length === 0) return false
  draft.flags = wanted.flags ?? draft.flags
  for (const [name, kind] of wanted.maps) {
    if (kind === undefined) draft.maps.delete(name)
    else if (draft.maps.get(name)?.kind !== kind) draft.maps.set(name, { elements: new Map(), kind })
  }
  for (const [name, chain] of wanted.chains) {
    if (chain === undefined) draft.chains.delete(name)
    else if (!sameChain(draft.chains.get(name), chain)) draft.chains.set(name, chain)
  }
  for (const { key, map, verdict } of wanted.elements) {
    if (verdict === undefined) draft.maps.get(map)?.elements.delete(key)
    else draft.maps.get(map)?.elements.set(key, verdict)
  }
  return true
}

export const sameBase = (a?: Base, b?: Base): boolean =>
  a?.hook === b?.hook && a?.policy === b?.policy && a?.priority === b?.priority && a?.type === b?.type

export const sameRules = (a: readonly Rule[], b: readonly Rule[]): boolean =>
  a === b || (a.length === b.length && a.every((one, i) => sameRule(one, b[i] ?? [])))

const sameChain = (a: Chain | undefined, b: Chain | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && sameBase(a.base, b.base) && sameRules(a.rules, b.rules))

/** The spec as it is shown when the kernel differs: with `differs`, so that it equals no wanted one. */
export function differing<S extends FirewallNetworkSpec | FirewallSpec>(
  spec: S,
  differs: readonly string[],
): S {
  const entries = Object.entries({ ...spec, differs }).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries) as S
}

/** The key of the table that a spec lies in. */
export const tableKey = (spec: FirewallNetworkSpec | FirewallSpec): ResourceKey =>
  keyOf({ kind: 'firewall', table: spec.table })
