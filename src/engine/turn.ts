/**
 * One command, one synchronous turn: refuse or decide, over one view, without reading anything else.
 *
 * Given the same view and the same command with its time and id, a turn gives byte-equal facts; that is how the log can
 * be decided again in tests. There is no `await` here (lint), so no two commands can decide on the same free address.
 */
import type {
  AnyFact,
  CommitDraft,
  EffectsIntended,
  Expectation,
  Instant,
  PlanId,
  Stream,
} from '../../events/index.ts'
import { planIdOf } from '../../events/index.ts'
import type { Given, TurnContext } from './context.ts'
import { handlers, type Decision } from './decisions/index.ts'
import { Draft } from './draft.ts'
import { intendFor } from './intend.ts'
import { withNames } from './naming.ts'
import type { View } from './view.ts'

/** What a turn came to. No facts: the command changed nothing and nothing is written. */
export type TurnOutcome = {
  readonly draft: CommitDraft<AnyFact>
  readonly expectations: readonly Expectation[]
  readonly intended?: EffectsIntended['data']
  /** A receipt of pure success: it may be seen before it is durable, and without new intents wait for the next group. */
  readonly soft: boolean
  /** The plan that the one who asked waits for, if any. */
  readonly waitsFor?: PlanId
  readonly view: View
}

/** @throws {RefusedError} with all problems; nothing has changed. */
export function takeTurn(context: TurnContext, before: View, given: Given): TurnOutcome {
  const plan = planIdOf(given.epoch, given.seq)
  const draft = new Draft(before, plan, { at: given.at, epoch: given.epoch, seq: given.seq })
  const decision = decideCommand(draft, given, context)
  if (given.clock !== undefined && draft.facts.length > 0) noteClock(draft, given.clock)
  const intended = intendFor(draft, decision, context)
  const waitsFor = decision.waitsFor ?? (decision.purpose === 'none' ? undefined : intended?.plan)
  return {
    draft: {
      actor: given.actor,
      at: given.at,
      command: { data: given.command.data, id: given.id, type: given.command.type },
      epoch: given.epoch,
      facts: draft.facts,
      ...(given.reason === undefined ? {} : { reason: given.reason }),
    },
    expectations: expectationsOf(draft, before),
    ...(intended ? { intended } : {}),
    soft: decision.soft ?? false,
    ...(waitsFor === undefined ? {} : { waitsFor }),
    view: draft.view,
  }
}

/** A clock that stepped back is a fact; the log's times stay where they were. */
function noteClock(draft: Draft, clock: Instant): void {
  draft.add({ data: { clock, log: draft.position.at }, stream: 'host', type: 'ClockSteppedBack', v: 1 })
}

function decideCommand(draft: Draft, given: Given, context: TurnContext): Decision {
  // The table is typed by command; the union of its functions is not callable with the union of their data.
  const handler = handlers[given.command.type] as (
    draft: Draft,
    data: unknown,
    context: TurnContext & { readonly given: Given },
  ) => Decision
  try {
    const { drivers, hash, origin, table } = context
    return handler(draft, given.command.data, { drivers, given, hash, origin, table })
  } catch (error) {
    throw withNames(error, draft.before.projections.topology)
  }
}

/** Every entity stream that is written must be where the turn saw it. */
function expectationsOf(draft: Draft, before: View): readonly Expectation[] {
  return draft.streams().map((stream: Stream) => ({
    stream,
    version: before.machines.has(stream) ? 'exists' : 'absent',
  }))
}
