/** The bridge driver: which specs a network and its endpoints come to. */
import { describe, expect, it } from 'vitest'
import type { Cidr, EndpointId, Family, IfName, Ip, Mac, NetworkId, SandboxId } from '../../events/index.ts'
import type { EndpointWant, NetworkWant } from '../../projections/index.ts'
import { bridgeDriver, builtinDrivers, checkDriver } from '../../src/drivers/index.ts'

const host = { table: 'chronet_0badcafe' }
const v4 = { gateway: '10.0.3.1' as Ip, subnet: '10.0.3.0/24' as Cidr }
const v6 = { gateway: 'fd00::1' as Ip, subnet: 'fd00::/64' as Cidr }

const network: NetworkWant = {
  bridge: { mac: '02:00:00:00:00:01' as Mac, name: 'cnb1' as IfName },
  driver: 'bridge',
  id: 'n'.repeat(64) as NetworkId,
  internal: false,
  masquerade: true,
  mtu: 1400,
  subnets: [v4],
}
const endpoint: EndpointWant = {
  addresses: ['10.0.3.7/24' as Cidr],
  id: 'e'.repeat(64) as EndpointId,
  ifName: 'eth0' as IfName,
  link: { mac: '02:00:00:00:00:02' as Mac, name: 'cnv1' as IfName },
  mac: '02:42:0a:00:03:07' as Mac,
  network: network.id,
  priority: 0,
  sandbox: 's'.repeat(64) as SandboxId,
}
const routes = (want: EndpointWant, on: NetworkWant, ...gatewayOf: Family[]) =>
  bridgeDriver
    .endpointSpecs(want, { gatewayOf, network: on })
    .flatMap((spec) => (spec.kind === 'route' ? [`${spec.dst} via ${spec.via ?? ''} dev ${spec.link}`] : []))
const sysctls = (want: NetworkWant) =>
  bridgeDriver.hostSpecs(want, host).flatMap((spec) => (spec.kind === 'sysctl' ? [spec.name] : []))

describe('a bridge network', () => {
  it('is a bridge with the gateway address, and chains in our table', () => {
    expect(bridgeDriver.networkSpecs(network, host)).toEqual([
      { ipv6: false, kind: 'bridge', mac: '02:00:00:00:00:01', mtu: 1400, name: 'cnb1' },
      { address: '10.0.3.1/24', kind: 'addr', link: 'cnb1', ns: 'host' },
      {
        bridge: 'cnb1',
        internal: false,
        kind: 'firewall-network',
        masquerade: true,
        subnets: ['10.0.3.0/24'],
        table: host.table,
      },
    ])
  })

  it('needs our table, and forwarding of its families', () => {
    expect(bridgeDriver.hostSpecs(network, host)).toEqual([
      { kind: 'firewall', table: host.table },
      { kind: 'sysctl', name: 'net.ipv4.ip_forward', ns: 'host', value: '1' },
    ])
    expect(sysctls({ ...network, subnets: [v6] })).toEqual(['net.ipv6.conf.all.forwarding'])
    expect(sysctls({ ...network, subnets: [v4, v6] })).toHaveLength(2)
  })

  it('needs no forwarding when it is internal', () => {
    expect(sysctls({ ...network, internal: true, subnets: [v4, v6] })).toEqual([])
  })
})

describe('a bridge network of IPv6', () => {
  const dual = { ...network, subnets: [v4, v6] }
  const specs = bridgeDriver.networkSpecs(dual, host)

  it('is a bridge that speaks it, with a link-local address beside that of the gateway', () => {
    expect(specs[0]).toMatchObject({ ipv6: true, kind: 'bridge' })
    const addresses = specs.flatMap((spec) => (spec.kind === 'addr' ? [spec.address] : []))
    expect(addresses).toEqual(['10.0.3.1/24', 'fd00::1/64', 'fe80::1/64'])
  })

  it('has endpoints whose interfaces speak it', () => {
    const [veth] = bridgeDriver.endpointSpecs(endpoint, { gatewayOf: [], network: dual })
    expect(veth).toMatchObject({ kind: 'veth', peer: { ipv6: true } })
  })
})

describe('an endpoint on it', () => {
  it('is a veth born in the sandbox, with the MTU of the network, and its address', () => {
    expect(bridgeDriver.endpointSpecs(endpoint, { gatewayOf: [], network })).toEqual([
      {
        bridge: 'cnb1',
        kind: 'veth',
        mac: '02:00:00:00:00:02',
        mtu: 1400,
        name: 'cnv1',
        peer: { ipv6: false, mac: '02:42:0a:00:03:07', name: 'eth0', ns: endpoint.sandbox },
      },
      { address: '10.0.3.7/24', kind: 'addr', link: 'eth0', ns: endpoint.sandbox },
    ])
  })

  it('gives the default route when it is the gateway of its sandbox', () => {
    expect(routes(endpoint, network, 4, 6)).toEqual(['0.0.0.0/0 via 10.0.3.1 dev eth0'])
    expect(routes(endpoint, network)).toEqual([])
  })

  it('gives a default route of each family that it has an address of', () => {
    const both = { ...network, subnets: [v4, v6] }
    const dual = { ...endpoint, addresses: [...endpoint.addresses, 'fd00::7/64' as Cidr] }
    const [by4, by6] = ['0.0.0.0/0 via 10.0.3.1 dev eth0', '::/0 via fd00::1 dev eth0']
    expect(routes(dual, both, 4, 6)).toEqual([by4, by6])
    expect(routes(dual, both, 6)).toEqual([by6])
    expect(routes(endpoint, both, 4, 6)).toEqual([by4])
  })

  it('gives no default route into an internal network', () => {
    expect(routes(endpoint, { ...network, internal: true }, 4)).toEqual([])
  })
})

describe('all specs', () => {
  it('have their keys in alphabetical order', () => {
    const both = { ...network, subnets: [v4, v6] }
    const specs = [
      ...bridgeDriver.hostSpecs(both, host),
      ...bridgeDriver.networkSpecs(both, host),
      ...bridgeDriver.endpointSpecs(endpoint, { gatewayOf: [4, 6], network: both }),
    ]
    for (const spec of specs) expect(Object.keys(spec)).toEqual(Object.keys(spec).sort())
  })
})

describe('a request for a bridge network', () => {
  const request = { driver: 'bridge', name: 'web' }
  const problems = (more: object) =>
    bridgeDriver.validate({ ...request, ...more }).map(({ code, field }) => `${code} ${field ?? ''}`)

  it('may leave everything open', () => {
    expect(problems({})).toEqual([])
  })

  it('is refused with two subnets of one family', () => {
    const twice = [{ subnet: '10.0.0.0/24' }, { subnet: '10.1.0.0/24' }]
    expect(problems({ subnets: twice })).toEqual(['ERR_UNSUPPORTED subnets'])
    expect(problems({ subnets: [{ subnet: '10.0.0.0/24' }, { subnet: 'fd00::/64' }] })).toEqual([])
  })

  it.each([-1, 67, 65536, 1500.5, Number.NaN])('is refused with an MTU of %d', (mtu) => {
    expect(problems({ mtu })).toEqual(['ERR_INVALID mtu'])
  })

  it.each([0, 68, 1500, 65535])('is taken with an MTU of %d', (mtu) => {
    expect(problems({ mtu })).toEqual([])
  })

  it('needs 1280 bytes when IPv6 is on it', () => {
    expect(problems({ mtu: 1279, subnets: [{ subnet: 'fd00::/64' }] })).toEqual(['ERR_INVALID mtu'])
    expect(problems({ mtu: 1280, subnets: [{ subnet: 'fd00::/64' }] })).toEqual([])
  })

  it('names the drivers there are when it asks for another', () => {
    expect(checkDriver(builtinDrivers, 'bridge')).toEqual([])
    const [problem] = checkDriver(builtinDrivers, 'overlay')
    expect(problem?.code).toBe('ERR_DRIVER_UNKNOWN')
    expect(problem?.message).toContain('bridge')
  })
})
