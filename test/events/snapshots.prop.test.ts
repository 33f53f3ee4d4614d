import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openSnapshots } from '../../events/index.ts'
import type { Head, Instant, Seq, Store } from '../../events/index.ts'
import { ladder } from '../../events/snapshots.ts'
import { all, draft, fold, openOn, sha256, tempStore } from './support.ts'

const snapshotsOf = (store: Store, code = '1') =>
  openSnapshots({ afterTurn: setImmediate, code, hash: sha256, store })
const headAt = (seq: number): Head => ({
  at: '2026-01-01T00:00:00.000Z' as Instant,
  hash: sha256(`${seq}`),
  seq: seq as Seq,
})
const big = (name: string) => [name, Array.from({ length: 300 }, (_, i) => [i, 'x'.repeat(1000)])] as const

describe('a snapshot', () => {
  it('and what follows it fold to what the whole log folds to', async () => {
    const streams = fc.array(
      fc.array(fc.constantFrom('endpoint/a', 'endpoint/b', 'effects'), { maxLength: 3, minLength: 1 }),
    )
    const property = fc.asyncProperty(streams, streams, async (before, after) => {
      const store = await tempStore()
      const log = await openOn(store)
      for (const names of before) log.append(draft(names), [])
      await log.flush()
      const counts = fold(new Map(), await all(log.read()))
      const { head, versions } = log.checkpoint()
      await snapshotsOf(store).save(head, [
        ['counts', counts],
        ['versions', versions],
      ])
      for (const names of after) log.append(draft(names), [])
      await log.close()

      const loaded = await snapshotsOf(store).load()
      let folded = new Map(loaded?.tables.get('counts') as [string, number][])
      const again = await openOn(store, {
        checkpoint: {
          head: loaded?.head ?? head,
          versions: loaded?.tables.get('versions') as [never, number][],
        },
        replay: { chunk: (commits) => (folded = fold(folded, commits)), restart: () => expect.unreachable() },
      })
      expect(again.opened.from).toBe(before.length)
      expect(folded).toEqual(fold(new Map(), await all(again.read())))
      expect(new Map(again.checkpoint().versions)).toEqual(folded)
      await store.close()
    })
    await fc.assert(property, { numRuns: 20 })
  })

  it('comes back table by table and row by row, however many chunks it took', async () => {
    const store = await tempStore()
    const snapshots = snapshotsOf(store)
    await snapshots.save(headAt(7), [big('a'), ['empty', []], big('b')])
    const loaded = await snapshots.load()
    expect(loaded?.head).toEqual(headAt(7))
    expect([...(loaded?.tables ?? [])]).toEqual([big('a'), ['empty', []], big('b')])
    expect((await store.keys({ gte: 's', lt: 't' }).all()).length).toBeGreaterThan(8)
  })

  it('of other code, or later than asked for, is passed over', async () => {
    const store = await tempStore()
    await snapshotsOf(store).save(headAt(3), [['t', [3]]])
    await snapshotsOf(store, '2').save(headAt(6), [['t', [6]]])
    expect((await snapshotsOf(store).load())?.head.seq).toBe(3)
    expect((await snapshotsOf(store, '2').load())?.head.seq).toBe(6)
    expect(await snapshotsOf(store, '2').load(5 as Seq)).toBeUndefined()
    expect(await snapshotsOf(store).nearest(2 as Seq)).toBeUndefined()
  })

  it('that is damaged anywhere gives way to an older one', async () => {
    const store = await tempStore()
    const snapshots = snapshotsOf(store)
    await snapshots.save(headAt(4), [big('old')])
    await snapshots.save(headAt(5), [big('new')])
    const keys = [...(await store.keys({ gte: 's000000000005', lt: 's000000000006' }).all()), 'm000000000005']
    expect(keys.length).toBeGreaterThan(3)
    for (const key of keys) {
      const value = (await store.get(key)) ?? ''
      for (const broken of [value.slice(0, 90) + '#' + value.slice(91), value.slice(0, -1), '', undefined]) {
        await (broken === undefined ? store.del(key) : store.put(key, broken))
        expect((await snapshots.load())?.head.seq, key).toBe(4)
      }
      await store.put(key, value)
    }
    expect((await snapshots.load())?.head.seq).toBe(5)
  })

  it('that was never finished does not exist, and its remains go with the next', async () => {
    const store = await tempStore()
    const snapshots = snapshotsOf(store)
    const failing = async function* () {
      yield big('half')
      throw new Error('the process dies here')
    }
    await expect(snapshots.save(headAt(4), failing())).rejects.toThrow('dies')
    expect(await snapshots.load()).toBeUndefined()
    await snapshots.save(headAt(9), [['t', [1]]])
    expect(await store.keys({ gte: 's', lt: 't' }).all()).toHaveLength(1)
  })

  it('is saved alone', async () => {
    const snapshots = snapshotsOf(await tempStore())
    const first = snapshots.save(headAt(1), [big('a')])
    await expect(snapshots.save(headAt(2), [])).rejects.toThrow(TypeError)
    await first
  })
})

describe('the ladder', () => {
  /** Numbers that were ever saved, with such gaps, thinned as each came. */
  const climb = (gaps: readonly number[]): readonly number[] =>
    gaps.reduce<readonly number[]>((kept, gap) => ladder([...kept, (kept.at(-1) ?? 0) + gap]), [])

  it('keeps the first and the newest, and no step is wider than the gaps or a 32nd of its distance', () => {
    const steps = fc.array(fc.integer({ max: 50, min: 1 }), { maxLength: 400, minLength: 1, size: 'max' })
    fc.assert(
      fc.property(steps, (gaps) => {
        const kept = climb(gaps)
        const newest = gaps.reduce((sum, gap) => sum + gap, 0)
        expect([kept[0], kept.at(-1)]).toEqual([gaps[0], newest])
        kept.slice(1).forEach((seq, i) => {
          expect(seq - (kept[i] ?? 0)).toBeLessThanOrEqual(Math.max((newest - seq) / 32, ...gaps))
        })
      }),
    )
  })

  it('has few steps, however long the log', () => {
    const lengthOf = (count: number): number => climb(Array<number>(count).fill(1)).length
    expect([32, 1000, 10_000].map(lengthOf)).toEqual([32, 194, 300])
  })
})
