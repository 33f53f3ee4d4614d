/** Of following: everything from a number on, in order, and then what comes. */
import { expect, it } from 'vitest'
import type { Bench } from './contract.ts'
import { idsOf, plain, publishChain, Reader } from './messages.ts'

/** More than are ever on their way at once. */
const MANY = 600
/** So long nothing more comes. */
const QUIET_MS = 150

const named = (name: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${name}${i + 1}`)

export function followClaims({ lab, open, stream, subject }: Bench): void {
  it('is followed from any number on, over all subjects, in order', async () => {
    const bus = await open()
    await publishChain(bus, subject('a'), named('a', 3))
    await publishChain(bus, subject('b'), named('b', 3))
    const all = ['a1', 'a2', 'a3', 'b1', 'b2', 'b3']
    for (const from of [1, 3, 6]) {
      const messages = await new Reader(bus, from).until(7 - from)
      expect(idsOf(messages)).toEqual(all.slice(from - 1))
      expect(messages.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6].slice(from - 1))
      const last = await bus.last(subject('b'))
      expect(plain(messages.at(-1))).toEqual(plain(last))
    }
  })

  it('is followed by one subject alone, whose messages keep their numbers', async () => {
    const bus = await open()
    for (const n of [1, 2, 3]) {
      await publishChain(bus, subject(`a${n}`), [`a${n}`])
      await publishChain(bus, subject(`b${n}`), [`b${n}`])
    }
    const found: (readonly [string, number])[] = []
    for await (const { id, seq } of bus.follow(1, new Promise(() => undefined), subject('b2'))) {
      found.push([id, seq])
      break
    }
    expect(found).toEqual([['b2', 4]])
  })

  it('is followed live, by others too', async () => {
    const [writer, reader] = [await open(), await open()]
    const readers = [new Reader(writer, 1), new Reader(reader, 1)]
    await publishChain(writer, subject('a'), named('a', 5))
    for (const each of readers) expect(idsOf(await each.until(5))).toEqual(named('a', 5))
    await publishChain(reader, subject('b'), named('b', 5))
    for (const each of readers) expect(idsOf(await each.until(10)).slice(5)).toEqual(named('b', 5))
  })

  it('is followed from a number that is still to come', async () => {
    const bus = await open()
    const reader = new Reader(bus, 3)
    await publishChain(bus, subject('a'), named('a', 4))
    expect(idsOf(await reader.until(2))).toEqual(['a3', 'a4'])
  })

  it('brings all to a reader that is slow, while more comes', async () => {
    const bus = await open()
    await Promise.all(named('s', MANY / 2).map((id) => publishChain(bus, subject(id), [id])))
    const seqs: number[] = []
    let more: Promise<unknown> = Promise.resolve()
    for await (const { seq } of bus.follow(1, new Promise(() => undefined))) {
      seqs.push(seq)
      if (seq % 100 === 0) await lab().sleep(20)
      if (seq === 1)
        more = Promise.all(named('t', MANY / 2).map((id) => publishChain(bus, subject(id), [id])))
      if (seqs.length === MANY) break
    }
    // Whose message was read may not have heard that it was stored.
    await more
    expect(seqs).toEqual(Array.from({ length: MANY }, (_, i) => i + 1))
  })

  it('ends when it is told to, and not before', async () => {
    const bus = await open()
    const reader = new Reader(bus, 1)
    await publishChain(bus, subject('a'), ['a1'])
    await reader.until(1)
    await reader.end()
    await publishChain(bus, subject('b'), ['b1'])
    await lab().sleep(QUIET_MS)
    expect(idsOf(reader.messages)).toEqual(['a1'])
    // The bus is still good.
    expect(idsOf(await new Reader(bus, 1).until(2))).toEqual(['a1', 'b1'])
  })

  it('ends at once for somebody who wanted nothing any more', async () => {
    const messages = []
    for await (const message of (await open()).follow(1, Promise.resolve())) messages.push(message)
    expect(messages).toEqual([])
  })

  it('ends with the bus, which then answers nothing, and tells who waits', async () => {
    const [bus, other] = [await open(), await open()]
    const reader = new Reader(bus, 1)
    await publishChain(bus, subject('a'), ['a1'])
    await reader.until(1)
    await bus.close()
    await reader.done
    await bus.disturbed
    await bus.close()
    const unavailable = expect.objectContaining({ code: 'ERR_CLUSTER_UNAVAILABLE' }) as Error
    await expect(bus.last(subject('a'))).rejects.toEqual(unavailable)
    await expect(bus.state()).rejects.toEqual(unavailable)
    await expect(new Reader(bus, 1).done).rejects.toEqual(unavailable)
    expect(
      await bus.publish({ headers: {}, id: 'x', payload: new Uint8Array(), subject: subject('b') }, 0),
    ).toMatchObject({
      kind: 'unknown',
    })
    expect((await other.state()).messages).toBe(1)
  })

  it('is another when it was lost and made anew, and whoever follows hears that', async () => {
    const bus = await open()
    const { created } = await bus.state()
    const reader = new Reader(bus, 1)
    await publishChain(bus, subject('a'), ['a1', 'a2'])
    await reader.until(2)
    await lab().remake(stream())
    await expect(reader.done).rejects.toMatchObject({ code: 'ERR_CLUSTER_UNAVAILABLE' })
    const again = await open()
    const state = await again.state()
    expect(state).toMatchObject({ firstSeq: 0, lastSeq: 0, messages: 0 })
    expect(state.created).not.toBe(created)
    expect(await again.last(subject('a'))).toBeUndefined()
    // The ids are as forgotten as the messages.
    await publishChain(again, subject('a'), ['a1', 'a2'])
    expect(idsOf(await new Reader(again, 1).until(2))).toEqual(['a1', 'a2'])
  })
}
