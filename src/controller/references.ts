/** What users name and what answers name, for the controller: streams by what people call them, ids by the fact that brings them. */
import type { Stream } from '../../events/index.ts'
import type { Answer } from '../engine/answers.ts'
import type { By } from '../engine/life.ts'
import type { HealOptions } from './controller-options.ts'
import type { Queries } from './queries.ts'

/** Who heals, and why, as the engine takes it. */
export const byOf = ({ actor = { kind: 'library' }, reason }: HealOptions): By => ({
  actor,
  ...(reason === undefined ? {} : { reason }),
})

/** @throws {RefusedError} ERR_NOT_FOUND: neither a stream nor the id, name or prefix of anything */
export function streamNamed(queries: Queries, ref: string): Stream {
  if (/^(network|endpoint|sandbox)\//.test(ref)) return ref as Stream
  for (const attempt of [
    (): Stream => `network/${queries.network(ref).id}`,
    (): Stream => `sandbox/${queries.sandbox(ref).id}`,
  ]) {
    try {
      return attempt()
    } catch {
      // Then it may name one of the next kind; the last one's refusal is told.
    }
  }
  return `endpoint/${queries.endpoint(ref).id}`
}

/** The id that a command made, from the first fact that names it. */
export function idIn(answer: Answer, kind: 'endpoint' | 'network' | 'sandbox'): string {
  const fact = answer.commit.facts.find((f) => f.stream.startsWith(`${kind}/`))
  return fact?.stream.slice(kind.length + 1) ?? ''
}
