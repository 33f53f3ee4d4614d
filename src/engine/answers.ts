/**
 * From what happened to what the asker hears: done, failed because, or overtaken by whom.
 */
import type { AnyFact, Commit, Command, PlanId, StepFailure } from '../../events/index.ts'
import { EngineError, type ErrorCode } from '../../events/index.ts'
import { planCommit } from './life.ts'
import type { View } from './view.ts'
import type { Settled } from './waiters.ts'

/** What a command came to. */
export type Answer = {
  /** The commit that the command wrote. */
  readonly commit: Commit<AnyFact>
  /** The receipt it waited for, if it waited for one. */
  readonly settled?: Settled
}

/** Whether some entity took the receipt as its own: it wrote a fact that names this plan. */
export const isCurrent = (settled: Settled): boolean =>
  settled.facts.some(
    (fact) => fact.stream !== 'effects' && (fact.data as { readonly plan?: PlanId }).plan === settled.plan,
  )

/** Throws what the asker must hear if it is not "done". */
export function checkSettled(command: Command, commit: Commit<AnyFact>, settled: Settled, view: View): void {
  const by = settled.failures.length === 0 ? undefined : failed(command, settled)
  if (isCurrent(settled)) {
    if (by) throw by
    return
  }
  throw superseded(command, commit, settled, view)
}

function failed(command: Command, settled: Settled): EngineError {
  const [first] = settled.failures
  const more = settled.failures.length > 1 ? ` (and ${settled.failures.length - 1} more steps)` : ''
  return new EngineError(
    codeOf(settled.failures),
    `${command.type} failed in the kernel: ${first?.message ?? 'unknown'}${more}; ` +
      `see ${planCommit(settled.plan)} and its receipt #${settled.seq} in the log`,
    { details: { failures: settled.failures, plan: settled.plan, receipt: settled.seq } },
  )
}

/** What the failure means to people: rights, a kernel that cannot, or simply a refusal. */
function codeOf(failures: readonly StepFailure[]): ErrorCode {
  const codes = new Set(failures.filter((f) => f.class !== 'need').map((f) => f.code))
  if (codes.has('EPERM') || codes.has('EACCES')) return 'ERR_NOT_PERMITTED'
  if (codes.has('EOPNOTSUPP') || codes.has('EPROTONOSUPPORT')) return 'ERR_KERNEL_UNSUPPORTED'
  return 'ERR_EFFECT_FAILED'
}

function superseded(command: Command, commit: Commit<AnyFact>, settled: Settled, view: View): EngineError {
  const overtakers = commit.facts
    .map((fact) => view.machines.get(fact.stream)?.context as { readonly plan?: PlanId } | undefined)
    .map((context) => context?.plan)
    .filter((plan) => plan !== undefined && plan !== settled.plan)
  const by = overtakers[0] === undefined ? 'a later command' : planCommit(overtakers[0])
  return new EngineError(
    'ERR_SUPERSEDED',
    `${command.type} (#${commit.seq}) was overtaken by ${by} before the kernel was done with it; ` +
      'look at the entity as it is now, and ask again if it is not as you want it',
    { details: { by, commit: commit.seq, plan: settled.plan } },
  )
}
