/** Group commit: what goes into which write, when it is written, and how much may wait. */
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Stream } from '../../events/index.ts'
import { all, draft, gated, openOn, seqs, tempStore } from './support.ts'

const stream = 'endpoint/a' as Stream

/** How long the text of a commit is that has a command of twelve characters and one fact. */
async function bytesOfOne(): Promise<number> {
  const log = await openOn(await tempStore())
  await log.append(draft([stream], { id: 'command-of-1' }), []).durable
  const [raw] = (await all(log.readRaw())).flat()
  return raw?.body.length ?? 0
}

describe('group commit', () => {
  it('hands an urgent commit of an idle log to the store before append returns', async () => {
    const gate = gated(await tempStore())
    const log = await openOn(gate.store)
    const { submitted } = log.append(draft([stream]), [])
    expect(gate.writes()).toBe(1)
    await submitted
    gate.release()
    await log.flush()
  })

  it('writes what came during a write as one group, and tells of it in order', async () => {
    const gate = gated(await tempStore())
    const log = await openOn(gate.store)
    const groups: number[][] = []
    log.onDurable((group) => groups.push(seqs(group.commits)))
    const settled: number[] = []
    const appended = [1, 2, 3, 4].map(() => log.append(draft([stream]), []))
    for (const { durable, seq } of appended) void durable.then(() => settled.push(seq))
    expect(gate.writes()).toBe(1)
    gate.release()
    await appended[0]?.durable
    expect(log.durable.seq).toBe(1)
    await appended[1]?.submitted
    expect(gate.writes()).toBe(2)
    gate.release()
    await log.flush()
    expect(groups).toEqual([[1], [2, 3, 4]])
    expect(settled).toEqual([1, 2, 3, 4])
  })

  it('lets those whom a group answers append to the next one', async () => {
    const store = await tempStore()
    const log = await openOn(store)
    let groups = 0
    log.onDurable(() => groups++)
    const writer = async () => {
      for (let i = 0; i < 20; i++) await log.append(draft([stream]), []).durable
    }
    await Promise.all(Array.from({ length: 16 }, writer))
    expect(log.durable.seq).toBe(320)
    expect(groups).toBeLessThanOrEqual(24)
  })

  it('begins another group when one is full, by commits or by bytes', async () => {
    for (const limits of [{ groupCommits: 2 }, { groupBytes: 300 }]) {
      const gate = gated(await tempStore())
      const log = await openOn(gate.store, { limits })
      const sizes: number[] = []
      log.onDurable((group) => sizes.push(group.commits.length))
      const appended = [1, 2, 3, 4, 5].map(() => log.append(draft([stream]), []))
      for (const { submitted } of [...appended]) {
        await submitted
        gate.release()
      }
      await log.flush()
      expect(Math.max(...sizes)).toBe(limits.groupCommits ?? 1)
      expect(log.durable.seq).toBe(5)
    }
  })

  it('lets a lazy commit wait for the next urgent one, or for its time', async () => {
    const gate = gated(await tempStore())
    const timers: { readonly ms: number; readonly run: () => void }[] = []
    const log = await openOn(gate.store, { later: (ms, run) => timers.push({ ms, run }) })
    log.append(draft([stream]), [], { flush: 'group' })
    log.append(draft([stream]), [], { flush: 'group' })
    expect(gate.writes()).toBe(0)
    const urgent = log.append(draft([stream]), [])
    expect(gate.writes()).toBe(1)
    gate.release()
    await urgent.durable
    expect(log.durable.seq).toBe(3)
    await turn()

    const lazy = log.append(draft([stream]), [], { flush: 'group' })
    expect(gate.writes()).toBe(1)
    expect(timers.map(({ ms }) => ms)).toEqual([20, 20])
    for (const { run } of timers) run()
    expect(gate.writes()).toBe(2)
    gate.release()
    await lazy.durable
  })

  it('writes lazy commits at once when their group is full', async () => {
    const gate = gated(await tempStore())
    const log = await openOn(gate.store, { later: () => undefined, limits: { groupCommits: 2 } })
    const lazy = [1, 2, 3].map(() => log.append(draft([stream]), [], { flush: 'group' }))
    expect(gate.writes()).toBe(1)
    gate.release()
    await lazy[1]?.durable
    expect(log.durable.seq).toBe(2)
    await turn()
    const flushed = log.flush()
    gate.release()
    await flushed
  })

  it('writes a lazy commit after a turn where nobody keeps time', async () => {
    const log = await openOn(await tempStore())
    let written = false
    void log.append(draft([stream]), [], { flush: 'group' }).submitted.then(() => (written = true))
    await turn()
    await turn()
    expect(written).toBe(true)
    await log.close()
  })

  it('writes lazy commits when it is told to', async () => {
    const gate = gated(await tempStore())
    const log = await openOn(gate.store, { later: () => undefined })
    log.append(draft([stream]), [], { flush: 'group' })
    const flushed = log.flush()
    expect(gate.writes()).toBe(1)
    gate.release()
    await flushed
    expect(log.durable.seq).toBe(1)
  })

  it('writes a full group of lazy commits as soon as one behind it is urgent', async () => {
    const gate = gated(await tempStore())
    const log = await openOn(gate.store, { later: () => undefined, limits: { groupCommits: 2 } })
    const lazy = [1, 2].map(() => log.append(draft([stream]), [], { flush: 'group' }))
    expect(gate.writes()).toBe(0)
    const urgent = log.append(draft([stream]), [])
    expect(gate.writes()).toBe(1)
    gate.release()
    await lazy[1]?.durable
    expect(log.durable.seq).toBe(2)
    await turn()
    expect(gate.writes()).toBe(2)
    gate.release()
    await urgent.durable
  })

  it('tells nobody who does not listen any more', async () => {
    const log = await openOn(await tempStore())
    const heard: string[] = []
    const end = log.onDurable(() => heard.push('one'))
    log.onDurable(() => heard.push('other'))
    await log.append(draft([stream]), []).durable
    end()
    await log.append(draft([stream]), []).durable
    expect(heard).toEqual(['one', 'other', 'other'])
    await log.close()
  })

  it('counts bytes: of a group, and of the queue, which has room again when they are written', async () => {
    const gate = gated(await tempStore())
    const bytes = await bytesOfOne()
    const limits = { groupBytes: bytes, queueBytes: 2 * bytes }
    const log = await openOn(gate.store, { limits })
    const groups: number[] = []
    log.onDurable((group) => groups.push(group.commits.length))
    const add = (n: number) => log.append(draft([stream], { id: `command-of-${n}` }), [])
    const [first, second] = [add(1), add(2)]
    expect(() => add(3)).toThrow(expect.objectContaining({ code: 'ERR_BACKPRESSURE' }))
    gate.release()
    await first.durable
    const third = add(3)
    expect(() => add(4)).toThrow(expect.objectContaining({ code: 'ERR_BACKPRESSURE' }))
    for (const { durable, submitted } of [second, third]) {
      await submitted
      gate.release()
      await durable
    }
    expect(groups).toEqual([1, 1, 1])
  })

  it('takes as many commits as its limit into the queue, and refuses one more until there is room', async () => {
    const gate = gated(await tempStore())
    const log = await openOn(gate.store, { limits: { queueCommits: 3 } })
    const appended = [1, 2, 3].map(() => log.append(draft([stream]), []))
    const more = () => log.append(draft([stream]), [])
    expect(more).toThrow(expect.objectContaining({ code: 'ERR_BACKPRESSURE' }))
    expect(log.nextSeq).toBe(4)
    gate.release()
    await appended[0]?.durable
    expect(more().seq).toBe(4)
    await turn()
    gate.release()
    await log.flush()
  })
})
