/**
 * Specs for kernel tests, as the drivers write them: a few networks, sandboxes and endpoints with marks of one origin.
 */
import { createHash } from 'node:crypto'
import {
  type AddrSpec,
  type BridgeSpec,
  type Cidr,
  type Family,
  type FirewallNetworkSpec,
  type FirewallSpec,
  type IfName,
  type Ip,
  keyOf,
  type Mac,
  type NetnsSpec,
  type Origin,
  type RouteSpec,
  type SandboxId,
  type Spec,
  type Step,
  type VethSpec,
} from '../../events/index.ts'
import type { Hash } from '../../src/ports.ts'
import { linkMac, linkName, tableName } from '../../src/reconcile/marks.ts'

export const sha256: Hash = (text) => createHash('sha256').update(text).digest('hex')

export const ORIGIN = sha256('the origin of the contract suite') as Origin
export const TABLE = tableName(ORIGIN)

export const sandboxId = (n: number): SandboxId => sha256(`sandbox ${n}`) as SandboxId

export const netns = (n: number): NetnsSpec => ({ kind: 'netns', sandbox: sandboxId(n) })

export const bridgeName = (n: number): IfName => linkName(sha256, 'b', sha256(`network ${n}`), 1)

export const bridge = (n: number, mtu = 0, ipv6 = false): BridgeSpec => ({
  ipv6,
  kind: 'bridge',
  mac: linkMac(sha256, ORIGIN, bridgeName(n)),
  mtu,
  name: bridgeName(n),
})

/** Endpoint `n`, of a network, in a sandbox. */
export type Endpoint = {
  readonly ipv6?: boolean
  readonly mtu?: number
  readonly n: number
  readonly network: number
  readonly sandbox: number
}

export const vethName = (n: number): IfName => linkName(sha256, 'v', sha256(`endpoint ${n}`), 1)

export const ifName = (network: number): IfName => `eth${network}` as IfName

export const veth = ({ ipv6 = false, mtu = 0, n, network, sandbox }: Endpoint): VethSpec => ({
  bridge: bridgeName(network),
  kind: 'veth',
  mac: linkMac(sha256, ORIGIN, vethName(n)),
  mtu,
  name: vethName(n),
  peer: {
    ipv6,
    mac: linkMac(sha256, ORIGIN, `endpoint ${n}`) satisfies Mac,
    name: ifName(network),
    ns: sandboxId(sandbox),
  },
})

export const subnet = (network: number): Cidr => `10.99.${network}.0/24` as Cidr
export const gateway = (network: number): Ip => `10.99.${network}.1` as Ip

export const gatewayAddr = (network: number): AddrSpec => ({
  address: `10.99.${network}.1/24` as Cidr,
  kind: 'addr',
  link: bridgeName(network),
  ns: 'host',
})

export const addr = ({ n, network, sandbox }: Endpoint): AddrSpec => ({
  address: `10.99.${network}.${n + 10}/24` as Cidr,
  kind: 'addr',
  link: ifName(network),
  ns: sandboxId(sandbox),
})

export const addr6 = ({ n, network, sandbox }: Endpoint): AddrSpec => ({
  address: `fd99:${network}::${n + 10}/64` as Cidr,
  kind: 'addr',
  link: ifName(network),
  ns: sandboxId(sandbox),
})

export const defaultRoute = ({ network, sandbox }: Endpoint): RouteSpec => ({
  dst: '0.0.0.0/0' as Cidr,
  kind: 'route',
  link: ifName(network),
  ns: sandboxId(sandbox),
  via: gateway(network),
})

export const defaultRoute6 = ({ network, sandbox }: Endpoint): RouteSpec => ({
  dst: '::/0' as Cidr,
  kind: 'route',
  link: ifName(network),
  ns: sandboxId(sandbox),
  via: `fd99:${network}::1` as Ip,
})

export const firewall: FirewallSpec = { kind: 'firewall', table: TABLE }

export const firewallNetwork = (network: number, internal = false): FirewallNetworkSpec => ({
  bridge: bridgeName(network),
  internal,
  kind: 'firewall-network',
  masquerade: true,
  subnets: [subnet(network)],
  table: TABLE,
})

export const subnet6 = (network: number): Cidr => `fd99:${network}::/64` as Cidr

/** What the host has on the bridge of a network that has IPv6. */
export const gatewayAddrs6 = (network: number): readonly [AddrSpec, AddrSpec] => [
  { ...gatewayAddr(network), address: `fd99:${network}::1/64` as Cidr },
  { ...gatewayAddr(network), address: 'fe80::1/64' as Cidr },
]

/** A network of these families with one endpoint in one sandbox, in an order in which it can be made. */
export function attachedWith(families: readonly Family[], endpoint: Endpoint): readonly Spec[] {
  const { network, sandbox } = endpoint
  const [v4, v6] = [families.includes(4), families.includes(6)]
  return [
    firewall,
    netns(sandbox),
    bridge(network, 0, v6),
    ...(v4 ? [gatewayAddr(network)] : []),
    ...(v6 ? gatewayAddrs6(network) : []),
    {
      ...firewallNetwork(network),
      subnets: [...(v4 ? [subnet(network)] : []), ...(v6 ? [subnet6(network)] : [])],
    },
    veth({ ...endpoint, ipv6: v6 }),
    ...(v4 ? [addr(endpoint), defaultRoute(endpoint)] : []),
    ...(v6 ? [addr6(endpoint), defaultRoute6(endpoint)] : []),
  ]
}

/** A network with one endpoint in one sandbox, in an order in which it can be made. */
export function attached(endpoint: Endpoint): readonly Spec[] {
  const { network, sandbox } = endpoint
  return [
    firewall,
    netns(sandbox),
    bridge(network),
    gatewayAddr(network),
    firewallNetwork(network),
    veth(endpoint),
    addr(endpoint),
    defaultRoute(endpoint),
  ]
}

export const ensure = (spec: Spec): Step => ({ key: keyOf(spec), op: 'ensure', spec })
export const cut = (spec: BridgeSpec | VethSpec): Step => ({ key: keyOf(spec), op: 'cut', spec })
export const remove = (spec: Spec): Step => ({ key: keyOf(spec), op: 'remove', spec, takes: [] })
