/** Three hosts in a cluster: everything goes wrong between them too, and at rest all have the same; twice the same is the same. */
import { describe, expect, it } from 'vitest'
import { ACT_KINDS, createWorld, Play, runSeed, SERVERS, Watch, World } from '../../src/simulator/index.ts'
import { LOG_STREAM } from '../../src/cluster/message.ts'

const TESTS = Array.from({ length: 5 }, (_, n) => n)
const MINUTES = 2
const HOSTS = 3
const SLOW_MS = 120_000

const seedsOf = (test: number): readonly string[] =>
  Array.from({ length: 5 }, (_, n) => `cluster ${5 * test + n}`)

describe('runs of three hosts', () => {
  it.each(TESTS)(
    'survive five seeds, the %ith time',
    async (test) => {
      for (const seed of seedsOf(test)) {
        const { failure, statistics } = await runSeed({ hosts: HOSTS, minutes: MINUTES, seed })
        expect(failure && `seed ${seed}: ${failure.id}: ${failure.why}`).toBeUndefined()
        expect(statistics.messages.stored).toBeGreaterThan(0)
        expect(statistics.checks).toMatchObject({ C1: 1, C4: 1, C6: 1 })
      }
    },
    SLOW_MS,
  )

  it(
    'are the same twice, to the last call',
    async () => {
      for (const seed of seedsOf(0)) {
        const play = () => runSeed({ hosts: HOSTS, minutes: MINUTES, seed })
        const [first, second] = [await play(), await play()]
        expect(first.traceHash).toBe(second.traceHash)
        expect(first.statistics).toEqual(second.statistics)
      }
    },
    SLOW_MS,
  )

  it('come out of every fault that there is between hosts, often as they are', async () => {
    const world = new World({ cluster: true, hosts: HOSTS, seed: 'all between' })
    const play = new Play(world)
    const watch = new Watch(world, play)
    await world.until(Promise.all(world.hosts.map((host) => play.boot(host))))
    await world.until(Promise.all(world.hosts.map((host) => world.join(host))))
    const kinds = ACT_KINDS.filter((kind) => /^(bus|partition)\./.test(kind))
    play.begin(new Map([...kinds.map((kind) => [kind, 40_000] as const), ['client.ask', 5000]]))
    await world.advance(5 * 60_000)
    play.heal()
    // Who was put out may have been left dead.
    for (const host of world.hosts) if (!host.isAlive) await world.until(play.boot(host))
    await world.advance(20_000)
    expect(kinds.filter((kind) => !watch.acts.has(kind))).toEqual([])
    expect(watch.cluster).toBeDefined()
    if (watch.cluster) await world.until(watch.cluster.joinAll())
    await world.advance(20_000)
    await watch.cluster?.check()
    watch.ledger.verdict()
  })

  it('play again as their tape says', async () => {
    const how = { hosts: HOSTS, minutes: 1, seed: 'taped three' }
    const first = await runSeed(how)
    const again = await runSeed({ ...how, tape: first.tape })
    expect(again.logs).toEqual(first.logs)
    expect(again.statistics.messages).toEqual(first.statistics.messages)
  })
})

const begin = (): Promise<World> => createWorld({ cluster: true, hosts: HOSTS, seed: 'cluster' })

describe('a world whose hosts are a cluster', () => {
  it('has hosts that joined by the command, and read each other', async () => {
    const world = await begin()
    await world.until(world.host(1).controller.newNetwork('bridge', 'web'))
    await world.advance(1000)
    const { peers, state } = await world.until(world.controller.clusterStatus())
    expect(state).toBe('connected')
    expect(peers.map(({ host }) => host).sort()).toEqual(['h1', 'h2'])
    const { log } = world.host(1).controller.engine
    expect(peers.find(({ host }) => host === 'h1')?.hash).toBe(log.durable.hash)
    await world.close()
  })

  it('is cut in two and healed', async () => {
    const world = await begin()
    await world.advance(1000)
    world.partition(1, 2)
    await world.until(world.controller.newNetwork('bridge', 'web'))
    await world.advance(30_000)
    const knownOf = async (): Promise<number | undefined> => {
      const { peers } = await world.until(world.host(1).controller.clusterStatus())
      return peers.find(({ host }) => host === 'h0')?.seq
    }
    const { seq } = world.controller.engine.log.durable
    expect(await knownOf()).toBeLessThan(seq)
    world.heal()
    await world.advance(15_000)
    expect(await knownOf()).toBe(seq)
    await world.close()
  })

  it('loses connections with the process that had them', async () => {
    const world = await begin()
    await world.advance(1000)
    const before = world.servers.messages(LOG_STREAM.name).length
    world.host(0).crash()
    await world.advance(60_000)
    expect(world.servers.messages(LOG_STREAM.name).length).toBe(before)
    await world.until(world.host(0).boot())
    await world.advance(1000)
    expect(world.servers.messages(LOG_STREAM.name).length).toBeGreaterThan(before)
    await world.close()
  })

  it('fences the second of two that speak for one host', async () => {
    const world = await begin()
    const host = world.host(0)
    await world.advance(1000)
    const copy = world.copyOf(host)
    await world.until(copy.boot())
    await world.advance(1000)
    await world.until(host.controller.newNetwork('bridge', 'web'))
    await world.advance(1000)
    const { problem, state } = await world.until(host.controller.clusterStatus())
    expect([state, problem?.code]).toEqual(['stopped', 'ERR_FENCED'])
    copy.crash()
    await world.close()
  })

  it('is not there unless it is asked for', async () => {
    const world = await createWorld({ hosts: 2, seed: 'apart' })
    const data = { host: 'h0', servers: SERVERS }
    await expect(
      world.until(world.controller.dispatch({ data, type: 'cluster.join' })),
    ).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
    })
    expect(world.servers.messages(LOG_STREAM.name)).toEqual([])
    await world.close()
  })
})
