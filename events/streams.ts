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

export class StreamIndex {
  #versions: Map<Stream, number>

  constructor(versions: Checkpoint['versions'] = []) {
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
      this.#versions.set(stream, version)
      return { data, stream, type, v, version } as unknown as F
    })
  }

  /** Takes back what {@link number} gave, of facts that were not queued after all. */
  undo(facts: readonly Fact[]): void {
    for (const { stream } of facts) {
      const version = this.of(stream) - 1
      if (version === 0) this.#versions.delete(stream)
      else this.#versions.set(stream, version)
    }
  }

  /**
   * Folds a commit that was read.
   * @throws {EngineError} ERR_LOG_DAMAGED: a fact is not the next of its stream.
   */
  follow(commit: Commit): void {
    for (const { stream, version } of commit.facts) {
      if (version !== this.of(stream) + 1) {
        throw damageError(commit.seq, `a fact of ${stream} has version ${version} after ${this.of(stream)}`)
      }
      this.#versions.set(stream, version)
    }
  }

  /** A copy. */
  clone(): StreamIndex {
    return new StreamIndex(this.#versions)
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
