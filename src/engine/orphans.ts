/**
 * Orphans: what bears our mark and no fact speaks of. Removing one needs no intent, for the same reason; that it was done
 * is told after.
 */
import type { ResourceKey, Step } from '../../events/index.ts'
import { baseOf } from '../../projections/index.ts'
import type { Kernel, Stray } from '../kernel/kernel.ts'
import { orphansAmong } from './differences.ts'
import type { By, Life } from './life.ts'

/** Labels of what is gone, and keys of what the kernel would not remove. */
export type Removed = { readonly gone: readonly string[]; readonly left: ReadonlySet<ResourceKey> }

/** Before an epoch takes commands: all strays are orphans but what an open plan speaks of. */
export function removeStrays(life: Life, kernel: Kernel, strays: readonly Stray[], by: By): Promise<Removed> {
  return remove(life, kernel, orphansAmong(strays, life.heads.decided.projections.applied), by)
}

/**
 * Beside commands: only what no receipt knows either, since the rest of a sweep that failed is that sweep's; and nothing
 * while plans are open, which make things that a look may have seen too early.
 * @returns whether some are left, for the kernel refused or it was too early
 */
export async function removeOrphans(
  life: Life,
  kernel: Kernel,
  strays: readonly Stray[],
  by: By,
): Promise<boolean> {
  const { applied } = life.heads.decided.projections
  const orphans = strays.filter(({ key }) => baseOf(applied, key) === undefined)
  if (orphans.length === 0) return false
  if (applied.open.size > 0) return true
  return (await remove(life, kernel, orphans, by)).left.size > 0
}

async function remove(life: Life, kernel: Kernel, orphans: readonly Stray[], by: By): Promise<Removed> {
  if (orphans.length === 0) return { gone: [], left: new Set() }
  const steps = orphans.map((s): Step => ({ key: s.key, op: 'remove', spec: s.spec, takes: [] }))
  const results = await kernel.apply(steps)
  const gone = orphans.filter((_, i) => results[i]?.ok === true).map((s) => s.label)
  if (gone.length > 0) await life.own('host.observe', { orphans: gone }, by)?.durable
  const left = orphans.filter((_, i) => results[i]?.ok !== true).map(({ key }) => key)
  return { gone, left: new Set(left) }
}
