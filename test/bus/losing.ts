/** Of servers that are not there for a while: nobody is told what is not so, and what was acknowledged is there afterwards. */
import { expect, it } from 'vitest'
import type { EngineError } from '../../events/index.ts'
import type { Bench } from './contract.ts'
import { answered, idsOf, messageOf, publishChain, publishSettled, Reader } from './messages.ts'

export function lossClaims({ lab, open, subject }: Bench): void {
  it('answers that nobody knows while no server is there, and goes on when one is again', async () => {
    const bus = await open()
    const before = await bus.state()
    const [last = 0] = (await publishChain(bus, subject('a'), ['a1', 'a2'])).slice(-1)
    const reader = new Reader(bus, 1)
    await reader.until(2)
    await lab().lose()
    const unavailable = expect.objectContaining({ code: 'ERR_CLUSTER_UNAVAILABLE' }) as Error
    await Promise.all([
      expect(bus.last(subject('a'))).rejects.toEqual(unavailable),
      expect(bus.state()).rejects.toEqual(unavailable),
      expect(bus.publish(messageOf(subject('a'), 'a3'), last)).resolves.toMatchObject({ kind: 'unknown' }),
      expect(open()).rejects.toEqual(unavailable),
    ])
    await lab().regain()
    await bus.disturbed
    expect(await answered(() => bus.state())).toMatchObject({ created: before.created, lastSeq: 2 })
    // Whoever follows goes on or hears that it is to begin again; it has what it has.
    await expect(reader.end().catch((error: unknown) => error)).resolves.toSatisfy(
      (error: unknown) => error === undefined || (error as EngineError).code === 'ERR_CLUSTER_UNAVAILABLE',
    )
    expect(idsOf(reader.messages)).toEqual(['a1', 'a2'])
    const again = new Reader(bus, 3)
    expect(await bus.publish(messageOf(subject('a'), 'a3'), last)).toEqual({ kind: 'stored', seq: 3 })
    expect(idsOf(await again.until(1))).toEqual(['a3'])
    expect(idsOf(await new Reader(bus, 1).until(3))).toEqual(['a1', 'a2', 'a3'])
  })

  it('has each message once that a publisher settled, however the servers went away', async () => {
    const bus = await open()
    const ids = Array.from({ length: 60 }, (_, i) => `m${i}`)
    const publishing = ['a', 'b', 'c'].map((name) =>
      publishSettled(
        bus,
        subject(name),
        ids.map((id) => name + id),
        { rest: () => lab().sleep(100) },
      ),
    )
    await lab().sleep(30)
    for (let times = 0; times < 2; times++) {
      await lab().lose()
      await lab().sleep(50)
      await lab().regain()
      await lab().sleep(200)
    }
    await Promise.all(publishing)
    const messages = await new Reader(await answered(open), 1).until(3 * ids.length)
    for (const name of ['a', 'b', 'c'])
      expect(idsOf(messages.filter((message) => message.subject === subject(name)))).toEqual(
        ids.map((id) => name + id),
      )
    expect((await bus.state()).messages).toBe(3 * ids.length)
  })
}
