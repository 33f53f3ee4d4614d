/**
 * The bridge driver: a network is a Linux bridge on this host that has the gateway's addresses, an endpoint is a veth
 * pair between a port of the bridge and the sandbox, and our nftables table decides what leaves and enters.
 *
 * Two deliberate differences from libnetwork. An internal network gives its endpoints no default route: it would lead
 * into a dead end and hide the one of another network. And the bridge has the network's MTU, not only the veths, so that
 * the host's own packets fit too.
 */
import {
  familyOf,
  prefixLengthOf,
  type AddrSpec,
  type Cidr,
  type CommandData,
  type Family,
  type Problem,
  type RouteSpec,
  type Spec,
  type SysctlSpec,
} from '../../events/index.ts'
import { DEFAULT_GATEWAY_NAMES } from '../ipam/index.ts'
import type { EndpointWant, NetworkWant } from '../../projections/index.ts'
import { readBridgeOptions } from './bridge-options.ts'
import type { Driver, EndpointContext, HostContext } from './driver.ts'

/** Least MTU of an IPv4 link, bytes (RFC 791 §3.2). */
export const MTU_V4_MIN = 68
/** Least MTU of an IPv6 link, bytes (RFC 8200 §5). */
export const MTU_V6_MIN = 1280
/** Most that veth and bridge take, bytes (ETH_MAX_MTU, linux/if_ether.h). */
export const MTU_MAX = 65535

/**
 * A bridge that routes IPv6 has this address, as libnetwork's has: without one the kernel cannot ask for the neighbours of
 * what it forwards (ndisc_send_ns), and one of its own making is usable a second later only (duplicate detection).
 */
const LINK_LOCAL = 'fe80::1/64' as Cidr

/** Where packets go that no other route takes. */
const DEFAULT_ROUTE = { 4: '0.0.0.0/0' as Cidr, 6: '::/0' as Cidr } as const

/**
 * What lets packets pass between a bridge and the outside. `all` also sets every link there is and, through `default`,
 * those to come (Documentation/networking/ip-sysctl.rst).
 */
const FORWARDING = { 4: 'net.ipv4.ip_forward', 6: 'net.ipv6.conf.all.forwarding' } as const

export const bridgeDriver: Driver = {
  name: 'bridge',
  endpointSpecs: (want, context) => [
    veth(want, context.network),
    ...want.addresses.map((address) => addr(want, address)),
    ...(context.network.internal ? [] : defaultRoutes(want, context)),
  ],
  hostSpecs: (want, host) => [
    { kind: 'firewall', table: host.table },
    ...(want.internal ? [] : familiesOf(want).map(forwarding)),
  ],
  networkSpecs: (want, host) => [
    {
      ipv6: hasIpv6(want),
      kind: 'bridge',
      mac: want.bridge.mac,
      mtu: want.mtu,
      name: want.bridge.name,
    },
    ...want.subnets.map((subnet) =>
      ofBridge(want, `${subnet.gateway}/${prefixLengthOf(subnet.subnet)}` as Cidr),
    ),
    ...(hasIpv6(want) ? [ofBridge(want, LINK_LOCAL)] : []),
    firewallNetwork(want, host),
  ],
  readOptions: readBridgeOptions,
  scope: 'host',
  validate: (request) => [...subnetProblems(request), ...mtuProblems(request)],
}

const veth = (want: EndpointWant, network: NetworkWant): Spec => ({
  bridge: network.bridge.name,
  kind: 'veth',
  mac: want.link.mac,
  mtu: network.mtu,
  name: want.link.name,
  peer: { ipv6: hasIpv6(network), mac: want.mac, name: want.ifName, ns: want.sandbox },
})

const ofBridge = (want: NetworkWant, address: Cidr): AddrSpec => ({
  address,
  kind: 'addr',
  link: want.bridge.name,
  ns: 'host',
})

const hasIpv6 = (want: NetworkWant): boolean => familiesOf(want).includes(6)

const addr = (want: EndpointWant, address: Cidr): Spec => ({
  address,
  kind: 'addr',
  link: want.ifName,
  ns: want.sandbox,
})

const firewallNetwork = (want: NetworkWant, host: HostContext): Spec => ({
  bridge: want.bridge.name,
  internal: want.internal,
  kind: 'firewall-network',
  masquerade: want.masquerade,
  subnets: want.subnets.map((subnet) => subnet.subnet),
  table: host.table,
})

const forwarding = (family: Family): SysctlSpec => ({
  kind: 'sysctl',
  name: FORWARDING[family],
  ns: 'host',
  value: '1',
})

const familiesOf = (want: NetworkWant): Family[] => [
  ...new Set(want.subnets.map((subnet) => familyOf(subnet.subnet))),
]

/**
 * The default routes that go by the endpoint, each by its network's gateway of that family, or by the auxiliary address that
 * has the name of a default gateway.
 */
const defaultRoutes = (want: EndpointWant, { gatewayOf, network }: EndpointContext): RouteSpec[] =>
  network.subnets
    .filter(({ gateway }) => gatewayOf.includes(familyOf(gateway)))
    .filter(({ gateway }) => want.addresses.some((address) => familyOf(address) === familyOf(gateway)))
    .map(({ auxAddresses, gateway }) => ({
      dst: DEFAULT_ROUTE[familyOf(gateway)],
      kind: 'route',
      link: want.ifName,
      ns: want.sandbox,
      via: auxAddresses?.[DEFAULT_GATEWAY_NAMES[familyOf(gateway)]] ?? gateway,
    }))

/** A port of a bridge has one address a family here, so a second pool could never be used. */
function subnetProblems(request: CommandData['network.create']): Problem[] {
  const subnets = request.subnets ?? []
  return ([4, 6] as const)
    .filter((family) => subnets.filter(({ subnet }) => familyOf(subnet as Cidr) === family).length > 1)
    .map((family) => ({
      code: 'ERR_UNSUPPORTED',
      field: 'subnets',
      message: `network ${request.name}: the bridge driver takes one IPv${family} subnet; give the others to networks of their own`,
    }))
}

function mtuProblems({
  ipv6 = false,
  mtu = 0,
  name,
  subnets = [],
}: CommandData['network.create']): Problem[] {
  const v6 = ipv6 || subnets.some(({ subnet }) => familyOf(subnet as Cidr) === 6)
  const least = v6 ? MTU_V6_MIN : MTU_V4_MIN
  if (mtu === 0 || (Number.isInteger(mtu) && mtu >= least && mtu <= MTU_MAX)) return []
  return [
    {
      code: 'ERR_INVALID',
      field: 'mtu',
      message: `network ${name}: an MTU of ${mtu} bytes is not possible; take ${least} to ${MTU_MAX}${v6 ? ' (IPv6 needs 1280)' : ''}, or 0 for the kernel's own`,
    },
  ]
}
