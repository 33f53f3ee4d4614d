/**
 * Comparing what should be with what is: when two specs are equal, and how the kernel differs from what was wanted.
 */
import type { CommandData, ResourceKey, Spec } from '../../events/index.ts'
import { baseOf, type Applied } from '../../projections/index.ts'
import type { Observation } from '../kernel/kernel.ts'
import type { Specs } from './specs.ts'

/** One way in which the kernel differs, as `drift.report` carries it. */
export type Difference = CommandData['drift.report']['differences'][number]

/**
 * Whether two specs say the same. On the hot path they are one object: drivers are memoised, and receipts hold what the
 * plan held. Else their canonical JSON decides, for which all specs are built with their keys in alphabetical order.
 */
export const equalSpecs = (a: Spec, b: Spec): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

/** Names of the fields in which two specs differ, in alphabetical order. */
export function differingFields(a: Spec, b: Spec): readonly string[] {
  const left = new Map<string, unknown>(Object.entries(a))
  const right = new Map<string, unknown>(Object.entries(b))
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((field) => JSON.stringify(left.get(field)) !== JSON.stringify(right.get(field)))
    .sort()
}

/**
 * What drifted, three ways: what is wanted, what is there, and what the receipts say was there. Only what a receipt vouches
 * for can have drifted; the rest was simply not made yet.
 */
export const differencesOf = (
  wanted: Specs,
  seen: Pick<Observation, 'found'>,
  applied: Applied,
): readonly Difference[] => lacksOf(wanted, seen).filter(({ key }) => isVouchedFor(key, applied))

/** Whether the receipts say that it is there. */
export const isVouchedFor = (key: ResourceKey, applied: Applied): boolean =>
  baseOf(applied, key)?.state === 'present'

/**
 * What is not as wanted, made before or not. What stands under a wanted key and is not ours counts as changed, in no
 * field: it is not what we made, however much it looks like it.
 */
export function lacksOf(wanted: Specs, { found }: Pick<Observation, 'found'>): readonly Difference[] {
  const differences: Difference[] = []
  for (const [key, spec] of wanted) {
    const there = found.get(key)
    if (!there) differences.push({ fields: [], found: 'missing', key, spec })
    else if (!there.ours || !equalSpecs(there.spec, spec))
      differences.push({ fields: differingFields(there.spec, spec), found: 'changed', key, spec })
  }
  return differences
}
