/**
 * What a command's decision tells the turn beyond its facts: what its plan is for, and who waits for what.
 */
import type { CommandData, CommandType, PlanId, Purpose, Step, Stream } from '../../../events/index.ts'
import type { Draft } from '../draft.ts'
import type { Given, TurnContext } from '../context.ts'

export type Decision = {
  /** Intend even if there is nothing to do: a machine waits for the receipt. True for realise and cut by nature. */
  readonly always?: boolean
  /** The streams whose machines hear the receipt; absent: those that the turn wrote. */
  readonly for?: readonly Stream[]
  /** `none`: no plan, the answer is due when the commit is durable. */
  readonly purpose: Purpose | 'none'
  /** A receipt of pure success: it may be seen before it is durable, for it would be observed again. */
  readonly soft?: boolean
  /** Steps that no change of wants gives: healing, recovering, a sweep that was announced. They go first. */
  readonly steps?: readonly Step[]
  /** The plan to wait for, if not the turn's own. */
  readonly waitsFor?: PlanId
}

export type DecisionContext = TurnContext & { readonly given: Given }

/** Decides one type of command: adds facts to the draft, or throws RefusedError with all problems. */
export type Handler<T extends CommandType> = (
  draft: Draft,
  data: CommandData[T],
  context: DecisionContext,
) => Decision

/** The n-th id that a command makes, from 0: deciding again gives the same. */
export const entityId = (context: DecisionContext, ordinal: number): string =>
  context.hash(`${context.given.id} ${ordinal}`)
