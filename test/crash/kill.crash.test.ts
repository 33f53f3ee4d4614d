/** SIGKILL at random moments of an engine at work on the real kernel: nothing acknowledged is lost, nothing is leaked. */
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Controller } from '../../src/index.ts'
import { RealHost } from '../linux/host.ts'
import { said } from '../linux/said.ts'
import type { Acknowledged, Found } from './engine.child.ts'
import { Victims } from './victims.ts'

/** Attach and detach cycles of the whole test, and how often it is killed. */
const CYCLES = 500
const KILLS = 50

let victims: Victims
beforeAll(async () => {
  victims = await Victims.translate()
})
afterAll(() => victims.remove())

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Numbers from 0 to 1, the same for the same seed. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

type Mended = { healed: number; late: number; orphans: number }

/** All that was acknowledged is there, and the kernel is as the log says. */
async function checkFound(host: RealHost, { lost, recovered, said }: Found, mended: Mended): Promise<void> {
  mended.healed += recovered?.healed ?? 0
  mended.late += recovered?.late ?? 0
  mended.orphans += recovered?.orphans.length ?? 0
  expect(lost, 'acknowledged and lost').toEqual([])
  await host.check(said)
}

async function deleteAll(controller: Controller): Promise<void> {
  for (const sandbox of controller.sandboxes()) await sandbox.delete()
  for (const { id } of controller.queries.endpoints()) await controller.endpoint(id).delete()
  for (const network of controller.networks()) await network.delete()
}

describe('SIGKILL', () => {
  it(`${KILLS} times within ${CYCLES} cycles loses nothing and leaks nothing`, async () => {
    await using host = await RealHost.make()
    const random = chance(1)
    const acknowledged: Acknowledged[] = []
    const mended = { healed: 0, late: 0, orphans: 0 }
    let cycles = 0
    let next = victims.ready(host)
    for (let kill = 1; kill <= KILLS; kill++) {
      const victim = next
      next = victims.ready(host)
      victim.start(acknowledged)
      // Now and then while it starts, and mends what the last one left.
      if (kill % 5 === 3) await pause(random() * 200)
      else {
        await checkFound(host, await victim.found(), mended).catch((error: unknown) => {
          throw new Error(`after kill ${kill - 1}`, { cause: error })
        })
        victim.work()
        const due = (CYCLES - cycles) / (KILLS - kill + 1)
        await victim.until(() => victim.count('disconnect') >= due)
        await pause(random() * 40)
      }
      await victim.kill()
      acknowledged.push(...victim.acknowledged)
      cycles += victim.count('disconnect')
    }
    next.start(acknowledged)
    await checkFound(host, await next.found(), mended)
    await next.kill()
    const controller = await host.open()
    expect((await controller.verify()).damage).toBeUndefined()
    await deleteAll(controller)
    await controller.close()
    await host.checkEmpty()
    expect(cycles).toBeGreaterThanOrEqual(CYCLES)
    const counts = `${KILLS} kills, ${cycles} cycles, ${acknowledged.length} acknowledged`
    process.stdout.write(`${counts}; starts mended ${JSON.stringify(mended)}\n`)
  })

  it('between the creation of a link and its alias: the link is adopted if the log knows of it', async () => {
    await using host = await RealHost.make()
    const ground = await host.open()
    await ground.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' }, ipv6: true })
    await ground.newSandbox('a')
    await ground.close()
    await cp(host.dataDir, join(host.base, 'before'), { recursive: true })
    const half = await killHalfway(host)
    // Its intent may or may not have come to the disk: it was being written.
    const controller = await host.open()
    const known = controller.queries.endpoints().length === 1
    const { late, orphans } = controller.recovered ?? { late: 0, orphans: [] }
    expect([late, orphans.length]).toEqual(known ? [1, 0] : [0, 1])
    if (known)
      expect((await linksOf(host)).find(({ name }) => name === half.name)).toEqual({ ...half, alias: true })
    await host.check(said(controller))
    await deleteAll(controller)
    await controller.close()
    await host.checkEmpty()
  })

  it('between the creation of a link and its alias: the link goes if the log knows nothing', async () => {
    await using host = await RealHost.make()
    const ground = await host.open()
    await ground.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } })
    await ground.newSandbox('a')
    await ground.close()
    const before = join(host.base, 'before')
    await cp(host.dataDir, before, { recursive: true })
    await killHalfway(host)
    // As if the kill had come before the write: the log ends where it was, and no head tells of more.
    await rm(host.dataDir, { recursive: true })
    await cp(before, host.dataDir, { recursive: true })
    await rm(join(host.runDir, ground.id.slice(0, 12), 'head'))
    const controller = await host.open()
    expect(controller.recovered).toMatchObject({
      healed: 0,
      late: 0,
      orphans: [expect.stringContaining('cnv')],
    })
    await host.check(said(controller))
    await controller.connect('web', 'a')
    await host.check(said(controller))
    await deleteAll(controller)
    await controller.close()
    await host.checkEmpty()
  })

  type Shown = { readonly alias: boolean; readonly index: unknown; readonly name: unknown }

  /** The link as the dead engine left it: born, and no more. */
  async function killHalfway(host: RealHost): Promise<Shown> {
    const victim = victims.ready(host, 'halfway')
    victim.start([])
    await victim.found()
    victim.work()
    await victim.until(() => victim.isHalfway)
    await victim.kill()
    const half = (await linksOf(host)).filter(({ alias, name }) => !alias && name !== 'lo')
    expect(half).toHaveLength(1)
    return half[0] as Shown
  }

  const linksOf = async (host: RealHost): Promise<Shown[]> =>
    (await host.json(host.netns, 'ip -j link')).map(({ ifalias, ifindex, ifname }) => ({
      alias: ifalias !== undefined,
      index: ifindex,
      name: ifname,
    }))
})
