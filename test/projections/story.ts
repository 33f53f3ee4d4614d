/** One network, one sandbox and one endpoint, and all that can happen to them: facts with the dull fields filled in. */
import type {
  AnyFact,
  Cidr,
  EndpointId,
  IfName,
  Ip,
  Mac,
  NetworkId,
  PlanId,
  Purpose,
  SandboxId,
  Spec,
  Step,
  StepFailure,
  Stream,
} from '../../events/index.ts'
import { keyOf, streamOf } from '../../events/index.ts'
import { foldCommits, withHistory, type Projections } from '../../projections/index.ts'
import { commitOf, factOf } from './commits.ts'

const hex = (digit: string): string => digit.repeat(64)
export const network = hex('a') as NetworkId
export const sandbox = hex('b') as SandboxId
export const endpoint = hex('c') as EndpointId
export const streams = {
  endpoint: streamOf.endpoint(endpoint),
  network: streamOf.network(network),
  sandbox: streamOf.sandbox(sandbox),
}
export const plan = (n: number): PlanId => `1.${n}` as PlanId
export const busy = (spec: Spec): StepFailure => ({
  class: 'retry',
  code: 'EBUSY',
  key: keyOf(spec),
  message: 'it is busy',
})

export const bridge: Spec = {
  ipv6: false,
  kind: 'bridge',
  mac: '02:00:00:00:00:01' as Mac,
  mtu: 0,
  name: 'cnb1' as IfName,
}
export const veth: Spec = {
  bridge: 'cnb1' as IfName,
  kind: 'veth',
  mac: '02:00:00:00:00:02' as Mac,
  mtu: 0,
  name: 'cnv1' as IfName,
  peer: { ipv6: false, mac: '02:42:0a:00:00:02' as Mac, name: 'eth0' as IfName, ns: sandbox },
}
export const addr: Spec = {
  address: '10.0.0.2/24' as Cidr,
  kind: 'addr',
  link: 'eth0' as IfName,
  ns: sandbox,
}

export const ensure = (spec: Spec): Step => ({ key: keyOf(spec), op: 'ensure', spec })
export const cut = (spec: Spec): Step => ({ key: keyOf(spec), op: 'cut', spec })
export const remove = (spec: Spec, ...takes: readonly Spec[]): Step => ({
  key: keyOf(spec),
  op: 'remove',
  spec,
  takes: takes.map(keyOf),
})

export const intended = (n: number, purpose: Purpose, ...steps: readonly Step[]): AnyFact =>
  factOf('effects', 'EffectsIntended', { for: [streams.endpoint], plan: plan(n), purpose, steps })
export const intendedFor = (n: number, purpose: Purpose, stream: Stream): AnyFact =>
  factOf('effects', 'EffectsIntended', { for: [stream], plan: plan(n), purpose, steps: [] })
export const settled = (n: number, ...failures: readonly StepFailure[]): AnyFact =>
  factOf('effects', 'EffectsSettled', { failures, late: false, plan: plan(n), seen: [] })

export const networkRequested = factOf(streams.network, 'NetworkCreateRequested', {
  bridge: { mac: '02:00:00:00:00:01' as Mac, name: 'cnb1' as IfName },
  driver: 'bridge',
  internal: false,
  labels: {},
  masquerade: true,
  mtu: 0,
  name: 'web',
  network,
  plan: plan(1),
  subnets: [{ gateway: '10.0.0.1' as Ip, subnet: '10.0.0.0/24' as Cidr }],
})
export const networkCreated = factOf(streams.network, 'NetworkCreated', { network, plan: plan(1) })
export const networkFailed = factOf(streams.network, 'NetworkCreateFailed', {
  failures: [busy(bridge)],
  network,
  plan: plan(1),
  sweep: plan(2),
})
export const networkDeleteRequested = factOf(streams.network, 'NetworkDeleteRequested', {
  network,
  plan: plan(8),
})
export const networkDeleted = factOf(streams.network, 'NetworkDeleted', {
  network,
  plan: plan(8),
  sweep: plan(9),
})

export const sandboxRequested = factOf(streams.sandbox, 'SandboxCreateRequested', {
  domain: '',
  hostname: 'Front',
  labels: {},
  name: 'box',
  plan: plan(2),
  sandbox,
})
export const sandboxCreated = factOf(streams.sandbox, 'SandboxCreated', { plan: plan(2), sandbox })
export const sandboxDeleteRequested = factOf(streams.sandbox, 'SandboxDeleteRequested', {
  plan: plan(8),
  sandbox,
})
export const sandboxDeleted = factOf(streams.sandbox, 'SandboxDeleted', { plan: plan(8), sandbox })

export const reserved = factOf(streams.endpoint, 'EndpointReserved', {
  addresses: ['10.0.0.2/24' as Cidr],
  endpoint,
  labels: {},
  mac: '02:42:0a:00:00:02' as Mac,
  name: 'db',
  network,
})
export const joinRequested = factOf(streams.endpoint, 'EndpointJoinRequested', {
  attempt: 1,
  endpoint,
  ifName: 'eth0' as IfName,
  link: { mac: '02:00:00:00:00:02' as Mac, name: 'cnv1' as IfName },
  network,
  plan: plan(3),
  priority: 5,
  releaseOnFailure: false,
  sandbox,
})
export const interfaceAdded = factOf(streams.sandbox, 'SandboxInterfaceAdded', {
  endpoint,
  gateway: true,
  gateway6: false,
  ifName: 'eth0' as IfName,
  sandbox,
})
export const interfaceRemoved = factOf(streams.sandbox, 'SandboxInterfaceRemoved', { endpoint, sandbox })
export const joined = factOf(streams.endpoint, 'EndpointJoined', { endpoint, plan: plan(3), sandbox })
export const joinFailed = (sweep?: PlanId): AnyFact =>
  factOf(streams.endpoint, 'EndpointJoinFailed', {
    endpoint,
    failures: [busy(veth)],
    plan: plan(3),
    sandbox,
    ...(sweep ? { sweep } : {}),
  })
export const leaveRequested = factOf(streams.endpoint, 'EndpointLeaveRequested', {
  endpoint,
  plan: plan(5),
  sandbox,
})
export const leaveFailed = factOf(streams.endpoint, 'EndpointLeaveFailed', {
  endpoint,
  failures: [busy(veth)],
  plan: plan(5),
  sandbox,
})
export const left = (sweep?: PlanId): AnyFact =>
  factOf(streams.endpoint, 'EndpointLeft', { endpoint, plan: plan(5), sandbox, ...(sweep ? { sweep } : {}) })
export const releaseRequested = factOf(streams.endpoint, 'EndpointReleaseRequested', { endpoint })
export const released = factOf(streams.endpoint, 'EndpointReleased', { endpoint })
export const started = (fresh: boolean): AnyFact =>
  factOf('host', 'HostStarted', { bootId: 'b', code: '1', cookie: '7', epoch: 2 as never, fresh })

/** A network, a sandbox and an endpoint that joins the two. */
export const connected: readonly (readonly AnyFact[])[] = [
  [networkRequested],
  [networkCreated],
  [sandboxRequested],
  [sandboxCreated],
  [reserved, joinRequested, interfaceAdded],
  [joined],
]

/** What is known after commits of these facts, from #1. */
export const after = (...commits: readonly (readonly AnyFact[])[]): Projections =>
  foldCommits(
    withHistory,
    commits.map((facts, i) => commitOf(i + 1, facts)),
  )
