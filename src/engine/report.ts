/**
 * Differences and the steps that mend them, told in commits of bounded size: a host of thousands of sandboxes that lost
 * everything is mended in many plans, in the order that the steps need.
 */
import type { CommandData, StepFailure } from '../../events/index.ts'
import type { By, Life } from './life.ts'

/** So many steps, and so many differences, to a commit at most. */
export const REPORT_STEPS_MAX = 500

/** Writes the plans, in the name of whoever asked for it, and awaits their receipts, one after the other. @returns what failed in any of them */
export async function reportDrift(
  life: Life,
  report: CommandData['drift.report'],
  by: By,
): Promise<readonly StepFailure[]> {
  const failures: StepFailure[] = []
  const { differences, purpose, recover } = report
  for (let from = 0; from < Math.max(recover.length, differences.length); from += REPORT_STEPS_MAX) {
    const part = <T>(all: readonly T[]): readonly T[] => all.slice(from, from + REPORT_STEPS_MAX)
    const data = { differences: part(differences), purpose, recover: part(recover) }
    const taken = life.own('drift.report', data, by)
    failures.push(...((await taken?.settled)?.failures ?? []))
  }
  return failures
}
