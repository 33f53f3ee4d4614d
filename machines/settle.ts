/**
 * What the three machines share about receipts. A working state (creating, joining, leaving, deleting) remembers the
 * plan it waits for; a receipt of any other plan was overtaken by a later command, and passes in silence.
 */
import type { PlanId } from '../events/index.ts'
import type { EffectsSettle } from './commands.ts'

/** The part of a context that waits. `plan` is absent in states that wait for nothing. */
export type Waiting = { readonly plan?: PlanId | undefined }

type Asked = { readonly context: Waiting; readonly event: EffectsSettle | { readonly type: string } }

const isSettle = (event: Asked['event']): event is EffectsSettle => event.type === 'effects.settle'

/** Guard: the receipt is of the plan that this state waits for. */
export const planIsCurrent = ({ context, event }: Asked): boolean =>
  isSettle(event) && event.plan === context.plan

/** Guard: every step of the plan was done. */
export const nothingFailed = ({ event }: Asked): boolean => isSettle(event) && event.failures.length === 0

/** The `sweep` field of a fact, or no field. Spread it last: `sweep` sorts behind `plan` and `sandbox`. */
export const sweepOf = (event: EffectsSettle): { readonly sweep?: PlanId } =>
  event.sweep === undefined ? {} : { sweep: event.sweep }

type Planned = { readonly data: { readonly plan: PlanId }; readonly type: string }

/** Assign: the state waits for this plan. */
export const waitForPlan = ({ event }: { readonly event: Planned }) => ({ plan: event.data.plan })

/** Assign: the state waits for nothing any more. */
export const forgetPlan = () => ({ plan: undefined })
