/**
 * The way from one state of a table to another, as the few kinds of message that nftables has. Pure.
 *
 * All of it runs in one transaction, but in order, and the kernel refuses what is still in use. So first
 * everything is let go of (rules, elements), then goes what shall go, then comes what shall be, then it is
 * filled. A chain whose rules differ is emptied and filled anew: to patch it rule by rule would need their
 * handles, and gain nothing, since nobody sees a transaction half done.
 */
import type { Rule, Verdict } from './expressions.ts'
import { sameBase, sameRules, type Base, type Chain, type Table } from './ruleset.ts'

/** One message; `add-table` also changes the flags of one that is there. */
export type Change =
  | { readonly op: 'add-chain'; readonly base?: Base; readonly chain: string }
  | { readonly op: 'add-element'; readonly key: string; readonly map: string; readonly verdict: Verdict }
  | { readonly op: 'add-map'; readonly map: string }
  | { readonly op: 'add-rule'; readonly chain: string; readonly rule: Rule }
  | { readonly op: 'add-table'; readonly comment: string; readonly flags: number }
  | { readonly op: 'delete-chain'; readonly chain: string }
  | { readonly op: 'delete-element'; readonly key: string; readonly map: string }
  | { readonly op: 'delete-map'; readonly map: string }
  | { readonly op: 'delete-table' }
  | { readonly op: 'flush-chain'; readonly chain: string }

type Phases = Record<'fill' | 'go' | 'letGo' | 'make', Change[]>

/**
 * The messages that lead from `before` to `after`, in the order in which the kernel takes them. None: they
 * are equal.
 */
export function changesBetween(before: Table | undefined, after: Table | undefined): readonly Change[] {
  if (after === undefined) return before === undefined ? [] : [{ op: 'delete-table' }]
  const phases: Phases = { fill: [], go: [], letGo: [], make: [] }
  if (before?.flags !== after.flags)
    phases.make.push({ op: 'add-table', comment: after.comment, flags: after.flags })
  const remade = compareMaps(before, after, phases)
  compareChains(before, after, remade, phases)
  return [...phases.letGo, ...phases.go, ...phases.make, ...phases.fill]
}

/** Gives the maps that go or are made anew: rules that look into them must let go. */
function compareMaps(
  before: Table | undefined,
  after: Table,
  { fill, go, letGo, make }: Phases,
): Set<string> {
  const remade = new Set<string>()
  for (const map of new Set([...(before?.maps.keys() ?? []), ...after.maps.keys()])) {
    const was = before?.maps.get(map)
    const is = after.maps.get(map)
    const kept = was !== undefined && was.kind === is?.kind
    if (was !== undefined && !kept) {
      remade.add(map)
      go.push({ op: 'delete-map', map })
    }
    if (is !== undefined && !kept) make.push({ op: 'add-map', map })
    const had = kept ? was.elements : new Map<string, Verdict>()
    for (const key of had.keys()) {
      if (had.get(key) !== is?.elements.get(key)) letGo.push({ op: 'delete-element', key, map })
    }
    for (const [key, verdict] of is?.elements ?? []) {
      if (had.get(key) !== verdict) fill.push({ op: 'add-element', key, map, verdict })
    }
  }
  return remade
}

function compareChains(
  before: Table | undefined,
  after: Table,
  remade: ReadonlySet<string>,
  { fill, go, letGo, make }: Phases,
): void {
  for (const chain of new Set([...(before?.chains.keys() ?? []), ...after.chains.keys()])) {
    const was = before?.chains.get(chain)
    const is = after.chains.get(chain)
    const cut = remade.size > 0 && was !== undefined && looksInto(remade, was)
    if (was === is && !cut) continue
    const kept = was !== undefined && is !== undefined && sameBase(was.base, is.base)
    if (kept && !cut && sameRules(was.rules, is.rules)) continue
    if (was !== undefined && was.rules.length > 0) letGo.push({ op: 'flush-chain', chain })
    if (was !== undefined && !kept) go.push({ op: 'delete-chain', chain })
    if (is !== undefined && !kept) make.push(addChain(chain, is))
    for (const rule of is?.rules ?? []) fill.push({ op: 'add-rule', chain, rule })
  }
}

const looksInto = (maps: ReadonlySet<string>, { rules }: Chain): boolean =>
  rules.some((rule) => rule.some(({ fields }) => maps.has(String(fields['set']))))

const addChain = (chain: string, { base }: Chain): Change =>
  base === undefined ? { op: 'add-chain', chain } : { op: 'add-chain', base, chain }
