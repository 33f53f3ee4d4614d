/**
 * The recipes for links, addresses and routes on the real kernel, with iproute2 as the oracle. What every port must do
 * stands in the contract suite; here is what only the real one can show.
 */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyOf, type IfName, type Spec, type Step } from '../../events/index.ts'
import { NETLINK_ROUTE, NetlinkSocket } from '../../src/kernel/linux/netlink.ts'
import { NetnsWorker } from '../../src/kernel/linux/netns.ts'
import { RTNLGRP_ALL } from '../../src/kernel/linux/rtnetlink.ts'
import { groupOf, ROUTE_PROTOCOL, sweptGroupOf } from '../../src/reconcile/marks.ts'
import {
  addr,
  addr6,
  attached,
  bridge,
  bridgeName,
  cut,
  defaultRoute,
  defaultRoute6,
  ensure,
  firewall,
  firewallNetwork,
  gatewayAddr,
  ifName,
  netns,
  ORIGIN,
  remove,
  sandboxId,
  sha256,
  veth,
  vethName,
} from '../contracts/universe.ts'
import { LinuxMachine } from './machine.ts'

const LIVING = groupOf(sha256, ORIGIN)
const SWEPT = sweptGroupOf(LIVING)
const ENDPOINT = { n: 1, network: 1, sandbox: 1 }

/** Matchers without `any`. */
const including = (...items: readonly string[]): unknown => expect.arrayContaining([...items])
const containing = (part: string): unknown => expect.stringContaining(part)

describe('the rtnetlink port', () => {
  let machine: LinuxMachine
  beforeEach(async () => {
    machine = await LinuxMachine.make()
  })
  afterEach(() => machine.tearDown())

  /** Keys that changed; all steps must succeed. */
  const apply = async (...steps: readonly Step[]): Promise<readonly string[]> => {
    const results = await machine.kernel.apply(steps)
    expect(results.flatMap((result) => (result.ok ? [] : [result.failure]))).toEqual([])
    return results.flatMap((result) => (result.ok && result.changed ? [result.key] : []))
  }
  const make = (...specs: readonly Spec[]) => apply(...specs.map(ensure))
  const failureOf = async (step: Step): Promise<unknown> => {
    const [result] = await machine.kernel.apply([step])
    return result?.ok === false ? result.failure : result
  }
  const link = async (ns: Parameters<LinuxMachine['in']>[0], name: string) =>
    (await machine.json(ns, 'ip -j -d link')).find((each) => each.ifname === name)

  it('makes a bridge with its mark from birth', async () => {
    await make(bridge(1, 1400))
    expect(await link('host', bridgeName(1))).toMatchObject({
      address: bridge(1).mac,
      flags: including('UP'),
      group: String(LIVING),
      ifalias: `chronet:${ORIGIN.slice(0, 12)}:bridge ${bridgeName(1)}`,
      linkinfo: { info_kind: 'bridge' },
      mtu: 1400,
    })
  })

  it('makes a veth whose host end is quiet and whose peer is born in the sandbox', async () => {
    await make(netns(1), bridge(1), veth({ ...ENDPOINT, mtu: 1400 }))
    expect(await link('host', vethName(1))).toMatchObject({
      address: veth(ENDPOINT).mac,
      flags: including('UP', 'LOWER_UP'),
      group: String(LIVING),
      ifalias: containing(`${ifName(1)} of sandbox ${sandboxId(1).slice(0, 12)}`),
      inet6_addr_gen_mode: 'none',
      master: bridgeName(1),
      mtu: 1400,
    })
    expect(await link(sandboxId(1), ifName(1))).toMatchObject({
      address: veth(ENDPOINT).peer.mac,
      flags: including('UP', 'LOWER_UP'),
      mtu: 1400,
    })
    expect(await link(sandboxId(1), 'lo')).toMatchObject({ flags: including('UP') })
  })

  it('sets addresses and routes as ip shows them', async () => {
    await make(...attached(ENDPOINT))
    const [eth] = await machine.json(sandboxId(1), `ip -j addr show dev ${ifName(1)}`)
    expect(eth?.addr_info).toMatchObject([{ family: 'inet', local: '10.99.1.11', prefixlen: 24 }])
    const routes = await machine.json(sandboxId(1), 'ip -j route')
    expect(routes).toContainEqual(
      expect.objectContaining({
        dev: ifName(1),
        dst: 'default',
        gateway: '10.99.1.1',
        protocol: String(ROUTE_PROTOCOL),
      }),
    )
  })

  it('lets two sandboxes reach each other, and the host', async () => {
    const other = { n: 2, network: 1, sandbox: 2 }
    await make(...attached(ENDPOINT), netns(2), veth(other), addr(other))
    await machine.in(sandboxId(1), 'ping -c 1 -W 2 10.99.1.12')
    await machine.in(sandboxId(2), 'ping -c 1 -W 2 10.99.1.1')
  })

  it('lets IPv6 answer from the first packet', async () => {
    const other = { n: 2, network: 1, sandbox: 2 }
    const both = [ENDPOINT, other].flatMap((each) => [
      netns(each.sandbox),
      veth({ ...each, ipv6: true }),
      addr6(each),
      defaultRoute6(each),
    ])
    const gateway6: Spec = {
      ...addr6(ENDPOINT),
      address: 'fd99:1::1/64' as never,
      link: bridgeName(1),
      ns: 'host',
    }
    await make(bridge(1, 0, true), gateway6, ...both)
    await machine.in(sandboxId(1), 'ping -c 1 -W 1 fd99:1::12')
  })

  it('writes nothing the second time', async () => {
    const specs = attached(ENDPOINT)
    await make(...specs)
    const worker = new NetnsWorker(machine.pathOf('host'))
    const listen = async (fd: number | undefined) =>
      NetlinkSocket.adopt(await worker.call('socket', { fd, groups: RTNLGRP_ALL, protocol: NETLINK_ROUTE }))
    const inside = await worker.call('open', { path: machine.pathOf(sandboxId(1)) })
    const monitors = [await listen(undefined), await listen(inside?.fd)]
    expect(await make(...specs)).toEqual([])
    const heard: number[] = []
    for (const monitor of monitors) monitor.drain((message) => heard.push(message.portId))
    // What the kernel does by itself has no port id.
    expect(heard.filter((portId) => portId !== 0)).toEqual([])
    for (const monitor of monitors) monitor.close()
    await worker.close()
  })

  it('takes interface names of 15 bytes, with dots', async () => {
    const spec = veth(ENDPOINT)
    const name = 'eth0.123-456789' as IfName
    const named: Spec = { ...spec, peer: { ...spec.peer, name } }
    await make(netns(1), bridge(1), named)
    expect(await link(sandboxId(1), name)).toBeDefined()
  })

  describe('after a crash', () => {
    it('adopts a veth that got neither alias nor up', async () => {
      await make(netns(1), bridge(1))
      const { mac, name, peer } = veth(ENDPOINT)
      await machine.in(
        'host',
        `ip link add ${name} address ${mac} group ${LIVING} type veth peer ${peer.name} address ${peer.mac} netns ${machine.pathOf(sandboxId(1))}`,
      )
      const before = await link('host', name)
      expect(await make(veth(ENDPOINT), addr(ENDPOINT))).toEqual([veth(ENDPOINT), addr(ENDPOINT)].map(keyOf))
      expect(await link('host', name)).toMatchObject({
        flags: including('UP'),
        ifalias: containing('chronet:'),
        ifindex: before?.ifindex,
        inet6_addr_gen_mode: 'none',
        master: bridgeName(1),
      })
      expect(await make(veth(ENDPOINT))).toEqual([])
    })

    it('makes a namespace where a birth left but a file', async () => {
      const path = machine.pathOf(sandboxId(1))
      await mkdir(dirname(path))
      await machine.in('host', `touch ${path}`)
      const { strays } = await machine.kernel.observe([], { strays: true })
      expect(strays.map(({ key }) => key)).toEqual([keyOf(netns(1))])
      expect(await make(netns(1))).toEqual([keyOf(netns(1))])
    })
  })

  describe('what others have', () => {
    it('leaves links alone that are in our group but have not our MAC', async () => {
      await machine.in('host', `ip link add ${bridgeName(1)} group ${LIVING} type bridge`)
      await apply(cut(bridge(1)), remove(bridge(1)))
      expect(await link('host', bridgeName(1))).toMatchObject({ group: String(LIVING) })
      expect((await machine.kernel.observe([], { strays: true })).strays).toEqual([])
    })

    it('does not sweep a stranger who is in the swept group', async () => {
      await make(netns(1), netns(2), bridge(1))
      const pair = [ENDPOINT, { n: 2, network: 1, sandbox: 2 }].map(veth)
      await make(...pair)
      await machine.in('host', `ip link add stranger0 group ${SWEPT} type bridge`)
      await apply(...pair.map(cut), ...pair.map(remove))
      expect(await link('host', 'stranger0')).toBeDefined()
      expect(await link('host', vethName(1))).toBeUndefined()
      expect(await link('host', vethName(2))).toBeUndefined()
    })

    it('does not replace a route that somebody else set', async () => {
      await make(netns(1), bridge(1), veth(ENDPOINT), addr(ENDPOINT))
      await machine.in(sandboxId(1), 'ip route add default via 10.99.1.99')
      expect(await failureOf(ensure(defaultRoute(ENDPOINT)))).toMatchObject({
        class: 'conflict',
        code: 'EEXIST',
      })
      expect(await apply(remove(defaultRoute(ENDPOINT)))).toEqual([])
      expect(await machine.in(sandboxId(1), 'ip route show default')).toContain('10.99.1.99')
    })

    it('replaces a route of ours that goes another way', async () => {
      await make(netns(1), bridge(1), veth(ENDPOINT), addr(ENDPOINT), defaultRoute(ENDPOINT))
      const other: Spec = { ...defaultRoute(ENDPOINT), via: '10.99.1.2' as never }
      expect(await make(other)).toEqual([keyOf(other)])
      expect(await machine.in(sandboxId(1), 'ip route show default')).toContain('10.99.1.2')
    })

    it('refuses an address that the link has with another prefix length', async () => {
      await make(netns(1), bridge(1), veth({ ...ENDPOINT, ipv6: true }), addr6(ENDPOINT))
      const other: Spec = { ...addr6(ENDPOINT), address: 'fd99:1::11/80' as never }
      expect(await failureOf(ensure(other))).toMatchObject({ class: 'conflict', code: 'EEXIST' })
    })
  })

  describe('what moved meanwhile', () => {
    it('plugs into a bridge that was made again under the same name', async () => {
      await make(netns(1), netns(2), bridge(1), veth(ENDPOINT))
      await machine.human.deleteLink('host', bridgeName(1))
      await make(bridge(1), veth({ n: 2, network: 1, sandbox: 2 }))
      expect(await link('host', vethName(2))).toMatchObject({ master: bridgeName(1) })
    })

    it('gives a renamed bridge its name back, and finds it after a restart', async () => {
      await make(bridge(1))
      const before = await link('host', bridgeName(1))
      for (const reopen of [false, true]) {
        await machine.human.renameLink('host', bridgeName(1), 'other0')
        if (reopen) await machine.reopen()
        expect((await machine.kernel.observe([bridge(1)])).found.size).toBe(0)
        expect(await make(bridge(1))).toEqual([keyOf(bridge(1))])
        expect(await link('host', bridgeName(1))).toMatchObject({ ifindex: before?.ifindex })
      }
    })

    it('makes a veth anew whose other end was moved away', async () => {
      await make(...attached(ENDPOINT))
      await machine.in(sandboxId(1), `ip link set ${ifName(1)} netns ${machine.pathOf('host')}`)
      const { found } = await machine.kernel.observe([veth(ENDPOINT)])
      expect(found.get(keyOf(veth(ENDPOINT)))?.spec.differs).toContain('peer')
      expect(await make(...attached(ENDPOINT))).toContain(keyOf(veth(ENDPOINT)))
      expect(await link(sandboxId(1), ifName(1))).toBeDefined()
    })

    it('lets no frame through a cut port, until it is taken back into service', async () => {
      await make(...attached(ENDPOINT), firewall, firewallNetwork(1))
      await apply(cut(veth(ENDPOINT)))
      await expect(machine.in(sandboxId(1), 'ping -c 1 -W 1 10.99.1.1')).rejects.toThrow()
      await make(veth(ENDPOINT))
      await machine.in(sandboxId(1), 'ping -c 1 -W 2 10.99.1.1')
    })

    it('sees all in place after a restart', async () => {
      const specs = [...attached(ENDPOINT), gatewayAddr(1)]
      await make(...specs)
      const kernel = await machine.reopen()
      const { found, strays } = await kernel.observe(specs, { strays: true })
      expect([...found.values()].filter(({ ours, spec }) => !ours || spec.differs !== undefined)).toEqual([])
      expect(found.size).toBe(new Set(specs.map(keyOf)).size)
      expect(strays).toEqual([])
    })
  })
})
