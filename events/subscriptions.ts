/**
 * Subscriptions: first what is on disk, then what becomes durable, with nothing between lost and nothing twice.
 *
 * A subscriber reads the disk at its own pace until it stands at the durable head; in that very turn it goes live and gets a
 * bounded queue. One that does not keep up is dropped with a clear error that says where to go on; it may subscribe again from
 * there and will read the disk.
 *
 * Commits come in groups, as they were written, and a group may be larger than the bound. What counts is what is left of earlier
 * ones when the next comes: that could have been taken. So a queue holds its bound and one group at most.
 */
import { EngineError } from './errors.ts'
import type { Commit, Fact, Seq } from './fact.ts'

/** Commits in order, until `return` or the log's end. One consumer. */
export type Subscription<F extends Fact = Fact> = AsyncIterableIterator<Commit<F>, void, void> &
  AsyncDisposable

/** What subscriptions stand on. */
export type Feed<F extends Fact> = {
  /** Number of the last durable commit. */
  readonly durableSeq: () => Seq
  readonly read: (from: Seq, to: Seq) => AsyncIterable<Commit<F>>
}

export class Subscriptions<F extends Fact> {
  readonly #feed: Feed<F>
  /** All that were begun, and of them those that are live. */
  readonly #begun = new Set<Tail<F>>()
  readonly #live = new Set<Tail<F>>()
  #closed = false

  constructor(feed: Feed<F>) {
    this.#feed = feed
  }

  /** Hands durable commits to whoever is live. Synchronous, and right after the head moved. */
  publish(commits: readonly Commit<F>[]): void {
    for (const tail of this.#live) {
      if (!tail.push(commits)) this.#live.delete(tail)
    }
  }

  /** Ends all of them, after what they have queued. */
  close(): void {
    this.#closed = true
    for (const tail of this.#begun) tail.end()
  }

  /** From commit `from` on. Nothing happens, and nothing is held, before the first `next`. */
  subscribe(from: Seq, queueMax: number): Subscription<F> {
    const tail = new Tail<F>(queueMax, this.#closed)
    const commits = this.#follow(tail, from)
    const finish = () => {
      tail.end()
      return commits.return()
    }
    return {
      next: () => commits.next(),
      return: finish,
      [Symbol.asyncIterator]() {
        return this
      },
      [Symbol.asyncDispose]: async () => {
        await finish()
      },
    }
  }

  async *#follow(tail: Tail<F>, from: Seq): AsyncGenerator<Commit<F>, void, void> {
    this.#begun.add(tail)
    try {
      let next: number = from
      while (!tail.hasEnded() && next <= this.#feed.durableSeq()) {
        for await (const commit of this.#feed.read(next as Seq, this.#feed.durableSeq())) {
          next = commit.seq + 1
          yield commit
          if (tail.hasEnded()) return
        }
      }
      // No await since the head was looked at: nothing falls between the disk and the queue.
      this.#live.add(tail)
      for (let commits = await tail.take(next); commits !== undefined; commits = await tail.take(next)) {
        for (const commit of commits) {
          next = commit.seq + 1
          tail.noteTaken()
          yield commit
          tail.assertQuick(next)
        }
      }
    } finally {
      this.#begun.delete(tail)
      this.#live.delete(tail)
    }
  }
}

/** What one subscriber has not taken yet of what became durable while it was live. */
class Tail<F extends Fact> {
  readonly #queueMax: number
  #ended: boolean
  /** Those in the queue, and those that `take` gave and nobody has had yet. */
  #left = 0
  #queue: Commit<F>[] = []
  #slow = false
  #wake: () => void = () => undefined

  constructor(queueMax: number, ended: boolean) {
    this.#queueMax = queueMax
    this.#ended = ended
  }

  /** Whether nothing more will come, save what is queued. */
  hasEnded(): boolean {
    return this.#ended
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  /** One of those that `take` gave goes to the subscriber. */
  noteTaken(): void {
    this.#left--
  }

  /** False: too much of what came before is left, and the subscriber is lost. */
  push(commits: readonly Commit<F>[]): boolean {
    this.#slow = this.#left > this.#queueMax
    if (this.#slow) this.#queue = []
    else for (const commit of commits) this.#queue.push(commit)
    this.#left += commits.length
    this.#wake()
    return !this.#slow
  }

  /** What is queued, `from` being the first; waits for some. Undefined: the end. */
  async take(from: number): Promise<readonly Commit<F>[] | undefined> {
    this.assertQuick(from)
    if (this.#queue.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.assertQuick(from)
    }
    const commits = this.#queue
    this.#queue = []
    return commits.length > 0 ? commits : undefined
  }

  /** @throws {EngineError} ERR_SUBSCRIBER_SLOW, with the number to go on from. */
  assertQuick(from: number): void {
    if (!this.#slow) return
    const message = `a subscriber did not take #${from} and more than ${this.#queueMax} in all before others came; subscribe again from there`
    throw new EngineError('ERR_SUBSCRIBER_SLOW', message, { details: { from, queueMax: this.#queueMax } })
  }
}
