/** Two controllers in one process on the real kernel: on one host namespace, and each on its own. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Controller } from '../../src/index.ts'
import { RealHost } from './host.ts'
import { said } from './said.ts'

/** A network with two sandboxes on it. */
async function furnish(controller: Controller): Promise<void> {
  await controller.newNetwork('bridge', 'web')
  for (const name of ['a', 'b']) {
    await controller.newSandbox(name)
    await controller.connect('web', name)
  }
}

/** One packet from its sandbox `a` to its sandbox `b`. Rejects if there is no answer. */
async function reaches(host: RealHost, controller: Controller): Promise<void> {
  const [cidr = ''] = controller.queries.endpoint('b-web').addresses
  const from = controller.netnsPath(controller.sandbox('a').id)
  expect(await host.in(from, `ping -c 1 -W 1 ${cidr.split('/')[0] ?? ''}`)).toContain(' 0% packet loss')
}

async function empty(controller: Controller): Promise<void> {
  for (const sandbox of controller.sandboxes()) await sandbox.delete()
  await controller.network('web').delete()
}

const driftsOf = async (controller: Controller): Promise<number> => {
  let drifts = 0
  for await (const { facts } of controller.commits())
    drifts += facts.filter(({ type }) => type === 'DriftObserved').length
  return drifts
}

describe('two controllers in one process', () => {
  it('live on one host namespace: each has its subnet, mends its own, and outlives the other', async () => {
    await using host = await RealHost.make()
    const places = ['east', 'west'].map((name) => ({
      dataDir: join(host.base, name),
      runDir: join(host.runDir, name),
    }))
    const [east, west] = await Promise.all([host.open(places[0]), host.open(places[1])])
    // One after the other: of two choices in the same instant neither can see the other's route.
    await furnish(east)
    await furnish(west)
    await reaches(host, east)
    await reaches(host, west)
    const links = (await host.json(host.netns, 'ip -j link')).filter(({ ifname }) => ifname !== 'lo')
    expect(links).toHaveLength(2 * (1 + 2))

    const { link } = east.queries.endpoint('b-web')
    await host.do(`ip link del ${link?.name ?? ''}`)
    await east.audit()
    await reaches(host, east)
    await west.audit()
    expect([await driftsOf(east), await driftsOf(west)]).toEqual([1, 0])

    await east.close()
    await west.newSandbox('c')
    await west.connect('web', 'c')
    await reaches(host, west)

    const again = await host.open(places[0])
    expect(again.recovered).toEqual({ healed: 0, late: 0, orphans: [] })
    await empty(west)
    await west.close()
    await reaches(host, again)
    await empty(again)
    await again.close()
    const left = (await host.json(host.netns, 'ip -j link')).map(({ ifname }) => ifname)
    expect(left).toEqual(['lo'])
    expect(await host.mounted()).toEqual([])
  }, 90_000)

  it('have a host namespace each, and even the same subnet', async () => {
    await using here = await RealHost.make()
    await using there = await RealHost.make()
    const [east, west] = await Promise.all([here.open(), there.open()])
    await Promise.all([furnish(east), furnish(west)])
    const pools = [east, west].map(({ queries }) => queries.network('web').subnets[0]?.subnet)
    expect(new Set(pools).size).toBe(1)
    for (const [host, controller] of [
      [here, east],
      [there, west],
    ] as const) {
      await reaches(host, controller)
      await host.check(said(controller))
    }
    await east.close()
    await reaches(there, west)
    await there.check(said(west))
    await empty(west)
    await west.close()
    const again = await here.open()
    expect(again.recovered).toEqual({ healed: 0, late: 0, orphans: [] })
    await reaches(here, again)
    await empty(again)
    await again.close()
  }, 90_000)
})
