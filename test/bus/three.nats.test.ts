/** Three servers of which some die: what was acknowledged is there, once, and who follows begins again and misses nothing. */
import { connect } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answered, idsOf, messageOf, publishChain, publishSettled } from './messages.ts'
import type { Bus, BusMessage } from '../../src/bus/bus.ts'
import { RealLab } from './real.ts'
import { CURRENT_SERVER, type NatsServer } from './server.ts'

const COUNT = 150

describe.skipIf(CURRENT_SERVER === undefined)('three servers', () => {
  let lab: RealLab
  beforeAll(async () => {
    lab = await RealLab.start(CURRENT_SERVER ?? '', 3)
  })
  afterAll(() => lab.tearDown())

  it('answer two hosts that make one stream in the same moment', async () => {
    const both = async (n: number): Promise<void> => {
      const stream = { name: `BOTH${n}`, subjects: `both${n}.*` }
      const buses = await Promise.all([lab.open(stream), lab.open(stream)])
      const lasts = await Promise.all(buses.map((bus) => bus.last(`both${n}.a`)))
      expect(lasts).toEqual([undefined, undefined])
      await Promise.all(buses.map((bus) => bus.close()))
    }
    // Many at once: the servers are then slow to choose leaders.
    await Promise.all(Array.from({ length: 12 }, (_, n) => both(n)))
  })

  it('lose nothing that they acknowledged when their leader is killed, again and again', async () => {
    const stream = { name: 'LEADERS', subjects: 'leaders.*' }
    const writer = await lab.open(stream)
    const ids = Array.from({ length: COUNT }, (_, i) => `m${i}`)
    const followed = followAll(() => lab.open(stream), COUNT)
    const published = publishSettled(writer, 'leaders.a', ids, { rest: () => lab.sleep(100) })
    for (let kills = 0; kills < 2; kills++) {
      await lab.sleep(100)
      const leader = await leaderOf(lab, stream.name)
      await leader.kill()
      await lab.sleep(500)
      await leader.restart()
    }
    await published
    expect(idsOf(await followed)).toEqual(ids)
    expect(await answered(() => writer.state())).toMatchObject({ lastSeq: COUNT, messages: COUNT })
    await writer.close()
  })

  it('take nothing as long as two are away, and go on where they were', async () => {
    const stream = { name: 'MAJORITY', subjects: 'majority.*' }
    const bus = await lab.open(stream)
    const [last = 0] = (await publishChain(bus, 'majority.a', ['a1', 'a2'])).slice(-1)
    const away = lab.servers.slice(1)
    await Promise.all(away.map((server) => server.kill()))
    expect(await bus.publish(messageOf('majority.a', 'a3'), last)).toMatchObject({ kind: 'unknown' })
    await Promise.all(away.map((server) => server.restart()))
    await answered(() => bus.state())
    // What nobody knew is settled as always.
    await publishSettled(bus, 'majority.a', ['a3'], { expect: last, rest: () => lab.sleep(100) })
    const messages = await followAll(() => lab.open(stream), 3)
    expect(idsOf(messages)).toEqual(['a1', 'a2', 'a3'])
    expect((await answered(() => bus.state())).messages).toBe(3)
    await bus.close()
  })
})

/** Asked until there is one: servers that lost theirs choose another for seconds. */
async function leaderOf(lab: RealLab, name: string): Promise<NatsServer> {
  const connection = await connect({ servers: lab.servers.map(({ url }) => url) })
  const manager = await connection.jetstreamManager({ checkAPI: false })
  try {
    for (let tries = 0; tries < 10; tries++) {
      const info = await manager.streams.info(name).catch(() => undefined)
      const leader = lab.servers.find(({ port }) => info?.cluster?.leader === `n${port}`)
      if (leader !== undefined) return leader
      await lab.sleep(200)
    }
    throw new Error('it has no leader')
  } finally {
    await connection.close()
  }
}

/** As a session does it: where something is wrong, it opens another bus and goes on from what it has. */
async function followAll(open: () => Promise<Bus>, count: number): Promise<readonly BusMessage[]> {
  const messages: BusMessage[] = []
  while (messages.length < count) {
    const bus = await answered(open)
    try {
      for await (const message of bus.follow((messages.at(-1)?.seq ?? 0) + 1, bus.disturbed)) {
        messages.push(message)
        if (messages.length === count) break
      }
    } catch (error) {
      if ((error as { readonly code?: string }).code !== 'ERR_CLUSTER_UNAVAILABLE') throw error
    } finally {
      await bus.close()
    }
  }
  return messages
}
