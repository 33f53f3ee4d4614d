/** The simulated bus keeps the contract, whatever its servers are like, and fails as it is told to. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { busContract } from './contract.ts'
import { idsOf, messageOf, publishChain, Reader } from './messages.ts'
import { SimulatedLab } from './simulated.ts'

busContract('simulated', async () => new SimulatedLab())
busContract('simulated, three servers', async () => new SimulatedLab({ looksFirstAt: 'duplicates' }))
busContract('simulated, slow', async () => {
  let calls = 0
  return new SimulatedLab({ latencyMs: () => (calls++ * 37) % 90 })
})

const STREAM = { name: 'S', subjects: 's.*' }

describe('simulated servers', () => {
  let lab: SimulatedLab
  beforeEach(() => {
    lab = new SimulatedLab()
  })
  afterEach(() => lab.tearDown())

  it('that are too old are refused, unless they are allowed', async () => {
    const old = new SimulatedLab({ version: '2.9.10' })
    await expect(old.open(STREAM, false)).rejects.toMatchObject({ code: 'ERR_SERVER_UNSUPPORTED' })
    const bus = await old.open(STREAM)
    expect(bus.server.version).toBe('2.9.10')
    await old.tearDown()
  })

  it('may store a message and lose the answer', async () => {
    const bus = await lab.open(STREAM)
    lab.arbiter.faults.push('unanswered')
    expect(await bus.publish(messageOf('s.a', 'a1'), 0)).toMatchObject({ kind: 'unknown' })
    expect(await bus.last('s.a')).toMatchObject({ id: 'a1', seq: 1 })
    expect(await bus.publish(messageOf('s.a', 'a1'), 0)).toMatchObject({ kind: 'refused' })
  })

  it('may lose a message', async () => {
    const bus = await lab.open(STREAM)
    lab.arbiter.faults.push('lost')
    expect(await bus.publish(messageOf('s.a', 'a1'), 0)).toMatchObject({ kind: 'unknown' })
    expect(await bus.last('s.a')).toBeUndefined()
    expect(await bus.publish(messageOf('s.a', 'a1'), 0)).toEqual({ kind: 'stored', seq: 1 })
  })

  it('may store a message when nobody waits for it any more, or refuse it then', async () => {
    const bus = await lab.open(STREAM)
    for (const isOvertaken of [false, true]) {
      const before = (await bus.last('s.a'))?.seq ?? 0
      const id = `late ${before}`
      lab.arbiter.faults.push('late')
      expect(await bus.publish(messageOf('s.a', id), before)).toMatchObject({ kind: 'unknown' })
      expect((await bus.last('s.a'))?.seq ?? 0).toBe(before)
      if (isOvertaken) await bus.publish(messageOf('s.a', 'other'), before)
      await lab.sleep(5000)
      expect((await bus.last('s.a'))?.id).toBe(isOvertaken ? 'other' : id)
      expect((await bus.state()).messages).toBe(before + 1)
    }
  })

  it('may come back without the end of a stream, and give its numbers again', async () => {
    const bus = await lab.open(STREAM)
    await publishChain(bus, 's.a', ['a1', 'a2', 'a3'])
    const { created } = await bus.state()
    lab.arbiter.regress(STREAM.name, 2)
    await bus.disturbed
    expect(await bus.state()).toMatchObject({ created, lastSeq: 1, messages: 1 })
    expect(await bus.last('s.a')).toMatchObject({ id: 'a1', seq: 1 })
    expect(await bus.publish(messageOf('s.a', 'b2'), 1)).toEqual({ kind: 'stored', seq: 2 })
    expect(idsOf(await new Reader(bus, 1).until(2))).toEqual(['a1', 'b2'])
  })

  it('disturb everybody who is connected when they lose a stream', async () => {
    const [a, b] = [await lab.open(STREAM), await lab.open(STREAM)]
    lab.arbiter.remake(STREAM.name)
    await Promise.all([a.disturbed, b.disturbed])
    expect(await a.state()).toEqual(await b.state())
  })

  it('are cut off from one host only, which hears what it missed when it is healed', async () => {
    const [a, b] = [await lab.open(STREAM), await lab.open(STREAM)]
    const reader = new Reader(b, 1)
    await publishChain(a, 's.a', ['a1'])
    await reader.until(1)
    lab.arbiter.cut('h2')
    await publishChain(a, 's.b', ['b1'])
    await lab.sleep(60_000)
    expect(idsOf(reader.messages)).toEqual(['a1'])
    lab.arbiter.heal('h2')
    await b.disturbed
    expect(idsOf(await reader.until(2))).toEqual(['a1', 'b1'])
  })

  it('lose what is on its way when a link is cut', async () => {
    const slow = new SimulatedLab({ latencyMs: () => 100 })
    const bus = await slow.open(STREAM)
    for (const [waitMs, stored] of [
      [50, 0],
      [150, 1],
    ] as const) {
      const published = bus.publish(messageOf('s.a', `after ${waitMs}`), 0)
      await slow.sleep(waitMs)
      slow.arbiter.cut('h1')
      expect(await published).toMatchObject({ kind: 'unknown' })
      slow.arbiter.heal('h1')
      expect((await bus.state()).messages).toBe(stored)
    }
    await slow.tearDown()
  })

  it('remember ids for two minutes', async () => {
    const three = new SimulatedLab({ looksFirstAt: 'duplicates' })
    const bus = await three.open(STREAM)
    await publishChain(bus, 's.a', ['a1'])
    await three.sleep(119_000)
    expect(await bus.publish(messageOf('s.a', 'a1'), 0)).toEqual({ kind: 'stored', seq: 1 })
    await three.sleep(2000)
    expect(await bus.publish(messageOf('s.a', 'a1'), 0)).toMatchObject({ kind: 'refused' })
    await three.tearDown()
  })

  it('are cut off one way: what is sent comes there unheard, or never', async () => {
    const bus = await lab.open(STREAM)
    for (const [way, stored] of [
      ['here', 1],
      ['there', 0],
    ] as const) {
      const { lastSeq } = await bus.state()
      lab.arbiter.cut('h1', way)
      expect([lab.arbiter.isCut('h1'), lab.arbiter.isCut('h1', way)]).toEqual([true, true])
      expect(await bus.publish(messageOf(`s.${way}`, 'a'), 0)).toMatchObject({ kind: 'unknown' })
      lab.arbiter.heal('h1')
      expect((await bus.state()).lastSeq).toBe(lastSeq + stored)
    }
  })

  it('are gone and back, and disturb everybody who was connected', async () => {
    const [a, b] = [await lab.open(STREAM), await lab.open(STREAM)]
    lab.arbiter.stop()
    await expect(a.state()).rejects.toMatchObject({ code: 'ERR_CLUSTER_UNAVAILABLE' })
    lab.arbiter.start()
    await Promise.all([a.disturbed, b.disturbed])
    expect(await b.state()).toMatchObject({ messages: 0 })
  })

  it('have nobody who leads, and answer nothing, until they have', async () => {
    const bus = await lab.open(STREAM)
    lab.arbiter.hush(true)
    expect(await bus.publish(messageOf('s.a', 'a1'), 0)).toMatchObject({ kind: 'unknown' })
    lab.arbiter.hush(false)
    expect(await bus.publish(messageOf('s.a', 'a1'), 0)).toEqual({ kind: 'stored', seq: 1 })
  })

  it('are full, as a whole, until somebody makes room', async () => {
    const bus = await lab.open(STREAM)
    lab.arbiter.isFull = true
    expect(await bus.publish(messageOf('s.a', 'a1'), 0)).toMatchObject({ kind: 'refused' })
    lab.arbiter.mend()
    expect(await bus.publish(messageOf('s.a', 'a1'), 0)).toEqual({ kind: 'stored', seq: 1 })
  })

  it('deliver again, once, what they have delivered', async () => {
    const bus = await lab.open(STREAM)
    const reader = new Reader(bus, 1)
    await publishChain(bus, 's.a', ['a1', 'a2'])
    await reader.until(2)
    lab.arbiter.repeat('h1', 1)
    await publishChain(bus, 's.b', ['b1'])
    expect(idsOf(await reader.until(4))).toEqual(['a1', 'a2', 'a2', 'b1'])
  })

  it('tell of each publish what became of it, and from whom it came', async () => {
    const told: unknown[] = []
    lab.arbiter.onPublish = ({ id }, outcome, from) => told.push([id, outcome, from])
    const bus = await lab.open(STREAM)
    lab.arbiter.faults.push('unanswered')
    await bus.publish(messageOf('s.a', 'a1'), 0)
    await bus.publish(messageOf('s.a', 'a1'), 0)
    expect(told).toEqual([
      ['a1', 'unanswered', 'h1'],
      ['a1', 'stored', 'h1'],
      ['a1', 'refused', 'h1'],
    ])
  })

  it('are let go of at once: who waits for an answer hears that there is none', async () => {
    const bus = await lab.open(STREAM)
    lab.arbiter.stop()
    const startMs = lab.time.monotonicMs()
    const published = bus.publish(messageOf('s.a', 'a1'), 0)
    await bus.close()
    expect(await published).toMatchObject({ kind: 'unknown' })
    expect(lab.time.monotonicMs() - startMs).toBeLessThan(10)
  })
})
