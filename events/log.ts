/**
 * The log: the only writer of a host's commits, and the way to read them.
 *
 * Two heads. `decided` is what was queued: the next commit is checked against it and follows it. `durable` is what is synced:
 * reads, subscribers and checkpoints stop there. One write at a time (`group.ts`), one row per commit, each naming its
 * predecessor's hash (`chain.ts`).
 *
 * Not promised: that a commit whose promises rejected is not in the store (reopen and look), and that a second process is
 * kept out (the store's lock does that).
 */
import type { ClaimedLink, Head, RawCommit } from './chain.ts'
import { COMMIT_BYTES_MAX } from './codec.ts'
import type { EngineError } from './errors.ts'
import type { Commit, CommandId, CommitDraft, Fact, Origin, Seq, Stream } from './fact.ts'
import type { DurableGroup, Flush, GroupLimits, GroupTimers } from './group.ts'
import type { Scrubbed } from './scrub.ts'
import type { Hash, Store } from './store.ts'
import type { Checkpoint, Expectation, IsLast } from './streams.ts'
import type { Subscription } from './subscriptions.ts'
import type { Upcast } from './upcast.ts'
import type { Damage, Opened, Replay } from './verify.ts'

/** Every maximum of a log. */
export type LogLimits = GroupLimits & {
  readonly commitBytes: number
  /** Ids of the latest commands, kept in memory to refuse a repetition in the same turn. At least `queueCommits`. */
  readonly recentCommands: number
  /** Commits that a live subscriber may not have taken yet when others come. */
  readonly subscriberCommits: number
}

export const LOG_LIMITS: LogLimits = {
  commitBytes: COMMIT_BYTES_MAX,
  groupBytes: 1 << 20,
  groupCommits: 1024,
  lazyMs: 20,
  queueBytes: 64 << 20,
  queueCommits: 8192,
  recentCommands: 8192,
  subscriberCommits: 4096,
}

export type LogOptions<F extends Fact = Fact> = GroupTimers & {
  /** Where to start verifying and folding; without it, at the first commit. */
  readonly checkpoint?: Checkpoint | undefined
  readonly hash: Hash
  /** Which facts end their streams: those are forgotten, so their names must not come again. Default: none. */
  readonly isLast?: IsLast | undefined
  /** What is known of the log from elsewhere (`Disk.readHead`): see {@link Opened.behind}. */
  readonly known?: ClaimedLink | undefined
  readonly limits?: Partial<LogLimits>
  readonly origin: Origin
  /** Gets what is verified while opening. */
  readonly replay?: Replay<F> | undefined
  /** Stays the caller's: `close` does not close it. */
  readonly store: Store
  /** How facts of old versions are read. Default: as this version knows to ({@link UPCASTERS}); of newer ones, none ({@link FACT_VERSIONS}). */
  readonly upcast?: Upcast | undefined
}

/** What `append` says at once. */
export type Appended<F extends Fact = Fact> = {
  /** As it will be read: numbered, chained, its facts with their versions. */
  readonly commit: Commit<F>
  /** On disk, and synced. Rejects with ERR_OUTCOME_UNKNOWN. Nobody need listen. */
  readonly durable: Promise<void>
  readonly seq: Seq
  /** Handed to the store. Rejects as `durable` does. */
  readonly submitted: Promise<void>
}

/** Numbers, both included. Default: the first, and the last durable one. */
export type SeqRange = { readonly from?: Seq | undefined; readonly to?: Seq | undefined }

/**
 * `having`: only commits whose text has it, an id say. The others are verified all the same, but not parsed: three times as fast.
 * `stored`: facts in the versions that they were written in, so that a commit encodes to the very bytes that the chain covers.
 */
export type ReadRange = SeqRange & {
  readonly having?: string | undefined
  readonly stored?: boolean | undefined
}

export interface Log<F extends Fact = Fact> extends AsyncDisposable {
  /**
   * Queues one command's facts, all or nothing, against the decided head. Its time becomes the head's if that is later.
   * @param options.flush `group`: need not be written before something else is, or `lazyMs` have passed. Default `now`.
   * @throws {ExpectedVersionError} a stream is not where it was expected.
   * @throws {EngineError} ERR_BACKPRESSURE, ERR_CLOSED, ERR_COMMAND_ID_REUSED (of one of the latest commands: `details.seq`),
   *   ERR_COMMIT_INVALID (too large), ERR_LOG_DAMAGED, ERR_LOG_NEWER, ERR_STORE_UNWRITABLE. Synchronously, and nothing was queued.
   * @throws {TypeError} the draft holds what canonical JSON cannot.
   */
  append(
    draft: CommitDraft<F>,
    expectations: readonly Expectation[],
    options?: { readonly flush?: Flush },
  ): Appended<F>
  /** Durable head and stream versions, for a snapshot and a later `openLog`. Copies the index. */
  checkpoint(): Checkpoint
  /** A durable consumer's last saved number; undefined: none. @throws {EngineError} ERR_LOG_DAMAGED */
  checkpointOf(consumer: string): Promise<Seq | undefined>
  /** Writes what is queued, then ends subscriptions. The store stays open. */
  close(): Promise<void>
  /** What is broken on disk, or of a newer program, as far as it was read. Appends are refused then. */
  readonly damage: Damage | undefined
  readonly decided: Head
  readonly durable: Head
  /** Why nothing can be written any more: close, reopen the store, open the log again. */
  readonly failure: EngineError | undefined
  /**
   * Numbers of the durable commits whose text fits, rising; asked one after the other, so that what was found may change what fits. The
   * text is as it is stored, its hash in front, and nothing is verified: read what was found, to believe it. Several times as fast as reading.
   * @throws {EngineError} ERR_LOG_DAMAGED while iterating: the store cannot read it
   */
  find(fits: (text: string) => boolean, range?: SeqRange): AsyncIterable<Seq>
  /** Writes queued lazy commits now. Resolves when all that is queued is durable or has fallen. */
  flush(): Promise<void>
  /** Whether that commit, with that hash, is in the durable log. */
  holds(link: ClaimedLink): Promise<boolean>
  readonly nextSeq: Seq
  /**
   * Calls back after each write, in order, before the promises of its commits settle. A listener that throws makes the log
   * fail. Returns the end of it.
   */
  onDurable(listener: (group: DurableGroup<F>) => void): () => void
  readonly opened: Opened
  readonly origin: Origin
  /** The commit that a client's command became, queued ones included; undefined: none. */
  outcomeOf(command: CommandId): Promise<Commit<F> | undefined>
  /** Durable commits, the chain verified on the way. @throws {EngineError} ERR_LOG_DAMAGED while iterating */
  read(range?: ReadRange): AsyncIterable<Commit<F>>
  /** As `read`, in chunks and with the bytes that the chain covers: for folds, and for sending to peers. */
  readRaw(range?: ReadRange): AsyncIterable<readonly RawCommit<F>[]>
  /** Keeps how far a durable consumer has come: at least once, for it is not synced. */
  saveCheckpoint(consumer: string, seq: Seq): Promise<void>
  /**
   * Verifies a range, a chunk per `next`, so that the caller sets the pace; repairs idempotency rows.
   * @throws {EngineError} ERR_LOG_DAMAGED while iterating
   */
  scrub(options?: SeqRange & { readonly chunk?: number }): AsyncIterable<Scrubbed>
  /** Gapless: what is durable from `from` on (default: the next), then live. */
  subscribe(options?: { readonly buffer?: number; readonly from?: Seq }): Subscription<F>
  /** Reads a range; the damage that was met, or undefined. */
  verify(range?: SeqRange): Promise<Damage | undefined>
  /** Version of the last decided fact of a stream; 0: none. */
  versionOf(stream: Stream): number
}
