/**
 * Commits as text and back. The text is canonical JSON ({@link canonicalJson}); what is read is checked for the shape of
 * the envelope and no more: fields that this version does not know are kept as they are, since the chain covers them.
 */
import { canonicalJson } from './canonical.ts'
import { assert, EngineError } from './errors.ts'
import type { Commit, Fact } from './fact.ts'

/** Largest commit in bytes of UTF-8; a plan of 10,000 steps needs about five million. */
export const COMMIT_BYTES_MAX = 8 << 20

/**
 * A commit's canonical text.
 * @throws {TypeError} it holds what canonical JSON cannot.
 * @throws {EngineError} ERR_COMMIT_INVALID: it is larger than `bytesMax`.
 */
export function encodeCommit(commit: Commit, bytesMax: number = COMMIT_BYTES_MAX): string {
  const fault = faultOf(commit)
  assert(fault === undefined, `a commit that could not be read again: ${fault}`)
  const text = canonicalJson(commit)
  // A UTF-16 unit is at most three bytes of UTF-8: most commits need no count.
  if (text.length * 3 > bytesMax && utf8Bytes(text) > bytesMax) {
    throw new EngineError(
      'ERR_COMMIT_INVALID',
      `commit of ${commit.command.type}: more than ${bytesMax} bytes; ask for less at once`,
      { details: { bytes: utf8Bytes(text), bytesMax } },
    )
  }
  return text
}

/**
 * The commit that a text stands for.
 * @throws {EngineError} ERR_COMMIT_INVALID: no JSON, or not the shape of a commit.
 */
export function decodeCommit<F extends Fact = Fact>(text: string): Commit<F> {
  const commit = parse(text)
  const fault = faultOf(commit)
  if (fault !== undefined) throw new EngineError('ERR_COMMIT_INVALID', `commit: ${fault}`)
  return commit as Commit<F>
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new EngineError('ERR_COMMIT_INVALID', 'commit: not JSON', { cause })
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0

function faultOf(commit: unknown): string | undefined {
  if (!isObject(commit)) return 'not an object'
  if (!isCount(commit.seq)) return 'seq is no positive integer'
  if (!isCount(commit.epoch)) return 'epoch is no positive integer'
  if (!isText(commit.prev) || commit.prev.length !== 64) return 'prev is no hash'
  if (!isText(commit.origin) || !isText(commit.at)) return 'origin or at is no text'
  if (!isObject(commit.actor) || !isText(commit.actor.kind)) return 'actor is malformed'
  if (!isCommand(commit.command)) return 'command is malformed'
  if (!Array.isArray(commit.facts) || commit.facts.length === 0) return 'facts is no list'
  return commit.facts.every(isFact) ? undefined : 'a fact is malformed'
}

const isCommand = (value: unknown): boolean =>
  isObject(value) && isText(value.id) && isText(value.type) && isObject(value.data)

const isFact = (value: unknown): boolean =>
  isObject(value) &&
  isText(value.stream) &&
  isText(value.type) &&
  isCount(value.v) &&
  isCount(value.version) &&
  isObject(value.data)

function utf8Bytes(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    // Two units of a surrogate pair are four bytes, every other unit above 0x7ff three.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1
  }
  return bytes
}
