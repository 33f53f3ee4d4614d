/** Addresses, names and options over whole lives on the simulated kernel: kept, given, asked for, refused. */
import { describe, expect, it } from 'vitest'
import type { Controller, NetworkOptions, RefusedError } from '../../src/index.ts'
import { Lab, leftovers, story } from './lab.ts'

async function web(options: NetworkOptions = {}, sandboxes: readonly string[] = ['a', 'b']) {
  const lab = new Lab()
  const controller = await lab.open()
  await lab.do(controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' }, ...options }))
  for (const name of sandboxes) await lab.do(controller.newSandbox(name))
  return { controller, lab }
}

const refusal = async (lab: Lab, work: Promise<unknown>): Promise<RefusedError> =>
  lab
    .do(work.then(() => Promise.reject(new Error('was not refused'))))
    .catch((error: unknown) => error as RefusedError)

const addressOf = (controller: Controller, endpoint: string): string =>
  controller.queries.endpoint(endpoint).addresses.join()

describe('an endpoint whose container stopped', () => {
  it('keeps its address and MAC, through other endpoints and a restart, and joins with them again', async () => {
    const { controller, lab } = await web()
    const endpoint = await lab.do(controller.newEndpoint('web', 'db', { address: '10.9.0.77' }))
    await lab.do(endpoint.join('a'))
    await lab.do(endpoint.leave())
    expect(endpoint.info).toMatchObject({ addresses: ['10.9.0.77/24'], state: 'reserved' })
    const { mac } = endpoint.info
    const error = await refusal(lab, controller.connect('web', 'b', { address: '10.9.0.77' }))
    expect(error).toMatchObject({ code: 'ERR_ADDRESS_TAKEN', problems: [{ holder: endpoint.id }] })
    const same = await refusal(lab, controller.connect('web', 'b', { mac }))
    expect(same).toMatchObject({
      code: 'ERR_ADDRESS_TAKEN',
      problems: [{ field: 'mac', holder: endpoint.id }],
    })
    expect(same.message).toContain('endpoint db')
    await lab.do(controller.close())
    const again = await lab.open()
    await lab.do(again.endpoint('db').join('b'))
    expect(again.queries.endpoint('db')).toMatchObject({ addresses: ['10.9.0.77/24'], mac, state: 'joined' })
    expect([...lab.in(again.sandbox('b').id).links()].map((link) => link.mac)).toContain(mac)
  })

  it('keeps what was chosen for it too, however many come after', async () => {
    const { controller, lab } = await web({ ipam: { subnet: '10.9.0.0/29' } })
    const endpoint = await lab.do(controller.newEndpoint('web', 'db'))
    await lab.do(endpoint.join('a'))
    await lab.do(endpoint.leave())
    for (let i = 0; i < 4; i++) await lab.do(controller.newEndpoint('web', `e${i}`))
    const error = await refusal(lab, controller.newEndpoint('web', 'more'))
    expect(error.code).toBe('ERR_ADDRESS_EXHAUSTED')
    expect(error.message).toContain(
      'all 5 addresses of 10.9.0.0/29 are held, by endpoint db, endpoint e0, endpoint e1',
    )
    expect(error.problems[0]?.holders).toEqual(
      ['db', 'e0', 'e1'].map((name) => controller.queries.endpoint(name).id),
    )
    expect(addressOf(controller, 'db')).toBe('10.9.0.2/29')
  })
})

describe('an address that was just given back', () => {
  it('is not the next one given, by connect nor by create', async () => {
    const { controller, lab } = await web()
    await lab.do(controller.connect('web', 'a'))
    const given = [addressOf(controller, 'a-web')]
    for (let i = 0; i < 3; i++) {
      await lab.do(controller.disconnect('web', 'a'))
      await lab.do(controller.connect('web', 'a'))
      given.push(addressOf(controller, 'a-web'))
    }
    for (let i = 0; i < 2; i++) {
      const endpoint = await lab.do(controller.newEndpoint('web', 'e'))
      given.push(addressOf(controller, 'e'))
      await lab.do(endpoint.delete())
    }
    expect(given).toEqual([2, 3, 4, 5, 6, 7].map((n) => `10.9.0.${n}/24`))
  })

  it('stays so over a restart', async () => {
    const { controller, lab } = await web()
    await lab.do(controller.connect('web', 'a'))
    await lab.do(controller.disconnect('web', 'a'))
    await lab.do(controller.close())
    const again = await lab.open()
    await lab.do(again.connect('web', 'a'))
    expect(addressOf(again, 'a-web')).toBe('10.9.0.3/24')
  })

  it('is waited for when it is the last one', async () => {
    const { controller, lab } = await web({ ipam: { subnet: '10.9.0.0/30' } })
    await lab.do(controller.connect('web', 'a'))
    const [gone, come] = await lab.all<unknown>([
      controller.disconnect('web', 'a'),
      controller.connect('web', 'b'),
    ])
    expect([gone?.status, come?.status]).toEqual(['fulfilled', 'fulfilled'])
    expect(addressOf(controller, 'b-web')).toBe('10.9.0.2/30')
  })
})

describe('a range and auxiliary addresses', () => {
  it('are recorded with the network, and kept after a restart', async () => {
    const ipam = {
      auxAddresses: { printer: '10.9.5.2', router: '10.9.0.254' },
      gateway: '10.9.0.1',
      ipRange: '10.9.5.0/29',
      subnet: '10.9.0.0/16',
    }
    const { controller, lab } = await web({ ipam })
    expect(controller.queries.network('web').subnets).toEqual([ipam])
    await lab.do(controller.connect('web', 'a'))
    await lab.do(controller.close())
    const again = await lab.open()
    await lab.do(again.connect('web', 'b'))
    await lab.do(again.newEndpoint('web', 'c'))
    expect(['a-web', 'b-web', 'c'].map((name) => addressOf(again, name))).toEqual([
      '10.9.5.0/16',
      '10.9.5.1/16',
      '10.9.5.3/16',
    ])
    const taken = await refusal(lab, again.newEndpoint('web', 'd', { address: '10.9.0.254' }))
    expect(taken.message).toContain("network 'web' (its auxiliary address 'router') is held by network web")
    expect(lab.reaches(again, 'a', 'b')).toBe(true)
  })

  it('give the default gateway where one has its name', async () => {
    const auxAddresses = { DefaultGatewayIPv4: '10.9.0.254' }
    const { controller, lab } = await web({ ipam: { auxAddresses, subnet: '10.9.0.0/24' } })
    await lab.do(controller.connect('web', 'a'))
    const { facts } = (await lab.do(lastCommitWith(controller, 'EndpointReserved'))) ?? { facts: [] }
    expect(JSON.stringify(facts)).toContain('"via":"10.9.0.254"')
  })
})

async function lastCommitWith(controller: Controller, type: string) {
  let last
  for await (const commit of controller.commits())
    if (commit.facts.some((fact) => fact.type === type)) last = commit
  return last
}

describe('interface names in a sandbox', () => {
  const names = (controller: Controller) =>
    controller.queries.endpoints().map(({ ifName, name }) => `${name} ${ifName ?? ''}`)

  it('are the lowest free of their prefix: asked for, the network’s, or eth', async () => {
    const { controller, lab } = await web({ ifPrefix: 'net' })
    await lab.do(controller.newNetwork('bridge', 'db', { ipam: { subnet: '10.10.0.0/24' } }))
    await lab.do(controller.connect('web', 'a', { name: 'one' }))
    await lab.do(controller.connect('web', 'a', { name: 'two' }))
    await lab.do(controller.connect('db', 'a', { name: 'three' }))
    await lab.do(controller.connect('db', 'a', { ifPrefix: 'lan', name: 'four' }))
    await lab.do(controller.connect('db', 'a', { ifName: 'net3', name: 'five' }))
    await lab.do(controller.endpoint('one').delete({ force: true }))
    await lab.do(controller.connect('web', 'a', { name: 'six' }))
    await lab.do(controller.connect('web', 'a', { name: 'seven' }))
    expect(names(controller)).toEqual([
      'five net3',
      'four lan0',
      'seven net2',
      'six net0',
      'three eth0',
      'two net1',
    ])
  })

  it('are refused: taken (by whom), malformed, too long by prefix, name and prefix both', async () => {
    const { controller, lab } = await web()
    await lab.do(controller.connect('web', 'a', { name: 'one' }))
    const codes = async (options: object) => {
      const error = await refusal(lab, controller.connect('web', 'a', { name: 'x', ...options }))
      return error.problems.map(({ code, field, holder }) => [code, field, holder].filter(Boolean).join(' '))
    }
    expect(await codes({ ifName: 'eth0' })).toEqual([
      `ERR_EXISTS ifName ${controller.queries.endpoint('one').id}`,
    ])
    expect(await codes({ ifName: 'x'.repeat(16) })).toEqual(['ERR_INVALID ifName'])
    expect(await codes({ ifName: 'lo' })).toEqual(['ERR_INVALID ifName'])
    expect(await codes({ ifPrefix: '' })).toEqual(['ERR_INVALID ifPrefix'])
    expect(await codes({ ifPrefix: 'x'.repeat(14) })).toEqual(['ERR_INVALID ifPrefix'])
    expect(await codes({ ifName: 'eth1', ifPrefix: 'eth' })).toEqual(['ERR_INVALID ifPrefix'])
    await lab.do(controller.connect('web', 'a', { ifPrefix: 'x'.repeat(13), name: 'y' }))
    await lab.do(controller.connect('web', 'a', { ifName: 'x'.repeat(15), name: 'z' }))
    expect(names(controller)).toContain(`y ${'x'.repeat(13)}0`)
  })
})

describe('a bridge of a chosen name', () => {
  const named = { options: { 'com.docker.network.bridge.name': 'br0' } }

  it('is made, taken over a restart, and gone with its network', async () => {
    const { controller, lab } = await web(named)
    expect(controller.queries.network('web').bridge.name).toBe('br0')
    expect(lab.links()).toContain('br0')
    await lab.do(controller.close())
    const again = await lab.open()
    expect(again.recovered).toEqual({ healed: 0, late: 0, orphans: [] })
    await lab.do(again.sandbox('a').delete())
    await lab.do(again.sandbox('b').delete())
    await lab.do(again.network('web').delete())
    await lab.do(again.close())
    expect(leftovers(lab)).toEqual([])
  })

  it('is refused while another network has it, and waited for while that one’s is removed', async () => {
    const { controller, lab } = await web(named, [])
    const ipam = { subnet: '10.10.0.0/24' }
    const error = await refusal(lab, controller.newNetwork('bridge', 'db', { bridge: 'br0', ipam }))
    expect(error.problems).toMatchObject([
      { code: 'ERR_EXISTS', field: 'bridge', holder: controller.network('web').id },
    ])
    expect(error.message).toContain("interface 'br0' on this host is held by network web")
    const outcomes = await lab.all<unknown>([
      controller.network('web').delete(),
      controller.newNetwork('bridge', 'db', { bridge: 'br0', ipam }),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
    expect(lab.links()).toEqual(['br0'])
    expect(controller.queries.network('db').state).toBe('created')
  })

  it('is left alone where it is a stranger’s, and the network says why it failed', async () => {
    const lab = new Lab()
    const controller = await lab.open()
    lab.root.addForeignLink({ kind: 'bridge', name: 'br0' })
    const error = await refusal(lab, controller.newNetwork('bridge', 'web', named))
    expect(error.code).toBe('ERR_EFFECT_FAILED')
    expect(error.message).toContain('br0')
    expect(controller.queries.network('web').state).toBe('failed')
    await lab.ports.time.runFor(50)
    // Nor is what passes through it ours any more.
    expect(JSON.stringify([...lab.world.host.tables.values()], asText)).not.toContain('br0')
    await lab.do(controller.network('web').delete())
    await lab.ports.time.runFor(50)
    expect(lab.links()).toEqual(['br0'])
  })

  it.each(['', 'lo', 'all', 'a/b', 'x'.repeat(16), 'br 0'])('is refused as %j', async (bridge) => {
    const lab = new Lab()
    const controller = await lab.open()
    const error = await refusal(lab, controller.newNetwork('bridge', 'web', { bridge }))
    expect(error.problems.map(({ code, field }) => `${code} ${field ?? ''}`)).toEqual(['ERR_INVALID bridge'])
  })
})

/** Maps and sets as lists, for a look at all that is in them. */
const asText = (_key: string, value: unknown): unknown =>
  value instanceof Map || value instanceof Set ? [...(value as Iterable<unknown>)] : value

describe('options of a network', () => {
  it('mean what its fields mean', async () => {
    const options = {
      'com.docker.network.bridge.enable_ip_masquerade': 'false',
      'com.docker.network.driver.mtu': '1400',
      'com.docker.network.enable_ipv6': 'true',
      'com.docker.network.internal': 'true',
    }
    const { controller } = await web({ options })
    const network = controller.queries.network('web')
    expect(network).toMatchObject({ internal: true, masquerade: false, mtu: 1400 })
    expect(network.subnets).toHaveLength(2)
  })

  it('are refused together with all else that is wrong, and nothing is changed', async () => {
    const { controller, lab } = await web({}, [])
    const before = (await story(lab, controller)).length
    const options = {
      'com.docker.network.bridge.enable_icc': 'false',
      'com.docker.network.driver.mtu': '67',
      'no.such': 'x',
    }
    const ipam = { gateway: '10.9.0.1', ipRange: '10.7.0.0/24', subnet: '10.9.0.0/25' }
    const error = await refusal(lab, controller.newNetwork('bridge', 'web', { ipam, options }))
    expect(error.problems.map(({ code, field }) => `${code} ${field ?? ''}`).sort()).toEqual([
      'ERR_ADDRESS_INVALID subnets',
      'ERR_EXISTS name',
      'ERR_INVALID mtu',
      'ERR_INVALID options',
      'ERR_OVERLAP subnets',
      'ERR_UNSUPPORTED options',
    ])
    expect((await story(lab, controller)).length).toBe(before)
  })
})

describe('a host that was restarted', () => {
  it('gets its owned sandboxes again: addresses, MACs, names, routes, and what was only reserved', async () => {
    const auxAddresses = { router: '10.9.0.9' }
    const { controller, lab } = await web({
      bridge: 'br0',
      ipam: [{ auxAddresses, ipRange: '10.9.0.8/29', subnet: '10.9.0.0/24' }, { subnet: 'fd00:9::/64' }],
    })
    await lab.do(
      controller.newNetwork('bridge', 'inner', { internal: true, ipam: { subnet: '10.10.0.0/24' } }),
    )
    await lab.do(controller.connect('web', 'a', { ifName: 'wan7' }))
    await lab.do(controller.connect('inner', 'a'))
    await lab.do(controller.connect('web', 'b', { address: '10.9.0.200', mac: '02:00:00:00:00:99' }))
    const kept = await lab.do(controller.newEndpoint('web', 'stopped', { address: '10.9.0.201' }))
    const before = { endpoints: controller.queries.endpoints(), sandboxes: controller.queries.sandboxes() }
    const inside = (on: Controller) =>
      ['a', 'b'].map((name) => {
        const ns = lab.in(on.sandbox(name).id)
        return {
          links: ns
            .links()
            .map(({ mac, mtu, name, up }) => `${name} ${mac} ${mtu} ${String(up)}`)
            .sort(),
          routes: ns.routes().sort(),
        }
      })
    const was = inside(controller)
    // The power fails: nothing was closed.
    lab.kill()
    lab.reboot()
    const again = await lab.open()
    expect(again.queries.endpoints()).toEqual(before.endpoints)
    expect(again.queries.sandboxes()).toEqual(before.sandboxes)
    expect(inside(again)).toEqual(was)
    expect(again.recovered?.healed).toBeGreaterThan(0)
    expect(lab.links()).toContain('br0')
    expect(lab.reaches(again, 'a', 'b')).toBe(true)
    await lab.do(again.endpoint(kept.id).join('a'))
    expect(addressOf(again, 'stopped')).toContain('10.9.0.201/24')
    await lab.do(again.close())
    expect((await lab.open()).recovered).toEqual({ healed: 0, late: 0, orphans: [] })
  })

  it('has forgotten what waited to be removed: it can be given again at once', async () => {
    const { controller, lab } = await web({ ipam: { subnet: '10.9.0.0/30' } })
    await lab.do(controller.connect('web', 'a'))
    await lab.do(controller.dispatch({ data: { network: 'web', sandbox: 'a' }, type: 'disconnect' }))
    lab.kill()
    lab.reboot()
    const again = await lab.open()
    await lab.do(again.connect('web', 'b'))
    expect(addressOf(again, 'b-web')).toBe('10.9.0.2/30')
  })
})
