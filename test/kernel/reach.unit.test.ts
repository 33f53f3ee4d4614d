/** Who reaches whom in a simulated world that a kernel port has made. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Cidr, type Ip, ipOf, type Spec } from '../../events/index.ts'
import type { Kernel } from '../../src/kernel/kernel.ts'
import { attachOutside, OUTSIDE_PATH, personAt } from '../../src/kernel/simulated/humans.ts'
import { canReach } from '../../src/kernel/simulated/reach.ts'
import type { KernelWorld } from '../../src/kernel/simulated/world.ts'
import {
  addr,
  addr6,
  bridge,
  attached,
  bridgeName,
  cut,
  defaultRoute6,
  type Endpoint,
  ensure,
  firewallNetwork,
  gateway,
  remove,
  sandboxId,
  veth,
  vethName,
} from '../contracts/universe.ts'
import { simulatedMachine } from '../contracts/simulated.ts'

const ONE: Endpoint = { n: 1, network: 1, sandbox: 1 }
const TWO: Endpoint = { n: 2, network: 1, sandbox: 2 }
const OTHER: Endpoint = { n: 3, network: 2, sandbox: 3 }
const FORWARD: Spec = { kind: 'sysctl', name: 'net.ipv4.ip_forward', ns: 'host', value: '1' }
const OUTSIDE = '192.0.2.2' as Ip
const HOST_OUTSIDE = '192.0.2.1' as Ip
const ipOfEndpoint = (endpoint: Endpoint): Ip => ipOf(addr(endpoint).address)

describe('reach', () => {
  let world: KernelWorld
  let kernel: Kernel
  const make = async (...specs: readonly Spec[]): Promise<void> => {
    const results = await kernel.apply(specs.map(ensure))
    expect(results.filter((result) => !result.ok)).toEqual([])
  }

  beforeEach(async () => {
    const machine = await simulatedMachine()
    world = machine.world
    kernel = machine.kernel
    await make(FORWARD, ...[ONE, TWO, OTHER].flatMap(attached))
  })

  it('lets endpoints of one network reach each other', () => {
    expect(canReach(world, sandboxId(1), sandboxId(2))).toEqual({
      reached: true,
      seenAs: ipOfEndpoint(ONE),
      why: `icmp to ${ipOfEndpoint(TWO)} is answered`,
    })
  })

  it('lets the host reach endpoints, and endpoints their gateway', () => {
    expect(canReach(world, 'host', sandboxId(1), 'tcp/80')).toMatchObject({
      reached: true,
      seenAs: gateway(1),
    })
    expect(canReach(world, sandboxId(1), gateway(1)).reached).toBe(true)
  })

  it('keeps networks apart', () => {
    expect(canReach(world, sandboxId(1), sandboxId(3))).toEqual({
      reached: false,
      why: `only answers may enter the network on ${bridgeName(2)}`,
    })
  })

  it('would let networks reach each other without our firewall', () => {
    personAt(world, world.host).flushFirewall()
    expect(canReach(world, sandboxId(1), sandboxId(3))).toMatchObject({
      reached: true,
      seenAs: ipOfEndpoint(ONE),
    })
  })

  it('cuts off a veth that is cut, down, unplugged, gone, or whose bridge is down', async () => {
    const person = personAt(world, world.host)
    const reached = (): boolean => canReach(world, sandboxId(1), sandboxId(2)).reached
    await kernel.apply([cut(veth(ONE))])
    expect(reached()).toBe(false)
    await make(...attached(ONE))
    expect(reached()).toBe(true)
    for (const harm of [
      () => person.downLink(vethName(1)),
      () => person.unplug(vethName(1)),
      () => person.deleteLink(vethName(2)),
      () => person.downLink(bridgeName(1)),
    ]) {
      harm()
      expect(reached()).toBe(false)
      await make(...attached(ONE), ...attached(TWO))
      expect(reached()).toBe(true)
    }
  })

  describe('with a machine outside', () => {
    beforeEach(() => attachOutside(world, { address: '192.0.2.2/24', hostAddress: '192.0.2.1/24' }))

    it('lets endpoints out, seen as the host', () => {
      expect(canReach(world, sandboxId(1), OUTSIDE)).toMatchObject({ reached: true, seenAs: HOST_OUTSIDE })
    })

    it('loses the answer without masquerading', async () => {
      await make({ ...firewallNetwork(1), masquerade: false })
      expect(canReach(world, sandboxId(1), OUTSIDE)).toEqual({
        reached: false,
        seenAs: ipOfEndpoint(ONE),
        why: `the answer to ${ipOfEndpoint(ONE)} is lost: ${OUTSIDE_PATH} has no route to ${ipOfEndpoint(ONE)}`,
      })
    })

    it('keeps an internal network inside', async () => {
      await make(firewallNetwork(1, true))
      expect(canReach(world, sandboxId(1), OUTSIDE).why).toBe(`the network on ${bridgeName(1)} is internal`)
      expect(canReach(world, sandboxId(1), sandboxId(2)).reached).toBe(true)
    })

    it('lets nobody out when the host does not forward, or has no route, or a stranger drops', () => {
      const person = personAt(world, world.host)
      const why = (): string => canReach(world, sandboxId(1), OUTSIDE).why
      person.addForeignTable('firewalld', true)
      expect(why()).toBe('table inet firewalld drops what is forwarded')
      person.deleteTable('firewalld')
      person.setSysctl('net.ipv4.ip_forward', '0')
      expect(why()).toBe('the host does not forward')
      personAt(
        world,
        world.mounts.get(`/run/chronet/contract/netns/${sandboxId(1)}`) ?? world.host,
      ).deleteRoute('0.0.0.0/0')
      expect(why()).toBe(`sandbox ${sandboxId(1).slice(0, 12)} has no route to ${OUTSIDE}`)
    })
  })

  it('lets nobody in from outside, though it knows the way', async () => {
    attachOutside(world, {
      address: '192.0.2.2/24',
      hostAddress: '192.0.2.1/24',
      routesBack: ['10.99.1.0/24'],
    })
    expect(canReach(world, OUTSIDE_PATH, ipOfEndpoint(ONE)).why).toBe(
      `only answers may enter the network on ${bridgeName(1)}`,
    )
    await kernel.apply([remove(firewallNetwork(1))])
    expect(canReach(world, OUTSIDE_PATH, ipOfEndpoint(ONE))).toMatchObject({ reached: true, seenAs: OUTSIDE })
  })

  it('treats IPv6 alike', async () => {
    const host: Spec = { address: 'fd99:1::1/64' as Cidr, kind: 'addr', link: bridgeName(1), ns: 'host' }
    const both = [ONE, TWO].map((each) => ({ ...each, ipv6: true }))
    await make(bridge(1, 0, true), host)
    await make(...both.flatMap((each) => [veth(each), addr6(each), defaultRoute6(each)]))
    attachOutside(world, { address: '2001:db8::2/64', hostAddress: '2001:db8::1/64' })
    expect(canReach(world, sandboxId(1), ipOf(addr6(TWO).address))).toMatchObject({ reached: true })
    expect(canReach(world, sandboxId(1), '2001:db8::2' as Ip).why).toBe('the host does not forward')
    await make(
      { kind: 'sysctl', name: 'net.ipv6.conf.all.forwarding', ns: 'host', value: '1' },
      { ...firewallNetwork(1), subnets: ['fd99:1::/64' as Cidr] },
    )
    expect(canReach(world, sandboxId(1), '2001:db8::2' as Ip)).toMatchObject({
      reached: true,
      seenAs: '2001:db8::1',
    })
  })

  it('names what it does not know', () => {
    expect(canReach(world, sandboxId(9), sandboxId(1)).why).toContain('there is no namespace')
    expect(canReach(world, sandboxId(1), '10.99.1.200' as Ip).why).toContain('nobody on eth1')
  })
})
