/**
 * The past of one thing, by reading and folding the whole log: what `src/operations/trace.ts` must come to without reading it all.
 */
import type { AnyFact, Cidr, Commit, Log, Ref, Seq, Stream } from '../../events/index.ts'
import { ipOf, isLast, RefusedError } from '../../events/index.ts'
import {
  beginTables,
  commitsOf,
  history,
  positionOf,
  settledBy,
  type History,
} from '../../projections/index.ts'
import { namedBy } from '../../src/operations/names.ts'
import type { Subject, Trace } from '../../src/operations/operations.ts'
import { isOf } from '../../src/operations/steps.ts'

/** What is known of an entity, living or gone. */
type Known = Subject & {
  readonly addresses: readonly Cidr[]
  readonly id: string
  /** Its links on the host, all that it ever had. */
  readonly links: Set<string>
  readonly mac?: string
  gone: boolean
}

/** @throws {RefusedError} ERR_NOT_FOUND */
export async function traceByReadingAll(log: Pick<Log<AnyFact>, 'read'>, ref: Ref): Promise<Trace> {
  const past = new Past()
  for await (const commit of log.read()) past.add(commit)
  const [subject, ...others] = past.named(ref)
  if (subject === undefined) throw new RefusedError([neverWas(ref)])
  const own = await readAll(log, past.about(subject))
  const receipts = await readAll(log, past.receipts(own))
  const commits = [...new Map([...own, ...receipts].map((commit) => [commit.seq, commit])).values()]
  commits.sort((a, b) => a.seq - b.seq)
  return { commits, names: past.names(), others: others.map(plain), subject: plain(subject) }
}

async function readAll(log: Pick<Log<AnyFact>, 'read'>, seqs: readonly Seq[]): Promise<Commit<AnyFact>[]> {
  const commits: Commit<AnyFact>[] = []
  for (const seq of seqs) for await (const commit of log.read({ from: seq, to: seq })) commits.push(commit)
  return commits
}

const plain = ({ kind, name, stream }: Known): Subject => ({ kind, name, stream })

const neverWas = (ref: Ref) =>
  ({
    code: 'ERR_NOT_FOUND',
    message: `nothing is or was called '${ref}'; give a name, an id or its first characters, an address or a MAC`,
  }) as const

class Past {
  /** An edit: the whole log is folded into it. */
  #history: History = beginTables(history.init)
  readonly #known = new Map<string, Known>()
  /** Commits that found drift, with what it was about: the index does not have them. */
  readonly #drifts: Commit<AnyFact>[] = []

  add(commit: Commit<AnyFact>): void {
    for (const [i, fact] of commit.facts.entries()) {
      this.#history = history.evolve(this.#history, fact as never, positionOf(commit, i))
      this.#note(fact)
      if (fact.type === 'DriftObserved') this.#drifts.push(commit)
    }
  }

  #note(fact: AnyFact): void {
    const named = namedBy(fact)
    const id = fact.stream.slice(fact.stream.indexOf('/') + 1)
    if (named) this.#known.set(id, knownBy(fact, named[1]))
    const known = this.#known.get(id)
    if (known === undefined) return
    if (fact.type === 'EndpointJoinRequested') known.links.add(fact.data.link.name)
    if (fact.type === 'NetworkCreateRequested') known.links.add(fact.data.bridge.name)
    if (isLast(fact)) known.gone = true
  }

  /** Living before gone, newer before older. */
  named(given: Ref): readonly Known[] {
    const [, only, ref = given] = /^(endpoint|network|sandbox)\/(.+)$/.exec(given) ?? []
    const all = [...this.#known.values()].reverse().filter(({ kind }) => only === undefined || kind === only)
    const exact = all.filter((known) => known.id === ref)
    const called = exact.length > 0 ? exact : all.filter((known) => isCalled(known, ref))
    const found = called.length > 0 || ref.length < 4 ? called : all.filter(({ id }) => id.startsWith(ref))
    return [...found.filter(({ gone }) => !gone), ...found.filter(({ gone }) => gone)]
  }

  about({ id, links, stream }: Known): readonly Seq[] {
    const own = commitsOf(this.#history, stream)
    const drifts = this.#drifts.filter((commit) =>
      commit.facts.some(
        (fact) =>
          fact.type === 'DriftObserved' && fact.data.differences.some((d) => isOf(d.key, d.spec, id, links)),
      ),
    )
    return [...new Set([...own, ...drifts.map(({ seq }) => seq)])].sort((a, b) => a - b)
  }

  /** The commits with the receipts of what these intended. */
  receipts(commits: readonly Commit<AnyFact>[]): readonly Seq[] {
    const plans = commits.flatMap(({ facts }) =>
      facts.flatMap((fact) => (fact.type === 'EffectsIntended' ? [fact.data.plan] : [])),
    )
    return plans.flatMap((plan) => settledBy(this.#history, plan) ?? [])
  }

  names(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#known.values()].map(({ id, name }) => [id, name]))
  }
}

const isCalled = ({ addresses, links, mac, name }: Known, ref: Ref): boolean =>
  name === ref ||
  mac === ref ||
  links.has(ref) ||
  addresses.some((cidr) => cidr === ref || ipOf(cidr) === ref)

function knownBy(fact: AnyFact, name: string): Known {
  const stream: Stream = fact.stream
  const [kind = '', id = ''] = stream.split('/')
  const base = { gone: false, id, kind: kind as Subject['kind'], links: new Set<string>(), name, stream }
  if (fact.type === 'EndpointReserved') return { ...base, addresses: fact.data.addresses, mac: fact.data.mac }
  if (fact.type === 'NetworkCreateRequested')
    return {
      ...base,
      addresses: fact.data.subnets.flatMap(({ gateway, subnet }) => [subnet, `${gateway}/` as Cidr]),
    }
  return { ...base, addresses: [] }
}
