/** Hosts that share their history over a bus: what each keeps of the others, and what becomes of it when things go wrong. */
import { describe, expect, it } from 'vitest'
import type { Controller } from '../../src/index.ts'
import { LOG_STREAM } from '../../src/cluster/message.ts'
import { codesOf, Scene, SERVERS } from './scene.ts'

describe('two hosts in a cluster', () => {
  it('have each the whole log of the other, byte for byte, from its first commit on', async () => {
    const scene = new Scene()
    const east = await scene.open('east')
    await scene.lab.do(east.newNetwork('bridge', 'before'))
    await scene.lab.do(east.dispatch({ data: { host: 'east', servers: SERVERS }, type: 'cluster.join' }))
    const west = await scene.member('west')
    await scene.lab.do(west.newNetwork('bridge', 'web'))
    await scene.pass()
    expect(await scene.copyOf(west, 'east')).toEqual(await scene.logOf(east))
    expect(await scene.copyOf(east, west.id.slice(0, 8))).toEqual(await scene.logOf(west))
    const { peers, published, state, stream } = await scene.lab.do(east.clusterStatus())
    expect(state).toBe('connected')
    expect(peers).toMatchObject([{ host: 'west', origin: west.id }])
    expect(published).toEqual({ of: east.engine.log.durable.seq, seq: east.engine.log.durable.seq })
    expect(stream?.read).toBe(stream?.lastSeq)
  })

  it('go on where they were after a restart, and publish nothing twice', async () => {
    const scene = new Scene()
    const east = await scene.member('east')
    const west = await scene.member('west')
    await scene.pass()
    await scene.lab.do(east.close())
    const { messages } = scene.arbiter.stream(LOG_STREAM.name).state()
    const again = await scene.open('east')
    await scene.lab.do(again.newNetwork('bridge', 'web'))
    await scene.pass()
    expect(await scene.copyOf(west, 'east')).toEqual(await scene.logOf(again))
    const all = scene.arbiter.stream(LOG_STREAM.name).from(1, 1000)
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
    expect(all.length).toBeGreaterThan(messages)
  })

  it('work on while they are cut off, and catch up', async () => {
    const scene = new Scene()
    const east = await scene.member('east')
    const west = await scene.member('west')
    await scene.pass()
    scene.arbiter.cut('east')
    for (const name of ['a', 'b', 'c']) await scene.lab.do(east.newSandbox(name))
    await scene.pass(30_000)
    expect((await scene.copyOf(west, 'east')).length).toBeLessThan((await scene.logOf(east)).length)
    scene.arbiter.heal('east')
    await scene.pass(30_000)
    expect(await scene.copyOf(west, 'east')).toEqual(await scene.logOf(east))
    expect((await scene.lab.do(east.clusterStatus())).problem).toBeUndefined()
  })

  it.each(['late', 'lost', 'unanswered'] as const)('publish once what was %s', async (fault) => {
    const scene = new Scene()
    const east = await scene.member('east')
    const west = await scene.member('west')
    await scene.pass()
    scene.arbiter.faults.push(fault)
    await scene.lab.do(east.newNetwork('bridge', 'web'))
    await scene.pass(60_000)
    expect(await scene.copyOf(west, 'east')).toEqual(await scene.logOf(east))
    const ids = scene.arbiter
      .stream(LOG_STREAM.name)
      .from(1, 1000)
      .map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(codesOf(scene.problems)).not.toContain('ERR_FENCED')
  })

  it('fill a stream that was lost, each from its own log', async () => {
    const scene = new Scene()
    const [east, west] = [await scene.member('east'), await scene.member('west')]
    await scene.pass()
    scene.arbiter.remake(LOG_STREAM.name)
    await scene.lab.do(west.newNetwork('bridge', 'web'))
    await scene.pass(60_000)
    const north = await scene.member('north')
    await scene.pass(10_000)
    for (const host of [east, west])
      expect(await scene.copyOf(north, host.id)).toEqual(await scene.logOf(host))
    expect(await scene.copyOf(east, 'west')).toEqual(await scene.logOf(west))
  })

  it('publish again what the servers had acknowledged and lost', async () => {
    const scene = new Scene()
    const [east, west] = [await scene.member('east'), await scene.member('west')]
    await scene.lab.do(east.newNetwork('bridge', 'web'))
    await scene.pass()
    scene.arbiter.regress(LOG_STREAM.name, 2)
    await scene.lab.do(west.newNetwork('bridge', 'web'))
    await scene.pass(60_000)
    const north = await scene.member('north')
    await scene.pass(10_000)
    for (const host of [east, west])
      expect(await scene.copyOf(north, host.id)).toEqual(await scene.logOf(host))
  })

  it('send a commit that is larger than a message in parts', async () => {
    const scene = new Scene({ payloadMax: 4096 })
    const [east, west] = [await scene.member('east'), await scene.member('west')]
    const labels = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`key${i}`, 'ä'.repeat(100)]))
    await scene.lab.do(east.newNetwork('bridge', 'web', { labels }))
    await scene.pass()
    expect(await scene.copyOf(west, 'east')).toEqual(await scene.logOf(east))
  })

  it('publish and read no more once they have left', async () => {
    const scene = new Scene()
    const [east, west] = [await scene.member('east'), await scene.member('west')]
    await scene.pass()
    await scene.lab.do(east.dispatch({ data: {}, type: 'cluster.leave' }))
    await scene.pass()
    const copy = await scene.copyOf(west, 'east')
    await scene.lab.do(east.newNetwork('bridge', 'web'))
    await scene.pass(10_000)
    expect(await scene.copyOf(west, 'east')).toEqual(copy)
    expect((await scene.lab.do(east.clusterStatus())).state).toBe('alone')
  })
})

describe('two engines that speak for one host', () => {
  it('are told apart: the one whose place is taken is fenced, and the other goes on', async () => {
    const scene = new Scene()
    const east = await scene.member('east')
    const west = await scene.member('west')
    await scene.pass()
    const clone = await scene.clone('east', 'clone')
    await scene.lab.do(clone.newSandbox('of-the-clone'))
    await scene.pass(10_000)
    await scene.lab.do(east.newSandbox('of-the-first'))
    await scene.pass(10_000)
    expect(codesOf(scene.problems)).toContain('ERR_FENCED')
    const { problem, state } = await scene.lab.do(east.clusterStatus())
    expect([state, problem?.code]).toEqual(['stopped', 'ERR_FENCED'])
    expect(await scene.copyOf(west, 'east')).toEqual(await scene.logOf(clone))
  })

  it('are told apart when an older copy comes back: it publishes nothing', async () => {
    const scene = new Scene()
    const east = await scene.member('east')
    await scene.pass()
    const { disks } = scene.lab.ports
    const backup = disks.platter('/data/east').backup()
    await scene.lab.do(east.newSandbox('later'))
    await scene.pass()
    await scene.lab.do(east.close())
    disks.platter('/data/east').restore(backup)
    scene.lab.reboot()
    // Where it could ask, it would take what it lacks.
    scene.arbiter.cut('east')
    const older = await scene.open('east')
    scene.arbiter.heal('east')
    await scene.pass(10_000)
    const stands = async (controller: Controller): Promise<unknown> => {
      const { problem, state } = await scene.lab.do(controller.clusterStatus())
      return [state, problem?.code]
    }
    expect(await stands(older)).toEqual(['stopped', 'ERR_LOG_BEHIND'])
    // It works on, and so its history becomes another.
    for (const name of ['a', 'b', 'c']) await scene.lab.do(older.newSandbox(name))
    await scene.lab.do(older.close())
    const longer = await scene.open('east')
    await scene.pass(10_000)
    expect(await stands(longer)).toEqual(['stopped', 'ERR_LOG_FORKED'])
  })
})

describe('a host that is not let in', () => {
  it('is told, and nothing is written', async () => {
    const scene = new Scene({ version: '2.9.10' })
    const east = await scene.open('east')
    const join = (data: object): Promise<string> =>
      scene.lab.do(
        east.dispatch({ data: { host: 'east', servers: SERVERS, ...data }, type: 'cluster.join' }).then(
          () => 'done',
          (error: unknown) => (error as { readonly code: string }).code,
        ),
      )
    const { seq } = east.engine.log.decided
    expect(await join({})).toBe('ERR_SERVER_UNSUPPORTED')
    expect(await join({ servers: ['http://a'] })).toBe('ERR_INVALID')
    expect(await join({ allowLegacyServer: true, host: 'not a name' })).toBe('ERR_INVALID')
    expect(await join({ allowLegacyServer: true, certificate: '/a.pem' })).toBe('ERR_INVALID')
    scene.arbiter.cut('east')
    expect(await join({ allowLegacyServer: true })).toBe('ERR_CLUSTER_UNAVAILABLE')
    expect(east.engine.log.decided.seq).toBe(seq)
    scene.arbiter.heal('east')
    expect(await join({ allowLegacyServer: true })).toBe('done')
  })

  it('is found by its name, its id, or the beginning of that; else it is said who there is', async () => {
    const scene = new Scene()
    const [east, west] = [await scene.member('east'), await scene.member('west')]
    await scene.pass()
    await expect(scene.copyOf(west, 'south')).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: "no log of a host 'south' is here; there are: east",
    })
    expect(await scene.copyOf(west, east.id)).toEqual(await scene.copyOf(west, 'east'))
  })
})
