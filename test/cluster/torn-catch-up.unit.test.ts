/** An older copy, put back under a boot that has seen more, and brought up to the stream by an engine that died in the middle of a write. */
import { describe, expect, it } from 'vitest'
import { EngineError, type Controller } from '../../src/index.ts'
import { LOG_STREAM } from '../../src/cluster/message.ts'
import type { Ports } from '../../src/ports.ts'
import { Scene } from './scene.ts'

/** East, whose catching up died in its n-th write; what was written last is broken, and what came before it is whole. */
async function torn(write = 2) {
  const scene = new Scene({ payloadMax: 3000 })
  const [east, west] = [await scene.member('east'), await scene.member('west')]
  await scene.lab.do(east.newNetwork('bridge', 'web'))
  await scene.pass()
  const { disks } = scene.lab.ports
  const platter = disks.platter('/data/east')
  const backup = platter.backup()
  for (const name of ['a', 'b', 'c', 'd']) await scene.lab.do(east.newSandbox(name.repeat(60)))
  await scene.pass()
  await scene.lab.do(east.close())
  const full = await scene.copyOf(west, 'east')
  await scene.lab.do(west.close())
  platter.restore(backup)
  let left = write
  const die = (): void => {
    if (--left === 0) disks.kill('/data/east', 'torn')
    else platter.whenBegun = die
  }
  platter.whenBegun = die
  await expect(scene.open('east')).rejects.toThrow('nothing is left to happen')
  return { disks, full, scene }
}

const startOf = async (scene: Scene, controller: Controller, full: readonly string[]) =>
  (await scene.logOf(controller)).slice(0, full.length)

describe('an older copy whose catching up was torn', () => {
  it.each([1, 2, 3])('in write %i is brought up to the stream by the next start', async (write) => {
    const { full, scene } = await torn(write)
    const again = await scene.open('east')
    expect(again.blocked).toBeUndefined()
    expect(await startOf(scene, again, full)).toEqual(full)
    expect(again.recovered?.restored?.to).toBe(full.length)
    expect(again.queries.sandboxes()).toHaveLength(4)
    await scene.lab.do(again.newSandbox('after'))
  })

  it('and torn again is brought up by the one after that', async () => {
    const { disks, full, scene } = await torn()
    disks.platter('/data/east').whenBegun = () => disks.kill('/data/east', 'torn')
    await expect(scene.open('east')).rejects.toThrow('nothing is left to happen')
    const again = await scene.open('east')
    expect(await startOf(scene, again, full)).toEqual(full)
  })

  it('waits for the servers where they are silent, and changes nothing', async () => {
    const { disks, full, scene } = await torn()
    scene.arbiter.cut('east')
    const before = disks.platter('/data/east').backup()
    const alone = await scene.open('east')
    expect(alone.blocked).toMatchObject({ code: 'ERR_LOG_DAMAGED' })
    expect(alone.blocked?.message).toContain(
      '(its servers did not say in time that they have what is lacking)',
    )
    await scene.lab.do(alone.close())
    expect(disks.platter('/data/east').backup()).toEqual(before)
    scene.arbiter.heal('east')
    expect(await startOf(scene, await scene.open('east'), full)).toEqual(full)
  })

  it('stays damaged where the stream does not lead to what was seen here', async () => {
    const { disks, full, scene } = await torn()
    // The servers lost the end of it: some of what is lacking is there, and not all.
    scene.arbiter.stream(LOG_STREAM.name).lose(2)
    const before = disks.platter('/data/east').backup()
    const half = await scene.open('east')
    expect(half.blocked).toMatchObject({ code: 'ERR_LOG_DAMAGED', details: { torn: { seq: full.length } } })
    expect(half.blocked?.message).toContain(`the stream does not have #${full.length} as it was here`)
    await expect(scene.lab.do(half.newSandbox('x'))).rejects.toMatchObject({ code: 'ERR_LOG_DAMAGED' })
    expect(disks.platter('/data/east').backup()).toEqual(before)
  })

  it('stays damaged where a file of the store is not as it was written', async () => {
    const { disks, scene } = await torn()
    const before = disks.platter('/data/east').backup()
    const rot = new EngineError('ERR_LOG_DAMAGED', '000005.ldb is damaged at byte 7')
    const openDisk: Ports['openDisk'] = async (where) => ({
      ...(await scene.lab.ports.openDisk(where)),
      async *checkFiles() {
        yield undefined
        yield rot
      },
    })
    const rotten = await scene.open('east', { openDisk })
    expect(rotten.blocked).toMatchObject({ cause: rot, code: 'ERR_LOG_DAMAGED' })
    expect(rotten.blocked?.message).toContain('(000005.ldb is damaged at byte 7)')
    expect(disks.platter('/data/east').backup()).toEqual(before)
  })
})
