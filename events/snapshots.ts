/**
 * Snapshots: folded states as they were at a commit. Caches: any of them may be lost, and one that is damaged, of other
 * code, or not of this log is passed over for an older one.
 *
 * A state is tables of rows. Rows are written in chunks with a loop turn between them, since 12 MB of JSON at once stall the main
 * thread for 90 ms. Each chunk is sealed with its hash; the manifest, written last and synced, holds a hash of each table's
 * chunks, so that a snapshot that was being written when the process died does not exist, and one table can be read alone.
 *
 * Kept is a ladder by distance: all of the near past, and the farther from the newest, the wider the steps: at most a
 * {@link STEP_SHARE}th of the distance, so that what is folded for a moment long ago is a small part of what came after. Ten times as long a
 * log has some hundred snapshots more.
 */
import { isUnreadable, seal, unseal } from './chain.ts'
import type { Head } from './chain.ts'
import type { Seq } from './fact.ts'
import { keys, readRows } from './store.ts'
import type { Hash, Store } from './store.ts'

/** A table's name and its rows: plain JSON values of the caller's own. Must not change while it is saved. */
export type SnapshotTable = readonly [name: string, rows: Iterable<unknown>]

/** A state as it was loaded. */
export type Snapshot = {
  readonly head: Head
  /** Rows in the order they were saved in. */
  readonly tables: ReadonlyMap<string, readonly unknown[]>
}

export type SnapshotOptions = {
  /** Version of what the states mean; snapshots of others are passed over. */
  readonly code: string
  readonly hash: Hash
  readonly store: Store
  /** After what is ready has run: one loop turn. Between chunks. */
  readonly afterTurn: (run: () => void) => void
}

/** A part of a snapshot. Default: all of it. */
export type Wanted = {
  /** Only rows that stand near this text: an id, say. At least all rows that have it. */
  readonly having?: string | undefined
  /** Whether a table is wanted; the others are not read. */
  readonly tables?: ((name: string) => boolean) | undefined
}

export interface Snapshots {
  /** The newest sound one at or before `atMost` (any, without it), or what is wanted of it. */
  load(atMost?: Seq, wanted?: Wanted): Promise<Snapshot | undefined>
  /** Which commit the newest one at or before `atMost` is of, its tables not verified. */
  nearest(atMost?: Seq): Promise<Head | undefined>
  /** Saves the state as of a durable head, then thins the ladder. One at a time: a second call meanwhile throws. */
  save(head: Head, tables: AsyncIterable<SnapshotTable> | Iterable<SnapshotTable>): Promise<void>
}

/** JSON characters after which a chunk is closed: well under a millisecond to write or parse. */
const CHUNK_CHARS = 64 << 10
const MAX_SEQ = 2 ** 48 - 2
const HASH_CHARS = 64
/** Chunks that a read takes from the store at once. */
const CHUNKS_AT_ONCE = 16
/** Raised when snapshots are written otherwise: older ones are passed over. */
const FORMAT = 2
/** A step between snapshots is at most this part of its distance from the newest. */
const STEP_SHARE = 32

type Manifest = {
  readonly code: string
  readonly head: Head
  /** In the order of their chunks. */
  readonly parts: readonly Part[]
}
/** A table in a snapshot. `digest`: hash of the chunks' hashes, in order. */
type Part = {
  readonly chunks: number
  readonly digest: string
  /** Its first chunk. */
  readonly from: number
  readonly table: string
}

export function openSnapshots(options: SnapshotOptions): Snapshots {
  const { store } = options
  const code = `${FORMAT} ${options.code}`
  let saving = false
  return {
    async load(atMost, wanted = {}) {
      for await (const manifest of manifests(options, atMost)) {
        if (manifest?.code !== code) continue
        const tables = await loadTables(options, manifest, wanted).catch(undefinedIfUnreadable)
        if (tables !== undefined) return { head: manifest.head, tables }
      }
      return undefined
    },

    async nearest(atMost) {
      for await (const manifest of manifests(options, atMost)) {
        if (manifest?.code === code) return manifest.head
      }
      return undefined
    },

    async save(head, tables) {
      if (saving) throw new TypeError('a snapshot is being saved already')
      saving = true
      try {
        await store.clear(keys.chunks(head.seq, head.seq + 1))
        const manifest: Manifest = { code, head, parts: await writeParts(options, head.seq, tables) }
        const batch = store.batch().put(keys.manifest(head.seq), seal(options.hash, JSON.stringify(manifest)))
        await batch.write({ sync: true } as object)
        await thin(options)
      } finally {
        saving = false
      }
    },
  }
}

function undefinedIfUnreadable(error: unknown): undefined {
  if (!isUnreadable(error)) throw error
}

async function writeParts(
  options: SnapshotOptions,
  seq: Seq,
  tables: AsyncIterable<SnapshotTable> | Iterable<SnapshotTable>,
): Promise<readonly Part[]> {
  const { afterTurn, hash, store } = options
  const parts: Part[] = []
  let from = 0
  for await (const [table, rows] of tables) {
    const hashes: string[] = []
    for (const text of chunksOf(rows)) {
      const value = seal(hash, text)
      await store
        .batch()
        .put(keys.chunk(seq, from + hashes.length), value)
        .write()
      hashes.push(value.slice(0, HASH_CHARS))
      await new Promise<void>((resolve) => {
        afterTurn(resolve)
      })
    }
    parts.push({ chunks: hashes.length, digest: hash(hashes.join('')), from, table })
    from += hashes.length
  }
  return parts
}

/** Rows as JSON lists, about {@link CHUNK_CHARS} long each. */
function* chunksOf(rows: Iterable<unknown>): Generator<string, void, void> {
  let texts: string[] = []
  let chars = 0
  for (const row of rows) {
    const text = JSON.stringify(row)
    texts.push(text)
    chars += text.length
    if (chars < CHUNK_CHARS) continue
    yield `[${texts.join(',')}]`
    texts = []
    chars = 0
  }
  if (texts.length > 0) yield `[${texts.join(',')}]`
}

/** Newest first; undefined for one that is damaged. */
async function* manifests(
  { hash, store }: SnapshotOptions,
  atMost: number = MAX_SEQ,
): AsyncGenerator<Manifest | undefined, void, void> {
  try {
    for await (const [, value] of store.iterator({ ...keys.manifests(atMost), reverse: true })) {
      const body = unseal(hash, value)
      yield body === undefined ? undefined : (JSON.parse(body) as Manifest)
    }
  } catch (error) {
    undefinedIfUnreadable(error)
  }
}

/** The wanted tables, if every chunk of them is there and is what was written. */
async function loadTables(
  options: SnapshotOptions,
  { head, parts }: Manifest,
  { having, tables: wants }: Wanted,
): Promise<ReadonlyMap<string, readonly unknown[]> | undefined> {
  const tables = new Map<string, readonly unknown[]>()
  for (const part of parts) {
    if (wants?.(part.table) === false) continue
    const rows = await loadPart(options, head.seq, part, having)
    if (rows === undefined) return undefined
    tables.set(part.table, rows)
  }
  return tables
}

async function loadPart(
  { hash, store }: SnapshotOptions,
  seq: Seq,
  { chunks, digest, from }: Part,
  having: string | undefined,
): Promise<readonly unknown[] | undefined> {
  const hashes: string[] = []
  const all: unknown[] = []
  const range = { gte: keys.chunk(seq, from), lt: keys.chunk(seq, from + chunks) }
  for await (const rows of readRows(store, range, CHUNKS_AT_ONCE)) {
    for (const [, value] of rows) {
      hashes.push(value.slice(0, HASH_CHARS))
      if (having !== undefined && !value.includes(having)) continue
      const body = unseal(hash, value)
      if (body === undefined) return undefined
      for (const row of JSON.parse(body) as readonly unknown[]) all.push(row)
    }
  }
  return hash(hashes.join('')) === digest ? all : undefined
}

/** Removes what the ladder does not keep, and with it the remains of snapshots that were never finished. */
async function thin({ store }: SnapshotOptions): Promise<void> {
  const have: number[] = []
  for await (const key of store.keys(keys.manifests(MAX_SEQ))) have.push(Number.parseInt(key.slice(1), 16))
  const keep = ladder(have)
  let below = 0
  for (const seq of keep) {
    // The manifests go first: without them the chunks mean nothing.
    await store.clear({ gte: keys.manifest(below), lt: keys.manifest(seq) })
    await store.clear(keys.chunks(below, seq))
    below = seq + 1
  }
}

/**
 * Which of ascending numbers to keep: one between two goes if the step without it is still at most a {@link STEP_SHARE}th of the way from
 * there to the newest.
 */
export function ladder(seqs: readonly number[]): readonly number[] {
  const newest = seqs.at(-1) ?? 0
  const kept: number[] = []
  seqs.forEach((seq, i) => {
    const before = kept.at(-1)
    const after = seqs[i + 1]
    if (before !== undefined && after !== undefined && (after - before) * STEP_SHARE <= newest - after) return
    kept.push(seq)
  })
  return kept
}
