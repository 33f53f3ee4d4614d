/**
 * The log's one implementation: numbers, checks, encodes and queues what is appended; reads and verifies what was. What
 * its methods promise stands in `log.ts`.
 */
import { damageError, findIn, GENESIS, headOf, readChain, readOne } from './chain.ts'
import type { ChainSource, ClaimedLink, Head, Link, RawCommit } from './chain.ts'
import { encodeCommit } from './codec.ts'
import { Consumers } from './consumers.ts'
import { assert, EngineError } from './errors.ts'
import type { Commit, CommitDraft, CommandId, Fact, Origin, Seq, Stream } from './fact.ts'
import { GroupWriter } from './group.ts'
import type { DurableGroup, Flush, GroupTimers } from './group.ts'
import type { Appended, Log, LogLimits, ReadRange, SeqRange } from './log.ts'
import { RecentCommands } from './recent.ts'
import { rowsOf } from './rows.ts'
import { scrubChain } from './scrub.ts'
import type { Scrubbed } from './scrub.ts'
import { keys } from './store.ts'
import type { Checkpoint, Expectation, StreamIndex } from './streams.ts'
import { Subscriptions } from './subscriptions.ts'
import type { Subscription } from './subscriptions.ts'
import type { Upcast } from './upcast.ts'
import { damageOf, errorOfDamage, holdsLink } from './verify.ts'
import type { Damage, Opened, OpenedChain } from './verify.ts'

/** See {@link Log}. */
export class ChainLog<F extends Fact> implements Log<F> {
  readonly opened: Opened
  readonly #consumers: Consumers
  readonly #limits: LogLimits
  readonly #listeners = new Set<(group: DurableGroup<F>) => void>()
  readonly #recent: RecentCommands
  readonly #source: ChainSource
  readonly #streams: StreamIndex
  readonly #subscriptions: Subscriptions<F>
  readonly #writer: GroupWriter<F>
  #closing: Promise<void> | undefined
  #damage: Damage | undefined
  #decided: Head
  #durable: Head

  constructor(source: ChainSource, chain: OpenedChain, limits: LogLimits, timers: GroupTimers) {
    this.opened = chain.opened
    this.#source = source
    this.#limits = limits
    this.#damage = chain.damage
    this.#decided = chain.head
    this.#durable = chain.head
    this.#streams = chain.streams
    this.#consumers = new Consumers(source)
    this.#recent = new RecentCommands(limits.recentCommands)
    this.#writer = new GroupWriter<F>(source.store, timers, limits, (group) => this.#onWritten(group))
    this.#subscriptions = new Subscriptions<F>({
      durableSeq: () => this.#durable.seq,
      read: (from, to) => this.read({ from, to }),
    })
  }

  get damage(): Damage | undefined {
    return this.#damage
  }
  get decided(): Head {
    return this.#decided
  }
  get durable(): Head {
    return this.#durable
  }
  get failure(): EngineError | undefined {
    return this.#writer.failure
  }
  get nextSeq(): Seq {
    return (this.#decided.seq + 1) as Seq
  }
  get origin(): Origin {
    return this.#source.origin
  }

  append(
    draft: CommitDraft<F>,
    expectations: readonly Expectation[],
    { flush = 'now' }: { readonly flush?: Flush } = {},
  ): Appended<F> {
    this.#assertWritable()
    this.#assertNew(draft.command.id)
    this.#streams.check(expectations)
    const raw = this.#encode(draft)
    const receipt = this.#writer.add(raw, rowsOf(raw), flush)
    this.#decided = headOf(raw)
    this.#recent.add(draft.command.id, raw.seq)
    return { commit: raw.commit, durable: receipt.durable, seq: raw.seq, submitted: receipt.submitted }
  }

  checkpoint(): Checkpoint {
    const streams = this.#streams.clone()
    for (const raw of [...this.#writer.pending()].reverse()) streams.undo(raw.commit.facts)
    return { head: this.#durable, versions: streams.entries() }
  }

  checkpointOf(consumer: string): Promise<Seq | undefined> {
    return this.#consumers.load(consumer)
  }

  close(): Promise<void> {
    this.#closing ??= this.#writer.drain().then(() => this.#subscriptions.close())
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  flush(): Promise<void> {
    return this.#writer.drain()
  }

  async holds(link: ClaimedLink): Promise<boolean> {
    return link.seq <= this.#durable.seq && (await holdsLink(this.#source, link))
  }

  onDurable(listener: (group: DurableGroup<F>) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async outcomeOf(command: CommandId): Promise<Commit<F> | undefined> {
    const recent = this.#recent.seqOf(command)
    for (const raw of recent === undefined ? [] : this.#writer.pending()) {
      if (raw.seq === recent) return raw.commit
    }
    const seq = recent ?? Number(await this.#source.store.get(keys.command(command)))
    if (!(seq >= 1 && seq <= this.#durable.seq)) return undefined
    const found = await this.#noting(readOne<F>(this.#source, seq as Seq))
    // Gone is not unheard of: to say so would have the command done twice.
    if (found === undefined) throw this.#note(damageError(seq, 'it is missing'))
    // The row may outlive its commit, which a torn group took along: then it points to another command's.
    return found.commit.command.id === command ? found.commit : undefined
  }

  async *find(fits: (text: string) => boolean, range: SeqRange = {}): AsyncGenerator<Seq, void, void> {
    const to = Math.min(range.to ?? Infinity, this.#durable.seq)
    yield* this.#noted(findIn(this.#source, fits, { from: range.from, to }))
  }

  async *read(range: ReadRange = {}): AsyncGenerator<Commit<F>, void, void> {
    for await (const chunk of this.readRaw(range)) for (const raw of chunk) yield raw.commit
  }

  async *readRaw({
    from = 1 as Seq,
    having,
    stored = false,
    to = this.#durable.seq,
  }: ReadRange = {}): AsyncGenerator<readonly RawCommit<F>[], void, void> {
    assertNumber(from)
    const last = Math.min(to, this.#durable.seq)
    if (from > last) return
    const source = stored ? { ...this.#source, upcast: asStored } : this.#source
    yield* this.#noted(readChain<F>(source, await this.#linkBefore(from), { having, to: last }))
  }

  async saveCheckpoint(consumer: string, seq: Seq): Promise<void> {
    if (seq > this.#durable.seq)
      throw new RangeError(`checkpoint #${seq} lies after the durable #${this.#durable.seq}`)
    await this.#consumers.save(consumer, seq)
  }

  async *scrub({
    chunk,
    from = 1 as Seq,
    to = this.#durable.seq,
  }: SeqRange & { readonly chunk?: number } = {}): AsyncGenerator<Scrubbed, void, void> {
    const last = Math.min(to, this.#durable.seq) as Seq
    if (from > last) return
    yield* this.#noted(scrubChain(this.#source, await this.#linkBefore(from), last, chunk))
  }

  subscribe({
    buffer = this.#limits.subscriberCommits,
    from = (this.#durable.seq + 1) as Seq,
  }: { readonly buffer?: number; readonly from?: Seq } = {}): Subscription<F> {
    assertNumber(from)
    if (from > this.#durable.seq + 1) {
      const message = `a subscriber asks from #${from}, the log ends at #${this.#durable.seq}: is it an older copy?`
      throw new EngineError('ERR_LOG_BEHIND', message, { details: { durable: this.#durable.seq, from } })
    }
    return this.#subscriptions.subscribe(from, buffer)
  }

  async verify(range: SeqRange = {}): Promise<Damage | undefined> {
    try {
      for await (const chunk of this.readRaw(range)) assert(chunk.length > 0, 'an empty chunk')
    } catch (error) {
      const damage = damageOf(error)
      if (damage === undefined) throw error
      return damage
    }
    return undefined
  }

  versionOf(stream: Stream): number {
    return this.#streams.of(stream)
  }

  #assertWritable(): void {
    if (this.#closing !== undefined) throw new EngineError('ERR_CLOSED', 'the log is closed')
    if (this.#writer.failure !== undefined) throw this.#writer.failure
    if (this.#damage !== undefined) throw errorOfDamage(this.#damage)
    if (this.#writer.full) {
      throw new EngineError(
        'ERR_BACKPRESSURE',
        'the log has too many commits queued; wait for one, then go on',
      )
    }
  }

  #assertNew(command: CommandId): void {
    const seq = this.#recent.seqOf(command)
    if (seq === undefined) return
    const message = `command ${command} is in the log already, as #${seq}; ask for its outcome`
    throw new EngineError('ERR_COMMAND_ID_REUSED', message, { details: { command, seq } })
  }

  #encode(draft: CommitDraft<F>): RawCommit<F> {
    const facts = this.#streams.number<F>(draft.facts)
    const last = this.#decided
    const seq = this.nextSeq
    const commit: Commit<F> = {
      actor: draft.actor,
      at: draft.at < last.at ? last.at : draft.at,
      command: draft.command,
      epoch: draft.epoch,
      facts,
      ...(draft.knows === undefined ? {} : { knows: draft.knows }),
      origin: this.#source.origin,
      prev: last.hash,
      ...(draft.reason === undefined ? {} : { reason: draft.reason }),
      seq,
    }
    try {
      const body = encodeCommit(commit, this.#limits.commitBytes)
      return { body, commit, hash: this.#source.hash(body), seq }
    } catch (error) {
      this.#streams.undo(facts)
      throw error
    }
  }

  #linkBefore(from: Seq): Link | Promise<Link> {
    if (from === 1) return GENESIS
    if (from === this.#durable.seq + 1) return this.#durable
    return this.#noting(
      readOne(this.#source, (from - 1) as Seq).then((raw) => {
        if (raw === undefined) throw damageError(from - 1, 'it is missing')
        return raw
      }),
    )
  }

  /** Remembers damage that reading met. */
  #note(error: unknown): unknown {
    if (this.#closing !== undefined && !(error instanceof EngineError)) {
      return new EngineError('ERR_CLOSED', 'the log was closed while it was read', { cause: error })
    }
    this.#damage ??= damageOf(error)
    return error
  }

  async *#noted<T>(reading: AsyncIterable<T>): AsyncGenerator<T, void, void> {
    try {
      yield* reading
    } catch (error) {
      throw this.#note(error)
    }
  }

  #noting<T>(reading: Promise<T>): Promise<T> {
    return reading.catch((error: unknown) => {
      throw this.#note(error)
    })
  }

  #onWritten(group: DurableGroup<F>): void {
    this.#durable = group.head
    for (const listener of this.#listeners) listener(group)
    this.#subscriptions.publish(group.commits)
  }
}

const asStored: Upcast = (commit) => commit

/** What is before the first commit is not missing: nobody may ask for it. */
function assertNumber(from: number): void {
  if (Number.isSafeInteger(from) && from >= 1) return
  throw new RangeError(`commits are numbered from 1; there is no #${from}`)
}
