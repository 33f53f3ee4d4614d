/** An older copy of a host's log, started where the servers can be reached: what it lacks is taken before anything is written. */
import { describe, expect, it } from 'vitest'
import type { Controller } from '../../src/index.ts'
import { LOG_STREAM } from '../../src/cluster/message.ts'
import { codesOf, Scene, SERVERS } from './scene.ts'

/** East with a backup of itself that lacks what came later, in another boot; and west, who has seen all. */
async function older(later: readonly string[] = ['later'], payloadMax = 1 << 20) {
  const scene = new Scene({ payloadMax })
  const [east, west] = [await scene.member('east'), await scene.member('west')]
  await scene.lab.do(east.newNetwork('bridge', 'web'))
  await scene.pass()
  const { disks } = scene.lab.ports
  const backup = disks.platter('/data/east').backup()
  for (const name of later) await scene.lab.do(east.newSandbox(name))
  await scene.pass()
  await scene.lab.do(east.close())
  const full = await scene.copyOf(west, 'east')
  // The machine restarts, and west with it.
  await scene.lab.do(west.close())
  const rollBack = (): void => {
    disks.platter('/data/east').restore(backup)
    scene.lab.reboot()
  }
  rollBack()
  return { full, rollBack, scene }
}

const standOf = async (scene: Scene, controller: Controller): Promise<unknown> => {
  const { problem, state } = await scene.lab.do(controller.clusterStatus())
  return [state, problem?.code]
}

describe('an older copy of a log', () => {
  it('is brought up to the stream before its epoch begins, and goes on from there', async () => {
    const { full, scene } = await older()
    const west = await scene.open('west')
    const again = await scene.open('east')
    const texts = await scene.logOf(again)
    expect(texts.slice(0, full.length)).toEqual(full)
    expect(again.recovered?.restored?.to).toBe(full.length)
    expect(again.queries.sandboxes().map(({ name }) => name)).toEqual(['later'])
    await scene.lab.do(again.newSandbox('after'))
    await scene.pass()
    expect(await scene.copyOf(west, 'east')).toEqual(await scene.logOf(again))
    expect(await standOf(scene, again)).toEqual(['connected', undefined])
    expect(scene.problems).toEqual([])
    const epochs = texts.map((text) => (JSON.parse(text) as { readonly epoch: number }).epoch)
    expect(epochs.at(-1)).toBeGreaterThan((JSON.parse(full.at(-1) ?? '') as { readonly epoch: number }).epoch)
  })

  it('is brought up by a command that opens it for itself, if this boot has not seen it', async () => {
    const { full, rollBack, scene } = await older()
    const short = await scene.open('east', {}, { heal: false, leavesDrift: true })
    expect((await scene.logOf(short)).slice(0, full.length)).toEqual(full)
    await scene.lab.do(short.close())
    // The boot knows the log's end then, and nobody is asked.
    scene.arbiter.cut('east')
    const startMs = scene.lab.ports.time.monotonicMs()
    await scene.lab.do((await scene.open('east', {}, { heal: false, leavesDrift: true })).close())
    expect(scene.lab.ports.time.monotonicMs() - startMs).toBeLessThan(100)
    rollBack()
  })

  it('is restored from where it came to, when the store failed in the middle', async () => {
    const labels = ['a', 'b', 'c', 'd'].map((name) => name.repeat(60))
    const { full, scene } = await older(labels, 3000)
    const { faults } = scene.lab.ports.disks.platter('/data/east')
    faults.push('lie', 'lost')
    const half = await scene.open('east')
    expect(half.blocked).toMatchObject({ code: 'ERR_LOG_BEHIND' })
    await expect(scene.lab.do(half.newSandbox('x'))).rejects.toMatchObject({ code: 'ERR_LOG_BEHIND' })
    await scene.lab.do(half.close())
    const whole = await scene.open('east')
    expect(whole.blocked).toBeUndefined()
    expect((await scene.logOf(whole)).slice(0, full.length)).toEqual(full)
    expect(whole.recovered?.restored?.from).toBeGreaterThan(3)
  })

  it('goes on, in this start or the next, where the connection was lost in the middle', async () => {
    const { full, scene } = await older(
      ['a', 'b', 'c', 'd'].map((name) => name.repeat(60)),
      3000,
    )
    scene.lab.ports.disks.platter('/data/east').whenBegun = () => {
      scene.arbiter.cut('east')
      scene.lab.ports.time.at(5000, () => scene.arbiter.heal('east'))
    }
    const first = await scene.open('east')
    if (first.blocked !== undefined) expect(first.blocked).toMatchObject({ code: 'ERR_LOG_BEHIND' })
    await scene.lab.do(first.close())
    const second = await scene.open('east')
    expect(second.blocked).toBeUndefined()
    expect((await scene.logOf(second)).slice(0, full.length)).toEqual(full)
  })

  it('is given up where the connection stays and nothing more comes: it starts, says so, and writes nothing', async () => {
    const { full, scene } = await older(['one', 'two', 'three'])
    const stream = scene.arbiter.stream(LOG_STREAM.name)
    const from = stream.from.bind(stream)
    const { lastSeq } = stream.state()
    // What is last is told of when it is asked for, and never sent.
    stream.from = (seq, count) => from(seq, count).filter(({ seq: one }) => one < lastSeq)
    const startMs = scene.lab.ports.time.monotonicMs()
    const again = await scene.open('east')
    expect(scene.lab.ports.time.monotonicMs() - startMs).toBeLessThan(12_000)
    expect(again.blocked).toMatchObject({ code: 'ERR_LOG_BEHIND' })
    expect(again.blocked?.message).toMatch(
      /could not be taken from there \(nothing more of this host's log came within 10 s/,
    )
    await scene.lab.do(again.close())
    stream.from = from
    const whole = await scene.open('east')
    expect(whole.blocked).toBeUndefined()
    expect((await scene.logOf(whole)).slice(0, full.length)).toEqual(full)
  })

  it('writes nothing while the stream has more of it, and not what is between', async () => {
    const { full, scene } = await older(['one', 'two', 'three'])
    // Somebody took messages out of the stream: the last one stays.
    const stream = scene.arbiter.stream(LOG_STREAM.name)
    const from = stream.from.bind(stream)
    const { lastSeq } = stream.state()
    stream.from = (seq, count) => from(seq, count).filter(({ seq: one }) => one === lastSeq)
    const again = await scene.open('east')
    expect(again.blocked?.message).toMatch(
      /the cluster has more of this host's log than #\d+.* are not in the stream/,
    )
    expect((await scene.logOf(again)).length).toBeLessThan(full.length)
  })

  it('starts as it is where the servers cannot be reached, and is stopped when they can', async () => {
    const { scene } = await older()
    scene.arbiter.cut('east')
    const alone = await scene.open('east')
    expect(alone.blocked).toBeUndefined()
    await scene.lab.do(alone.newSandbox('meanwhile'))
    scene.arbiter.heal('east')
    await scene.pass(20_000)
    const [state, code] = (await standOf(scene, alone)) as readonly string[]
    expect(state).toBe('stopped')
    expect(['ERR_LOG_BEHIND', 'ERR_LOG_FORKED']).toContain(code)
    expect(codesOf(scene.problems)).toContain(code)
  })

  it('of before it joined is not let in again: it would be another history', async () => {
    const scene = new Scene()
    const east = await scene.open('east')
    const { disks } = scene.lab.ports
    const backup = disks.platter('/data/east').backup()
    const join = { data: { host: 'east', servers: SERVERS }, type: 'cluster.join' } as const
    await scene.lab.do(east.dispatch(join))
    for (const name of ['a', 'b', 'c']) await scene.lab.do(east.newSandbox(name))
    await scene.pass()
    await scene.lab.do(east.close())
    disks.platter('/data/east').restore(backup)
    scene.lab.reboot()
    const older = await scene.open('east')
    await expect(scene.lab.do(older.dispatch(join))).rejects.toMatchObject({ code: 'ERR_LOG_BEHIND' })
    expect((await scene.lab.do(older.clusterStatus())).state).toBe('alone')
  })

  it('is taken as it is where it has another history already', async () => {
    const { scene } = await older(['later', 'and', 'later', 'still'].map((name, i) => `${name}${i}`))
    scene.arbiter.cut('east')
    await scene.lab.do((await scene.open('east')).close())
    scene.arbiter.heal('east')
    scene.lab.reboot()
    const forked = await scene.open('east')
    await scene.lab.do(forked.newSandbox('own'))
    await scene.pass(10_000)
    expect(await standOf(scene, forked)).toEqual([
      'stopped',
      expect.stringMatching(/^ERR_LOG_(BEHIND|FORKED)$/),
    ])
    expect(forked.queries.sandboxes().map(({ name }) => name)).toContain('own')
  })
})
