/**
 * Commits as they lie on disks and go over the bus, understood by text: each is parsed and hashed once, however many judges of a world meet it
 * on however many hosts. Whoever asks holds the text itself, to its last byte, so one that differs in a bit is another.
 */
import type { AnyFact, Commit } from '../../../events/index.ts'
import { sha256 } from '../../system/hash.ts'

/** What a text says, and its hash. */
export type Body = { readonly commit: Commit<AnyFact>; readonly hash: string }

const HASH_CHARS = 64

export class Bodies {
  readonly #known = new Map<string, Body>()

  /** @throws {SyntaxError} it is no JSON */
  of(text: string): Body {
    let body = this.#known.get(text)
    if (body === undefined) {
      body = { commit: JSON.parse(text) as Commit<AnyFact>, hash: sha256(text) }
      this.#known.set(text, body)
    }
    return body
  }

  /** The body of a row of a log: undefined, where it has not the hash that stands before it. */
  inRow(
    value: string,
  ): { readonly body: string; readonly commit: Commit<AnyFact>; readonly hash: string } | undefined {
    const hash = value.slice(0, HASH_CHARS)
    const text = value.slice(HASH_CHARS)
    const known = this.#known.get(text)
    // What is torn is remembered by nobody, and may be no JSON.
    if (known === undefined && sha256(text) !== hash) return undefined
    const { commit, hash: own } = this.of(text)
    return own === hash ? { body: text, commit, hash } : undefined
  }
}
