/**
 * The logs of many hosts in one order: by time, then by origin, then by number. Times of one log never go back, so that each host's
 * commits stand in their own order; and none stands before what its host says that it knew (`knows`), whatever clocks say.
 */
import type { AnyFact, Commit, Origin, Seq } from '../../events/index.ts'

/** One host's log, as far as it is here. */
export type Line = {
  readonly commits: AsyncIterable<Commit<AnyFact>>
  readonly origin: Origin
  /** Its last commit here: what others know beyond it is not waited for. */
  readonly seq: Seq
}

/** The next of a line, and the rest of it. */
type Head = { readonly commit: Commit<AnyFact>; readonly rest: AsyncIterator<Commit<AnyFact>> }

export async function* inOneOrder(lines: readonly Line[]): AsyncGenerator<Commit<AnyFact>, void, void> {
  const ends = new Map(lines.map(({ origin, seq }) => [origin as string, seq]))
  const told = new Map<string, number>()
  const all = lines.map(({ commits }) => commits[Symbol.asyncIterator]())
  const heads: Head[] = []
  const advance = async (rest: Head['rest']): Promise<void> => {
    const step = await rest.next()
    if (step.done !== true) heads.push({ commit: step.value, rest })
  }
  const isDue = ({ knows = {} }: Commit): boolean =>
    Object.entries(knows).every(
      ([origin, seq]) => (told.get(origin) ?? 0) >= Math.min(seq, ends.get(origin) ?? 0),
    )
  try {
    for (const rest of all) await advance(rest)
    while (heads.length > 0) {
      heads.sort((a, b) => before(a.commit, b.commit))
      // That all wait for each other no honest logs can say.
      const due = Math.max(
        0,
        heads.findIndex(({ commit }) => isDue(commit)),
      )
      const [next] = heads.splice(due, 1) as [Head]
      told.set(next.commit.origin, next.commit.seq)
      yield next.commit
      await advance(next.rest)
    }
  } finally {
    for (const rest of all) await rest.return?.()
  }
}

const before = (a: Commit, b: Commit): number => {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1
  return a.origin < b.origin ? -1 : 1
}
