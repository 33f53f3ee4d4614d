/** What the tests of the log share: a store in a directory that goes away, drafts, and a store whose writes can be held or failed. */
import { hash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openLog, upcastBy } from '../../events/index.ts'
import type {
  Actor,
  Commit,
  CommandId,
  CommitDraft,
  Epoch,
  Instant,
  Log,
  LogOptions,
  Origin,
  Store,
  Stream,
} from '../../events/index.ts'
import { openLevel } from '../../src/storage/level.ts'

export const sha256 = (text: string): string => hash('sha256', text, 'hex')
export const ORIGIN = sha256('origin of the tests') as Origin

/** A directory that is gone after the test. */
export async function scratch(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'chronet-test-'))
  onTestFinished(() => rm(path, { force: true, recursive: true }))
  return path
}

/** A store in a directory of its own (or in `path`), closed after the test. */
export async function tempStore(path?: string): Promise<Store> {
  const store = await openLevel(join(path ?? (await scratch()), 'store'), true)
  onTestFinished(() => store.close())
  return store
}

export const openOn = (store: Store, options: Partial<LogOptions> = {}): Promise<Log> =>
  openLog({ afterTurn: setImmediate, hash: sha256, origin: ORIGIN, store, upcast: upcastBy({}), ...options })

let commands = 0

/** A commit that counts on streams: one fact for each name given. */
export function draft(
  streams: readonly string[],
  over: {
    readonly actor?: Actor
    readonly at?: string
    readonly id?: string
    readonly pad?: number
    readonly text?: string
  } = {},
): CommitDraft {
  return {
    actor: over.actor ?? { kind: 'socket', verified: { uid: 0 } },
    at: (over.at ?? '2026-01-01T00:00:00.000Z') as Instant,
    command: { data: {}, id: (over.id ?? `command-${++commands}`) as CommandId, type: 'count' },
    epoch: 1 as Epoch,
    facts: streams.map((stream) => ({
      data: { by: 1, pad: over.text ?? 'x'.repeat(over.pad ?? 0) },
      stream: stream as Stream,
      type: 'Counted',
      v: 1,
    })),
  }
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

export const seqs = (commits: readonly Commit[]): number[] => commits.map((commit) => commit.seq)

/** How often each stream was counted: the trivial fold. */
export function fold(counts: ReadonlyMap<string, number>, commits: readonly Commit[]): Map<string, number> {
  const next = new Map(counts)
  for (const { facts } of commits)
    for (const { stream } of facts) next.set(stream, (next.get(stream) ?? 0) + 1)
  return next
}

/** A real store whose batches wait for `release`, or fail when told to. Reads go through. */
export function gated(store: Store): {
  readonly fail: (error: Error) => void
  readonly release: () => void
  readonly store: Store
  readonly writes: () => number
} {
  const waiting: { readonly go: () => void; readonly fail: (error: Error) => void }[] = []
  let writes = 0
  const batch = () => {
    const real = store.batch()
    const write = real.write.bind(real)
    real.write = async (options?: object) => {
      writes += 1
      await new Promise<void>((resolve, reject) => {
        waiting.push({ fail: reject, go: resolve })
      })
      return write(options ?? {})
    }
    return real
  }
  const proxy = withBatch(store, batch)
  return {
    fail: (error) => waiting.shift()?.fail(error),
    release: () => waiting.shift()?.go(),
    store: proxy,
    writes: () => writes,
  }
}

/** The same store, its batches made otherwise. */
function withBatch(store: Store, batch: () => unknown): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'batch') return batch
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** A real store that writes, and then says that it could not. */
export function failingAfterWrite(store: Store): Store {
  return withBatch(store, () => {
    const real = store.batch()
    const write = real.write.bind(real)
    real.write = async (options?: object) => {
      await write(options ?? {})
      throw new Error('the sync failed')
    }
    return real
  })
}
