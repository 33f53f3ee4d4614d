/**
 * The witness of a host: sees every commit that lands on the disk, and every step of the kernel, and believes nothing that the
 * engine says. What is true of the log at each commit (L, A, K5, K6) is checked here, by a small model of its own.
 */
import {
  GENESIS,
  isLast,
  keyOf,
  type AnyFact,
  type Commit,
  type EffectsIntended,
  type Origin,
  type PlanId,
  type ResourceKey,
  type Step,
  type Stream,
} from '../../../events/index.ts'
import { keys, seqOfKey } from '../../../events/store.ts'
import type { StepResult } from '../../kernel/kernel.ts'
import type { HeadRecord } from '../../ports.ts'
import type { Host } from '../host.ts'
import type { Op, Platter } from '../platter.ts'
import { AllocationModel } from './allocations.ts'
import type { Bodies } from './bodies.ts'
import { GrantModel, type GrantEar } from './grants.ts'
import type { Ledger } from './invariant.ts'
import type { Known } from './replay.ts'

type Plan = Pick<EffectsIntended['data'], 'for' | 'purpose' | 'steps'> & { readonly since: number }

export class Witness {
  /** A backup was put back that lacks this head, which engines of this boot have noted. */
  behind: HeadRecord | undefined
  /** Hears of what is granted in a cluster, and given out of that. */
  ear: GrantEar | undefined
  /** What is on disk, in order. */
  readonly log: Known[] = []
  /** Hears of every commit; `isBack`: it was written before, here or by a copy of this machine, and comes back from the cluster. */
  onCommit: ((commit: Commit<AnyFact>, isBack: boolean) => void) | undefined
  /** Whether the servers of the cluster were told of a commit: then it was written before, here or elsewhere. Absent: there are none. */
  wasTold: ((seq: number, hash: string) => boolean) | undefined
  /** Commits that somebody was told of, with their hashes. */
  readonly #acknowledged = new Map<number, string>()
  #allocations: AllocationModel
  readonly #begun = new Map<string, number>()
  readonly #bodies: Bodies
  /** Commits that came back from the cluster and were never begun here: a copy of this machine wrote them, beside a kernel of its own. */
  readonly #ofCopies = new Set<string>()
  readonly #ended = new Set<string>()
  readonly #excuse: () => string | undefined
  #grants = new GrantModel()
  /** Hashes of all commits that ever landed. */
  readonly #landed = new Set<string>()
  readonly #ledger: Ledger
  /** Without a receipt. */
  #open = new Map<PlanId, Plan>()
  #plans = new Map<PlanId, Plan>()
  /** Sweeps that failed and were not intended again, by the streams that they are for. */
  readonly #waiting = new Map<string, PlanId>()
  /** For whom a resource was last made or removed. */
  readonly #streams = new Map<ResourceKey, readonly Stream[]>()
  /** When each step last succeeded: `ensure link/host/br0` → the number of the step. */
  readonly #succeeded = new Map<string, number>()
  #steps = 0
  #versions = new Map<string, number>()

  constructor(host: Host, ledger: Ledger, bodies: Bodies, excuse: () => string | undefined) {
    this.#bodies = bodies
    this.#excuse = excuse
    this.#ledger = ledger
    this.#allocations = new AllocationModel(ledger)
    const { platter } = host.disk
    platter.onBegin = (ops) => this.#begin(ops)
    platter.onWrite = (ops) => this.#land(ops)
    platter.onRestore = () => {
      this.#reread(platter)
      const { notedHead } = host
      const isThere = notedHead === undefined || this.log[notedHead.seq - 1]?.hash === notedHead.hash
      this.behind = isThere ? undefined : notedHead
    }
    host.onStep = (step, result) => this.#step(step, result)
  }

  get head(): number {
    return this.log.length
  }

  /** The last commit on disk. */
  get last(): { readonly hash: string; readonly seq: number } {
    return { hash: this.log.at(-1)?.hash ?? GENESIS.hash, seq: this.head }
  }

  /** Addresses that could be given on a network: see {@link AllocationModel.freeOn}. */
  freeOn(network: string): number | undefined {
    return this.#allocations.freeOn(network)
  }

  /** The version of a stream's last fact on disk; 0: it has none, or is over. */
  versionOf(stream: Stream): number {
    return this.#ended.has(stream) ? 0 : (this.#versions.get(stream) ?? 0)
  }

  /** What the host has of networks of its cluster, by its log. */
  get grants(): GrantModel {
    return this.#grants
  }

  /** Steps of the kernel so far. */
  get steps(): number {
    return this.#steps
  }

  /** A client was told of a commit: from now on it must stay. */
  acknowledge({ seq }: Commit<AnyFact>): void {
    const known = this.log[seq - 1]
    this.#ledger.check('L3', known === undefined ? `#${seq} was answered and is not on disk` : undefined)
    if (known) this.#acknowledged.set(seq, known.hash)
  }

  /** The power was cut: what somebody was told of must have been synced. */
  checkKept(platter: Platter): void {
    if (platter.isDamaged || this.#excuse() !== undefined) return
    for (const [seq, hash] of this.#acknowledged) {
      const isKept = platter.get(keys.commit(seq))?.startsWith(hash) === true
      this.#ledger.check('L3', isKept ? undefined : `#${seq} was answered, and the power cut took it`)
    }
  }

  /** What a plan is made of; undefined: no commit intends it. */
  planOf(plan: PlanId): Plan | undefined {
    return this.#plans.get(plan)
  }

  /** Plans without a receipt. */
  get open(): readonly PlanId[] {
    return [...this.#open.keys()]
  }

  /** Sweeps that failed and wait to be tried again. */
  get waiting(): readonly PlanId[] {
    return [...this.#waiting.values()]
  }

  /** A plan on disk that has no receipt yet takes this step. */
  intends(op: Step['op'], key: ResourceKey): boolean {
    for (const { steps } of this.#open.values())
      if (steps.some((step) => step.op === op && step.key === key)) return true
    return false
  }

  /** The entities for which a resource was last made or removed. */
  streamsOf(key: ResourceKey): readonly Stream[] {
    return this.#streams.get(key) ?? []
  }

  #begin(ops: readonly Op[]): void {
    for (const { key, value } of ops) {
      if (!key.startsWith('c') || value === undefined) continue
      const hash = value.slice(0, 64)
      // What comes back from other hosts was begun when it was first written.
      if (this.#begun.has(hash)) continue
      this.#begun.set(hash, this.#steps)
      if (this.wasTold?.(seqOfKey(key) ?? 0, hash) === true) this.#ofCopies.add(hash)
    }
  }

  #land(ops: readonly Op[]): void {
    for (const { key, value } of ops) {
      if (!key.startsWith('c') || value === undefined) continue
      const known = this.#bodies.inRow(value)
      // A torn write: nobody was told of it, and the next life writes it anew.
      if (known === undefined) return
      this.#commit(known)
    }
  }

  #commit(known: Known): void {
    const { commit, hash } = known
    const { seq } = commit
    if (seq <= this.head) this.#rewind(seq)
    this.#checkLink(commit)
    this.log.push(known)
    this.#follow(commit, hash)
    const isBack = this.#landed.has(hash) || this.#ofCopies.has(hash)
    this.#landed.add(hash)
    if (this.behind && this.log[this.behind.seq - 1]?.hash === this.behind.hash) this.behind = undefined
    this.onCommit?.(commit, isBack)
  }

  /** A life that is over wrote more than the next one found. */
  #rewind(seq: number): void {
    const excuse = this.#excuse()
    for (const { commit, hash } of this.log.slice(seq - 1)) {
      const isGone = this.#acknowledged.get(commit.seq) === hash && excuse === undefined
      this.#ledger.check('L3', isGone ? `#${commit.seq} was answered, and is overwritten` : undefined)
      this.#acknowledged.delete(commit.seq)
    }
    this.log.length = seq - 1
    this.#refollow()
  }

  /** A backup was put back: what is there now is what there is. */
  #reread(platter: Platter): void {
    this.log.length = 0
    for (const [, value] of platter.range({ gte: 'c', lt: 'd' })) {
      const body = value.slice(64)
      this.log.push({ body, commit: this.#bodies.of(body).commit, hash: value.slice(0, 64) })
    }
    this.#refollow()
  }

  #refollow(): void {
    this.#versions = new Map()
    this.#ended.clear()
    this.#open = new Map()
    this.#plans = new Map()
    this.#waiting.clear()
    this.#allocations = new AllocationModel()
    this.#grants = new GrantModel()
    for (const { commit, hash } of this.log) this.#follow(commit, hash, false)
    this.#allocations.ledger = this.#ledger
  }

  #checkLink({ epoch, prev, seq }: Commit<AnyFact>): void {
    const { head } = this
    const last = this.log[head - 1]
    this.#ledger.check('L1', seq === head + 1 ? undefined : `#${seq} comes after #${head}`)
    const isChained = prev === (last?.hash ?? GENESIS.hash)
    this.#ledger.check('L2', isChained ? undefined : `#${seq} names another predecessor than #${head}`)
    const before = last?.commit.epoch ?? 0
    this.#ledger.check(
      'L8',
      epoch >= before ? undefined : `#${seq} is of epoch ${epoch}, after one of ${before}`,
    )
  }

  #follow(commit: Commit<AnyFact>, hash: string, checks = true): void {
    for (const fact of commit.facts) {
      if (isBack(fact, commit.origin) && this.#ended.delete(fact.stream)) this.#versions.delete(fact.stream)
      const version = (this.#versions.get(fact.stream) ?? 0) + 1
      this.#versions.set(fact.stream, version)
      if (checks) {
        const isDense = fact.version === version || fact.stream === 'host' || fact.stream === 'effects'
        this.#ledger.check(
          'L1',
          isDense ? undefined : `${fact.stream} has version ${fact.version} after ${version - 1}`,
        )
        const isOver = this.#ended.has(fact.stream)
        this.#ledger.check(
          'L11',
          isOver ? `#${commit.seq}: ${fact.type} in ${fact.stream}, which has ended` : undefined,
        )
      }
      if (isLast(fact)) this.#ended.add(fact.stream)
      this.#followPlan(fact, { hash, seq: commit.seq }, checks)
      this.#allocations.add(fact, commit.seq)
      this.#grants.add(fact, commit.seq, checks ? this.ear : undefined)
    }
  }

  #followPlan(
    fact: AnyFact,
    { hash, seq }: { readonly hash: string; readonly seq: number },
    checks: boolean,
  ): void {
    if (fact.type === 'EffectsIntended') {
      const { for: streams, plan, purpose, steps } = fact.data
      // What is healed stays whose it was.
      if (streams.length > 0) for (const { key } of steps) this.#streams.set(key, streams)
      const since = this.#begun.get(hash) ?? this.#steps
      const intended: Plan = { for: streams, purpose, since, steps }
      this.#plans.set(plan, intended)
      this.#open.set(plan, intended)
      this.#waiting.delete(streams.join(' '))
    }
    // A start removes by itself what is left.
    if (fact.type === 'HostStarted') this.#waiting.clear()
    if (fact.type !== 'EffectsSettled') return
    const { failures, plan, skipped = [] } = fact.data
    const intended = this.#plans.get(plan)
    const isOpen = this.#open.delete(plan)
    if (checks) {
      this.#ledger.check('K5', isOpen ? undefined : `#${seq}: a receipt of ${plan}, which is not open`)
    }
    if (intended === undefined) return
    if (intended.purpose === 'sweep' && failures.length > 0) this.#waiting.set(intended.for.join(' '), plan)
    if (!checks || this.#ofCopies.has(hash)) return
    const excused = new Set<string>([...failures.map(({ key }) => key), ...skipped])
    const undone = intended.steps.find(
      (step) => !excused.has(step.key) && !this.#isDone(step, intended.since),
    )
    const why =
      undone &&
      `#${seq}: the receipt of ${plan} says that ${undone.op} ${undone.key} was done, and it was not`
    this.#ledger.check('K6', why)
  }

  #isDone({ op, spec }: Step, since: number): boolean {
    return (this.#succeeded.get(`${op} ${keyOf(spec)}`) ?? 0) > since
  }

  #step(step: Step, result: StepResult): void {
    this.#steps++
    if (result.ok) this.#succeeded.set(`${step.op} ${keyOf(step.spec)}`, this.#steps)
  }
}

/** A network that another host made may come to this one again after this one has left it. All else that has ended is over. */
const isBack = (fact: AnyFact, origin: Origin): boolean =>
  fact.type === 'NetworkCreateRequested' && fact.data.claim !== undefined && fact.data.claim.owner !== origin
