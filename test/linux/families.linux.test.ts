/** IPv6 on the real kernel, alone and beside IPv4: packets between sandboxes, to the world outside, and those that are refused. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import type { Controller } from '../../src/index.ts'
import { RealHost } from './host.ts'
import { said } from './said.ts'

const HERE = '2001:db8::1'
const OUTSIDE = '2001:db8::2'

type Networks = Readonly<Record<string, Parameters<Controller['newNetwork']>[2]>>

/** Networks, each with two sandboxes: `web1` and `web2` on `web`. */
async function scene(host: RealHost, networks: Networks): Promise<Controller> {
  const controller = await host.open()
  for (const [network, options] of Object.entries(networks)) {
    await controller.newNetwork('bridge', network, options)
    for (const name of [`${network}1`, `${network}2`]) {
      await controller.newSandbox(name)
      await controller.connect(network, name)
    }
  }
  return controller
}

const place = (controller: Controller, sandbox: string): string =>
  controller.netnsPath(controller.sandbox(sandbox).id)

/** The address of a sandbox's first interface, of IPv6 unless it has none. */
const addressOf = (controller: Controller, sandbox: string): string =>
  (controller.queries.endpoint(`${sandbox}-${sandbox.slice(0, -1)}`).addresses.at(-1) ?? '').split('/')[0] ??
  ''

/** One packet, one second: no second one could make up for a first that was lost. */
const answers = (host: RealHost, from: string, to: string): Promise<boolean> =>
  host.in(from, `ping -c 1 -W 1 ${to}`).then(
    () => true,
    () => false,
  )

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A machine with a cable to the host and no way back to what lies behind it. Its namespace. */
async function outside(host: RealHost): Promise<string> {
  const there = await host.addNamespace()
  const name = there.split('/').at(-1) ?? ''
  await host.do(`ip link add uplink type veth peer name uplink netns ${name}`)
  for (const [ns, address] of [
    [host.netns, HERE],
    [there, OUTSIDE],
  ] as const) {
    // Without duplicate detection, as a machine that has run for some seconds is.
    await host.in(ns, 'sysctl -qw net.ipv6.conf.uplink.accept_dad=0')
    await host.in(ns, `ip addr add ${address}/64 dev uplink nodad`)
    await host.in(ns, 'ip link set uplink up')
  }
  // The kernel notes a carrier within a second, and only then gives the link-local address that it asks for neighbours with.
  for (const ns of [host.netns, there])
    while ((await host.in(ns, 'ip -6 addr show dev uplink scope link')) === '') await pause(20)
  return there
}

/** Who a server in one namespace sees when somebody connects from another. */
async function seenFrom(host: RealHost, there: string, address: string, from: string): Promise<string> {
  const serve = `require('net').createServer((s) => { console.log(s.remoteAddress); process.exit() }).listen(7777, '::', () => console.log('ready'))`
  const server = spawn('nsenter', [`--net=${there}`, process.execPath, '-e', serve])
  const lines = createInterface({ input: server.stdout })
  await once(lines, 'line')
  const seen = once(lines, 'line') as Promise<[string]>
  const call = `require('net').connect(7777, '${address}').on('close', () => process.exit()).on('error', () => process.exit(1))`
  const client = spawn('nsenter', [`--net=${from}`, process.execPath, '-e', call], { stdio: 'ignore' })
  try {
    const refused = once(client, 'exit').then(([code]) => {
      if (code !== 0) throw new Error(`nobody at ${address} answers`)
      return seen
    })
    return (await Promise.race([seen, refused]))[0]
  } finally {
    client.kill()
    server.kill()
  }
}

const DUAL: Networks = { web: { ipam: [{ subnet: '10.9.0.0/24' }, { subnet: 'fd00:9::/64' }] } }

describe('a network of both families', { timeout: 60_000 }, () => {
  it('answers from the first packet, by either family, sandbox to sandbox and to the gateway', async () => {
    await using host = await RealHost.make()
    const controller = await scene(host, DUAL)
    await host.check(said(controller))
    const from = place(controller, 'web1')
    for (const to of ['fd00:9::3', '10.9.0.3', 'fd00:9::1', '10.9.0.1', 'fd00:9::2'])
      expect(await answers(host, from, to), to).toBe(true)
    await controller.close()
  })

  it('answers a new endpoint at once, again and again', async () => {
    await using host = await RealHost.make()
    const controller = await scene(host, DUAL)
    for (let i = 0; i < 10; i++) {
      await controller.disconnect('web', 'web2')
      await controller.connect('web', 'web2')
      const to = addressOf(controller, 'web2')
      expect(await answers(host, place(controller, 'web1'), to), to).toBe(true)
    }
    await controller.close()
  })

  it('is the same after a restart, to which nothing is written', async () => {
    await using host = await RealHost.make()
    const controller = await scene(host, { ...DUAL, six: { ipv4: false, ipv6: true } })
    const places = ['web1', 'six1'].map((name) => place(controller, name))
    await controller.close()
    const before = await host.text(places)
    const again = await host.open()
    expect(again.recovered).toEqual({ healed: 0, late: 0, orphans: [] })
    expect(await host.text(places)).toBe(before)
    await again.close()
  })

  it('leaves nothing behind', async () => {
    await using host = await RealHost.make()
    const controller = await scene(host, DUAL)
    for (const name of ['web1', 'web2']) await controller.sandbox(name).delete()
    await controller.network('web').delete()
    await controller.close()
    const again = await host.open()
    await again.close()
    const links = await host.json(host.netns, 'ip -j link')
    expect(links.map(({ ifname }) => ifname)).toEqual(['lo'])
  })
})

describe('packets of IPv6', { timeout: 60_000 }, () => {
  it('reach the world outside masqueraded, and none comes in from there', async () => {
    await using host = await RealHost.make()
    const there = await outside(host)
    const controller = await scene(host, { web: { ipv4: false, ipv6: true } })
    const inside = place(controller, 'web1')
    expect(await answers(host, inside, OUTSIDE)).toBe(true)
    expect(await seenFrom(host, there, OUTSIDE, inside)).toBe(HERE)
    await host.in(there, `ip route add default via ${HERE}`)
    expect(await answers(host, there, addressOf(controller, 'web1'))).toBe(false)
    await controller.close()
  })

  it('do not pass between two networks, nor out of an internal one', async () => {
    await using host = await RealHost.make()
    await outside(host)
    const only6 = { ipv4: false, ipv6: true }
    const controller = await scene(host, { one: only6, three: { ...only6, internal: true }, two: only6 })
    const reach = (from: string, to: string): Promise<boolean> =>
      answers(host, place(controller, from), addressOf(controller, to))
    expect(await reach('one1', 'one2')).toBe(true)
    expect(await reach('three1', 'three2')).toBe(true)
    expect(await reach('one1', 'two1')).toBe(false)
    expect(await reach('two1', 'one1')).toBe(false)
    const internal = place(controller, 'three1')
    await host.in(
      internal,
      `ip route add default via ${controller.queries.network('three').subnets[0]?.gateway ?? ''}`,
    )
    expect(await reach('three1', 'one1')).toBe(false)
    expect(await answers(host, internal, OUTSIDE)).toBe(false)
    await controller.close()
  })

  it('go on after the neighbours have forgotten each other', async () => {
    await using host = await RealHost.make()
    const there = await outside(host)
    const controller = await scene(host, { web: { ipv4: false, ipv6: true } })
    const inside = place(controller, 'web1')
    expect(await answers(host, inside, OUTSIDE)).toBe(true)
    // The host must now ask for the sandbox itself, when the answer of somebody outside comes.
    await host.do('ip -6 neigh flush all')
    expect(await seenFrom(host, there, OUTSIDE, inside)).toBe(HERE)
    const { bridge } = controller.queries.network('web')
    await host.do(`ip -6 neigh flush dev ${bridge.name}`)
    expect(await answers(host, inside, OUTSIDE)).toBe(true)
    await controller.close()
  })
})

describe('a network without IPv6', { timeout: 60_000 }, () => {
  it('has no address of it on its bridge nor in its sandboxes, and speaks none', async () => {
    await using host = await RealHost.make()
    const controller = await scene(host, { web: {} })
    const { bridge } = controller.queries.network('web')
    expect(await host.do(`ip -6 addr show dev ${bridge.name}`)).toBe('')
    expect(await host.in(place(controller, 'web1'), 'ip -6 addr')).toBe('')
    await controller.close()
  })

  it('keeps its interface silent in a sandbox that has IPv6 by another', async () => {
    await using host = await RealHost.make()
    const controller = await scene(host, { four: {}, six: { ipv4: false, ipv6: true } })
    await controller.connect('six', 'four1')
    await controller.connect('four', 'six1')
    const [eth0, eth1] = await Promise.all(
      ['four1', 'six1'].map(async (name) => {
        const shown = await host.json(place(controller, name), 'ip -j -6 addr')
        return shown.map(({ ifname }) => ifname)
      }),
    )
    expect([eth0, eth1]).toEqual([
      ['lo', 'eth1'],
      ['lo', 'eth0'],
    ])
    await host.check(said(controller))
    await controller.close()
  })
})

describe('what somebody changes of IPv6', { timeout: 60_000 }, () => {
  it.each<[string, (inside: string, bridge: string) => readonly [string, string] | string]>([
    ['the interface disabled', (inside) => [inside, 'sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1']],
    ['everything disabled', (inside) => [inside, 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1']],
    ['its addresses', (inside) => [inside, 'ip -6 addr flush dev eth0 scope global']],
    ['its default route', (inside) => [inside, 'ip -6 route del default']],
    ['the bridge disabled', (_, bridge) => `sysctl -qw net.ipv6.conf.${bridge}.disable_ipv6=1`],
    ["the bridge's addresses", (_, bridge) => `ip -6 addr flush dev ${bridge}`],
    ['the interface', (inside) => [inside, 'ip link del eth0']],
  ])('is healed: %s', async (_, act) => {
    await using host = await RealHost.make()
    await outside(host)
    const controller = await scene(host, DUAL)
    const inside = place(controller, 'web1')
    const line = act(inside, controller.queries.network('web').bridge.name)
    await (typeof line === 'string' ? host.do(line) : host.in(...line))
    const end = performance.now() + 5000
    const isWhole = async (): Promise<boolean> =>
      (await answers(host, inside, 'fd00:9::3')) && (await answers(host, inside, OUTSIDE))
    while (!(await isWhole())) expect(performance.now()).toBeLessThan(end)
    await controller.audit()
    await host.do('ip link del uplink')
    await host.check(said(controller))
    await controller.close()
  })
})
