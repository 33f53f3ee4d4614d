/**
 * Upcasters: how facts of old versions are understood today. A stored commit never changes, since its hash covers every byte; what
 * changes is how it is read. Whoever folds sees only newest versions, so that machines and projections know one shape of each fact.
 *
 * An upcaster takes the data of version v of a type to version v + 1: pure, total, and never another number of facts, since a fact's
 * place in its stream is counted. They run one after the other, from the stored version to the newest.
 */
import type { Commit, Fact } from './fact.ts'

/** Takes data of one version to the next. Must not change what it is given. */
export type Upcaster = (data: object) => object

/** By type: the first takes v1 to v2, the second v2 to v3. */
export type Upcasters = Readonly<Record<string, readonly Upcaster[]>>

/** Reads a commit as of today. */
export type Upcast = (commit: Commit) => Commit

/** All that this version has: no fact has a second version yet. */
export const UPCASTERS: Upcasters = {}

/** The reading that upcasters make. A commit without old facts stays the same object, and costs nothing while there are none. */
export function upcastBy(upcasters: Upcasters): Upcast {
  const steps = new Map(Object.entries(upcasters))
  if (steps.size === 0) return (commit) => commit
  const isOld = ({ type, v }: Fact): boolean => v <= (steps.get(type)?.length ?? 0)
  const renew = (fact: Fact): Fact => {
    if (!isOld(fact)) return fact
    const rest = steps.get(fact.type)?.slice(fact.v - 1) ?? []
    const data = rest.reduce<object>((old, next) => next(old), fact.data)
    return { ...fact, data, v: fact.v + rest.length }
  }
  return (commit) => (commit.facts.some(isOld) ? { ...commit, facts: commit.facts.map(renew) } : commit)
}
