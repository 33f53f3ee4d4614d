/**
 * Upcasters: how facts of old versions are understood today. A stored commit never changes, since its hash covers every byte; what
 * changes is how it is read. Whoever folds sees only newest versions, so that machines and projections know one shape of each fact.
 *
 * An upcaster takes the data of version v of a type to version v + 1: pure, total, and never another number of facts, since a fact's
 * place in its stream is counted. They run one after the other, from the stored version to the newest.
 *
 * The other way there is none: what a newer program wrote cannot be understood, and to fold it as nothing would give another state
 * without a word. So it is refused, and the log is served up to there.
 */
import { EngineError } from './errors.ts'
import type { Commit, Fact } from './fact.ts'

/** Takes data of one version to the next. Must not change what it is given. */
export type Upcaster = (data: object) => object

/** By type: the first takes v1 to v2, the second v2 to v3. */
export type Upcasters = Readonly<Record<string, readonly Upcaster[]>>

/** Reads a commit as of today. @throws {EngineError} ERR_LOG_NEWER */
export type Upcast = (commit: Commit) => Commit

/** A fact that this program does not know: its type and version, and the newest version it knows of that type, if any. */
export type NewerFact = { readonly known?: number; readonly type: string; readonly v: number }

/** All that this version has. ClaimGranted v2 has more kinds of claims: what is of v1 is as it was. */
export const UPCASTERS: Upcasters = { ClaimGranted: [(data) => data] }

/**
 * The reading that upcasters make. A commit without old facts stays the same object, and costs next to nothing.
 * @param versions the newest version of each type that is known; absent: of whatever else comes, every version is taken as it is
 */
export function upcastBy(upcasters: Upcasters, versions?: Readonly<Record<string, number>>): Upcast {
  const steps = new Map(Object.entries(upcasters))
  const known = versions && new Map(Object.entries(versions))
  if (steps.size === 0 && known === undefined) return (commit) => commit
  const isOld = ({ type, v }: Fact): boolean => v <= (steps.get(type)?.length ?? 0)
  const isNewer = ({ type, v }: Fact): boolean => known !== undefined && v > (known.get(type) ?? 0)
  const renew = (fact: Fact): Fact => {
    if (!isOld(fact)) return fact
    const rest = steps.get(fact.type)?.slice(fact.v - 1) ?? []
    const data = rest.reduce<object>((old, next) => next(old), fact.data)
    return { ...fact, data, v: fact.v + rest.length }
  }
  return (commit) => {
    const newer = commit.facts.find(isNewer)
    if (newer !== undefined) throw newerError(commit.seq, newerFact(newer, known?.get(newer.type)))
    return commit.facts.some(isOld) ? { ...commit, facts: commit.facts.map(renew) } : commit
  }
}

const newerFact = ({ type, v }: Fact, known: number | undefined): NewerFact => ({
  ...(known === undefined ? {} : { known }),
  type,
  v,
})

/** The error of a log whose commit `from` holds what this program does not know. */
export function newerError(from: number, newer: NewerFact): EngineError {
  const { known, type, v } = newer
  const why = `it holds ${type} in version ${v}, and ${known === undefined ? 'no such type is known here' : `version ${known} is the newest known here`}`
  return new EngineError(
    'ERR_LOG_NEWER',
    `the log was written by a newer chronet at #${from}: ${why}; what is before it can be read, nothing is written: ` +
      'take that chronet, or a later one',
    { details: { from, newer, why } },
  )
}
