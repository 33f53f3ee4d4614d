/** How the kernel differs from what the log wants, and what would mend it: looked at, and nothing done. */
import type { Step } from '../../events/index.ts'
import type { Applied, Desired } from '../../projections/index.ts'
import type { Kernel, Stray } from '../kernel/kernel.ts'
import { basesOf, planAll } from '../reconcile/plan.ts'
import { specsOf } from '../reconcile/specs.ts'
import type { TurnContext } from './context.ts'

export type KernelDifferences = {
  /** What bears our mark, and neither the wants nor an open plan speak of it. */
  readonly orphans: readonly Stray[]
  /** What makes the kernel as it is wanted, in order. */
  readonly steps: readonly Step[]
}

export async function differencesIn(
  kernel: Kernel,
  { applied, desired }: { readonly applied: Applied; readonly desired: Desired },
  context: TurnContext,
): Promise<KernelDifferences> {
  const wanted = specsOf(desired, context)
  const { found, strays } = await kernel.observe([...wanted.values()], { strays: true })
  return {
    orphans: orphansAmong(strays, applied),
    steps: planAll(wanted, basesOf({ found, strays: [] })),
  }
}

/** Of what bears our mark and is not wanted, that which no open plan speaks of. */
export function orphansAmong(strays: readonly Stray[], { open }: Applied): readonly Stray[] {
  const spokenFor = new Set([...open.values()].flatMap((plan) => plan.steps.map((step) => step.key)))
  return strays.filter(({ key }) => !spokenFor.has(key))
}
