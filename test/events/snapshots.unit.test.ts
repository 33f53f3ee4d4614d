/** Snapshots, where not all of one is wanted, where something is odd about them, and where the store cannot read them. */
import { describe, expect, it } from 'vitest'
import { openSnapshots } from '../../events/index.ts'
import type { Head, Instant, Seq, Snapshots, Store } from '../../events/index.ts'
import { ladder } from '../../events/snapshots.ts'
import { keys } from '../../events/store.ts'
import { sha256, tempStore } from './support.ts'

const snapshotsOf = (store: Store, afterTurn: (run: () => void) => void = setImmediate): Snapshots =>
  openSnapshots({ afterTurn, code: '1', hash: sha256, store })
const headAt = (seq: number): Head => ({
  at: '2026-01-01T00:00:00.000Z' as Instant,
  hash: sha256(`${seq}`),
  seq: seq as Seq,
})
const seq = (n: number): Seq => n as Seq
/** A table of some chunks: 100 rows of 3,000 characters. */
const big = (name: string) =>
  [name, Array.from({ length: 100 }, (_, i) => [`${name}${i}`, 'x'.repeat(3000)])] as const
const keysOf = (store: Store, kind: 'm' | 's'): Promise<string[]> =>
  store.keys({ gte: kind, lt: `${kind}~` }).all()

describe('the nearest snapshot', () => {
  it('is the newest that is not later than asked for, of the same code', async () => {
    const store = await tempStore()
    const other = openSnapshots({ afterTurn: setImmediate, code: '2', hash: sha256, store })
    await snapshotsOf(store).save(headAt(3), [['t', [3]]])
    await other.save(headAt(4), [['t', [4]]])
    await snapshotsOf(store).save(headAt(6), [['t', [6]]])
    const nearest = async (atMost?: number) =>
      (await snapshotsOf(store).nearest(atMost as Seq | undefined))?.seq
    expect([await nearest(), await nearest(6), await nearest(5), await nearest(3)]).toEqual([6, 6, 3, 3])
    expect(await nearest(2)).toBeUndefined()
    expect(await snapshotsOf(store).nearest(seq(5))).toEqual(headAt(3))
  })

  it('is passed over if its table of contents is damaged', async () => {
    const store = await tempStore()
    await snapshotsOf(store).save(headAt(3), [['t', [3]]])
    await snapshotsOf(store).save(headAt(6), [['t', [6]]])
    await store.put(keys.manifest(6), 'x')
    expect(await snapshotsOf(store).nearest()).toEqual(headAt(3))
  })
})

describe('a part of a snapshot', () => {
  it('has the tables that are wanted, and reads no other', async () => {
    const store = await tempStore()
    const snapshots = snapshotsOf(store)
    await snapshots.save(headAt(3), [big('a'), big('b'), ['c', [1]]])
    // Damage in a table that nobody wants is not met.
    await store.put(keys.chunk(3, 0), 'x')
    const loaded = await snapshots.load(undefined, { tables: (name) => name !== 'a' })
    expect([...(loaded?.tables ?? [])]).toEqual([big('b'), ['c', [1]]])
    expect(await snapshots.load()).toBeUndefined()
  })

  it('has at least all rows in which a text stands, and not all others', async () => {
    const snapshots = snapshotsOf(await tempStore())
    await snapshots.save(headAt(3), [big('a'), big('b')])
    const { tables } = (await snapshots.load(undefined, { having: '"b70"' })) ?? {}
    const rows = (tables?.get('b') ?? []) as readonly (readonly [string])[]
    expect(rows.map(([key]) => key)).toContain('b70')
    expect([rows.length < 100, tables?.get('a')]).toEqual([true, []])
  })
})

describe('a snapshot', () => {
  it('of which a chunk stands in the place of another is passed over, though each is sound', async () => {
    const store = await tempStore()
    const snapshots = snapshotsOf(store)
    await snapshots.save(headAt(3), [['t', [3]]])
    await snapshots.save(headAt(6), [big('a')])
    await store.put(keys.chunk(6, 1), (await store.get(keys.chunk(6, 0))) ?? '')
    expect((await snapshots.load())?.head.seq).toBe(3)
  })

  it('takes the place of another of the same commit, with nothing left of that', async () => {
    const store = await tempStore()
    const snapshots = snapshotsOf(store)
    await snapshots.save(headAt(6), [big('a')])
    expect((await keysOf(store, 's')).length).toBeGreaterThan(3)
    await snapshots.save(headAt(6), [['t', [1]]])
    expect(await keysOf(store, 's')).toEqual([keys.chunk(6, 0)])
    expect([...((await snapshots.load())?.tables ?? [])]).toEqual([['t', [1]]])
  })

  it('lets the loop turn after each chunk', async () => {
    const store = await tempStore()
    let turns = 0
    const snapshots = snapshotsOf(store, (run) => {
      turns++
      setImmediate(run)
    })
    await snapshots.save(headAt(6), [big('a'), ['empty', []], ['t', [1]]])
    expect(turns).toBe((await keysOf(store, 's')).length)
  })

  it('that falls off the ladder goes with all that it had', async () => {
    const store = await tempStore()
    const snapshots = snapshotsOf(store)
    const all = Array.from({ length: 70 }, (_, i) => i + 1)
    for (const n of all) await snapshots.save(headAt(n), [['t', [n]]])
    const kept = all.reduce<readonly number[]>((seqs, n) => ladder([...seqs, n]), [])
    expect(kept.length).toBeLessThan(70)
    expect(await keysOf(store, 'm')).toEqual(kept.map((n) => keys.manifest(n)))
    expect(await keysOf(store, 's')).toEqual(kept.map((n) => keys.chunk(n, 0)))
  })
})

describe('the ladder', () => {
  it('drops what lies between two steps of exactly a 32nd of the way, and nothing of wider ones', () => {
    expect(ladder([98, 99, 100, 164])).toEqual([98, 100, 164])
    expect(ladder([98, 99, 100, 163])).toEqual([98, 99, 100, 163])
    expect([ladder([]), ladder([7]), ladder([7, 8])]).toEqual([[], [7], [7, 8]])
  })
})

describe('a store that cannot read', () => {
  /** The same store, of whose rows of a kind none can be read. */
  const unreadable = (store: Store, kind: 'm' | 's', code: string): Store =>
    new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (name !== 'iterator') return typeof value === 'function' ? (value.bind(target) as unknown) : value
        return (options: { readonly gte: string }) => {
          const iterator = target.iterator(options)
          if (!options.gte.startsWith(kind)) return iterator
          const fail = () => Promise.reject(Object.assign(new Error('the store says no'), { code }))
          return Object.assign(iterator, { next: fail, nextv: fail })
        }
      },
    })

  it.each(['m', 's'] as const)(
    'damaged rows (%s) has no snapshot; any other failure is told',
    async (kind) => {
      const store = await tempStore()
      await snapshotsOf(store).save(headAt(3), [['t', [3]]])
      const load = (code: string) => snapshotsOf(unreadable(store, kind, code)).load()
      expect(await load('LEVEL_CORRUPTION')).toBeUndefined()
      expect(await load('LEVEL_IO_ERROR')).toBeUndefined()
      await expect(load('LEVEL_DATABASE_NOT_OPEN')).rejects.toThrow('the store says no')
    },
  )
})
