/** Servers that are full or forget, and disks that misread: what a host makes of them, and that it is no more than it should be. */
import { describe, expect, it } from 'vitest'
import { LOG_STREAM } from '../../src/cluster/message.ts'
import { codesOf, Scene } from './scene.ts'

describe('a host', () => {
  it('that reads its own log otherwise than it was written, once, is no fork of it', async () => {
    const scene = new Scene()
    const east = await scene.member('east')
    await scene.pass()
    scene.arbiter.cut('east')
    await scene.pass(20_000)
    scene.arbiter.heal('east')
    scene.lab.ports.disks.platter('/data/east').misreads = 1
    await scene.pass(20_000)
    expect(scene.lab.ports.disks.platter('/data/east').misreads).toBe(0)
    expect((await scene.lab.do(east.clusterStatus())).state).toBe('connected')
    expect(codesOf(scene.problems)).not.toContain('ERR_LOG_FORKED')
  })

  it('tries servers that take nothing at growing distance', async () => {
    const scene = new Scene()
    const east = await scene.member('east')
    await scene.pass()
    let refused = 0
    scene.arbiter.onPublish = (_message, outcome) => void (refused += Number(outcome === 'refused'))
    scene.arbiter.isFull = true
    await scene.lab.do(east.newSandbox('a'))
    await scene.pass(60_000)
    expect(refused).toBeGreaterThan(3)
    expect(refused).toBeLessThan(40)
    scene.arbiter.isFull = false
    await scene.pass(20_000)
    const { published, state } = await scene.lab.do(east.clusterStatus())
    expect([state, published?.seq]).toEqual(['connected', published?.of])
  })

  it('finds within a minute that servers forgot what they had acknowledged, though no connection was lost', async () => {
    const scene = new Scene()
    const [east, west] = [await scene.member('east'), await scene.member('west')]
    await scene.lab.do(east.newSandbox('a'))
    await scene.pass()
    scene.arbiter.regress(LOG_STREAM.name, 2, true)
    await scene.pass(61_000)
    const north = await scene.member('north')
    await scene.pass(10_000)
    for (const host of [east, west])
      expect(await scene.copyOf(north, host.id)).toEqual(await scene.logOf(host))
  })

  it('has what was told under numbers that were given a second time', async () => {
    const scene = new Scene()
    const [east, west] = [await scene.member('east'), await scene.member('west')]
    await scene.pass()
    scene.arbiter.regress(LOG_STREAM.name, 1, true)
    for (const name of ['a', 'b', 'c']) await scene.lab.do(east.newSandbox(name))
    await scene.pass(1000)
    expect(await scene.copyOf(west, 'east')).toEqual(await scene.logOf(east))
    await scene.pass(61_000)
    expect(await scene.copyOf(east, 'west')).toEqual(await scene.logOf(west))
  })
})

describe('two engines that speak for one host', () => {
  it('are told apart also where both publish a commit of the same number, alone', async () => {
    for (const looksFirstAt of ['duplicates', 'expectation'] as const) {
      const scene = new Scene({ looksFirstAt })
      const east = await scene.member('east')
      await scene.pass()
      // Its start is a commit of its own, as the sandbox is here.
      const clone = await scene.clone('east', 'clone')
      await scene.pass(1000)
      await scene.lab.do(east.newSandbox('of-the-first'))
      await scene.pass(10_000)
      expect(codesOf(scene.problems)).toContain('ERR_FENCED')
      const west = await scene.member('west')
      await scene.pass(1000)
      expect(await scene.copyOf(west, 'east')).toEqual(await scene.logOf(clone))
    }
  })
})
