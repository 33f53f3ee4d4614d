/** Who follows one thing through the log: its own facts, plans that were for it and their receipts, and drift of what it is made of. */
import type { AnyFact, Commit, PlanId, Seq, Stream } from '../../events/index.ts'
import { ipOf, isLast } from '../../events/index.ts'
import { namedBy } from './names.ts'
import type { Subject } from './operations.ts'
import { isOf } from './steps.ts'
import type { Words } from './text-search.ts'

/** By what it was found; less is better. */
const BY = { id: 0, called: 1, beginning: 2 } as const

/** Least characters of an id that stand for it. */
const BEGINNING_CHARS_MIN = 4

export class Follower {
  readonly by: number
  readonly id: string
  readonly kind: Subject['kind']
  readonly stream: Stream
  /** Commits that matter, rising. */
  readonly seqs: Seq[] = []
  /** Undefined: its birth was not met. */
  name: string | undefined
  #isGone = false
  /** A plan that was for it failed, and may be tried again. */
  #owes = false
  readonly #links = new Set<string>()
  readonly #plans = new Set<PlanId>()

  constructor(stream: Stream, by: number) {
    const [kind, id = ''] = stream.split('/')
    this.by = by
    this.id = id
    this.kind = kind as Subject['kind']
    this.stream = stream
  }

  /** Those in a commit that a word means. @param only of this kind */
  static meant({ facts }: Commit<AnyFact>, word: string, only: string | undefined): readonly Follower[] {
    const found: Follower[] = []
    for (const fact of facts) {
      const by = bearing(fact, word)
      if (by === undefined || (only !== undefined && !fact.stream.startsWith(`${only}/`))) continue
      found.push(new Follower(fact.stream, by))
    }
    return found
  }

  /** It is gone, and nothing of it is under way. */
  get isOver(): boolean {
    return this.#isGone && this.#plans.size === 0 && !this.#owes
  }

  /** Says what to look for: its stream and its keys, and in drift what stands in its namespace. */
  begin(words: Words): void {
    words.add(`/${this.id}`)
    if (this.kind === 'sandbox') words.addDrift(`"ns":"${this.id}"`)
  }

  /** Takes what matters of a commit, and says what to look for on account of it. */
  hear({ facts, seq }: Commit<AnyFact>, words: Words): void {
    for (const fact of facts) if (fact.stream === this.stream) this.#learn(fact, words)
    const matters = facts.some((fact) => this.#isAbout(fact) || this.#isDriftOf(fact))
    if (matters)
      for (const fact of facts) if (fact.type === 'EffectsIntended') this.#awaitReceipt(fact.data.plan, words)
    const isReceipt = facts.some((fact) => fact.type === 'EffectsSettled' && this.#take(fact, words))
    if (matters || isReceipt) this.seqs.push(seq)
  }

  /** Looks for nothing of it any more. */
  end(words: Words): void {
    for (const link of this.#links) words.deleteDrift(quoted(link))
    words.delete(`/${this.id}`)
    if (this.kind === 'sandbox') words.deleteDrift(`"ns":"${this.id}"`)
  }

  #isAbout(fact: AnyFact): boolean {
    return (
      fact.stream === this.stream || (fact.type === 'EffectsIntended' && fact.data.for.includes(this.stream))
    )
  }

  #isDriftOf(fact: AnyFact): boolean {
    if (fact.type !== 'DriftObserved') return false
    return fact.data.differences.some((d) => isOf(d.key, d.spec, this.id, this.#links))
  }

  #learn(fact: AnyFact, words: Words): void {
    this.name ??= namedBy(fact)?.[1]
    for (const link of linksIn(fact)) this.#addLink(link, words)
    if (isLast(fact)) this.#isGone = true
  }

  #awaitReceipt(plan: PlanId, words: Words): void {
    this.#owes = false
    this.#plans.add(plan)
    words.add(planned(plan))
  }

  #addLink(link: string, words: Words): void {
    if (this.#links.has(link)) return
    this.#links.add(link)
    words.addDrift(quoted(link))
  }

  /** Whether the receipt is of a plan that was for it. */
  #take({ data }: AnyFact & { readonly type: 'EffectsSettled' }, words: Words): boolean {
    if (!this.#plans.delete(data.plan)) return false
    words.delete(planned(data.plan))
    this.#owes ||= data.failures.length > 0
    return true
  }
}

const quoted = (text: string): string => JSON.stringify(text)
const planned = (plan: PlanId): string => `"plan":"${plan}"`

const linksIn = (fact: AnyFact): readonly string[] =>
  fact.type === 'EndpointJoinRequested'
    ? [fact.data.link.name]
    : fact.type === 'NetworkCreateRequested' && fact.data.bridge.name !== ''
      ? [fact.data.bridge.name]
      : []

/** By what a fact's entity is meant; undefined: it is not, as far as this fact says. */
function bearing(fact: AnyFact, word: string): number | undefined {
  const named = namedBy(fact)
  if (named === undefined) return linksIn(fact).includes(word) ? BY.called : undefined
  const [id, name] = named
  if (id === word) return BY.id
  if (name === word || linksIn(fact).includes(word) || hasAddress(fact, word)) return BY.called
  return word.length >= BEGINNING_CHARS_MIN && id.startsWith(word) ? BY.beginning : undefined
}

function hasAddress(fact: AnyFact, word: string): boolean {
  if (fact.type === 'EndpointReserved')
    return fact.data.mac === word || fact.data.addresses.some((cidr) => cidr === word || ipOf(cidr) === word)
  if (fact.type !== 'NetworkCreateRequested') return false
  return fact.data.subnets.some(
    ({ gateway, subnet }) => gateway === word || subnet === word || ipOf(subnet) === word,
  )
}
