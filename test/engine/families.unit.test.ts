/** Networks of IPv4, of IPv6 and of both: what a user asks for, gets, and is refused. */
import { describe, expect, it } from 'vitest'
import type { Ip, RefusedError } from '../../events/index.ts'
import type { Controller } from '../../src/index.ts'
import { attachOutside, OUTSIDE_PATH } from '../../src/kernel/simulated/humans.ts'
import { canReach } from '../../src/kernel/simulated/reach.ts'
import { checkInvariants } from './invariants.ts'
import { Lab, leftovers } from './lab.ts'

const OUTSIDE6 = '2001:db8::2' as Ip

async function machine() {
  const lab = new Lab()
  attachOutside(lab.world, { address: `${OUTSIDE6}/64`, hostAddress: '2001:db8::1/64' })
  return { controller: await lab.open(), lab }
}

/** Two sandboxes on a network. */
async function twoOn(options: Parameters<Controller['newNetwork']>[2]) {
  const { controller, lab } = await machine()
  await lab.do(controller.newNetwork('bridge', 'web', options))
  for (const name of ['a', 'b']) {
    await lab.do(controller.newSandbox(name))
    await lab.do(controller.connect('web', name))
  }
  return { controller, lab }
}

const refusal = (lab: Lab, work: Promise<unknown>): Promise<RefusedError> =>
  lab.do(
    work.then(
      () => Promise.reject(new Error('it was not refused')),
      (error: unknown) => error as RefusedError,
    ),
  )

const addressesOf = (controller: Controller, name: string): readonly string[] =>
  controller.queries.endpoint(name, 'web').addresses
const ipOf = (cidr: string | undefined): Ip => (cidr ?? '').split('/')[0] as Ip
const subnetsOf = (controller: Controller, name = 'web'): readonly string[] =>
  controller.queries.network(name).subnets.map(({ gateway, subnet }) => `${subnet} via ${gateway}`)

const reaches = (lab: Lab, controller: Controller, from: string, to: Ip) =>
  canReach(lab.world, controller.queries.sandbox(from).id, to)

describe('a network of both families', () => {
  it('has a subnet, a gateway and endpoint addresses of each, which all answer', async () => {
    const { controller, lab } = await twoOn({ ipam: [{ subnet: 'fd00:9::/64' }, { subnet: '10.9.0.0/24' }] })
    expect(subnetsOf(controller)).toEqual(['10.9.0.0/24 via 10.9.0.1', 'fd00:9::/64 via fd00:9::1'])
    expect(addressesOf(controller, 'b-web')).toEqual(['10.9.0.3/24', 'fd00:9::3/64'])
    expect(controller.queries.endpoint('b-web').mac).toBe('02:42:0a:09:00:03')
    for (const address of [...addressesOf(controller, 'b-web'), '10.9.0.1', 'fd00:9::1'])
      expect(reaches(lab, controller, 'a', ipOf(address)).why).toContain('is answered')
    await checkInvariants(lab, controller)
  })

  it('reaches the world outside masqueraded, and nobody outside reaches in', async () => {
    const { controller, lab } = await twoOn({ ipam: { subnet: 'fd00:9::/64' } })
    expect(reaches(lab, controller, 'a', OUTSIDE6)).toMatchObject({ reached: true, seenAs: '2001:db8::1' })
    lab.root.setSysctl('net.ipv6.conf.all.forwarding', '1')
    const inside = ipOf(addressesOf(controller, 'a-web')[1])
    expect(canReach(lab.world, OUTSIDE_PATH, inside).reached).toBe(false)
  })

  it('takes addresses that are asked for, one of each family', async () => {
    const { controller, lab } = await twoOn({ ipam: [{ subnet: '10.9.0.0/24' }, { subnet: 'fd00:9::/64' }] })
    await lab.do(controller.newSandbox('c'))
    const asked = { address: '10.9.0.77', address6: 'FD00:9:0::77' }
    await lab.do(controller.connect('web', 'c', asked))
    expect(addressesOf(controller, 'c-web')).toEqual(['10.9.0.77/24', 'fd00:9::77/64'])
    await lab.do(controller.newSandbox('d'))
    const error = await refusal(lab, controller.connect('web', 'd', asked))
    expect(error.problems.map(({ code, field }) => `${code} ${field ?? ''}`)).toEqual([
      'ERR_ADDRESS_TAKEN address',
      'ERR_ADDRESS_TAKEN address6',
    ])
  })

  it('leaves nothing behind', async () => {
    const { controller, lab } = await twoOn({ ipv6: true })
    for (const name of ['a', 'b']) await lab.do(controller.sandbox(name).delete())
    await lab.do(controller.network('web').delete())
    await lab.do(controller.close())
    expect(leftovers(lab)).toEqual(['uplink0'])
  })

  it('is there again after a reboot, with the same addresses', async () => {
    const { controller, lab } = await twoOn({ ipv6: true })
    const before = addressesOf(controller, 'b-web')
    await lab.do(controller.close())
    lab.reboot()
    const again = await lab.open()
    expect(addressesOf(again, 'b-web')).toEqual(before)
    for (const address of before) expect(reaches(lab, again, 'a', ipOf(address)).reached).toBe(true)
    expect(again.recovered).toMatchObject({ orphans: [] })
  })

  it('is healed where somebody disabled IPv6', async () => {
    const { controller, lab } = await twoOn({ ipv6: true })
    const id = controller.queries.sandbox('b').id
    const b = ipOf(addressesOf(controller, 'b-web')[1])
    lab.in(id).disableIpv6('eth0')
    expect(reaches(lab, controller, 'a', b).reached).toBe(false)
    await lab.ports.time.runFor(1000)
    expect(reaches(lab, controller, 'a', b).reached).toBe(true)
    await checkInvariants(lab, controller)
  })
})

describe('a network of IPv6 alone', () => {
  it('has no IPv4 anywhere, and its endpoints reach each other and the outside', async () => {
    const { controller, lab } = await twoOn({ ipam: { subnet: 'fd00:9::/64' }, ipv4: false })
    expect(subnetsOf(controller)).toEqual(['fd00:9::/64 via fd00:9::1'])
    expect(addressesOf(controller, 'a-web')).toEqual(['fd00:9::2/64'])
    expect(lab.reaches(controller, 'a', 'b')).toBe(true)
    expect(reaches(lab, controller, 'a', OUTSIDE6).reached).toBe(true)
    expect(controller.queries.sandbox('a')).toMatchObject({
      gateway6: controller.queries.endpoint('a-web').id,
    })
    expect(controller.queries.sandbox('a')).not.toHaveProperty('gateway')
    await checkInvariants(lab, controller)
  })
})

describe('a network of IPv4 alone', () => {
  it('lets nothing in its sandboxes or on its bridge speak IPv6', async () => {
    const { controller, lab } = await twoOn({})
    const links = [...lab.world.host.links.values(), ...lab.in(controller.queries.sandbox('a').id).links()]
    const speaking = links.filter(({ ipv6, name }) => ipv6 && /^(cnb|eth)/.test(name))
    expect(speaking.map(({ name }) => name)).toEqual([])
  })
})

describe('subnets of IPv6 that nobody names', () => {
  it('are the /64s of one /48 of unique local addresses, the same for this installation for ever', async () => {
    const { controller, lab } = await machine()
    for (const name of ['one', 'two', 'three'])
      await lab.do(controller.newNetwork('bridge', name, { ipv4: false, ipv6: true }))
    const [one = '', two = '', three = ''] = ['one', 'two', 'three'].map((n) => subnetsOf(controller, n)[0])
    const [prefix = ''] = /^fd[0-9a-f]{2}:[0-9a-f]{1,4}:[0-9a-f]{1,4}:/.exec(one) ?? []
    expect([one, two, three]).toEqual([
      `${prefix}:/64 via ${prefix}:1`,
      `${prefix}1::/64 via ${prefix}1::1`,
      `${prefix}2::/64 via ${prefix}2::1`,
    ])
    await lab.do(controller.network('two').delete())
    await lab.ports.time.runFor(100)
    await lab.do(controller.newNetwork('bridge', 'four', { ipv4: false, ipv6: true }))
    expect(subnetsOf(controller, 'four')).toEqual([two])
  })

  it('hide no route of the host', async () => {
    const { controller, lab } = await machine()
    await lab.do(controller.newNetwork('bridge', 'one', { ipv6: true }))
    const [prefix = ''] = (subnetsOf(controller, 'one')[1] ?? '').split('::')
    lab.root.addForeignRoute(`${prefix}:0::/62`, 'uplink0', '2001:db8::2')
    lab.root.addForeignRoute(`${prefix}:5::/64`, 'uplink0', '2001:db8::2')
    for (const name of ['two', 'three']) await lab.do(controller.newNetwork('bridge', name, { ipv6: true }))
    expect(subnetsOf(controller, 'two')[1]).toBe(`${prefix}:4::/64 via ${prefix}:4::1`)
    expect(subnetsOf(controller, 'three')[1]).toBe(`${prefix}:6::/64 via ${prefix}:6::1`)
  })
})

describe('the default route', () => {
  it('of each family goes by the best network that has the family', async () => {
    const { controller, lab } = await machine()
    await lab.do(controller.newNetwork('bridge', 'a4'))
    await lab.do(controller.newNetwork('bridge', 'b6', { ipv4: false, ipv6: true }))
    await lab.do(controller.newNetwork('bridge', 'c46', { ipv6: true }))
    await lab.do(controller.newSandbox('s'))
    const routes = () =>
      lab
        .in(controller.queries.sandbox('s').id)
        .routes()
        .filter((route) => route.includes('/0 by'))
        .sort()
    await lab.do(controller.connect('c46', 's'))
    expect(routes()).toEqual(['0.0.0.0/0 by eth0', '::/0 by eth0'])
    await lab.do(controller.connect('b6', 's'))
    expect(routes()).toEqual(['0.0.0.0/0 by eth0', '::/0 by eth1'])
    await lab.do(controller.connect('a4', 's'))
    expect(routes()).toEqual(['0.0.0.0/0 by eth2', '::/0 by eth1'])
    await lab.do(controller.disconnect('b6', 's'))
    expect(routes()).toEqual(['0.0.0.0/0 by eth2', '::/0 by eth0'])
    await lab.do(controller.disconnect('c46', 's'))
    await lab.ports.time.runFor(100)
    expect(routes()).toEqual(['0.0.0.0/0 by eth2'])
    await checkInvariants(lab, controller)
  })
})

describe('a request', () => {
  it.each([
    [{ ipam: { subnet: 'fd00::/64' }, ipv6: false }, 'ERR_INVALID ipv6'],
    [{ ipam: { subnet: '10.9.0.0/24' }, ipv4: false, ipv6: true }, 'ERR_INVALID ipv4'],
    [{ ipv4: false }, 'ERR_INVALID ipv4'],
    [{ ipv6: true, mtu: 1279 }, 'ERR_INVALID mtu'],
    [{ ipam: { gateway: '10.9.0.1', subnet: 'fd00::/64' } }, 'ERR_ADDRESS_INVALID subnets'],
    [{ ipam: { subnet: 'fe80::/64' } }, 'ERR_ADDRESS_INVALID subnets'],
    [{ ipam: { subnet: '2001:db8::/64' } }, 'ERR_OVERLAP_HOST subnets'],
    [{ ipam: [{ subnet: 'fd00::/64' }, { subnet: 'fd01::/64' }] }, 'ERR_UNSUPPORTED subnets'],
  ])('of %j is refused: %s', async (options, problem) => {
    const { controller, lab } = await machine()
    const error = await refusal(lab, controller.newNetwork('bridge', 'web', options))
    expect(error.problems.map(({ code, field }) => `${code} ${field ?? ''}`)).toEqual([problem])
    expect(controller.queries.networks()).toEqual([])
  })

  it('of IPv6 for an address is refused in the field of IPv4, and the other way round', async () => {
    const { controller, lab } = await twoOn({ ipv6: true })
    await lab.do(controller.newSandbox('c'))
    const asked = { address: 'fd00::7', address6: '10.9.0.7' }
    const error = await refusal(lab, controller.connect('web', 'c', asked))
    expect(error.problems.map(({ code, field }) => `${code} ${field ?? ''}`)).toEqual([
      'ERR_ADDRESS_INVALID address',
      'ERR_ADDRESS_INVALID address6',
    ])
  })
})
