/**
 * What must hold. Each invariant has an id (simulation.md §2.5), which stands in the failure; a check says what is wrong, or
 * nothing. Where a check is done is in its name: S at each step, Q when all is at rest, F at the end.
 */

/** An invariant does not hold. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
  readonly id: string

  constructor(id: string, why: string) {
    super(`${id}: ${why}`)
    this.id = id
  }
}

/** Counts checks, and throws when one fails. */
export class Ledger {
  /** How often each was checked. */
  readonly checked = new Map<string, number>()
  /** The first that failed where nobody could be thrown at: within a port call, say. */
  failure: InvariantError | undefined

  /** @param why what is wrong; undefined: nothing is */
  check(id: string, why: string | undefined): void {
    this.checked.set(id, (this.checked.get(id) ?? 0) + 1)
    if (why !== undefined) this.failure ??= new InvariantError(id, why)
  }

  /** Throws what failed so far. */
  verdict(): void {
    if (this.failure) throw this.failure
  }
}
