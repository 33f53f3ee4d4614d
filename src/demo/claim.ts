/** A claim: what must be so, against what was seen. */
import type { Failure } from './print.ts'

/** Ends a step: something is not as it must be. */
export class ClaimFailed extends Error implements Failure {
  override readonly name = 'ClaimFailed'
  readonly expected: string
  readonly seen: string

  constructor({ expected, seen }: Failure) {
    super(`expected ${expected}, seen ${seen}`)
    this.expected = expected
    this.seen = seen
  }
}

/** @throws {ClaimFailed} they differ. Returns what was seen. */
export function claim(expected: string, seen: string): string {
  if (expected !== seen) throw new ClaimFailed({ expected, seen })
  return seen
}

/** The same, of lists whose order says nothing; what differs is named. */
export function claimSame(what: string, expected: readonly string[], seen: readonly string[]): void {
  const missing = expected.filter((line) => !seen.includes(line)).map((line) => `${line} is missing`)
  const surplus = seen.filter((line) => !expected.includes(line)).map((line) => `${line} is too much`)
  const differing = [...missing, ...surplus]
  if (differing.length > 0) throw new ClaimFailed({ expected: what, seen: differing.join(' · ') })
}

/** What a thrown thing says, as a failed claim. */
export const failureOf = (error: unknown): Failure =>
  error instanceof ClaimFailed
    ? { expected: error.expected, seen: error.seen }
    : { expected: 'that it works', seen: wordsOf(error) }

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  return code === undefined ? `${error.name}: ${error.message}` : `${code}: ${error.message}`
}
