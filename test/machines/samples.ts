/**
 * Entities to try the machines on: ids, every command in its variants, and every state by the facts that lead there.
 */
import type {
  AnyFact,
  EndpointId,
  FactDraft,
  IfName,
  Mac,
  NetworkId,
  PlanId,
  SandboxId,
  StepFailure,
} from '../../events/index.ts'
import type { EntityKind, EntityState, MachineCommand } from '../../machines/index.ts'
import { evolve } from '../../machines/index.ts'

export const NETWORK = 'a'.repeat(64) as NetworkId
export const ENDPOINT = 'b'.repeat(64) as EndpointId
export const OTHER = 'c'.repeat(64) as EndpointId
export const SANDBOX = 'd'.repeat(64) as SandboxId
/** The plan that a working state of the samples waits for. */
export const PLAN = '1.2' as PlanId
/** A plan that nobody waits for. */
export const OVERTAKEN = '1.1' as PlanId
export const SWEEP = '1.3' as PlanId
export const ETH0 = 'eth0' as IfName
export const ETH1 = 'eth1' as IfName

const MAC = '02:00:00:00:00:01' as Mac
export const FAILURE: StepFailure = {
  class: 'conflict',
  code: 'EEXIST',
  key: 'link/host/cnv000000000000',
  message: 'link cnv000000000000: it exists and is not ours',
}

/** Ends well, fails, and is not the one that is waited for. */
const settles: Readonly<Record<string, MachineCommand>> = {
  'effects.settle, done': { failures: [], plan: PLAN, sweep: SWEEP, type: 'effects.settle' },
  'effects.settle, failed': { failures: [FAILURE], plan: PLAN, type: 'effects.settle' },
  'effects.settle, of another plan': { failures: [], plan: OVERTAKEN, type: 'effects.settle' },
}

const join = {
  attempt: 1,
  endpoint: ENDPOINT,
  ifName: ETH0,
  link: { mac: MAC, name: 'cnv000000000000' as IfName },
  network: NETWORK,
  plan: PLAN,
  priority: 0,
  releaseOnFailure: false,
  sandbox: SANDBOX,
}
const reserve = { addresses: [], endpoint: ENDPOINT, labels: {}, mac: MAC, name: 'web', network: NETWORK }
const network = {
  bridge: { mac: MAC, name: 'cnb000000000000' as IfName },
  driver: 'bridge',
  internal: false,
  labels: { b: '2', a: '1' },
  masquerade: true,
  mtu: 0,
  name: 'blue',
  network: NETWORK,
  plan: PLAN,
  subnets: [],
}
const sandbox = {
  domain: '',
  hostname: 'c1',
  labels: {},
  name: 'c1',
  plan: PLAN,
  sandbox: SANDBOX,
}

const adopted = { adopts: { bootId: 'b', cookie: '7', path: '/proc/7/ns/net' }, ...sandbox }

/** Every command of each machine, with what makes a difference. */
export const COMMANDS: Readonly<Record<EntityKind, Readonly<Record<string, MachineCommand>>>> = {
  endpoint: {
    'endpoint.reserve': { ...reserve, type: 'endpoint.reserve' },
    'endpoint.join': { ...join, type: 'endpoint.join' },
    'endpoint.join, releaseOnFailure': { ...join, releaseOnFailure: true, type: 'endpoint.join' },
    'endpoint.join, attempt 2': { ...join, attempt: 2, type: 'endpoint.join' },
    'endpoint.leave': { plan: PLAN, type: 'endpoint.leave' },
    'endpoint.release': { type: 'endpoint.release' },
    ...settles,
  },
  network: {
    'network.create': { ...network, type: 'network.create' },
    'network.delete': { plan: PLAN, type: 'network.delete' },
    ...settles,
  },
  sandbox: {
    'sandbox.create': { ...sandbox, type: 'sandbox.create' },
    'sandbox.create, of a namespace that is there': { ...adopted, type: 'sandbox.create' },
    'sandbox.vanish': { failures: [FAILURE], type: 'sandbox.vanish' },
    'sandbox.addInterface': {
      endpoint: ENDPOINT,
      gateway: true,
      gateway6: true,
      ifName: ETH0,
      type: 'sandbox.addInterface',
    },
    'sandbox.addInterface, of another': {
      endpoint: OTHER,
      gateway: false,
      gateway6: false,
      ifName: ETH1,
      type: 'sandbox.addInterface',
    },
    'sandbox.removeInterface': { endpoint: ENDPOINT, type: 'sandbox.removeInterface' },
    'sandbox.removeInterface, gateway another': {
      endpoint: ENDPOINT,
      gateway: OTHER,
      type: 'sandbox.removeInterface',
    },
    'sandbox.delete': { plan: PLAN, type: 'sandbox.delete' },
    ...settles,
  },
}

type Draft = FactDraft<AnyFact>
const ofEndpoint = { stream: `endpoint/${ENDPOINT}`, v: 1 } as const
const ofNetwork = { stream: `network/${NETWORK}`, v: 1 } as const
const ofSandbox = { stream: `sandbox/${SANDBOX}`, v: 1 } as const
const planned = { endpoint: ENDPOINT, plan: PLAN, sandbox: SANDBOX }

const endpointFact = {
  Reserved: { ...ofEndpoint, data: reserve, type: 'EndpointReserved' },
  JoinRequested: { ...ofEndpoint, data: join, type: 'EndpointJoinRequested' },
  Joined: { ...ofEndpoint, data: planned, type: 'EndpointJoined' },
  JoinFailed: { ...ofEndpoint, data: { ...planned, failures: [FAILURE] }, type: 'EndpointJoinFailed' },
  LeaveRequested: { ...ofEndpoint, data: planned, type: 'EndpointLeaveRequested' },
  Left: { ...ofEndpoint, data: planned, type: 'EndpointLeft' },
  LeaveFailed: { ...ofEndpoint, data: { ...planned, failures: [FAILURE] }, type: 'EndpointLeaveFailed' },
  ReleaseRequested: { ...ofEndpoint, data: { endpoint: ENDPOINT }, type: 'EndpointReleaseRequested' },
  Released: { ...ofEndpoint, data: { endpoint: ENDPOINT }, type: 'EndpointReleased' },
} satisfies Record<string, Draft>

const networkPlanned = { network: NETWORK, plan: PLAN }
const networkFact = {
  CreateRequested: { ...ofNetwork, data: network, type: 'NetworkCreateRequested' },
  Created: { ...ofNetwork, data: networkPlanned, type: 'NetworkCreated' },
  CreateFailed: {
    ...ofNetwork,
    data: { ...networkPlanned, failures: [FAILURE] },
    type: 'NetworkCreateFailed',
  },
  DeleteRequested: { ...ofNetwork, data: networkPlanned, type: 'NetworkDeleteRequested' },
  Deleted: { ...ofNetwork, data: networkPlanned, type: 'NetworkDeleted' },
  DeleteFailed: {
    ...ofNetwork,
    data: { ...networkPlanned, failures: [FAILURE] },
    type: 'NetworkDeleteFailed',
  },
} satisfies Record<string, Draft>

const sandboxPlanned = { plan: PLAN, sandbox: SANDBOX }
const added = (endpoint: EndpointId, ifName: IfName, gateway: boolean) =>
  ({
    ...ofSandbox,
    data: { endpoint, gateway, gateway6: gateway, ifName, sandbox: SANDBOX },
    type: 'SandboxInterfaceAdded',
  }) satisfies Draft
const sandboxFact = {
  CreateRequested: { ...ofSandbox, data: sandbox, type: 'SandboxCreateRequested' },
  Created: { ...ofSandbox, data: sandboxPlanned, type: 'SandboxCreated' },
  CreateFailed: {
    ...ofSandbox,
    data: { ...sandboxPlanned, failures: [FAILURE] },
    type: 'SandboxCreateFailed',
  },
  InterfaceAdded: added(ENDPOINT, ETH0, true),
  InterfaceRemoved: {
    ...ofSandbox,
    data: { endpoint: ENDPOINT, sandbox: SANDBOX },
    type: 'SandboxInterfaceRemoved',
  },
  DeleteRequested: { ...ofSandbox, data: sandboxPlanned, type: 'SandboxDeleteRequested' },
  Deleted: { ...ofSandbox, data: sandboxPlanned, type: 'SandboxDeleted' },
  DeleteFailed: {
    ...ofSandbox,
    data: { ...sandboxPlanned, failures: [FAILURE] },
    type: 'SandboxDeleteFailed',
  },
  Vanished: { ...ofSandbox, data: { failures: [FAILURE], sandbox: SANDBOX }, type: 'SandboxVanished' },
} satisfies Record<string, Draft>

/** Every fact of each machine. */
export const FACTS: Readonly<Record<EntityKind, readonly Draft[]>> = {
  endpoint: Object.values(endpointFact),
  network: Object.values(networkFact),
  sandbox: Object.values(sandboxFact),
}

const e = endpointFact
const n = networkFact
const s = sandboxFact
const joining = [e.Reserved, e.JoinRequested]
const joined = [...joining, e.Joined]
const leaving = [...joined, e.LeaveRequested]
const created = [s.CreateRequested, s.Created]
const foreign = [{ ...s.CreateRequested, data: adopted }, s.Created]
const two = [...created, s.InterfaceAdded, added(OTHER, ETH1, false)]

/** Every state of each machine, and what in a context makes a difference to it, by the facts that lead there. */
const HISTORIES: Readonly<Record<EntityKind, Readonly<Record<string, readonly Draft[]>>>> = {
  endpoint: {
    absent: [],
    reserved: [e.Reserved],
    'reserved, after a leave': [...leaving, e.Left],
    joining,
    'joining, releaseOnFailure': [
      e.Reserved,
      { ...e.JoinRequested, data: { ...join, releaseOnFailure: true } },
    ],
    joined,
    'failed to join': [...joining, e.JoinFailed],
    'failed to leave': [...leaving, e.LeaveFailed],
    leaving,
    'leaving, to be released': [...leaving, e.ReleaseRequested],
    releasing: [e.Reserved, e.ReleaseRequested],
    released: [e.Reserved, e.ReleaseRequested, e.Released],
  },
  network: {
    absent: [],
    creating: [n.CreateRequested],
    created: [n.CreateRequested, n.Created],
    failed: [n.CreateRequested, n.CreateFailed],
    deleting: [n.CreateRequested, n.Created, n.DeleteRequested],
    deleted: [n.CreateRequested, n.Created, n.DeleteRequested, n.Deleted],
  },
  sandbox: {
    absent: [],
    creating: [s.CreateRequested],
    created,
    'created, one interface': [...created, s.InterfaceAdded],
    'created, two interfaces': two,
    failed: [s.CreateRequested, s.CreateFailed],
    'failed, two interfaces': [...two, s.DeleteRequested, s.DeleteFailed],
    'created, of a namespace that was there': foreign,
    vanished: [...foreign, s.Vanished],
    deleting: [...created, s.DeleteRequested],
    'deleting, two interfaces': [...two, s.DeleteRequested],
    deleted: [...created, s.DeleteRequested, s.Deleted],
  },
}

/** The state after some facts. */
export const fold = <K extends EntityKind>(
  kind: K,
  facts: readonly Draft[],
  from?: EntityState<K>,
): EntityState<K> =>
  facts.reduce<EntityState<K>>(
    (state, fact) => evolve(kind, state, fact),
    from ?? evolve(kind, undefined, NOBODYS),
  )

const NOBODYS: Draft = {
  data: { failures: [], late: false, plan: PLAN, seen: [] },
  stream: 'effects',
  type: 'EffectsSettled',
  v: 1,
}

/** Every state of each machine, by what it is called in tests. */
export const statesOf = <K extends EntityKind>(kind: K): readonly (readonly [string, EntityState<K>])[] =>
  Object.entries(HISTORIES[kind]).map(([name, facts]) => [name, fold(kind, facts)] as const)

/** One of {@link statesOf}. */
export const stateIn = <K extends EntityKind>(kind: K, name: string): EntityState<K> =>
  fold(kind, HISTORIES[kind][name] ?? [])

/** All kinds of entities. */
export const KINDS = ['endpoint', 'network', 'sandbox'] as const satisfies readonly EntityKind[]
