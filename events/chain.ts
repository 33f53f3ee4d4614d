/**
 * The chain: each commit names its predecessor's SHA-256, so a log can be verified by anybody who has it, alone.
 *
 * A row's value is 64 hex digits of SHA-256, then the body that was hashed. The hash is over the body alone, since the
 * body holds `prev`, `seq` and `origin` itself; the digits in front make the last row checkable, which no successor
 * names yet. The first commit's `prev` is 64 zeros. LevelDB hides damage (`docs/decisions`: own hash chain): a flipped bit can
 * give a hole or another value without any error, so nothing is believed that does not fit the chain.
 */
import { decodeCommit } from './codec.ts'
import { EngineError } from './errors.ts'
import type { Commit, Fact, Instant, Origin, Seq } from './fact.ts'
import { keys, readRows, seqOfKey } from './store.ts'
import type { Hash, Row, Store } from './store.ts'
import type { Upcast } from './upcast.ts'

/** A place in a chain: a commit's number and its hash. */
export type Link = { readonly hash: string; readonly seq: Seq }

/** A link that comes from elsewhere (`Disk.readHead`, a peer), not yet believed. */
export type ClaimedLink = { readonly hash: string; readonly seq: number }

/** The last commit of a log, or of a part of it. `at` is its time, which no later commit's goes before. */
export type Head = Link & { readonly at: Instant }

/** Before the first commit. */
export const GENESIS: Head = {
  at: '1970-01-01T00:00:00.000Z' as Instant,
  hash: '0'.repeat(64),
  seq: 0 as Seq,
}

/** A commit as of today, with the bytes that were stored and that the chain covers, as `readRaw` gives it. */
export type RawCommit<F extends Fact = Fact> = Link & { readonly body: string; readonly commit: Commit<F> }

/** Where a log can be read from, and what it must be a log of. */
export type ChainSource = {
  readonly hash: Hash
  readonly origin: Origin
  readonly store: Store
  /** How commits are read that hold old versions of facts. */
  readonly upcast: Upcast
}

const HASH_CHARS = 64

/** A body with its hash in front. */
export const seal = (hash: Hash, body: string): string => hash(body) + body

/** The body of a sealed value; undefined: it is not what was sealed. */
export function unseal(hash: Hash, value: string): string | undefined {
  const body = value.slice(HASH_CHARS)
  return hash(body) === value.slice(0, HASH_CHARS) ? body : undefined
}

/** The head that a commit makes. */
export const headOf = (raw: RawCommit): Head => ({ at: raw.commit.at, hash: raw.hash, seq: raw.seq })

/** The error of a log whose rows do not fit: `from` is the first number that cannot be had. */
export function damageError(from: number, why: string, cause?: unknown): EngineError {
  return new EngineError('ERR_LOG_DAMAGED', `the log is damaged at #${from}: ${why}`, {
    cause,
    details: { from, why },
  })
}

/**
 * A row that stands by itself: its hash, its number and its origin are right. Whether it follows its predecessor is
 * not asked.
 * @throws {EngineError} ERR_LOG_DAMAGED, ERR_LOG_NEWER.
 */
export function openRow<F extends Fact>(source: ChainSource, [key, value]: Row, seq: Seq): RawCommit<F> {
  const found = seqOfKey(key)
  if (found !== seq)
    throw damageError(seq, found === undefined ? 'an odd key' : `#${found} stands in its place`)
  const body = unseal(source.hash, value)
  if (body === undefined) throw damageError(seq, 'its bytes have another hash')
  const commit = decode<F>(body, seq)
  if (commit.seq !== seq) throw damageError(seq, `it says #${commit.seq} of itself`)
  if (commit.origin !== source.origin) throw damageError(seq, `it is of origin ${commit.origin}`)
  return { body, commit: source.upcast(commit) as Commit<F>, hash: value.slice(0, HASH_CHARS), seq }
}

function decode<F extends Fact>(body: string, seq: number): Commit<F> {
  try {
    return decodeCommit<F>(body)
  } catch (cause) {
    throw damageError(seq, 'it is no commit', cause)
  }
}

/**
 * Reads what follows `after`, verified link by link, in chunks. With `to` it is damage if the log ends before. With `having`, only
 * commits come whose text has that: of the others hash and predecessor are verified, and they are not parsed.
 * @throws {EngineError} ERR_LOG_DAMAGED while iterating; all that came before is good.
 */
export async function* readChain<F extends Fact>(
  source: ChainSource,
  after: Link,
  options: {
    readonly chunkRows?: number | undefined
    readonly having?: string | undefined
    readonly to?: number
  } = {},
): AsyncGenerator<readonly RawCommit<F>[], void, void> {
  let last = after
  try {
    for await (const rows of readRows(
      source.store,
      keys.commits(last.seq + 1, options.to),
      options.chunkRows,
    )) {
      const { broken, chunk, end } = followAll<F>(source, rows, last, options)
      last = end
      if (chunk.length > 0) yield chunk
      if (broken !== undefined) throw broken
    }
  } catch (error) {
    throw readError(error, last.seq + 1)
  }
  if (options.to !== undefined && last.seq < options.to) throw damageError(last.seq + 1, 'it is missing')
}

/** The rows up to the first that does not follow, the last that does, and why that one does not. */
function followAll<F extends Fact>(
  source: ChainSource,
  rows: readonly Row[],
  after: Link,
  { having, to = Infinity }: { readonly having?: string | undefined; readonly to?: number },
): { readonly broken?: EngineError; readonly chunk: readonly RawCommit<F>[]; readonly end: Link } {
  const chunk: RawCommit<F>[] = []
  let end = after
  try {
    for (const row of rows) {
      // An odd key may stand between the last that was asked for and the next.
      if (end.seq >= to) break
      const seq = (end.seq + 1) as Seq
      if (having !== undefined && !row[1].includes(having)) {
        end = passOver(source, row, { hash: end.hash, seq })
        continue
      }
      const raw = openRow<F>(source, row, seq)
      if (raw.commit.prev !== end.hash) throw damageError(raw.seq, 'it names another predecessor')
      chunk.push(raw)
      end = raw
    }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return { broken: error, chunk, end }
  }
  return { chunk, end }
}

/** A row that nobody wants to see: its place, its hash and its predecessor are right, by the text alone. */
function passOver(source: ChainSource, [key, value]: Row, { hash: prev, seq }: Link): Link {
  if (seqOfKey(key) !== seq) throw damageError(seq, 'another stands in its place')
  const body = unseal(source.hash, value)
  if (body === undefined) throw damageError(seq, 'its bytes have another hash')
  // Inside a text the quotes would be escaped.
  if (!body.includes(`"prev":"${prev}"`)) throw damageError(seq, 'it names another predecessor')
  return { hash: value.slice(0, HASH_CHARS), seq }
}

/**
 * Numbers of the rows whose value fits, rising. Nothing is verified.
 * @throws {EngineError} ERR_LOG_DAMAGED while iterating: the store cannot read it.
 */
export async function* findIn(
  { store }: Pick<ChainSource, 'store'>,
  fits: (value: string) => boolean,
  { from = 1, to }: { readonly from?: number | undefined; readonly to: number },
): AsyncGenerator<Seq, void, void> {
  let next = from
  try {
    for await (const rows of readRows(store, keys.commits(from, to)))
      for (const [key, value] of rows) {
        const seq = seqOfKey(key)
        if (seq === undefined) continue
        next = seq + 1
        if (fits(value)) yield seq
      }
  } catch (error) {
    throw readError(error, next)
  }
}

/** Whether a store says that it cannot read what it has: LevelDB's own findings are damage too. */
export function isUnreadable(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | null)?.code
  return code === 'LEVEL_CORRUPTION' || code === 'LEVEL_IO_ERROR'
}

const readError = (error: unknown, seq: number): unknown =>
  isUnreadable(error) ? damageError(seq, 'the store cannot read it', error) : error

/**
 * The one commit of that number, verified by itself; undefined: there is none.
 * @throws {EngineError} ERR_LOG_DAMAGED.
 */
export async function readOne<F extends Fact>(
  source: ChainSource,
  seq: Seq,
): Promise<RawCommit<F> | undefined> {
  const key = keys.commit(seq)
  const value = await source.store.get(key).catch((error: unknown) => {
    throw readError(error, seq)
  })
  return value === undefined ? undefined : openRow<F>(source, [key, value], seq)
}
