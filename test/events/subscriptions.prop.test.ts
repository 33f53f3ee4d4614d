import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Log, Seq, Store, Subscription } from '../../events/index.ts'
import { openLevel } from '../../src/storage/level.ts'
import { all, draft, gated, openOn, seqs, tempStore } from './support.ts'

/** What may happen in any order: appends, writes that end, subscribers that come, subscribers that take one. */
const happening = fc.oneof(
  { arbitrary: fc.constant({ kind: 'append' } as const), weight: 4 },
  { arbitrary: fc.constant({ kind: 'release' } as const), weight: 4 },
  { arbitrary: fc.constant({ kind: 'turn' } as const), weight: 2 },
  { arbitrary: fc.record({ back: fc.nat(20), kind: fc.constant('subscribe' as const) }), weight: 1 },
  { arbitrary: fc.record({ kind: fc.constant('take' as const), who: fc.nat() }), weight: 4 },
)

type Subscriber = {
  readonly commits: Subscription
  readonly from: number
  got: number[]
  taking: Promise<void>
}

const take = (subscriber: Subscriber): Promise<void> => {
  subscriber.taking = subscriber.taking.then(async () => {
    const { value } = await subscriber.commits.next()
    if (value !== undefined) subscriber.got.push(value.seq)
  })
  return subscriber.taking
}

async function inScratch(run: (store: Store) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'chronet-test-'))
  const store = await openLevel(path, true)
  await run(store).finally(async () => {
    await store.close()
    await rm(path, { force: true, recursive: true })
  })
}

async function settle(log: Log, release: () => void): Promise<void> {
  while (log.durable.seq < log.decided.seq) {
    release()
    await turn()
  }
}

describe('a subscription', () => {
  it('gets every durable commit from its first on, once and in order, however things interleave', async () => {
    const property = fc.asyncProperty(fc.array(happening, { maxLength: 80 }), (happenings) =>
      inScratch(async (store) => {
        const gate = gated(store)
        const log = await openOn(gate.store)
        const subscribers: Subscriber[] = []
        for (const step of happenings) {
          if (step.kind === 'append') log.append(draft(['effects']), [])
          else if (step.kind === 'release') gate.release()
          else if (step.kind === 'turn') await turn()
          else if (step.kind === 'subscribe') {
            const from = Math.max(1, log.durable.seq + 1 - step.back)
            const commits = log.subscribe({ from: from as Seq })
            subscribers.push({ commits, from, got: [], taking: Promise.resolve() })
          } else {
            const subscriber = subscribers[step.who % subscribers.length]
            if (subscriber !== undefined) void take(subscriber)
          }
        }
        await settle(log, gate.release)
        const last = log.durable.seq
        for (const subscriber of subscribers) {
          while (subscriber.from + subscriber.got.length <= last) await take(subscriber)
          expect(subscriber.got).toEqual(
            Array.from({ length: last - subscriber.from + 1 }, (_, i) => subscriber.from + i),
          )
        }
        await log.close()
      }),
    )
    await fc.assert(property, { numRuns: 60 })
  })

  it('stops in the middle of what it reads when it is told to, by whatever name, and holds nothing after that', async () => {
    const log = await openOn(await tempStore())
    for (let i = 0; i < 5; i++) log.append(draft(['effects']), [])
    await log.flush()
    const [one, other] = [log.subscribe({ from: 1 as Seq }), log.subscribe({ from: 1 as Seq })]
    expect(await one.next()).toMatchObject({ value: { seq: 1 } })
    await one.return?.()
    expect(await one.next()).toMatchObject({ done: true })
    expect(await other.next()).toMatchObject({ value: { seq: 1 } })
    await other[Symbol.asyncDispose]()
    expect(await other.next()).toMatchObject({ done: true })
    await log.close()
  })

  it('that waits is woken by each group, from where it stands', async () => {
    const log = await openOn(await tempStore())
    for (let i = 0; i < 3; i++) log.append(draft(['effects']), [])
    await log.flush()
    const commits = log.subscribe({ from: 2 as Seq })
    expect(await commits.next()).toMatchObject({ value: { seq: 2 } })
    log.append(draft(['effects']), [])
    await log.flush()
    expect([await commits.next(), await commits.next()]).toMatchObject([
      { value: { seq: 3 } },
      { value: { seq: 4 } },
    ])
    const waiting = commits.next()
    await log.append(draft(['effects']), []).durable
    expect(await waiting).toMatchObject({ value: { seq: 5 } })
    await log.close()
    expect(await commits.next()).toMatchObject({ done: true })
  })

  it('sees no commit before it is durable', async () => {
    const gate = gated(await tempStore())
    const log = await openOn(gate.store)
    const seen: number[] = []
    const commits = log.subscribe({ from: 1 as Seq })
    const reading = (async () => {
      for await (const commit of commits) seen.push(commit.seq)
    })()
    log.append(draft(['effects']), [])
    await turn()
    await turn()
    expect(seen).toEqual([])
    gate.release()
    await log.close()
    await reading
    expect(seen).toEqual([1])
  })

  it('ends when it is told to, even while it waits', async () => {
    const log = await openOn(await tempStore())
    const commits = log.subscribe()
    const waiting = commits.next()
    await commits.return?.()
    expect(await waiting).toEqual({ done: true, value: undefined })
    await log.close()
    expect(await log.subscribe().next()).toMatchObject({ done: true })
  })

  it('that has left as much as its buffer holds stays, one that has left one more is dropped and told where', async () => {
    const gate = gated(await tempStore())
    const log = await openOn(gate.store)
    const kept = log.subscribe({ buffer: 3 })
    const dropped = log.subscribe({ buffer: 2 })
    const first = [kept.next(), dropped.next()]
    for (let i = 0; i < 4; i++) log.append(draft(['effects']), [])
    await settle(log, gate.release)
    expect(await Promise.all(first)).toMatchObject([{ value: { seq: 1 } }, { value: { seq: 1 } }])
    log.append(draft(['effects']), [])
    await settle(log, gate.release)
    expect(await kept.next()).toMatchObject({ value: { seq: 2 } })
    await expect(dropped.next()).rejects.toMatchObject({ code: 'ERR_SUBSCRIBER_SLOW', details: { from: 2 } })
    expect(await dropped.next()).toMatchObject({ done: true })
    const again = log.subscribe({ buffer: 2, from: 2 as Seq })
    expect(await again.next()).toMatchObject({ value: { seq: 2 } })
    await log.close()
  })

  it('that takes what comes stays, however much is written at once', async () => {
    const gate = gated(await tempStore())
    const log = await openOn(gate.store)
    const seen: number[] = []
    const reading = (async () => {
      for await (const { seq } of log.subscribe({ buffer: 1 })) seen.push(seq)
    })()
    await turn()
    for (let i = 0; i < 30; i++) {
      log.append(draft(['effects']), [])
      if (i % 10 === 9) await settle(log, gate.release)
    }
    await log.close()
    await reading
    expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
    expect(gate.writes()).toBeLessThan(10)
  })

  it('that has some of a group in hand has not taken the rest', async () => {
    const gate = gated(await tempStore())
    const log = await openOn(gate.store)
    const commits = log.subscribe({ buffer: 2 })
    const first = commits.next()
    await turn()
    for (let group = 0; group < 3; group++) {
      for (let i = 0; i < 4; i++) log.append(draft(['effects']), [])
      await settle(log, gate.release)
    }
    await first
    await expect(commits.next()).rejects.toMatchObject({ code: 'ERR_SUBSCRIBER_SLOW', details: { from: 2 } })
    await log.close()
  })

  it('from after the end is refused: somebody has seen more than this log has', async () => {
    const log = await openOn(await tempStore())
    await log.append(draft(['effects']), []).durable
    expect(() => log.subscribe({ from: 3 as Seq })).toThrow(
      expect.objectContaining({ code: 'ERR_LOG_BEHIND', details: { durable: 1, from: 3 } }),
    )
    const reading = all(log.subscribe({ from: 1 as Seq }))
    await turn()
    await log.close()
    expect(seqs(await reading)).toEqual([1])
  })
})
