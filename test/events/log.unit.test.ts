import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { GENESIS } from '../../events/index.ts'
import type { CommandId, Seq, Stream } from '../../events/index.ts'
import { all, draft, failingAfterWrite, gated, openOn, ORIGIN, seqs, sha256, tempStore } from './support.ts'

const stream = 'endpoint/a' as Stream

describe('a log', () => {
  it('numbers, chains and versions what is appended, and reads it back as it was', async () => {
    const store = await tempStore()
    const log = await openOn(store)
    expect(log.durable).toEqual(GENESIS)
    const one = log.append(draft(['endpoint/a', 'effects']), [])
    const two = log.append(draft(['endpoint/a', 'endpoint/a']), [])
    expect([one.seq, two.seq, log.nextSeq]).toEqual([1, 2, 3])
    expect(two.commit.facts.map((fact) => fact.version)).toEqual([2, 3])
    expect(log.versionOf(stream)).toBe(3)
    expect(log.decided.seq).toBe(2)
    await two.durable
    expect(log.durable).toEqual(log.decided)

    const [first, second] = (await all(log.readRaw())).flat()
    expect(first?.commit).toEqual(one.commit)
    expect(second?.commit).toEqual(two.commit)
    expect(first?.hash).toBe(sha256(first?.body ?? ''))
    expect(second?.commit.prev).toBe(first?.hash)
    expect(second?.hash).toBe(log.durable.hash)
  })

  it('is the same log when it is opened again', async () => {
    const store = await tempStore()
    const log = await openOn(store)
    for (let i = 0; i < 10; i++) log.append(draft([`endpoint/${i % 3}`]), [])
    await log.close()
    const commits: number[] = []
    const replay = {
      chunk: (chunk: Parameters<typeof seqs>[0]) => commits.push(...seqs(chunk)),
      restart: () => undefined,
    }
    const again = await openOn(store, { replay })
    expect(again.durable).toEqual(log.durable)
    expect(again.opened).toEqual({ behind: false, from: 0 })
    expect(commits).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(again.checkpoint()).toEqual(log.checkpoint())
    expect(again.append(draft(['endpoint/0']), [{ stream: 'endpoint/0', version: 4 }]).seq).toBe(11)
    expect(seqs(await all(again.read({ from: 4 as Seq, to: 6 as Seq })))).toEqual([4, 5, 6])
  })

  it('opens from a checkpoint without reading what is before', async () => {
    const store = await tempStore()
    const log = await openOn(store)
    for (let i = 0; i < 5; i++) log.append(draft([stream]), [])
    await log.flush()
    const checkpoint = log.checkpoint()
    await log.append(draft([stream]), []).durable
    await store.del('c000000000002')
    const again = await openOn(store, { checkpoint })
    expect(again.opened.from).toBe(5)
    expect(again.versionOf(stream)).toBe(6)
    expect(again.damage).toBeUndefined()
  })

  it('forgets streams that ended, at once, after a crash, and from a checkpoint', async () => {
    const store = await tempStore()
    const isLast = ({ type }: { readonly type: string }): boolean => type === 'Ended'
    const log = await openOn(store, { isLast })
    const ended = draft([stream, 'endpoint/b', stream])
    const facts = ended.facts.map((fact, i) => (i === 2 ? { ...fact, type: 'Ended' } : fact))
    log.append(draft([stream]), [])
    await log.flush()
    const queued = log.append({ ...ended, facts }, [])
    expect(queued.commit.facts.map((fact) => fact.version)).toEqual([2, 1, 3])
    expect(log.versionOf(stream)).toBe(0)
    // What is queued is not durable, so it has not ended there.
    expect(log.checkpoint().versions).toEqual([[stream, 1]])
    await queued.durable
    expect(log.checkpoint().versions).toEqual([['endpoint/b', 1]])
    const again = await openOn(store, { isLast })
    expect([again.damage, again.checkpoint()]).toEqual([undefined, log.checkpoint()])
  })

  it('gives a checkpoint of what is durable, whatever is queued', async () => {
    const gate = gated(await tempStore())
    const log = await openOn(gate.store)
    const first = log.append(draft([stream]), [])
    log.append(draft([stream, 'endpoint/b']), [])
    gate.release()
    await first.durable
    expect(log.checkpoint()).toEqual({ head: log.durable, versions: [[stream, 1]] })
    await turn()
    gate.release()
    await log.flush()
  })

  it('gives a checkpoint of what is durable, however often a stream was written since', async () => {
    const gate = gated(await tempStore())
    const log = await openOn(gate.store)
    const [first] = [1, 2, 3].map(() => log.append(draft([stream]), []))
    gate.release()
    await first?.durable
    expect(log.checkpoint().versions).toEqual([[stream, 1]])
    await turn()
    gate.release()
    await log.flush()
    expect(log.checkpoint().versions).toEqual([[stream, 3]])
  })

  it('knows whose it is, and closes once, by whatever name', async () => {
    const log = await openOn(await tempStore())
    expect(log.origin).toBe(ORIGIN)
    const closing = log.close()
    expect(log.close()).toBe(closing)
    await closing
    const other = await openOn(await tempStore())
    await other[Symbol.asyncDispose]()
    expect(() => other.append(draft([stream]), [])).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  it('has nothing after its end, and nothing before its first commit', async () => {
    const log = await openOn(await tempStore())
    await log.append(draft([stream]), []).durable
    for (const from of [2, 3, 9]) expect(await all(log.read({ from: from as Seq }))).toEqual([])
    expect(seqs(await all(log.read({ to: 9 as Seq })))).toEqual([1])
    for (const from of [0, -1, 1.5]) {
      await expect(all(log.read({ from: from as Seq }))).rejects.toThrow(`there is no #${from}`)
      expect(() => log.subscribe({ from: from as Seq })).toThrow(RangeError)
    }
  })

  it('that is read when all is closed says so, and not that it is damaged', async () => {
    const store = await tempStore()
    const log = await openOn(store)
    await log.append(draft([stream]), []).durable
    await log.close()
    await store.close()
    await expect(all(log.read())).rejects.toMatchObject({
      cause: expect.any(Error) as unknown,
      code: 'ERR_CLOSED',
    })
    expect(log.damage).toBeUndefined()
  })

  it('keeps with a commit how far the logs of others were, if anything is said of that', async () => {
    const store = await tempStore()
    const log = await openOn(store)
    const knows = { ['a'.repeat(64)]: 7 as Seq }
    expect(log.append({ ...draft(['endpoint/a']), knows }, []).commit).toHaveProperty('knows', knows)
    expect(log.append(draft(['endpoint/a']), []).commit).not.toHaveProperty('knows')
    await log.close()
    expect((await all((await openOn(store)).read())).map((commit) => commit.knows)).toStrictEqual([
      knows,
      undefined,
    ])
  })

  it('keeps time from going back', async () => {
    const log = await openOn(await tempStore())
    log.append(draft([stream], { at: '2026-01-01T00:00:01.000Z' }), [])
    expect(log.append(draft([stream], { at: '2026-01-01T00:00:00.000Z' }), []).commit.at).toBe(
      '2026-01-01T00:00:01.000Z',
    )
    await log.close()
  })

  it('refuses, once closed', async () => {
    const log = await openOn(await tempStore())
    await log.close()
    expect(() => log.append(draft([stream]), [])).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })
})

describe('an expectation', () => {
  it.each([
    [0, true, false],
    [1, false, false],
    [2, false, true],
    ['absent', true, false],
    ['exists', false, true],
    ['any', true, true],
  ] as const)(
    'of %s holds for an absent stream: %s, for one of two facts: %s',
    async (version, absent, two) => {
      const log = await openOn(await tempStore())
      log.append(draft(['endpoint/two', 'endpoint/two']), [])
      for (const [name, holds] of [
        ['endpoint/absent', absent],
        ['endpoint/two', two],
      ] as const) {
        const append = () => log.append(draft(['effects']), [{ stream: name, version }])
        if (holds) append()
        else {
          const actual = name === 'endpoint/two' ? 2 : 0
          const details = { actual, expected: version, stream: name }
          expect(append).toThrow(
            expect.objectContaining({ code: 'ERR_EXPECTED_VERSION', details, name: 'ExpectedVersionError' }),
          )
          expect(append).toThrow(`${name}: expected version ${version}, it is at ${actual}`)
        }
      }
      await log.close()
    },
  )

  it('that fails queues nothing, not even facts of streams that were as expected', async () => {
    const log = await openOn(await tempStore())
    const expectations = [
      { stream, version: 'absent' },
      { stream: 'endpoint/b', version: 3 },
    ] as const
    expect(() => log.append(draft([stream, 'endpoint/b']), expectations)).toThrow()
    expect([log.nextSeq, log.versionOf(stream)]).toEqual([1, 0])
  })

  it('is asked of what was queued, not of what is durable', async () => {
    const log = await openOn(await tempStore())
    log.append(draft([stream]), [{ stream, version: 'absent' }])
    expect(() => log.append(draft([stream]), [{ stream, version: 'absent' }])).toThrow('is at 1')
    log.append(draft([stream]), [{ stream, version: 1 }])
    await log.close()
  })
})

describe('a draft that cannot be written', () => {
  it('leaves no trace', async () => {
    const log = await openOn(await tempStore(), { limits: { commitBytes: 2000 } })
    const bad = draft([stream])
    expect(() => log.append({ ...bad, command: { ...bad.command, data: { a: undefined } } }, [])).toThrow(
      TypeError,
    )
    expect(() => log.append(draft([stream], { pad: 2000 }), [])).toThrow(
      expect.objectContaining({ code: 'ERR_COMMIT_INVALID' }),
    )
    expect(() => log.append(draft([]), [])).toThrow('defect')
    expect([log.nextSeq, log.versionOf(stream)]).toEqual([1, 0])
    await log.append(draft([stream]), []).durable
    expect(await log.verify()).toBeUndefined()
  })
})

describe('a command id', () => {
  it('finds its commit again while it is queued, when it is durable, and after a restart', async () => {
    const gate = gated(await tempStore())
    const log = await openOn(gate.store)
    const id = 'the-id' as CommandId
    expect(await log.outcomeOf(id)).toBeUndefined()
    const { commit, durable } = log.append(draft([stream], { id }), [])
    expect(await log.outcomeOf(id)).toBe(commit)
    gate.release()
    await durable
    expect(await log.outcomeOf(id)).toEqual(commit)
    const again = await openOn(gate.store)
    expect(await again.outcomeOf(id)).toEqual(commit)
    expect(await again.outcomeOf('other' as CommandId)).toBeUndefined()
  })

  it('finds its own commit among those that are queued', async () => {
    const gate = gated(await tempStore())
    const log = await openOn(gate.store)
    const [, two] = ['one', 'two', 'three'].map((id) => log.append(draft([stream], { id }), []))
    expect(await log.outcomeOf('two' as CommandId)).toBe(two?.commit)
    gate.release()
    await two?.submitted
    gate.release()
    await log.flush()
  })

  it('is refused a second time, with the number of the first', async () => {
    const log = await openOn(await tempStore())
    log.append(draft([stream], { id: 'twice' }), [])
    expect(() => log.append(draft([stream], { id: 'twice' }), [])).toThrow(
      expect.objectContaining({ code: 'ERR_COMMAND_ID_REUSED', details: { command: 'twice', seq: 1 } }),
    )
    await log.close()
  })

  it('of the engine itself costs no row', async () => {
    const store = await tempStore()
    const log = await openOn(store)
    await log.append(draft(['effects'], { actor: { kind: 'engine' }, id: 'own' }), []).durable
    expect(await store.get('iown')).toBeUndefined()
  })
})

describe('a store that fails', () => {
  it('takes down the group and all behind it, and the log until it is opened again', async () => {
    const store = await tempStore()
    const gate = gated(store)
    const log = await openOn(gate.store)
    const durable: number[] = []
    log.onDurable((group) => durable.push(...seqs(group.commits)))
    const first = log.append(draft([stream]), [])
    gate.release()
    await first.durable
    const fallen = [1, 2, 3].map(() => log.append(draft([stream]), []))
    const full = new Error('no space')
    gate.fail(full)
    for (const { durable, submitted } of fallen.slice(1)) {
      await expect(durable).rejects.toMatchObject({ cause: { cause: full }, code: 'ERR_OUTCOME_UNKNOWN' })
      await expect(submitted).rejects.toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN' })
    }
    await expect(fallen[0]?.durable).rejects.toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN' })
    expect(log.failure).toMatchObject({ cause: full, code: 'ERR_STORE_UNWRITABLE' })
    expect(() => log.append(draft([stream]), [])).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_UNWRITABLE' }),
    )
    expect(durable).toEqual([1])
    expect(seqs(await all(log.read()))).toEqual([1])
    await log.close()

    const again = await openOn(store)
    expect(again.append(draft([stream]), [{ stream, version: 1 }]).seq).toBe(2)
    await again.close()
  })

  it('after it has written leaves a commit whose outcome was unknown, and which is found again', async () => {
    const store = await tempStore()
    const log = await openOn(failingAfterWrite(store))
    const { durable } = log.append(draft([stream], { id: 'unknown' }), [])
    await expect(durable).rejects.toMatchObject({ code: 'ERR_OUTCOME_UNKNOWN' })
    expect(log.durable.seq).toBe(0)
    const again = await openOn(store)
    expect(await again.outcomeOf('unknown' as CommandId)).toMatchObject({ seq: 1 })
  })

  it('is noticed when it is closed under the log', async () => {
    const store = await tempStore()
    const log = await openOn(store)
    await store.close()
    expect(() => log.append(draft([stream]), [])).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_UNWRITABLE' }),
    )
  })

  it('is no reason for an unhandled rejection', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    const gate = gated(await tempStore())
    const log = await openOn(gate.store)
    log.append(draft([stream]), [])
    log.append(draft([stream]), [])
    gate.fail(new Error('gone'))
    await log.close()
    await turn()
    await turn()
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  it('is what a listener that throws makes of it, after the promises were kept', async () => {
    const log = await openOn(await tempStore())
    log.onDurable(() => {
      throw new Error('a view is broken')
    })
    await log.append(draft([stream]), []).durable
    expect(log.failure).toMatchObject({ code: 'ERR_STORE_UNWRITABLE' })
  })
})

describe('a durable consumer', () => {
  it('finds its checkpoint again, and cannot be ahead of the log', async () => {
    const store = await tempStore()
    const log = await openOn(store)
    await log.append(draft([stream]), []).durable
    expect(await log.checkpointOf('exporter')).toBeUndefined()
    await log.saveCheckpoint('exporter', 1 as Seq)
    expect(await (await openOn(store)).checkpointOf('exporter')).toBe(1)
    await expect(log.saveCheckpoint('exporter', 2 as Seq)).rejects.toThrow(RangeError)
    await store.put('kexporter', `${(await store.get('kexporter')) ?? ''}7`)
    await expect(log.checkpointOf('exporter')).rejects.toMatchObject({ code: 'ERR_LOG_DAMAGED' })
  })
})
