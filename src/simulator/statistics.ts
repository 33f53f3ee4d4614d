/** What a run came to, in numbers that can be added up. */
import { evolveStream, kindOf, type EntityState } from '../../machines/index.ts'
import type { AnyFact, Commit } from '../../events/index.ts'

/** All counts of one run, or of many. */
export type Statistics = {
  /** By kind. */
  readonly acts: Readonly<Record<string, number>>
  readonly commits: number
  /** By id of the invariant. */
  readonly checks: Readonly<Record<string, number>>
  /** By what a cluster's servers made of them: `stored`, `refused`, a fault; none where there is no cluster. */
  readonly messages: Readonly<Record<string, number>>
  /** By what was heard: `done`, or a code. */
  readonly outcomes: Readonly<Record<string, number>>
  /** `endpoint joined × EndpointLeaveRequested`: how often that fact met that state. */
  readonly pairs: Readonly<Record<string, number>>
  readonly runs: number
  /** Events of the world, and steps of its kernels. */
  readonly kernelSteps: number
  readonly steps: number
  readonly virtualMs: number
}

export const noStatistics: Statistics = {
  acts: {},
  checks: {},
  commits: 0,
  kernelSteps: 0,
  messages: {},
  outcomes: {},
  pairs: {},
  runs: 0,
  steps: 0,
  virtualMs: 0,
}

/** Both together. */
export const sumOf = (a: Statistics, b: Statistics): Statistics => ({
  acts: summed(a.acts, b.acts),
  checks: summed(a.checks, b.checks),
  commits: a.commits + b.commits,
  kernelSteps: a.kernelSteps + b.kernelSteps,
  messages: summed(a.messages, b.messages),
  outcomes: summed(a.outcomes, b.outcomes),
  pairs: summed(a.pairs, b.pairs),
  runs: a.runs + b.runs,
  steps: a.steps + b.steps,
  virtualMs: a.virtualMs + b.virtualMs,
})

type Counts = Readonly<Record<string, number>>

/** Both together, in alphabetical order. */
export function summed(a: Counts, b: Counts): Counts {
  const all = new Map(Object.entries(a))
  for (const [key, count] of Object.entries(b)) all.set(key, (all.get(key) ?? 0) + count)
  return countsOf(all)
}

/** Which facts met which states in a log. One that no chart takes is counted, and ends the count of its stream: others tell of that. */
export function pairsIn(log: readonly Commit<AnyFact>[]): Counts {
  const states = new Map<string, EntityState | undefined>()
  const broken = new Set<string>()
  const pairs: Record<string, number> = {}
  for (const { facts } of log)
    for (const fact of facts) {
      const kind = kindOf(fact.stream)
      if (kind === undefined || broken.has(fact.stream)) continue
      const state = states.get(fact.stream)
      const pair = `${kind} ${state?.value ?? 'absent'} × ${fact.type}`
      pairs[pair] = (pairs[pair] ?? 0) + 1
      try {
        states.set(fact.stream, evolveStream(state, fact))
      } catch {
        broken.add(fact.stream)
      }
    }
  return pairs
}

/** Of a `Map` of counts, in alphabetical order. */
export const countsOf = (counts: ReadonlyMap<string, number>): Counts =>
  Object.fromEntries([...counts].sort(([x], [y]) => (x < y ? -1 : 1)))
