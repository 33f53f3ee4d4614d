/** Hosts on real nats-servers that use one network: no address twice, without one server of three and after a kill. */
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createController, type Controller } from '../../../src/index.ts'
import { createKernelWorld, openSimulatedKernel } from '../../../src/simulator/index.ts'
import { systemPorts } from '../../../src/system/ports.ts'
import { CURRENT_SERVER, NatsServer } from '../../bus/server.ts'
import { scratch } from '../../events/support.ts'

const open: Controller[] = []
const running: NatsServer[] = []

async function member(dir: string, name: string, servers: readonly string[]): Promise<Controller> {
  const { hash, timers } = systemPorts()
  const world = createKernelWorld()
  const controller = await createController({
    dataDir: join(dir, name, 'data'),
    ports: { openKernel: (options) => openSimulatedKernel(world, { ...options, hash, timers }) },
    runDir: join(dir, name, 'run'),
  })
  open.push(controller)
  // Three servers that have just begun may not have chosen who leads.
  await insist(() => controller.dispatch({ data: { host: name, servers }, type: 'cluster.join' }))
  return controller
}

/** Until it is done; what is unavailable for a moment is asked for again, and how long each answer took is kept. */
async function insist(work: () => Promise<unknown>, withinMs = 30_000): Promise<void> {
  for (const end = performance.now() + withinMs; ;) {
    try {
      await work()
      return
    } catch (error) {
      const { code } = error as { readonly code?: unknown }
      if (code !== 'ERR_CLUSTER_UNAVAILABLE' || performance.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

const claimsOf = async (controller: Controller) => (await controller.engine.claims?.report())?.claims ?? []

const addressesOf = (controllers: readonly Controller[]): readonly string[] =>
  controllers.flatMap((controller) => controller.queries.endpoints().flatMap(({ addresses }) => addresses))

afterEach(async () => {
  for (const controller of open.splice(0)) await controller.close()
  for (const server of running.splice(0)) await server.remove()
})

describe.skipIf(CURRENT_SERVER === undefined)('hosts of a cluster', () => {
  it('give no address twice while the server is killed, and refuse quickly what they cannot claim', async () => {
    const server = await NatsServer.start({ program: CURRENT_SERVER ?? '' })
    running.push(server)
    const dir = await scratch()
    const hosts = await Promise.all(['a', 'b', 'c'].map((name) => member(dir, name, [server.url])))
    const [a, b] = hosts as [Controller, Controller]
    await insist(() => a.newNetwork('test', 'net', { ipam: { subnet: '10.9.0.0/22' } }))
    const attach = (round: string): Promise<unknown> =>
      Promise.all(
        hosts.flatMap((host) =>
          Array.from({ length: 12 }, (_, i) => insist(() => host.newEndpoint('net', `e${round}-${i}`))),
        ),
      )
    await attach('1')
    await server.kill()
    await b.newEndpoint('net', 'own')
    await expect(b.newNetwork('test', 'second')).rejects.toMatchObject({ code: 'ERR_CLUSTER_UNAVAILABLE' })
    const before = performance.now()
    await expect(b.newNetwork('test', 'second')).rejects.toMatchObject({ code: 'ERR_CLUSTER_UNAVAILABLE' })
    expect(performance.now() - before).toBeLessThan(500)
    await server.restart()
    await attach('2')
    const all = addressesOf(hosts)
    expect(all).toHaveLength(73)
    expect(new Set(all).size).toBe(73)
  })

  it('leave what they had to others, when it has rested', async () => {
    const server = await NatsServer.start({ program: CURRENT_SERVER ?? '' })
    running.push(server)
    const dir = await scratch()
    const hosts = await Promise.all(['a', 'b'].map((name) => member(dir, name, [server.url])))
    const [a, b] = hosts as [Controller, Controller]
    for (const name of ['own', 'shared']) await insist(() => a.newNetwork('test', name))
    await insist(() => b.newEndpoint('shared', 'b'))
    const endpoint = await a.newEndpoint('shared', 'a')
    await expect(a.leaveCluster()).rejects.toMatchObject({ code: 'ERR_IN_USE' })
    await endpoint.delete()
    await insist(() => a.leaveCluster())
    expect(a.engine.view.projections.host.cluster).toBeNull()
    await vi.waitFor(async () =>
      expect(
        (await claimsOf(b))
          .map(({ host, kind, name, state }) => `${kind} of ${name ?? '-'} ${state} by ${host}`)
          .sort(),
      ).toEqual([
        'block of shared held by b',
        'block of shared resting by a',
        'network of own resting by a',
        'network of shared held by a',
        'pool of - resting by a',
        'pool of shared held by a',
        'vni of own resting by a',
        'vni of shared held by a',
      ]),
    )
    await server.kill()
    await expect(b.leaveCluster()).rejects.toMatchObject({ code: 'ERR_IN_USE' })
    await b.endpoint('b').delete()
    await expect(b.leaveCluster()).rejects.toMatchObject({ code: 'ERR_CLUSTER_UNAVAILABLE' })
    await b.leaveCluster({ keep: true })
    expect(b.engine.view.projections.host.cluster).toBeNull()
  })

  it("lend addresses out of each other's blocks", async () => {
    const server = await NatsServer.start({ program: CURRENT_SERVER ?? '' })
    running.push(server)
    const dir = await scratch()
    const hosts = await Promise.all(['a', 'b'].map((name) => member(dir, name, [server.url])))
    const [a, b] = hosts as [Controller, Controller]
    await insist(() => a.newNetwork('test', 'net', { ipam: { subnet: '10.9.0.0/22' } }))
    await insist(() => a.newEndpoint('net', 'a'))
    await insist(() => b.newEndpoint('net', 'b', { address: '10.9.0.20' }))
    await Promise.all(Array.from({ length: 40 }, (_, i) => insist(() => a.newEndpoint('net', `a${i}`))))
    const all = addressesOf(hosts)
    expect(all).toContain('10.9.0.20/22')
    expect(new Set(all).size).toBe(42)
    const lent = async () => (await claimsOf(a)).filter(({ kind }) => kind === 'address')
    await vi.waitFor(async () =>
      expect(await lent()).toMatchObject([{ host: 'b', lender: 'a', state: 'held' }]),
    )
    await b.endpoint('b').delete()
    await vi.waitFor(async () => expect(await lent()).toMatchObject([{ host: 'b', state: 'resting' }]))
  })

  it('claim without one server of three', async () => {
    const servers = await NatsServer.startThree({ program: CURRENT_SERVER ?? '' })
    running.push(...servers)
    const dir = await scratch()
    const urls = servers.map(({ url }) => url)
    const hosts = await Promise.all(['a', 'b'].map((name) => member(dir, name, urls)))
    const [a, b] = hosts as [Controller, Controller]
    await insist(() => a.newNetwork('test', 'net'))
    await servers[0]?.kill()
    await insist(() => b.newEndpoint('net', 'b'))
    await insist(() => a.newEndpoint('net', 'a'))
    expect(new Set(addressesOf(hosts)).size).toBe(2)
  })
})
