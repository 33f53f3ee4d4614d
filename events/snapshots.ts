/**
 * Snapshots: folded states as they were at a commit. Caches: any of them may be lost, and one that is damaged, of other
 * code, or not of this log is passed over for an older one.
 *
 * A state is tables of rows. Rows are written in chunks with a loop turn between them, since 12 MB of JSON at once stall the main
 * thread for 90 ms. Each chunk is sealed with its hash; the manifest, written last and synced, holds the hash of all
 * chunks, so that a snapshot that was being written when the process died does not exist.
 *
 * Kept is a ladder by distance: the farther from the newest, the wider the steps, so that whatever is folded as of the past
 * starts at most about as far away as it lies from the newest, with a few dozen snapshots at most.
 */
import { isUnreadable, seal, unseal } from './chain.ts'
import type { Head } from './chain.ts'
import type { Seq } from './fact.ts'
import { keys, readRows } from './store.ts'
import type { Hash, Row, Store } from './store.ts'

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

export interface Snapshots {
  /** The newest sound one at or before `atMost` (any, without it). */
  load(atMost?: Seq): Promise<Snapshot | undefined>
  /** Number of the newest one at or before `atMost`, not verified. */
  nearest(atMost?: Seq): Promise<Seq | undefined>
  /** Saves the state as of a durable head, then thins the ladder. One at a time: a second call meanwhile throws. */
  save(head: Head, tables: AsyncIterable<SnapshotTable> | Iterable<SnapshotTable>): Promise<void>
}

/** JSON characters after which a chunk is closed: well under a millisecond to write or parse. */
const CHUNK_CHARS = 64 << 10
const MAX_SEQ = 2 ** 48 - 2

type Manifest = {
  readonly chunks: number
  readonly code: string
  /** Hash of the chunks' hashes, in order. */
  readonly digest: string
  readonly head: Head
}
type Chunk = { readonly rows: readonly unknown[]; readonly table: string }

export function openSnapshots(options: SnapshotOptions): Snapshots {
  const { code, store } = options
  let saving = false
  return {
    async load(atMost) {
      for await (const manifest of manifests(options, atMost)) {
        if (manifest?.code !== code) continue
        const tables = await loadTables(options, manifest).catch(undefinedIfUnreadable)
        if (tables !== undefined) return { head: manifest.head, tables }
      }
      return undefined
    },

    async nearest(atMost) {
      for await (const manifest of manifests(options, atMost)) {
        if (manifest?.code === code) return manifest.head.seq
      }
      return undefined
    },

    async save(head, tables) {
      if (saving) throw new TypeError('a snapshot is being saved already')
      saving = true
      try {
        await store.clear(keys.chunks(head.seq, head.seq + 1))
        const written = await writeChunks(options, head.seq, tables)
        const manifest: Manifest = { ...written, code, head }
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

async function writeChunks(
  { afterTurn, hash, store }: SnapshotOptions,
  seq: Seq,
  tables: AsyncIterable<SnapshotTable> | Iterable<SnapshotTable>,
): Promise<{ readonly chunks: number; readonly digest: string }> {
  const hashes: string[] = []
  for await (const text of chunksOf(tables)) {
    const value = seal(hash, text)
    await store.batch().put(keys.chunk(seq, hashes.length), value).write()
    hashes.push(value.slice(0, 64))
    await new Promise<void>((resolve) => {
      afterTurn(resolve)
    })
  }
  return { chunks: hashes.length, digest: hash(hashes.join('')) }
}

/** Pieces of tables, `{"rows":[…],"table":"…"}`, about {@link CHUNK_CHARS} long; an empty table gives one too. */
async function* chunksOf(
  tables: AsyncIterable<SnapshotTable> | Iterable<SnapshotTable>,
): AsyncGenerator<string, void, void> {
  for await (const [table, rows] of tables) {
    const finish = (texts: readonly string[]) =>
      `{"rows":[${texts.join(',')}],"table":${JSON.stringify(table)}}`
    let texts: string[] = []
    let chars = 0
    for (const row of rows) {
      const text = JSON.stringify(row)
      texts.push(text)
      chars += text.length
      if (chars < CHUNK_CHARS) continue
      yield finish(texts)
      texts = []
      chars = 0
    }
    if (texts.length > 0 || chars === 0) yield finish(texts)
  }
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

/** All tables, if every chunk is there and is what was written. */
async function loadTables(
  { hash, store }: SnapshotOptions,
  manifest: Manifest,
): Promise<ReadonlyMap<string, readonly unknown[]> | undefined> {
  const { seq } = manifest.head
  const hashes: string[] = []
  const tables = new Map<string, unknown[]>()
  for await (const rows of readRows(store, keys.chunks(seq, seq + 1), 16)) {
    for (const row of rows) {
      const chunk = openChunk(hash, row)
      if (chunk === undefined) return undefined
      const table = tables.get(chunk.table)
      if (table === undefined) tables.set(chunk.table, [...chunk.rows])
      else for (const value of chunk.rows) table.push(value)
      hashes.push(row[1].slice(0, 64))
    }
  }
  return hashes.length === manifest.chunks && hash(hashes.join('')) === manifest.digest ? tables : undefined
}

function openChunk(hash: Hash, [, value]: Row): Chunk | undefined {
  const body = unseal(hash, value)
  return body === undefined ? undefined : (JSON.parse(body) as Chunk)
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
 * Which of ascending numbers to keep: one between two goes if what is folded from the earlier one instead is still
 * no longer than the way from there to the newest.
 */
export function ladder(seqs: readonly number[]): readonly number[] {
  const newest = seqs.at(-1) ?? 0
  const kept: number[] = []
  seqs.forEach((seq, i) => {
    const before = kept.at(-1)
    const after = seqs[i + 1]
    if (before !== undefined && after !== undefined && after - before <= newest - after) return
    kept.push(seq)
  })
  return kept
}
