/**
 * What ids and plans mean, gathered from the log as it goes by. A name never changes, and an id is never used again, so an
 * index of all that went by gives names as they were at any time.
 */
import type { AnyFact, Commit, EffectsIntended, Instant, PlanId } from '../../events/index.ts'
import type { Picture } from './operations.ts'
import { shortId } from './words.ts'

/** A plan that waits for its receipt, and when it was intended. */
export type Intended = EffectsIntended['data'] & { readonly at: Instant }

export class Names {
  readonly #names: Map<string, string>
  readonly #plans = new Map<PlanId, Intended>()

  constructor(names: Readonly<Record<string, string>> = {}) {
    this.#names = new Map(Object.entries(names))
  }

  /** A name, or where none is known, the id's beginning; what is no id stays as it is. */
  of(id: string): string {
    return this.#names.get(id) ?? (/^[0-9a-f]{64}$/.test(id) ? shortId(id) : id)
  }

  set(id: string, name: string): void {
    this.#names.set(id, name)
  }

  /** Of a stream: `endpoint a-web`. */
  ofStream(stream: string): string {
    const [kind = '', id] = stream.split('/')
    return id === undefined ? kind : `${kind} ${this.of(id)}`
  }

  plan(plan: PlanId): Intended | undefined {
    return this.#plans.get(plan)
  }

  addPicture({ endpoints, networks, sandboxes }: Picture): void {
    for (const { id, name } of [...endpoints, ...networks, ...sandboxes]) this.#names.set(id, name)
  }

  /** To be called before the commit's facts are told. */
  add({ at, facts }: Commit<AnyFact>): void {
    for (const fact of facts) {
      const named = namedBy(fact)
      if (named) this.#names.set(...named)
      if (fact.type === 'EffectsIntended') this.#plans.set(fact.data.plan, { ...fact.data, at })
    }
  }

  /** To be called after they were: what has its receipt is not asked for again. */
  forget({ facts }: Commit<AnyFact>): void {
    for (const fact of facts) if (fact.type === 'EffectsSettled') this.#plans.delete(fact.data.plan)
  }
}

/** The id and name that a fact brings into the world. */
export function namedBy(
  fact: Pick<AnyFact, 'data' | 'type'>,
): readonly [id: string, name: string] | undefined {
  const { data, type } = fact as AnyFact
  switch (type) {
    case 'NetworkCreateRequested':
      return [data.network, data.name]
    case 'SandboxCreateRequested':
      return [data.sandbox, data.name]
    case 'EndpointReserved':
      return [data.endpoint, data.name]
    default:
      return undefined
  }
}
