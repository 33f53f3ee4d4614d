/** Refusing with all problems at once, and taking a refusal apart. */
import { RefusedError, type Problem } from './errors.ts'

/** @throws {RefusedError} with all of them, if there are any */
export function refuseIf(problems: readonly Problem[]): void {
  const [first, ...rest] = problems
  if (first) throw new RefusedError([first, ...rest])
}

/** The problems of a refusal. Whatever else was thrown is thrown on. */
export function problemsIn(error: unknown): readonly Problem[] {
  if (error instanceof RefusedError) return error.problems
  throw error
}
