/**
 * Three-way: what is wanted, what is there, and what the receipts say was there. Only what a receipt vouches for can have
 * drifted; the rest was simply not made yet.
 */
import type { DriftObserved, ResourceKey, Spec } from '../../events/index.ts'
import { baseOf, type Applied } from '../../projections/index.ts'
import type { Observation } from '../kernel/kernel.ts'

export type Difference = DriftObserved['data']['differences'][number]

export function differencesOf(
  desired: ReadonlyMap<ResourceKey, Spec>,
  seen: Observation,
  applied: Applied,
): readonly Difference[] {
  const differences: Difference[] = []
  for (const [key, spec] of desired) {
    if (baseOf(applied, key)?.state !== 'present') continue
    const found = seen.found.get(key)
    if (found === undefined) differences.push({ fields: [], found: 'missing', key, spec })
    else {
      const fields = fieldsThatDiffer(spec, found.spec)
      if (fields.length > 0) differences.push({ fields, found: 'changed', key, spec })
    }
  }
  return differences
}

/** Names of the fields whose canonical JSON differs, in order. */
export function fieldsThatDiffer(wanted: Spec, there: Spec): readonly string[] {
  const a = wanted as unknown as Readonly<Record<string, unknown>>
  const b = there as unknown as Readonly<Record<string, unknown>>
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].filter((name) => JSON.stringify(a[name]) !== JSON.stringify(b[name])).sort()
}
