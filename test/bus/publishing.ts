/** Of publishing: who comes first has the subject, and everybody can look who that was. */
import { expect, it } from 'vitest'
import type { Bench } from './contract.ts'
import { idsOf, messageOf, plain, publishChain, Reader } from './messages.ts'

const RACERS = 20

export function publishClaims({ lab, open, stream, subject }: Bench): void {
  it('begins with an empty stream, the same for all', async () => {
    const [a, b] = [await open(), await open()]
    const state = await a.state()
    expect(state).toMatchObject({ firstSeq: 0, lastSeq: 0, messages: 0 })
    expect(state.created).not.toBe('')
    expect(await b.state()).toEqual(state)
    expect(await a.last(subject('a'))).toBeUndefined()
  })

  it('gives a message as it was given, to anybody', async () => {
    const payload = Uint8Array.from({ length: 256 }, (_, i) => i)
    const headers = {
      'ce-time': '2026-01-01T00:00:00.000Z',
      'chronet-hash': 'ab',
      'content-type': 'a/b; c=d',
    }
    const message = { headers, id: 'host:1+0', payload, subject: subject('a') }
    const bus = await open()
    expect(await bus.publish(message, 0)).toEqual({ kind: 'stored', seq: 1 })
    const found = await (await open()).last(subject('a'))
    expect(plain(found)).toEqual(plain({ ...message, seq: 1 }))
  })

  it('tells all subjects that have messages', async () => {
    const bus = await open()
    expect(await bus.subjects()).toEqual([])
    for (const name of ['b', 'a', 'b2']) await publishChain(bus, subject(name), [`${name}1`, `${name}2`])
    expect(await (await open()).subjects()).toEqual(['a', 'b', 'b2'].map(subject))
  })

  it('takes a message only behind the one that is named', async () => {
    const bus = await open()
    const [first = 0, second = 0] = await publishChain(bus, subject('a'), ['a1', 'a2'])
    await publishChain(bus, subject('b'), ['b1'])
    for (const wrong of [0, first, second + 1, second + 100])
      expect(await bus.publish(messageOf(subject('a'), 'a3'), wrong)).toMatchObject({ kind: 'refused' })
    expect((await bus.last(subject('a')))?.id).toBe('a2')
    expect(await bus.publish(messageOf(subject('a'), 'a3'), second)).toEqual({ kind: 'stored', seq: 4 })
    expect(await bus.state()).toMatchObject({ firstSeq: 1, lastSeq: 4, messages: 4 })
  })

  it('never has the same message twice, and shows that it is there', async () => {
    const bus = await open()
    const message = messageOf(subject('a'), 'a1')
    const [first] = [await bus.publish(message, 0), await bus.publish(messageOf(subject('b'), 'b1'), 0)]
    const again = await bus.publish(message, 0)
    // Servers differ in what they look at first. So whoever tries again looks at the subject's last message.
    expect(again.kind === 'stored' ? again : first).toEqual(first)
    expect(['refused', 'stored']).toContain(again.kind)
    expect(await bus.last(subject('a'))).toMatchObject({ id: 'a1', seq: 1 })
    expect((await bus.state()).messages).toBe(2)
  })

  it(`lets one of ${RACERS} win, and refuses the others`, async () => {
    const buses = await Promise.all(Array.from({ length: 4 }, open))
    const race = Array.from({ length: RACERS }, async (_, i) =>
      buses[i % buses.length]?.publish(messageOf(subject('a'), `racer ${i}`), 0),
    )
    const results = await Promise.all(race)
    const winners = [...results.keys()].filter((i) => results[i]?.kind === 'stored')
    expect(winners).toHaveLength(1)
    expect(results.filter((result) => result?.kind === 'refused')).toHaveLength(RACERS - 1)
    for (const bus of buses) expect((await bus.last(subject('a')))?.id).toBe(`racer ${winners[0]}`)
    expect((await buses[0]?.state())?.messages).toBe(1)
  })

  it('lets all have a subject who want different ones', async () => {
    const bus = await open()
    const results = await Promise.all(
      Array.from({ length: RACERS }, (_, i) => bus.publish(messageOf(subject(`s${i}`), `s${i}`), 0)),
    )
    const seqs = results.flatMap((result) => (result.kind === 'stored' ? [result.seq] : []))
    expect(seqs.sort((a, b) => a - b)).toEqual(Array.from({ length: RACERS }, (_, i) => i + 1))
  })

  it('refuses what is too large, and says how large it may be', async () => {
    const bus = await open()
    const payload = new Uint8Array(bus.server.payloadMax + 1)
    const message = { ...messageOf(subject('a'), 'large'), payload }
    expect(await bus.publish(message, 0)).toMatchObject({ kind: 'refused' })
    expect(await bus.last(subject('a'))).toBeUndefined()
  })

  it('refuses more than the stream takes, and keeps what is there', async () => {
    const bus = await open()
    const [last = 0] = (await publishChain(bus, subject('a'), ['a1', 'a2'])).slice(-1)
    await lab().fill(stream())
    expect(await bus.publish(messageOf(subject('a'), 'a3'), last)).toMatchObject({ kind: 'refused' })
    expect(await bus.publish(messageOf(subject('b'), 'b1'), 0)).toMatchObject({ kind: 'refused' })
    expect(idsOf(await new Reader(bus, 1).until(2))).toEqual(['a1', 'a2'])
  })
}
