/**
 * From a turn's change of wants to the plan that its commit intends.
 *
 * The specs before and after are compared only where wants changed, so the cost follows the change, never the number of
 * things that exist.
 */
import type { EffectsIntended, Purpose, Step, Stream } from '../../events/index.ts'
import { plan as planChange, type Plan } from '../reconcile/plan.ts'
import { changedSpecs } from '../reconcile/specs.ts'
import type { Decision } from './decisions/index.ts'
import type { Draft } from './draft.ts'
import { withLost } from './lost.ts'
import type { TurnContext } from './context.ts'

/** Adds EffectsIntended to the draft if there is something to do, or somebody who waits for a receipt. */
export function intendFor(
  draft: Draft,
  decision: Decision,
  context: TurnContext,
): EffectsIntended['data'] | undefined {
  if (decision.purpose === 'none') return undefined
  const { cut, realise, sweep } = planTurn(draft, decision, context)
  const extra = decision.steps ?? []
  switch (decision.purpose) {
    case 'realise':
    case 'heal':
    case 'recover':
      return intend(draft, decision, decision.purpose, [...extra, ...realise, ...cut, ...sweep])
    case 'cut':
      return intend(draft, decision, 'cut', [...extra, ...realise, ...cut], sweep)
    case 'sweep': {
      const steps = [...extra, ...realise, ...cut, ...sweep]
      return steps.length === 0 && !decision.always ? undefined : intend(draft, decision, 'sweep', steps)
    }
  }
}

function planTurn(draft: Draft, decision: Decision, context: TurnContext): Plan {
  const { desired, topology } = draft.before.projections
  const before = decision.purpose === 'cut' ? withLost(desired, topology, draft.streams()) : desired
  const after = draft.view.projections.desired
  if (before === after) return { cut: [], realise: [], sweep: [] }
  return planChange(changedSpecs(before, after, context), draft.view.projections.applied)
}

function intend(
  draft: Draft,
  decision: Decision,
  purpose: Purpose,
  steps: readonly Step[],
  sweep: readonly Step[] = [],
): EffectsIntended['data'] {
  const streams: readonly Stream[] = decision.for ?? draft.streams()
  const data = {
    for: streams,
    plan: draft.plan,
    purpose,
    steps,
    ...(sweep.length === 0 ? {} : { sweep }),
  }
  draft.intend(data)
  return data
}
