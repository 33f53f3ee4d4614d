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
import { pathOf } from '../events/index.ts'
import { defineProjection, type Handlers } from './define.ts'
import { withTable } from './tables.ts'
import { Table } from './table.ts'
import type { EndpointView, NetworkView, Progress, SandboxView, Topology, Vip } from './views.ts'

const onNetwork: Handlers<Topology, NetworkFact['type']> = {
  NetworkCreateRequested: (t, { data }, { at }) => {
    const { bridge, driver, internal, labels, masquerade, mtu, name, network: id, plan, subnets } = data
    const lasting = {
      bridge,
      driver,
      id,
      ...optionalOf(data),
      internal,
      labels,
      masquerade,
      mtu,
      name,
      subnets,
    }
    const named = withTable(t, 'networkNames', t.networkNames.set(name, id))
    const empty = withTable(named, 'members', t.members.set(id, Table.empty()))
    const view: NetworkView = { ...lasting, plan, since: at, state: 'creating' }
    return withTable(empty, 'networks', t.networks.set(id, view))
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

const onClaims: Handlers<Topology, 'ClaimGranted' | 'ClaimLost' | 'ClaimReleased' | 'VniAssigned'> = {
  ClaimGranted: (t, { data: { cidr, key, kind, name, network } }) =>
    kind !== 'vip' || cidr === undefined || name === undefined
      ? t
      : changeVips(t, network, key, [{ address: cidr, key, name }]),
  ClaimLost: (t, { data: { key } }) => endVip(t, key),
  ClaimReleased: (t, { data: { key } }) => endVip(t, key),
  VniAssigned: (t, { data: { network, vni } }) => {
    const networks = t.networks.update(network, (view) => view && { ...view, vni })
    return withTable(t, 'networks', networks)
  },
}

/** The key of a VIP names its network. */
function endVip(t: Topology, key: string): Topology {
  const [kind, network = ''] = key.split('.')
  return kind === 'vip' ? changeVips(t, network, key, []) : t
}

function changeVips(t: Topology, network: string, key: string, now: readonly Vip[]): Topology {
  const networks = t.networks.update(network, (view) => {
    if (view === undefined) return undefined
    const { vips: before = [], ...rest } = view
    const vips = [...before.filter((vip) => vip.key !== key), ...now]
    return vips.length === 0 ? rest : { ...rest, vips }
  })
  return withTable(t, 'networks', networks)
}

const onSandbox: Handlers<Topology, SandboxFact['type']> = {
  SandboxCreateRequested: (t, { data }, { at }) => {
    const { adopts, domain, hostname, labels, name, plan, sandbox: id } = data
    const lasting = {
      ...(adopts === undefined ? {} : { adopts }),
      domain,
      hostname,
      id,
      interfaces: [],
      labels,
      name,
    }
    const named = withTable(t, 'sandboxNames', t.sandboxNames.set(name, id))
    const view: SandboxView = { ...lasting, plan, since: at, state: 'creating' }
    return withTable(named, 'sandboxes', t.sandboxes.set(id, view))
  },
  SandboxCreated: (t, { data }, { at }) => moveSandbox(t, data.sandbox, { since: at, state: 'created' }),
  SandboxCreateFailed: (t, { data }, { at }) =>
    moveSandbox(t, data.sandbox, { failures: data.failures, since: at, state: 'failed' }),
  SandboxInterfaceAdded: (t, { data: { endpoint, gateway, gateway6, ifName, sandbox } }) =>
    changeSandbox(t, sandbox, (view) => {
      const interfaces = view.interfaces.filter((i) => i.endpoint !== endpoint).concat({ endpoint, ifName })
      const next: Draft<SandboxView> = { ...view, interfaces }
      if (gateway) next.gateway = endpoint
      if (gateway6) next.gateway6 = endpoint
      return next
    }),
  SandboxInterfaceRemoved: (t, { data }) =>
    changeSandbox(t, data.sandbox, (view) => {
      const interfaces = view.interfaces.filter((i) => i.endpoint !== data.endpoint)
      return sandboxWith({ ...view, interfaces }, data, view)
    }),
  SandboxVanished: (t, { data }, { at }) =>
    moveSandbox(t, data.sandbox, { failures: data.failures, since: at, state: 'vanished' }),
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
    const named = withTable(t, 'endpointNames', t.endpointNames.set(pathOf(network, name), id))
    const members = t.members.update(network, (ids = Table.empty()) => ids.set(id, true))
    const member = withTable(named, 'members', members)
    const view: EndpointView = { addresses, id, labels, mac, name, network, since: at, state: 'reserved' }
    return withTable(member, 'endpoints', t.endpoints.set(id, view))
  },
  EndpointJoinRequested: (t, { data: { endpoint, ifName, link, plan, priority, sandbox } }, { at }) =>
    changeEndpoint(t, endpoint, (view) =>
      endpointWith(view, { ifName, link, priority, sandbox }, { plan, since: at, state: 'joining' }),
    ),
  EndpointJoined: (t, { data }, { at }) => moveEndpoint(t, data.endpoint, { since: at, state: 'joined' }),
  EndpointJoinFailed: (t, { data }, { at }) =>
    failEndpoint(t, data.endpoint, { failures: data.failures, since: at, state: 'failed' }),
  EndpointLeaveRequested: (t, { data }, { at }) =>
    moveEndpoint(unfail(t, data.endpoint), data.endpoint, { plan: data.plan, since: at, state: 'leaving' }),
  EndpointLeaveFailed: (t, { data }, { at }) =>
    failEndpoint(t, data.endpoint, { failures: data.failures, since: at, state: 'failed' }),
  EndpointLeft: (t, { data }, { at }) =>
    changeEndpoint(t, data.endpoint, (view) => endpointWith(view, {}, { since: at, state: 'reserved' })),
  EndpointReleaseRequested: (t, { data }, { at }) =>
    // With a leave under way it stays `leaving`: EndpointLeft and EndpointReleased will come together.
    changeEndpoint(t, data.endpoint, (view) =>
      view.state === 'leaving' ? view : endpointWith(view, {}, { since: at, state: 'releasing' }),
    ),
  EndpointReleased: (t, { data }) => {
    const view = t.endpoints.get(data.endpoint)
    if (view === undefined) return t
    const name = pathOf(view.network, view.name)
    const names = t.endpointNames.update(name, (id) => (id === view.id ? undefined : id))
    const unnamed = withTable(t, 'endpointNames', names)
    const members = t.members.update(view.network, (ids) => ids?.delete(view.id))
    const left = withTable(unfail(unnamed, view.id), 'members', members)
    return withTable(left, 'endpoints', t.endpoints.delete(view.id))
  },
}

/** What users see. */
export const topology = defineProjection({
  name: 'topology',
  version: 4,
  init: {
    endpointNames: Table.empty<EndpointId>(),
    endpoints: Table.empty<EndpointView>(),
    failed: Table.empty<true>(),
    members: Table.empty<Table<true>>(),
    networkNames: Table.empty<NetworkId>(),
    networks: Table.empty<NetworkView>(),
    sandboxNames: Table.empty<SandboxId>(),
    sandboxes: Table.empty<SandboxView>(),
  } satisfies Topology,
  on: { ...onNetwork, ...onClaims, ...onSandbox, ...onEndpoint },
})

/** Where a view moves to: its state, and what belongs to that alone. What is left out ends with the old state. */
type Move<V extends { readonly state: string }> = Pick<V, 'state'> & Progress
/** An endpoint's place in a sandbox: all of these fields, or none. */
type Join = Pick<EndpointView, 'ifName' | 'link' | 'priority' | 'sandbox'>
type Draft<T> = { -readonly [K in keyof T]: T[K] }

function moveNetwork(t: Topology, id: NetworkId, move: Move<NetworkView>): Topology {
  const view = t.networks.get(id)
  if (view === undefined) return t
  const { bridge, driver, internal, labels, masquerade, mtu, name, subnets } = view
  const lasting = {
    bridge,
    driver,
    id,
    ...optionalOf(view),
    internal,
    labels,
    masquerade,
    mtu,
    name,
    subnets,
  }
  return withTable(t, 'networks', t.networks.set(id, { ...lasting, ...move }))
}

type Optional = Pick<NetworkView, 'claim' | 'ifPrefix' | 'options' | 'vips' | 'vni'>

const optionalOf = ({ claim, ifPrefix, options, vips, vni }: Optional): Optional => ({
  ...(claim === undefined ? {} : { claim }),
  ...(ifPrefix === undefined ? {} : { ifPrefix }),
  ...(options === undefined ? {} : { options }),
  ...(vips === undefined ? {} : { vips }),
  ...(vni === undefined ? {} : { vni }),
})

const moveSandbox = (t: Topology, id: SandboxId, move: Move<SandboxView>): Topology =>
  changeSandbox(t, id, (view) => sandboxWith(view, view, move))

const changeSandbox = (t: Topology, id: SandboxId, change: (view: SandboxView) => SandboxView): Topology =>
  withTable(
    t,
    'sandboxes',
    t.sandboxes.update(id, (view) => view && change(view)),
  )

// The next two stand on the hot path of every fold: assigned fields are several times quicker than a chain of spreads.

function sandboxWith(
  { adopts, domain, hostname, id, interfaces, labels, name }: SandboxView,
  { gateway, gateway6 }: Pick<SandboxView, 'gateway' | 'gateway6'>,
  { failures, plan, since, state }: Move<SandboxView>,
): SandboxView {
  const lasting = { domain, hostname, id, interfaces, labels, name }
  const next: Draft<SandboxView> = { ...lasting, since, state }
  if (adopts !== undefined) next.adopts = adopts
  if (failures !== undefined) next.failures = failures
  if (gateway !== undefined) next.gateway = gateway
  if (gateway6 !== undefined) next.gateway6 = gateway6
  if (plan !== undefined) next.plan = plan
  return next
}

function endpointWith(
  { addresses, id, labels, mac, name, network }: EndpointView,
  { ifName, link, priority, sandbox }: Join,
  { failures, plan, since, state }: Move<EndpointView>,
): EndpointView {
  const next: Draft<EndpointView> = { addresses, id, labels, mac, name, network, since, state }
  if (failures !== undefined) next.failures = failures
  if (ifName !== undefined) next.ifName = ifName
  if (link !== undefined) next.link = link
  if (plan !== undefined) next.plan = plan
  if (priority !== undefined) next.priority = priority
  if (sandbox !== undefined) next.sandbox = sandbox
  return next
}

/** Moves within a join: the place in the sandbox is kept. */
const moveEndpoint = (t: Topology, id: EndpointId, move: Move<EndpointView>): Topology =>
  changeEndpoint(t, id, (view) => endpointWith(view, view, move))

const failEndpoint = (t: Topology, id: EndpointId, move: Move<EndpointView>): Topology =>
  t.endpoints.has(id) ? moveEndpoint(withTable(t, 'failed', t.failed.set(id, true)), id, move) : t

/** What is no failed endpoint stays as it is. */
const unfail = (t: Topology, id: EndpointId): Topology => withTable(t, 'failed', t.failed.delete(id))

const changeEndpoint = (
  t: Topology,
  id: EndpointId,
  change: (view: EndpointView) => EndpointView,
): Topology =>
  withTable(
    t,
    'endpoints',
    t.endpoints.update(id, (view) => view && change(view)),
  )

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
