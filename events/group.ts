/**
 * Group commit: what is appended while one write is on its way is encoded into the next native batch at once, so that
 * at its turn only `write` is left to do. One write at a time, every write synced, in order.
 *
 * A chained batch, never the array form, which costs eight times as much of the main thread. On an idle log an urgent commit
 * is written in the same tick, so that the caller may block the thread with kernel work right after: the write has
 * reached the thread pool by then. Under load the callers that a group answers get the rest of the turn to append
 * again before the next group goes; without that, groups of 1 and of 127 would alternate.
 *
 * If a write fails, that group and all behind it fall together: they are chained, so none can be kept without it.
 */
import type { AbstractChainedBatch } from 'abstract-level'
import { headOf } from './chain.ts'
import type { Head, RawCommit } from './chain.ts'
import { EngineError } from './errors.ts'
import type { Commit, Fact } from './fact.ts'
import type { Row, Store } from './store.ts'

/** When a commit must be written: at once, or with the next group that is (at most `lazyMs` later). */
export type Flush = 'group' | 'now'

/** A promise pair shared by all commits of a group. */
export type Receipt = {
  /** On disk, and synced. */
  readonly durable: Promise<void>
  /** Handed to the store. */
  readonly submitted: Promise<void>
}

/** What became durable, in the order of its numbers. */
export type DurableGroup<F extends Fact = Fact> = {
  readonly commits: readonly Commit<F>[]
  readonly head: Head
}

/** Asynchrony that a simulation can own. */
export type GroupTimers = {
  /** After what is ready has run: one loop turn (setImmediate). */
  readonly afterTurn: (run: () => void) => void
  /** After so many milliseconds. Absent: lazy commits wait for one turn instead. */
  readonly later?: ((ms: number, run: () => void) => void) | undefined
}

export type GroupLimits = {
  /** A group that has so many bytes or commits is full: the next begins. */
  readonly groupBytes: number
  readonly groupCommits: number
  /** What a lazy commit waits at most. */
  readonly lazyMs: number
  /** Queued and not yet durable: more is refused. */
  readonly queueBytes: number
  readonly queueCommits: number
}

type Deferred = { readonly promise: Promise<void>; reject(error: unknown): void; resolve(): void }
type Group<F extends Fact> = {
  readonly batch: AbstractChainedBatch<Store, string, string>
  bytes: number
  readonly commits: RawCommit<F>[]
  readonly durable: Deferred
  readonly receipt: Receipt
  readonly submitted: Deferred
  urgent: boolean
}

export class GroupWriter<F extends Fact> {
  readonly #limits: GroupLimits
  readonly #onDurable: (group: DurableGroup<F>) => void
  readonly #store: Store
  readonly #timers: GroupTimers
  /** The one on its way, if any, then those that wait. */
  readonly #groups: Group<F>[] = []
  #writing = false
  #armed = false
  #bytes = 0
  #commits = 0
  #failure: EngineError | undefined

  /** @param onDurable called after each write, before the group's promises settle. If it throws, the writer fails. */
  constructor(
    store: Store,
    timers: GroupTimers,
    limits: GroupLimits,
    onDurable: (group: DurableGroup<F>) => void,
  ) {
    this.#store = store
    this.#timers = timers
    this.#limits = limits
    this.#onDurable = onDurable
  }

  /** Why nothing is taken any more. */
  get failure(): EngineError | undefined {
    return this.#failure
  }

  /** Whether a limit of the queue is reached. */
  get full(): boolean {
    return this.#commits >= this.#limits.queueCommits || this.#bytes >= this.#limits.queueBytes
  }

  /** Commits that are not durable yet, in order. */
  *pending(): Generator<RawCommit<F>, void, void> {
    for (const group of this.#groups) yield* group.commits
  }

  /**
   * Puts a commit's rows into the last group, and writes if it is time to.
   * @throws {EngineError} ERR_STORE_UNWRITABLE: the store does not even take them; all that is queued falls.
   */
  add(raw: RawCommit<F>, rows: readonly Row[], flush: Flush): Receipt {
    try {
      return this.#put(raw, rows, flush)
    } catch (cause) {
      throw this.#fail(cause)
    }
  }

  #put(raw: RawCommit<F>, rows: readonly Row[], flush: Flush): Receipt {
    const group = this.#groupFor(flush)
    for (const [key, value] of rows) group.batch.put(key, value)
    group.commits.push(raw)
    group.bytes += raw.body.length
    this.#bytes += raw.body.length
    this.#commits += 1
    this.#writeUnlessBusy()
    return group.receipt
  }

  /** Writes what is queued, lazy or not. Resolves when all of it is durable or has fallen. */
  async drain(): Promise<void> {
    const last = this.#groups.at(-1)
    if (last === undefined) return
    for (const group of this.#groups) group.urgent = true
    this.#writeUnlessBusy()
    await last.durable.promise.catch(() => undefined)
  }

  #groupFor(flush: Flush): Group<F> {
    const last = this.#groups.at(-1)
    const group = last !== undefined && this.#takes(last) ? last : this.#begin(last)
    if (flush === 'now') group.urgent = true
    else if (group.commits.length === 0) this.#hurryLater(group)
    return group
  }

  #takes(group: Group<F>): boolean {
    if (this.#writing && group === this.#groups[0]) return false
    return group.commits.length < this.#limits.groupCommits && group.bytes < this.#limits.groupBytes
  }

  #begin(previous: Group<F> | undefined): Group<F> {
    if (previous !== undefined) previous.urgent = true
    const durable = defer()
    const submitted = defer()
    const receipt = { durable: durable.promise, submitted: submitted.promise }
    const batch = this.#store.batch()
    const group: Group<F> = { batch, bytes: 0, commits: [], durable, receipt, submitted, urgent: false }
    this.#groups.push(group)
    return group
  }

  #hurryLater(group: Group<F>): void {
    const hurry = () => {
      group.urgent = true
      if (this.#groups.includes(group)) this.#writeUnlessBusy()
    }
    const { afterTurn, later } = this.#timers
    if (later === undefined) afterTurn(hurry)
    else later(this.#limits.lazyMs, hurry)
  }

  #writeUnlessBusy(): void {
    const [group] = this.#groups
    if (this.#writing || this.#armed || !group?.urgent) return
    this.#writing = true
    // With abstract-level the native write begins within this call, before it returns its promise.
    group.batch.write({ sync: true } as object).then(
      () => this.#written(group),
      (cause: unknown) => void this.#fail(cause),
    )
    group.submitted.resolve()
  }

  #written(group: Group<F>): void {
    this.#groups.shift()
    this.#writing = false
    this.#bytes -= group.bytes
    this.#commits -= group.commits.length
    try {
      this.#onDurable({ commits: group.commits.map((raw) => raw.commit), head: headOf(lastOf(group)) })
    } catch (cause) {
      this.#fail(cause)
    }
    group.durable.resolve()
    if (group.commits.length === 1 && this.#groups.length === 0) return
    this.#armed = true
    this.#timers.afterTurn(() => {
      this.#armed = false
      this.#writeUnlessBusy()
    })
  }

  #fail(cause: unknown): EngineError {
    const code = 'ERR_STORE_UNWRITABLE'
    const failure = (this.#failure ??= new EngineError(
      code,
      `the store cannot be written: ${String(cause)}`,
      {
        cause,
      },
    ))
    const message = 'the write of this commit failed, so it is not known whether it is in the log'
    const unknown = new EngineError('ERR_OUTCOME_UNKNOWN', message, { cause: failure })
    for (const group of this.#groups.splice(0)) {
      group.submitted.reject(unknown)
      group.durable.reject(unknown)
      group.batch.close().catch(() => undefined)
    }
    return failure
  }
}

function lastOf<F extends Fact>(group: Group<F>): RawCommit<F> {
  const last = group.commits.at(-1)
  if (last === undefined) throw new Error('chronet defect: an empty group was written')
  return last
}

/** A promise settled from outside. That nobody listens to it is no unhandled rejection. */
function defer(): Deferred {
  const settle: Omit<Deferred, 'promise'> = { reject: () => undefined, resolve: () => undefined }
  const promise = new Promise<void>((resolve, reject) => {
    settle.resolve = resolve
    settle.reject = reject
  })
  promise.catch(() => undefined)
  return { promise, reject: (error) => settle.reject(error), resolve: () => settle.resolve() }
}
