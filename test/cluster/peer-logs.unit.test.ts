/** What a host holds in memory of its peers does not grow with what they say. */
import { AbstractLevel } from 'abstract-level'
import { afterEach, expect, it, vi } from 'vitest'
import { Scene } from './scene.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

it('opens the part of its store that a peer has once, however much comes and is asked', async () => {
  const opened = vi.spyOn(AbstractLevel.prototype, 'sublevel')
  const scene = new Scene()
  const east = await scene.member('east')
  const west = await scene.member('west')
  await scene.pass()
  const before = opened.mock.calls.length
  expect(before).toBeGreaterThan(0)
  for (let i = 0; i < 20; i++) {
    await scene.lab.do(west.newSandbox(`box${i}`))
    await scene.pass(100)
    expect(await scene.copyOf(east, 'west')).toEqual(await scene.logOf(west))
    await scene.lab.do(east.clusterStatus())
  }
  expect(opened.mock.calls.length).toBe(before)
})
