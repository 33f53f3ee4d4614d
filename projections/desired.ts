/**
 * What entities need of the host, driver-neutral: from here the drivers take what should exist in the kernel.
 *
 * A want is there from the request until the request to end it, or until the kernel refused it. So the difference of two
 * versions is what a turn has to realise or to take away.
 */
import type {
  Adopted,
  Cidr,
  EndpointId,
  EndpointJoinRequested,
  IfName,
  Mac,
  NetworkCreateRequested,
  NetworkId,
  SandboxId,
  Subnet,
} from '../events/index.ts'
import { defineProjection } from './define.ts'
import { withTable } from './tables.ts'
import { Table } from './table.ts'

export type NetworkWant = {
  readonly bridge: NetworkCreateRequested['data']['bridge']
  readonly driver: string
  readonly id: NetworkId
  readonly internal: boolean
  readonly masquerade: boolean
  /** Bytes; 0: the kernel's default. */
  readonly mtu: number
  readonly subnets: readonly Subnet[]
}

export type SandboxWant = {
  /** The namespace to take, of somebody else; absent: it gets one of its own. */
  readonly adopts?: Adopted
  /** The endpoint that the default route of IPv4 goes by; absent: no default route. */
  readonly gateway?: EndpointId
  /** The same for IPv6. */
  readonly gateway6?: EndpointId
  readonly id: SandboxId
}

/** What an endpoint holds before it joins: its join takes it from here. */
export type Reservation = { readonly addresses: readonly Cidr[]; readonly mac: Mac }

export type EndpointWant = Reservation & {
  readonly id: EndpointId
  /** Inside the sandbox. */
  readonly ifName: IfName
  readonly link: EndpointJoinRequested['data']['link']
  readonly network: NetworkId
  readonly priority: number
  readonly sandbox: SandboxId
}

export type Desired = {
  readonly endpoints: Table<EndpointWant>
  readonly networks: Table<NetworkWant>
  /** By endpoint id, from reserved to released. */
  readonly reserved: Table<Reservation>
  readonly sandboxes: Table<SandboxWant>
}

/** What should be there. */
export const desired = defineProjection({
  name: 'desired',
  version: 2,
  init: {
    endpoints: Table.empty<EndpointWant>(),
    networks: Table.empty<NetworkWant>(),
    reserved: Table.empty<Reservation>(),
    sandboxes: Table.empty<SandboxWant>(),
  } satisfies Desired,
  on: {
    NetworkCreateRequested: (state, { data }) => {
      const { bridge, driver, internal, masquerade, mtu, network: id, subnets } = data
      const want = { bridge, driver, id, internal, masquerade, mtu, subnets }
      return withTable(state, 'networks', state.networks.set(id, want))
    },
    NetworkCreateFailed: (state, { data }) => endNetwork(state, data.network),
    NetworkDeleteRequested: (state, { data }) => endNetwork(state, data.network),

    SandboxCreateRequested: (state, { data: { adopts, sandbox: id } }) =>
      withTable(
        state,
        'sandboxes',
        state.sandboxes.set(id, { ...(adopts === undefined ? {} : { adopts }), id }),
      ),
    SandboxCreateFailed: (state, { data }) => endSandbox(state, data.sandbox),
    SandboxVanished: (state, { data }) => endSandbox(state, data.sandbox),
    SandboxDeleteRequested: (state, { data }) => endSandbox(state, data.sandbox),
    SandboxInterfaceAdded: (state, { data: { endpoint, gateway, gateway6, sandbox } }) =>
      routeBy(state, sandbox, (want) => ({
        gateway: gateway ? endpoint : want.gateway,
        gateway6: gateway6 ? endpoint : want.gateway6,
      })),
    SandboxInterfaceRemoved: (state, { data }) => routeBy(state, data.sandbox, () => data),

    EndpointReserved: (state, { data: { addresses, endpoint, mac } }) =>
      withTable(state, 'reserved', state.reserved.set(endpoint, { addresses, mac })),
    EndpointJoinRequested: (state, { data }) => {
      const { endpoint: id, ifName, link, network, priority, sandbox } = data
      const reservation = state.reserved.get(id)
      if (reservation === undefined) return state
      const { addresses, mac } = reservation
      const want = { addresses, id, ifName, link, mac, network, priority, sandbox }
      return withTable(state, 'endpoints', state.endpoints.set(id, want))
    },
    EndpointJoinFailed: (state, { data }) => endEndpoint(state, data.endpoint),
    EndpointLeaveRequested: (state, { data }) => endEndpoint(state, data.endpoint),
    EndpointReleased: (state, { data }) => withTable(state, 'reserved', state.reserved.delete(data.endpoint)),
  },
})

const endNetwork = (state: Desired, id: NetworkId): Desired =>
  withTable(state, 'networks', state.networks.delete(id))

const endSandbox = (state: Desired, id: SandboxId): Desired =>
  withTable(state, 'sandboxes', state.sandboxes.delete(id))

const endEndpoint = (state: Desired, id: EndpointId): Desired =>
  withTable(state, 'endpoints', state.endpoints.delete(id))

type Gateways = { readonly [K in 'gateway' | 'gateway6']?: EndpointId | undefined }

/** Sends a sandbox's default routes by endpoints, or by none. */
function routeBy(state: Desired, id: SandboxId, choose: (want: SandboxWant) => Gateways): Desired {
  const want = state.sandboxes.get(id)
  if (want === undefined) return state
  const { gateway, gateway6 } = choose(want)
  if (want.gateway === gateway && want.gateway6 === gateway6) return state
  const next = {
    ...(want.adopts === undefined ? {} : { adopts: want.adopts }),
    ...(gateway === undefined ? {} : { gateway }),
    ...(gateway6 === undefined ? {} : { gateway6 }),
    id,
  }
  return withTable(state, 'sandboxes', state.sandboxes.set(id, next))
}
