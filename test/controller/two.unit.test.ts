/** Two controllers in one process, on one simulated machine: neighbours who share a kernel and nothing else. */
import { describe, expect, it } from 'vitest'
import type { Controller } from '../../src/index.ts'
import { Lab, leftovers } from '../engine/lab.ts'

const PLACES = {
  east: { dataDir: '/data/east', runDir: '/run/east' },
  west: { dataDir: '/data/west', runDir: '/run/west' },
} as const

async function scene() {
  const lab = new Lab()
  const east = await lab.open(PLACES.east)
  const west = await lab.open(PLACES.west)
  return { east, lab, west }
}

/** A network with two sandboxes on it. */
async function furnish(lab: Lab, controller: Controller): Promise<void> {
  await lab.do(controller.newNetwork('bridge', 'web'))
  for (const name of ['a', 'b']) {
    await lab.do(controller.newSandbox(name))
    await lab.do(controller.connect('web', name))
  }
}

const stateOf = (controller: Controller): unknown =>
  controller.queries.endpoints().map(({ addresses, name, state }) => ({ addresses, name, state }))

const typesIn = async (lab: Lab, controller: Controller): Promise<readonly string[]> => {
  await lab.ports.time.runFor(50)
  const types: string[] = []
  const read = async (): Promise<void> => {
    for await (const { facts } of controller.commits()) types.push(...facts.map(({ type }) => type))
  }
  await lab.do(read())
  return types
}

describe('two controllers in one process', () => {
  it('take the same names for things of their own, and subnets that do not overlap', async () => {
    const { east, lab, west } = await scene()
    // One after the other: of two choices in the same instant neither can see the other's route.
    await furnish(lab, east)
    await furnish(lab, west)
    expect(east.id).not.toBe(west.id)
    const pools = [east, west].map(({ queries }) => queries.network('web').subnets[0]?.subnet)
    expect(new Set(pools).size).toBe(2)
    for (const controller of [east, west]) expect(lab.reaches(controller, 'a', 'b')).toBe(true)
    expect(new Set(lab.links()).size).toBe(2 * (1 + 2))
    expect(lab.world.host.tables.size).toBe(2)
  })

  it('mend each its own, and write nothing of what the other does', async () => {
    const { east, lab, west } = await scene()
    await furnish(lab, east)
    await furnish(lab, west)
    const before = (await typesIn(lab, west)).length
    const { link } = east.queries.endpoint('a-web')
    lab.root.deleteLink(link?.name ?? '')
    await lab.ports.time.runFor(500)
    expect(await typesIn(lab, east)).toContain('DriftObserved')
    expect(lab.reaches(east, 'a', 'b')).toBe(true)
    await lab.do(east.network('web').endpoints()[0]?.delete({ force: true }) ?? Promise.resolve())
    await lab.do(west.audit())
    expect((await typesIn(lab, west)).length).toBe(before)
  })

  it('go on when the other closes, dies, comes back and ends', async () => {
    const { east, lab, west } = await scene()
    await furnish(lab, east)
    await furnish(lab, west)
    const wests = stateOf(west)
    await lab.do(east.close())
    await lab.do(west.newSandbox('c'))
    await lab.do(west.connect('web', 'c'))
    expect(lab.reaches(west, 'a', 'c')).toBe(true)

    const again = await lab.open(PLACES.east)
    expect(again.recovered).toEqual({ healed: 0, late: 0, orphans: [] })
    expect(lab.reaches(again, 'a', 'b')).toBe(true)

    lab.ports.disks.kill(PLACES.west.dataDir)
    const risen = await lab.open(PLACES.west)
    expect(risen.recovered).toMatchObject({ healed: 0, orphans: [] })
    for (const sandbox of risen.sandboxes()) await lab.do(sandbox.delete())
    await lab.do(risen.network('web').delete())
    expect(lab.reaches(again, 'a', 'b')).toBe(true)
    expect(stateOf(again)).toHaveLength(2)
    expect(wests).toHaveLength(2)

    for (const sandbox of again.sandboxes()) await lab.do(sandbox.delete())
    await lab.do(again.network('web').delete())
    await lab.ports.time.runFor(100)
    // Each one's table stays, for its next network.
    expect(leftovers(lab).filter((name) => !name.startsWith('chronet_'))).toEqual([])
  })
})
