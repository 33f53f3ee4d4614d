/**
 * A log whose rows are not what was written: what is found, where and why it is said to be, and what is served all the same. The
 * rows are changed in the store itself; what a broken disk makes of its files is tried in `test/storage`.
 */
import { describe, expect, it } from 'vitest'
import { upcastBy } from '../../events/index.ts'
import type { Commit, CommandId, Log, Store } from '../../events/index.ts'
import { keys } from '../../events/store.ts'
import { five, HARMS, replaceThird, rowOf, seq, stream } from './harms.ts'
import { all, draft, openOn, seqs, sha256 } from './support.ts'

/** The log as the next start finds it, and what it folded. */
async function reopened(store: Store): Promise<{ readonly folded: readonly number[]; readonly log: Log }> {
  const folded: number[] = []
  const replay = {
    chunk: (commits: readonly Commit[]) => void folded.push(...seqs(commits)),
    restart: () => undefined,
  }
  return { folded, log: await openOn(store, { replay }) }
}

describe('a log of whose commits the third', () => {
  it.each(HARMS)('%s is served up to the second, and takes nothing', async (_what, harm, why) => {
    const store = await five()
    await harm(store)
    const { log } = await reopened(store)
    expect(log.damage).toMatchObject({ from: 3, why })
    expect(log.durable.seq).toBe(2)
    expect(seqs(await all(log.read()))).toStrictEqual([1, 2])
    expect(() => log.append(draft([stream]), [])).toThrow(
      expect.objectContaining({ code: 'ERR_LOG_DAMAGED', details: { from: 3, why } }),
    )
    expect(log.nextSeq).toBe(3)
  })

  it.each(HARMS.slice(0, -1))('%s is read up to it, if that happens later', async (_what, harm, why) => {
    const store = await five()
    const log = await openOn(store)
    await harm(store)
    const read: number[] = []
    const reading = async (): Promise<void> => {
      for await (const commit of log.read()) read.push(commit.seq)
    }
    await expect(reading()).rejects.toMatchObject({ code: 'ERR_LOG_DAMAGED', details: { from: 3, why } })
    expect(read).toStrictEqual([1, 2])
    expect(log.damage).toMatchObject({ from: 3, why })
    expect(() => log.append(draft([stream]), [])).toThrow(
      expect.objectContaining({ code: 'ERR_LOG_DAMAGED' }),
    )
  })

  it.each(HARMS.slice(0, -1))('%s is found by verifying and by scrubbing', async (_what, harm, why) => {
    const store = await five()
    const [log, other] = [await openOn(store), await openOn(store)]
    await harm(store)
    expect(await log.verify()).toStrictEqual({ from: 3, why })
    expect(await log.verify({ to: seq(2) })).toBeUndefined()
    const scrubbed: number[] = []
    const scrubbing = async (): Promise<void> => {
      for await (const { verified } of other.scrub({ chunk: 1 })) scrubbed.push(verified)
    }
    await expect(scrubbing()).rejects.toMatchObject({ code: 'ERR_LOG_DAMAGED', details: { from: 3 } })
    expect(scrubbed).toStrictEqual([1, 2])
    expect(other.damage).toMatchObject({ from: 3, why })
  })

  it('has an odd neighbour is not believed to be the third', async () => {
    const store = await five()
    await store.put('c000000000002x', 'x')
    const { folded, log } = await reopened(store)
    expect([log.damage, folded]).toStrictEqual([{ from: 3, why: 'an odd key' }, [1, 2]])
    expect(seqs(await all(log.read()))).toStrictEqual([1, 2])
    expect(await log.verify({ to: seq(2) })).toBeUndefined()
  })

  it('is gone says that whole commits follow, and where', async () => {
    const store = await five()
    await store.del(keys.commit(2))
    await store.del(keys.commit(3))
    const { log } = await reopened(store)
    expect(log.damage).toStrictEqual({ from: 2, to: 3, why: '#4 stands in its place' })
  })

  it('is gone is not found by whoever looks for its command: that would have it done twice', async () => {
    const store = await five()
    const log = await openOn(store)
    await store.del(keys.commit(3))
    await expect(log.outcomeOf('command-of-3' as CommandId)).rejects.toMatchObject({
      code: 'ERR_LOG_DAMAGED',
      details: { from: 3, why: 'it is missing' },
    })
    expect(log.damage).toMatchObject({ from: 3 })
    expect(await log.outcomeOf('command-of-4' as CommandId)).toMatchObject({ seq: 4 })
  })

  it('is gone cannot be read on from either', async () => {
    const store = await five()
    const log = await openOn(store)
    await store.del(keys.commit(3))
    await expect(all(log.read({ from: seq(4) }))).rejects.toMatchObject({
      code: 'ERR_LOG_DAMAGED',
      details: { from: 3, why: 'it is missing' },
    })
    expect(seqs(await all(log.read({ from: seq(5) })))).toStrictEqual([5])
  })

  it('cannot be read by the store names what the store said', async () => {
    for (const code of ['LEVEL_CORRUPTION', 'LEVEL_IO_ERROR', 'LEVEL_DATABASE_NOT_OPEN']) {
      const store = await five()
      const broken = Object.assign(new Error('the store says no'), { code })
      const log = await openOn(withReads(store, () => Promise.reject(broken)))
      const outcome = log.outcomeOf('command-of-3' as CommandId)
      if (code === 'LEVEL_DATABASE_NOT_OPEN') await expect(outcome).rejects.toBe(broken)
      else {
        const why = 'the store cannot read it'
        await expect(outcome).rejects.toMatchObject({
          cause: broken,
          code: 'ERR_LOG_DAMAGED',
          details: { from: 3, why },
        })
      }
      expect(log.damage === undefined).toBe(code === 'LEVEL_DATABASE_NOT_OPEN')
    }
  })
})

/** The same store, in which single commits are read otherwise. */
const withReads = (store: Store, get: () => Promise<string>): Store =>
  new Proxy(store, {
    get(target, name) {
      if (name === 'get') return (key: string) => (key.startsWith('c') ? get() : target.get(key))
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })

describe('a log that has lost its last commits', () => {
  it('says from where they are missing, to whoever reads on', async () => {
    const store = await five()
    const [log, other] = [await openOn(store), await openOn(store)]
    await store.del(keys.commit(4))
    await store.del(keys.commit(5))
    expect(seqs(await all(log.read({ to: seq(3) })))).toStrictEqual([1, 2, 3])
    expect(await log.verify()).toStrictEqual({ from: 4, why: 'it is missing' })
    const missing = { code: 'ERR_LOG_DAMAGED', details: { from: 4, why: 'it is missing' } }
    await expect(all(other.scrub())).rejects.toMatchObject(missing)
    expect(other.damage).toMatchObject({ from: 4 })
  })

  it('does not know it at the next start, unless somebody was told of them', async () => {
    const store = await five()
    const { hash } = (await openOn(store)).durable
    await store.del(keys.commit(5))
    expect((await openOn(store)).opened.behind).toBe(false)
    expect((await openOn(store, { known: { hash, seq: 5 } })).opened.behind).toBe(true)
  })
})

describe('a torn end', () => {
  /** The last commit's row half written, as a loss of power may leave it. */
  const tear = async (store: Store): Promise<void> =>
    store.put(keys.commit(5), (await rowOf(store, 5)).slice(0, 100))

  it('of which nobody was told is cut off, and work goes on', async () => {
    const store = await five()
    await tear(store)
    const { folded, log } = await reopened(store)
    expect(log.opened).toStrictEqual({
      behind: false,
      cut: { from: 5, rows: 1, why: 'its bytes have another hash' },
      from: 0,
    })
    expect([log.damage, folded, await store.get(keys.commit(5))]).toStrictEqual([
      undefined,
      [1, 2, 3, 4],
      undefined,
    ])
    expect(log.append(draft([stream]), [{ stream, version: 4 }]).seq).toBe(5)
    await log.close()
    expect(await (await openOn(store)).verify()).toBeUndefined()
  })

  it('that somebody was told of is damage, and stays', async () => {
    const store = await five()
    const { hash } = (await openOn(store)).durable
    await tear(store)
    const log = await openOn(store, { known: { hash, seq: 5 } })
    expect(log.damage).toStrictEqual({
      from: 5,
      torn: { hash, seq: 5 },
      why: 'its bytes have another hash',
    })
    expect(log.opened).toStrictEqual({ behind: false, from: 0 })
    expect(await rowOf(store, 5)).toHaveLength(100)
  })

  it('behind what somebody was told of is cut', async () => {
    const store = await five()
    const hash = (await rowOf(store, 4)).slice(0, 64)
    await tear(store)
    const log = await openOn(store, { known: { hash, seq: 4 } })
    expect([log.damage, log.durable.seq]).toStrictEqual([undefined, 4])
    expect(log.opened).toMatchObject({ behind: false, cut: { from: 5, rows: 1 } })
  })

  it('that is longer than one write is damage', async () => {
    const store = await five()
    for (const n of [3, 4, 5]) await store.put(keys.commit(n), 'x')
    const limits = { groupCommits: 2 }
    expect((await openOn(store, { limits })).damage).toStrictEqual({
      from: 3,
      why: 'its bytes have another hash',
    })
    const log = await openOn(store, { limits: { groupCommits: 3 } })
    expect([log.damage, log.opened.cut?.rows, log.durable.seq]).toStrictEqual([undefined, 3, 2])
  })

  it('leaves no way back to a command of it', async () => {
    const store = await five()
    await tear(store)
    const log = await openOn(store)
    expect(await log.outcomeOf('command-of-5' as CommandId)).toBeUndefined()
    await log.append(draft([stream], { id: 'another' }), []).durable
    expect(await log.outcomeOf('command-of-5' as CommandId)).toBeUndefined()
  })
})

describe('what is known of a log from elsewhere', () => {
  it('is held against it: a log that lacks it is behind', async () => {
    const store = await five()
    const { hash } = (await openOn(store)).durable
    const opened = async (known: { readonly hash: string; readonly seq: number }) =>
      (await openOn(store, { known })).opened
    expect(await opened({ hash, seq: 5 })).toStrictEqual({ behind: false, from: 0 })
    expect(await opened({ hash: sha256('another'), seq: 5 })).toStrictEqual({ behind: true, from: 0 })
    expect(await opened({ hash, seq: 6 })).toStrictEqual({ behind: true, from: 0 })
    expect(await opened({ hash: '', seq: 0 })).toStrictEqual({ behind: false, from: 0 })
  })

  it('is asked of an open log: a commit by its hash, and none that is not durable', async () => {
    const log = await openOn(await five())
    const { hash } = log.durable
    expect(await log.holds({ hash, seq: 5 })).toBe(true)
    expect(await log.holds({ hash, seq: 4 })).toBe(false)
    expect(await log.holds({ hash, seq: 6 })).toBe(false)
    expect(await log.holds({ hash: 'any', seq: 0 })).toBe(true)
  })

  it('is not held where its place cannot be read', async () => {
    const store = await five()
    const log = await openOn(store)
    await store.put(keys.commit(5), 'x')
    expect(await log.holds({ hash: log.durable.hash, seq: 5 })).toBe(false)
    await store.close()
    await expect(log.holds({ hash: log.durable.hash, seq: 4 })).rejects.toThrow()
  })
})

describe('a checkpoint', () => {
  const versions = [[stream, 5]] as const

  it('of another log is forgotten, and all is folded from the first commit', async () => {
    const store = await five()
    const head = { ...(await openOn(store)).durable, hash: sha256('another') }
    const told: (string | number)[] = []
    const log = await openOn(store, {
      checkpoint: { head, versions },
      replay: {
        chunk: (commits) => void told.push(...seqs(commits)),
        restart: () => void told.push('restart'),
      },
    })
    expect(told).toStrictEqual(['restart', 1, 2, 3, 4, 5])
    expect([log.opened.from, log.versionOf(stream)]).toStrictEqual([0, 5])
    expect(log.damage).toStrictEqual({ from: 5, why: 'a snapshot knows #5, which this log does not have' })
  })

  it('that is ahead of the log tells what is missing', async () => {
    const store = await five()
    const head = { ...(await openOn(store)).durable, seq: seq(8) }
    const log = await openOn(store, { checkpoint: { head, versions } })
    expect(log.damage).toStrictEqual({
      from: 6,
      to: 8,
      why: 'a snapshot knows #8, which this log does not have',
    })
  })
})

describe('a log of a newer program', () => {
  const [v1, v2, v3] = [1, 2, 3].map((v) => ({ data: {}, stream, type: 'Counted', v, version: 3 }))

  it.each([
    [
      'in a later version',
      [v1, { ...v2, version: 4 }],
      { known: 1, type: 'Counted', v: 2 },
      'it holds Counted in version 2, and version 1 is the newest known here',
    ],
    [
      'of a type that is not known',
      [{ ...v3, type: 'Measured' }],
      { type: 'Measured', v: 3 },
      'it holds Measured in version 3, and no such type is known here',
    ],
  ])('is served up to the first fact %s, and nothing is written', async (_what, facts, newer, why) => {
    const store = await five()
    await replaceThird(store, { facts: facts as Commit['facts'] })
    const log = await openOn(store, { upcast: upcastBy({}, { Counted: 1 }) })
    expect(log.damage).toStrictEqual({ from: 3, newer, why })
    expect([log.durable.seq, seqs(await all(log.read()))]).toStrictEqual([2, [1, 2]])
    expect(() => log.append(draft([stream]), [])).toThrow(
      expect.objectContaining({ code: 'ERR_LOG_NEWER', details: { from: 3, newer, why } }),
    )
    expect(await rowOf(store, 5)).not.toBe('')
  })
})
