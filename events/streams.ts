/**
 * How long each stream is: the index that gives facts their versions and answers expectations. It lives in memory,
 * is folded from the commits at open, and a snapshot may carry it ({@link Checkpoint}); no row of the store holds it.
 */
import { damageError } from './chain.ts'
import type { Head } from './chain.ts'
import { EngineError } from './errors.ts'
import type { Commit, Fact, FactDraft, Stream } from './fact.ts'

/** What a stream must be like for a commit to be taken. A number is the version of its last fact. */
export type Expectation = {
  readonly stream: Stream
  readonly version: number | 'absent' | 'any' | 'exists'
}

/** From where a log can be opened without reading what is before: a durable head, and its streams' versions. */
export type Checkpoint = {
  readonly head: Head
  readonly versions: Iterable<readonly [stream: Stream, version: number]>
}

/** A stream is not where the caller expected it; nothing was queued. `actual` 0: it has no facts. */
export class ExpectedVersionError extends EngineError {
  override readonly name = 'ExpectedVersionError'

  constructor({ stream, version }: Expectation, actual: number) {
    super(
      'ERR_EXPECTED_VERSION',
      `${stream}: expected version ${version}, it is at ${actual}; look and decide again`,
      {
        details: { actual, expected: version, stream },
      },
    )
  }
}

/** Whether a fact is the last that its stream will ever have. */
export type IsLast = (fact: Pick<Fact, 'type'>) => boolean

export class StreamIndex {
  readonly #isLast: IsLast
  readonly #versions: Map<Stream, number>

  /**
   * @param isLast what ended is forgotten, or the index would grow for ever. A stream that comes again (a network of a cluster that this
   *   host takes over a second time, under the id that it has on all hosts) begins again at 1.
   */
  constructor(versions: Checkpoint['versions'] = [], isLast: IsLast = () => false) {
    this.#isLast = isLast
    this.#versions = new Map(versions)
  }

  /** Version of the stream's last fact; 0: it has none. */
  of(stream: Stream): number {
    return this.#versions.get(stream) ?? 0
  }

  /** @throws {ExpectedVersionError} for the first that does not hold. */
  check(expectations: readonly Expectation[]): void {
    for (const expectation of expectations) {
      const actual = this.of(expectation.stream)
      if (!holds(expectation.version, actual)) throw new ExpectedVersionError(expectation, actual)
    }
  }

  /** Gives facts their versions. Keys stand in canonical order. */
  number<F extends Fact>(drafts: readonly FactDraft<F>[]): readonly F[] {
    return drafts.map((draft) => {
      const { data, stream, type, v } = draft as FactDraft
      const version = this.of(stream) + 1
      const fact = { data, stream, type, v, version }
      this.#note(fact)
      return fact as unknown as F
    })
  }

  /** Takes back what {@link number} gave, of the latest facts: those that were not queued after all, or are not durable. */
  undo(facts: readonly Fact[]): void {
    for (const { stream, version } of facts.toReversed()) {
      if (version === 1) this.#versions.delete(stream)
      else this.#versions.set(stream, version - 1)
    }
  }

  #note(fact: Pick<Fact, 'stream' | 'type' | 'version'>): void {
    if (this.#isLast(fact)) this.#versions.delete(fact.stream)
    else this.#versions.set(fact.stream, fact.version)
  }

  /**
   * Folds a commit that was read.
   * @throws {EngineError} ERR_LOG_DAMAGED: a fact is not the next of its stream.
   */
  follow(commit: Commit): void {
    for (const fact of commit.facts) {
      const { stream, version } = fact
      if (version !== this.of(stream) + 1) {
        throw damageError(commit.seq, `a fact of ${stream} has version ${version} after ${this.of(stream)}`)
      }
      this.#note(fact)
    }
  }

  /** A copy. */
  clone(): StreamIndex {
    return new StreamIndex(this.#versions, this.#isLast)
  }

  /** All streams with the versions of their last facts. */
  entries(): readonly (readonly [stream: Stream, version: number])[] {
    return [...this.#versions]
  }
}

function holds(expected: Expectation['version'], actual: number): boolean {
  switch (expected) {
    case 'any':
      return true
    case 'absent':
      return actual === 0
    case 'exists':
      return actual > 0
    default:
      return actual === expected
  }
}
