/**
 * What users see: networks, endpoints and sandboxes that exist, their states and names, and who is on what.
 *
 * The name of a network or sandbox is free from the moment its end was asked for; an endpoint's is held until it is
 * released. Facts about unknown things change nothing: a fold never refuses.
 */
import type {
  EndpointFact,
  EndpointId,
  NetworkFact,
  NetworkId,
  SandboxFact,
  SandboxId,
} from '../events/index.ts'
import { defineProjection, type Handlers } from './define.ts'
import { withTable } from './tables.ts'
import { Trie } from './trie.ts'
import type { EndpointView, NetworkView, Progress, SandboxView, Topology } from './views.ts'

const onNetwork: Handlers<Topology, NetworkFact['type']> = {
  NetworkCreateRequested: (t, { data }, { at }) => {
    const { bridge, driver, internal, labels, masquerade, mtu, name, network: id, plan, subnets } = data
    const lasting = { bridge, driver, id, internal, labels, masquerade, mtu, name, subnets }
    return {
      ...t,
      members: t.members.set(id, Trie.empty()),
      networkNames: t.networkNames.set(name, id),
      networks: t.networks.set(id, { ...lasting, plan, since: at, state: 'creating' }),
    }
  },
  NetworkCreated: (t, { data }, { at }) => moveNetwork(t, data.network, { since: at, state: 'created' }),
  NetworkCreateFailed: (t, { data }, { at }) =>
    moveNetwork(t, data.network, { failures: data.failures, since: at, state: 'failed' }),
  NetworkDeleteRequested: (t, { data }, { at }) =>
    moveNetwork(freeNetworkName(t, data.network), data.network, {
      plan: data.plan,
      since: at,
      state: 'deleting',
    }),
  NetworkDeleteFailed: (t, { data }, { at }) =>
    moveNetwork(t, data.network, { failures: data.failures, since: at, state: 'failed' }),
  NetworkDeleted: (t, { data }) => {
    const unnamed = freeNetworkName(t, data.network)
    const alone = withTable(unnamed, 'members', unnamed.members.delete(data.network))
    return withTable(alone, 'networks', alone.networks.delete(data.network))
  },
}

const onSandbox: Handlers<Topology, SandboxFact['type']> = {
  SandboxCreateRequested: (t, { data }, { at }) => {
    const { domain, hostname, ipv6, labels, name, plan, sandbox: id } = data
    const lasting = { domain, hostname, id, interfaces: [], ipv6, labels, name }
    return {
      ...t,
      sandboxNames: t.sandboxNames.set(name, id),
      sandboxes: t.sandboxes.set(id, { ...lasting, plan, since: at, state: 'creating' }),
    }
  },
  SandboxCreated: (t, { data }, { at }) => moveSandbox(t, data.sandbox, { since: at, state: 'created' }),
  SandboxCreateFailed: (t, { data }, { at }) =>
    moveSandbox(t, data.sandbox, { failures: data.failures, since: at, state: 'failed' }),
  SandboxInterfaceAdded: (t, { data: { endpoint, gateway, ifName, sandbox } }) =>
    changeSandbox(t, sandbox, (view) => {
      const interfaces = [...view.interfaces.filter((i) => i.endpoint !== endpoint), { endpoint, ifName }]
      return gateway ? { ...view, gateway: endpoint, interfaces } : { ...view, interfaces }
    }),
  SandboxInterfaceRemoved: (t, { data: { endpoint, gateway, sandbox } }) =>
    changeSandbox(t, sandbox, (view) => ({
      ...lastingSandbox(view),
      ...progressOf(view),
      ...(gateway === undefined ? undefined : { gateway }),
      interfaces: view.interfaces.filter((i) => i.endpoint !== endpoint),
      state: view.state,
    })),
  SandboxDeleteRequested: (t, { data }, { at }) =>
    moveSandbox(freeSandboxName(t, data.sandbox), data.sandbox, {
      plan: data.plan,
      since: at,
      state: 'deleting',
    }),
  SandboxDeleteFailed: (t, { data }, { at }) =>
    moveSandbox(t, data.sandbox, { failures: data.failures, since: at, state: 'failed' }),
  SandboxDeleted: (t, { data }) => {
    const unnamed = freeSandboxName(t, data.sandbox)
    return withTable(unnamed, 'sandboxes', unnamed.sandboxes.delete(data.sandbox))
  },
}

const onEndpoint: Handlers<Topology, EndpointFact['type']> = {
  EndpointReserved: (t, { data }, { at }) => {
    const { addresses, endpoint: id, labels, mac, name, network } = data
    const others = t.members.get(network) ?? Trie.empty<true>()
    return {
      ...t,
      endpointNames: t.endpointNames.set(`${network}/${name}`, id),
      endpoints: t.endpoints.set(id, {
        addresses,
        id,
        labels,
        mac,
        name,
        network,
        since: at,
        state: 'reserved',
      }),
      members: t.members.set(network, others.set(id, true)),
    }
  },
  EndpointJoinRequested: (t, { data: { endpoint, ifName, link, plan, priority, sandbox } }, { at }) =>
    changeEndpoint(t, endpoint, (view) => ({
      ...lastingEndpoint(view),
      ifName,
      link,
      plan,
      priority,
      sandbox,
      since: at,
      state: 'joining',
    })),
  EndpointJoined: (t, { data }, { at }) => moveEndpoint(t, data.endpoint, { since: at, state: 'joined' }),
  EndpointJoinFailed: (t, { data }, { at }) =>
    moveEndpoint(t, data.endpoint, { failures: data.failures, since: at, state: 'failed' }),
  EndpointLeaveRequested: (t, { data }, { at }) =>
    moveEndpoint(t, data.endpoint, { plan: data.plan, since: at, state: 'leaving' }),
  EndpointLeaveFailed: (t, { data }, { at }) =>
    moveEndpoint(t, data.endpoint, { failures: data.failures, since: at, state: 'failed' }),
  EndpointLeft: (t, { data }, { at }) =>
    changeEndpoint(t, data.endpoint, (view) => ({ ...lastingEndpoint(view), since: at, state: 'reserved' })),
  EndpointReleaseRequested: (t, { data }, { at }) =>
    // With a leave under way it stays `leaving`: EndpointLeft and EndpointReleased will come together.
    changeEndpoint(t, data.endpoint, (view) =>
      view.state === 'leaving' ? view : { ...lastingEndpoint(view), since: at, state: 'releasing' },
    ),
  EndpointReleased: (t, { data }) => {
    const view = t.endpoints.get(data.endpoint)
    if (view === undefined) return t
    const name = `${view.network}/${view.name}`
    const members = t.members.get(view.network)?.delete(view.id)
    return {
      ...t,
      endpointNames: t.endpointNames.get(name) === view.id ? t.endpointNames.delete(name) : t.endpointNames,
      endpoints: t.endpoints.delete(view.id),
      members: members === undefined ? t.members : t.members.set(view.network, members),
    }
  },
}

/** What users see. */
export const topology = defineProjection({
  name: 'topology',
  version: 1,
  init: {
    endpointNames: Trie.empty<EndpointId>(),
    endpoints: Trie.empty<EndpointView>(),
    members: Trie.empty<Trie<true>>(),
    networkNames: Trie.empty<NetworkId>(),
    networks: Trie.empty<NetworkView>(),
    sandboxNames: Trie.empty<SandboxId>(),
    sandboxes: Trie.empty<SandboxView>(),
  } satisfies Topology as Topology,
  on: { ...onNetwork, ...onSandbox, ...onEndpoint },
})

/** Where a view moves to: its state, and what belongs to that alone. */
type Move<V extends { readonly state: string }> = Pick<V, 'state'> & Progress

const progressOf = ({ failures, plan, since }: Progress): Progress => ({
  ...(failures === undefined ? undefined : { failures }),
  ...(plan === undefined ? undefined : { plan }),
  since,
})

function moveNetwork(t: Topology, id: NetworkId, move: Move<NetworkView>): Topology {
  const view = t.networks.get(id)
  if (view === undefined) return t
  const { bridge, driver, internal, labels, masquerade, mtu, name, subnets } = view
  const lasting = { bridge, driver, id, internal, labels, masquerade, mtu, name, subnets }
  return withTable(t, 'networks', t.networks.set(id, { ...lasting, ...move }))
}

function changeSandbox(t: Topology, id: SandboxId, change: (view: SandboxView) => SandboxView): Topology {
  const view = t.sandboxes.get(id)
  return view === undefined ? t : withTable(t, 'sandboxes', t.sandboxes.set(id, change(view)))
}

const moveSandbox = (t: Topology, id: SandboxId, move: Move<SandboxView>): Topology =>
  changeSandbox(t, id, (view) => ({
    ...lastingSandbox(view),
    ...(view.gateway === undefined ? undefined : { gateway: view.gateway }),
    ...move,
  }))

const lastingSandbox = ({ domain, hostname, id, interfaces, ipv6, labels, name }: SandboxView) => ({
  domain,
  hostname,
  id,
  interfaces,
  ipv6,
  labels,
  name,
})

function changeEndpoint(t: Topology, id: EndpointId, change: (view: EndpointView) => EndpointView): Topology {
  const view = t.endpoints.get(id)
  return view === undefined ? t : withTable(t, 'endpoints', t.endpoints.set(id, change(view)))
}

/** Moves within a join: the place in the sandbox is kept. */
const moveEndpoint = (t: Topology, id: EndpointId, move: Move<EndpointView>): Topology =>
  changeEndpoint(t, id, (view) => {
    const { ifName, link, priority, sandbox } = view
    return {
      ...lastingEndpoint(view),
      ...(ifName === undefined ? undefined : { ifName }),
      ...(link === undefined ? undefined : { link }),
      ...(priority === undefined ? undefined : { priority }),
      ...(sandbox === undefined ? undefined : { sandbox }),
      ...move,
    }
  })

const lastingEndpoint = ({ addresses, id, labels, mac, name, network }: EndpointView) => ({
  addresses,
  id,
  labels,
  mac,
  name,
  network,
})

/** Frees the name, unless somebody else has taken it since. */
function freeNetworkName(t: Topology, id: NetworkId): Topology {
  const name = t.networks.get(id)?.name
  const held = name !== undefined && t.networkNames.get(name) === id
  return held ? withTable(t, 'networkNames', t.networkNames.delete(name)) : t
}

function freeSandboxName(t: Topology, id: SandboxId): Topology {
  const name = t.sandboxes.get(id)?.name
  const held = name !== undefined && t.sandboxNames.get(name) === id
  return held ? withTable(t, 'sandboxNames', t.sandboxNames.delete(name)) : t
}
