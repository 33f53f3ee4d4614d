/**
 * A plan was run: EffectsSettled, then what the machines make of it, then the plan that follows.
 *
 * A receipt is current for a machine that still waits for this plan; one that was overtaken stays silent, and only `applied`
 * folds the receipt. A plan is settled once: a second receipt writes nothing.
 */
import type { AnyFact, EffectsIntended, FactDraft, Step } from '../../../events/index.ts'
import { needsOf, providesOf, streamOf } from '../../../events/index.ts'
import { baseOf, type Applied } from '../../../projections/index.ts'
import type { Draft } from '../draft.ts'
import type { Handler } from './decision.ts'
import { removeInterface } from './interfaces.ts'
import { vanish } from './sandbox.ts'

export const settle: Handler<'effects.settle'> = (draft, data) => {
  const open = draft.view.projections.applied.open.get(data.plan)
  if (open === undefined) return { purpose: 'none', soft: true }
  draft.add({
    data,
    stream: 'effects',
    type: 'EffectsSettled',
    v: 1,
  })
  const failed = data.failures.length > 0
  const announced = failed ? [] : stillDue(open.sweep ?? [], draft.view.projections.applied)
  const remains = failed && open.purpose === 'realise'
  const told = tellMachines(draft, open, data.failures, announced.length > 0 || remains)
  for (const fact of draft.facts) loseInterface(draft, fact)
  const mends = open.purpose === 'heal' || open.purpose === 'recover'
  const vanished = mends && failed ? vanish(draft, data.failures) : undefined
  if (vanished !== undefined) return vanished
  if (announced.length === 0 && !(remains && told)) return { purpose: 'none', soft: !failed }
  return { always: told, for: open.for, purpose: 'sweep', soft: !failed, steps: announced }
}

/** Says whether any machine took the receipt as its own. */
function tellMachines(
  draft: Draft,
  open: EffectsIntended['data'],
  failures: EffectsSettledFailures,
  sweeps: boolean,
): boolean {
  let told = false
  for (const stream of open.for) {
    const command = {
      failures,
      plan: open.plan,
      ...(sweeps ? { sweep: draft.plan } : {}),
      type: 'effects.settle' as const,
    }
    if (draft.tell(stream, command)) told = true
  }
  return told
}

type EffectsSettledFailures = Parameters<typeof settle>[1]['failures']

/** A join that failed gives its interface name back. */
function loseInterface(draft: Draft, fact: FactDraft<AnyFact>): void {
  if (fact.type !== 'EndpointJoinFailed') return
  removeInterface(draft, fact.data.sandbox, streamOf.endpoint(fact.data.endpoint))
}

/**
 * The announced steps that still have something to remove. What a removal takes along is looked at again: a later plan may have
 * put something else under the same key.
 */
export function stillDue(steps: readonly Step[], applied: Applied): readonly Step[] {
  return steps.flatMap((step): readonly Step[] => {
    if (baseOf(applied, step.key) === undefined) return []
    if (step.op !== 'remove') return [step]
    const provided = providesOf(step.spec)
    const takes = step.takes.filter((key) => {
      const there = baseOf(applied, key)
      return there !== undefined && needsOf(there.spec).some((need) => provided.includes(need))
    })
    return [{ ...step, takes }]
  })
}
