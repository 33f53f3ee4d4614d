/**
 * A host that was restarted, as far as one kernel can show it: the data directory comes to another network namespace, where
 * nothing of ours is, with an empty run directory, under a kernel that says it is another boot.
 */
import { cp } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { Controller, Kernel } from '../../src/index.ts'
import { systemPorts } from '../../src/system/ports.ts'
import { RealHost } from './host.ts'
import { said } from './said.ts'

/** The machine's own kernel, after another boot. */
const ofAnotherBoot = {
  openKernel: async (
    options: Parameters<ReturnType<typeof systemPorts>['openKernel']>[0],
  ): Promise<Kernel> => {
    const kernel = await systemPorts().openKernel(options)
    const identity = { ...kernel.identity, bootId: 'another-boot' }
    return new Proxy(kernel, {
      get: (target, name) => {
        if (name === 'identity') return identity
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  },
}

async function furnish(controller: Controller): Promise<void> {
  const ipam = [
    { auxAddresses: { router: '10.9.0.9' }, ipRange: '10.9.0.8/29', subnet: '10.9.0.0/24' },
    { subnet: 'fd00:9::/64' },
  ]
  const options = { 'com.docker.network.bridge.name': 'br0', 'com.docker.network.driver.mtu': '1400' }
  await controller.newNetwork('bridge', 'web', { ifPrefix: 'net', ipam, options })
  await controller.newNetwork('bridge', 'inner', { internal: true, ipam: { subnet: '10.10.0.0/24' } })
  for (const name of ['a', 'b']) await controller.newSandbox(name)
  await controller.connect('web', 'a')
  await controller.connect('inner', 'a')
  await controller.connect('web', 'b', { address: '10.9.0.200', ifName: 'wan7', mac: '02:00:00:00:00:99' })
  await controller.newEndpoint('web', 'stopped', { address: '10.9.0.201' })
}

/** Names, MACs, MTUs and addresses of a sandbox's interfaces, without what the kernel numbers by itself. */
async function inside(host: RealHost, controller: Controller, name: string): Promise<unknown> {
  const links = await host.json(controller.netnsPath(controller.sandbox(name).id), 'ip -j addr')
  return links
    .map(({ addr_info: infos, address, ifname, mtu }) => ({
      address,
      addresses: (infos as { local: string; prefixlen: number }[])
        .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
        .sort(),
      ifname,
      mtu,
    }))
    .sort((a, b) => String(a.ifname).localeCompare(String(b.ifname)))
}

describe('a restarted host', () => {
  it('has its owned sandboxes again, with the same addresses, MACs and names', async () => {
    await using before = await RealHost.make()
    await using after = await RealHost.make()
    const controller = await before.open()
    await furnish(controller)
    await before.check(said(controller))
    const was = [await inside(before, controller, 'a'), await inside(before, controller, 'b')]
    const told = said(controller)
    await controller.close()
    await cp(before.dataDir, after.dataDir, { recursive: true })

    await using again = await after.open({ ports: ofAnotherBoot })
    expect(said(again)).toEqual(told)
    await after.check(said(again))
    expect([await inside(after, again, 'a'), await inside(after, again, 'b')]).toEqual(was)
    const from = again.netnsPath(again.sandbox('a').id)
    expect(await after.in(from, 'ping -c 1 -W 1 10.9.0.200')).toContain(' 0% packet loss')
    expect(again.recovered).toMatchObject({ late: 0, orphans: [] })
    expect(again.recovered?.healed).toBeGreaterThan(0)
    await again.endpoint('stopped').join('b')
    await after.check(said(again))
    for (const sandbox of again.sandboxes()) await sandbox.delete()
    for (const network of again.networks()) await network.delete()
    expect(again.queries.endpoints()).toEqual([])
  })
})
