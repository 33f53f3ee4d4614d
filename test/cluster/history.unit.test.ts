/** All hosts' histories as one: a cursor without gaps, what was known when, and other hosts' pasts. */
import { describe, expect, it } from 'vitest'
import type { Commit } from '../../events/index.ts'
import type { Controller, Happened } from '../../src/index.ts'
import { Scene } from './scene.ts'

async function two() {
  const scene = new Scene()
  const [east, west] = [await scene.member('east'), await scene.member('west')]
  await scene.pass()
  return { east, scene, west }
}

const all = (scene: Scene, controller: Controller, from?: number): Promise<readonly Happened[]> =>
  scene.lab.do(
    (async () => {
      const found: Happened[] = []
      for await (const one of controller.history(from === undefined ? {} : { from })) found.push(one)
      return found
    })(),
  )

const named = (happened: readonly Happened[]): readonly string[] =>
  happened.map(({ commit, position }) => `${position} ${commit.origin.slice(0, 6)}#${commit.seq}`)

const commitsOf = async (scene: Scene, controller: Controller): Promise<readonly Commit[]> =>
  (await scene.logOf(controller)).map((text) => JSON.parse(text) as Commit)

describe('the history of all hosts', () => {
  it('has one cursor without gaps, which means the same after a restart', async () => {
    const { east, scene, west } = await two()
    for (const name of ['a', 'b']) {
      await scene.lab.do(east.newSandbox(`${name}-east`))
      await scene.pass()
      await scene.lab.do(west.newSandbox(`${name}-west`))
      await scene.pass()
    }
    const before = await all(scene, east)
    expect(before.map(({ position }) => position)).toEqual(before.map((_, i) => i + 1))
    const total = (await scene.logOf(east)).length + (await scene.logOf(west)).length
    expect(before).toHaveLength(total)
    for (const from of [1, 2, 5, total, total + 1])
      expect(named(await all(scene, east, from))).toEqual(named(before.slice(from - 1)))
    await expect(all(scene, east, total + 2)).rejects.toMatchObject({ code: 'ERR_LOG_BEHIND' })
    await scene.lab.do(east.close())
    const again = await scene.open('east')
    expect(named(await all(scene, again)).slice(0, total)).toEqual(named(before))
  })

  it('means the same after a power cut, for who was told', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(west.newSandbox('last'))
    await scene.pass()
    const before = await all(scene, east)
    expect(before.at(-1)?.commit.origin).toBe(west.id)
    scene.lab.reboot()
    const again = await scene.open('east')
    await scene.pass()
    expect(named(await all(scene, again)).slice(0, before.length)).toEqual(named(before))
  })

  it('is followed live, from any position, over what comes from everybody', async () => {
    const { east, scene, west } = await two()
    const heard: Happened[] = []
    const following = (async () => {
      for await (const one of east.history({ follow: true, from: 3 })) heard.push(one)
    })()
    await scene.pass()
    for (const name of ['a', 'b', 'c']) {
      await scene.lab.all([east.newSandbox(`${name}-east`), west.newSandbox(`${name}-west`)])
      await scene.pass()
    }
    const there = await all(scene, east)
    expect(named(heard)).toEqual(named(there.slice(2)))
    expect(new Set(there.map(({ commit }) => commit.origin))).toEqual(new Set([east.id, west.id]))
    await scene.lab.do(east.close())
    await scene.lab.do(following)
    expect(heard.map(({ position }) => position)).toEqual(heard.map((_, i) => i + 3))
  })

  it('says in own commits how far peers were known, each time something changed', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(west.newSandbox('seen'))
    await scene.pass()
    const { seq: seen } = west.engine.log.durable
    const { commit } = await scene.lab.do(east.dispatch({ data: { name: 'one' }, type: 'sandbox.create' }))
    expect(commit.knows).toEqual({ [west.id]: seen })
    const { commit: next } = await scene.lab.do(
      east.dispatch({ data: { name: 'two' }, type: 'sandbox.create' }),
    )
    expect(next.knows).toBeUndefined()
    // Its peer has it byte for byte.
    await scene.pass()
    expect(await scene.copyOf(west, 'east')).toEqual(await scene.logOf(east))
    expect(await scene.lab.do(east.knownAsOf(`#${next.seq}`))).toEqual(new Map([[west.id, seen]]))
    expect(await scene.lab.do(east.knownAsOf('#1'))).toEqual(new Map())
    await scene.lab.do(east.close())
    const again = await scene.open('east')
    const start = (await commitsOf(scene, again)).findLast(({ command }) => command.type === 'host.start')
    const west2 = (await scene.lab.do(again.clusterStatus())).peers.find(({ origin }) => origin === west.id)
    expect(start?.knows).toEqual({ [west.id]: west2?.seq })
  })

  it('says nothing of peers where there are none', async () => {
    const scene = new Scene()
    const east = await scene.member('east')
    await scene.lab.do(east.newSandbox('one'))
    for (const commit of await commitsOf(scene, east)) expect(commit).not.toHaveProperty('knows')
  })

  it('can be folded again with what was known then', async () => {
    const { east, scene, west } = await two()
    await scene.lab.do(west.newNetwork('bridge', 'early'))
    await scene.pass()
    const { commit } = await scene.lab.do(east.dispatch({ data: { name: 'then' }, type: 'sandbox.create' }))
    scene.arbiter.cut('east')
    await scene.lab.do(west.newNetwork('bridge', 'late'))
    await scene.lab.do(east.newSandbox('without-news'))
    scene.arbiter.heal('east')
    await scene.pass(20_000)
    await scene.lab.do(east.newSandbox('with-news'))
    const networksKnownAt = async (seq: number): Promise<readonly string[]> => {
      const upTo = (await scene.lab.do(east.knownAsOf(seq))).get(west.id) ?? 0
      return (await scene.lab.do(east.peerAsOf('west', upTo))).networks().map(({ name }) => name)
    }
    expect(await networksKnownAt(commit.seq)).toEqual(['early'])
    expect(await networksKnownAt(east.engine.log.durable.seq)).toEqual(['early', 'late'])
    const now = await scene.lab.do(east.peerAsOf('west', 'now'))
    expect(now.networks().map(({ id }) => id)).toEqual(west.queries.networks().map(({ id }) => id))
    await expect(scene.lab.do(east.peerAsOf('west', 10_000))).rejects.toMatchObject({ code: 'ERR_INVALID' })
  })
})
