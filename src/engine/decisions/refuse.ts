/** Small pieces of refusing that all decisions share. */
import type { PlanId, Problem, SandboxId } from '../../../events/index.ts'
import { RefusedError } from '../../../events/index.ts'
import { refuseIf } from '../../../events/refuse.ts'
import type { NetworkView, SandboxView } from '../../../projections/index.ts'
import type { Draft } from '../draft.ts'
import type { Resolved } from '../resolve.ts'

/** What was found, or the end of the turn. */
export function orRefuse<T>(resolved: Resolved<T>): T {
  if ('problem' in resolved) throw new RefusedError([resolved.problem])
  return resolved.found
}

/** All that was found, or the end of the turn with everything that was not. */
export function allOrRefuse<A, B>(a: Resolved<A>, b: Resolved<B>): readonly [A, B] {
  const problems: Problem[] = []
  if ('problem' in a) problems.push(a.problem)
  if ('problem' in b) problems.push(b.problem)
  refuseIf(problems)
  return [orRefuse(a), orRefuse(b)]
}

/** `until` for a problem that is over when all these plans are: the last one, if none is missing. */
export function untilPlan(plans: readonly (PlanId | undefined)[]): { readonly until?: PlanId } {
  const last = plans.at(-1)
  return last === undefined || plans.includes(undefined) ? {} : { until: last }
}

/** As messages call a sandbox: by its name, or if it has none any more, by the beginning of its id. */
export const sandboxName = (draft: Draft, id: SandboxId): string =>
  draft.view.projections.topology.sandboxes.get(id)?.name ?? id.slice(0, 12)

/** Nothing is given out of a network that is not there yet, or not any more. */
export const networkIsUp = (network: NetworkView): readonly Problem[] => isUp('network', 'endpoints', network)

/** As {@link networkIsUp}, of who joins a sandbox. */
export const sandboxIsUp = (sandbox: SandboxView): readonly Problem[] =>
  isUp('sandbox', 'interfaces', sandbox)

function isUp(
  kind: 'network' | 'sandbox',
  takes: string,
  { id, name, plan, state }: NetworkView | SandboxView,
): readonly Problem[] {
  if (state === 'created') return []
  const isComing = state === 'creating'
  return [
    {
      code: 'ERR_STATE',
      field: kind,
      holder: id,
      message: `${kind} '${name}' takes no ${takes} in state '${state}'; ${isComing ? 'wait for it' : 'delete it and create it again'}`,
      ...(isComing && plan !== undefined ? { until: plan } : {}),
    },
  ]
}
