/**
 * Facts as sentences, and who did it: one table, which the compiler holds complete. Names are told as they were then.
 */
import type {
  Actor,
  AnyFact,
  Claim,
  Commit,
  FactOf,
  FactType,
  StepFailure,
  Subnet,
} from '../../events/index.ts'
import { networkOfKey, wordsOfKey } from '../cluster/claims/subjects.ts'
import type { Names } from '../operations/names.ts'
import { kinds, resource } from '../operations/steps.ts'
import { clock, count, duration, list } from '../operations/words.ts'

type Sentences = {
  readonly [T in FactType]: (data: FactOf<T>['data'], names: Names, at: Commit['at']) => string
}

const because = (failures: readonly StepFailure[]): string => {
  const [first, ...rest] = failures.filter((failure) => failure.class !== 'need')
  if (first === undefined) return count(failures.length, 'step') + ' failed'
  return rest.length === 0 ? first.message : `${first.message} (and ${count(rest.length, 'more step')})`
}

const onSweep = (sweep: unknown, what: string): string =>
  sweep === undefined ? '' : `; ${what} is still to be deleted`

/** A pool of a network: `10.9.0.0/16, gateway 10.9.0.1, addresses out of 10.9.5.0/24, router=10.9.0.7 set aside`. */
export const subnetWords = ({ auxAddresses = {}, gateway, ipRange, subnet }: Subnet): string =>
  [
    subnet,
    `gateway ${gateway}`,
    ...(ipRange === undefined ? [] : [`addresses out of ${ipRange}`]),
    ...Object.entries(auxAddresses).map(([name, address]) => `${name}=${address} set aside`),
  ].join(', ')

const SENTENCES: Sentences = {
  AddressLent: ({ address, host, network }, names) =>
    `address ${address} of ${names.of(network)} is lent to ${host}`,
  AddressReturned: ({ address, network, to }, names) =>
    `address ${address} of ${names.of(network)} is returned by ${names.of(to)}`,
  ClaimGranted: (d, names) =>
    `the cluster grants ${claimed(d, names)}${d.seq === 0 ? '' : ` (message ${d.seq})`}`,
  ClaimLost: ({ host, key, why }, names) =>
    why === 'evicted'
      ? `this host was confirmed dead: ${thing(key, names)} is not its any more`
      : `${thing(key, names)} belongs to ${host ?? 'another host'}, which came first: nothing new is given out of it here`,
  ClaimReleased: ({ key, restsUntil }, names) =>
    `${thing(key, names)} is given up in the cluster; it rests until ${restsUntil}`,
  ClockSteppedBack: ({ clock: told, log }) =>
    `the clock stepped back to ${told}; times stay at ${log} until it is there again`,
  ClusterJoined: ({ host, servers }) => `${host} joined the cluster at ${servers.join(', ')}`,
  ClusterLeft: ({ host }) => `${host} left the cluster`,
  Contention: ({ change, heals, restMs }) =>
    `${change} (healed ${count(heals, 'time')}); healing of it rests for ${duration(restMs)}`,
  DriftObserved: ({ differences }, names) => {
    const of = (how: string): string[] =>
      differences
        .filter(({ found }) => found === how)
        .map(
          ({ fields, spec }) =>
            resource(spec, names) + (fields.length === 0 ? '' : ` (${fields.join(', ')})`),
        )
    const [missing, changed] = [of('missing'), of('changed')]
    const said = [
      ...(missing.length === 0 ? [] : [`missing: ${list(missing)}`]),
      ...(changed.length === 0 ? [] : [`changed: ${list(changed)}`]),
    ]
    return `somebody changed the kernel; ${said.join('; ')}`
  },
  EffectsIntended: ({ purpose, steps, sweep }) => {
    const then =
      sweep === undefined || sweep.length === 0 ? '' : `, then to sweep ${count(sweep.length, 'more')}`
    if (steps.length === 0) return `nothing to do in the kernel${then}`
    return `to ${purpose} ${count(steps.length, 'step')}: ${kinds(steps)}${then}`
  },
  EffectsSettled: ({ failures, late, plan }, names, at) => {
    const intended = names.plan(plan)
    const total = intended?.steps.length
    const took =
      intended === undefined || late ? '' : ` · ${duration(Date.parse(at) - Date.parse(intended.at))}`
    const when = late ? `, settled late` : ''
    const of =
      intended === undefined ? `plan ${plan}` : `${intended.purpose} of #${plan.slice(plan.indexOf('.') + 1)}`
    if (failures.length > 0)
      return `${of}: ${failures.length}${total === undefined ? '' : ` of ${total}`} failed: ${because(failures)}${when}`
    const done =
      intended === undefined || total === 0 ? 'done' : `${total} of ${total} done: ${kinds(intended.steps)}`
    return `${of}: ${done}${when}${took}`
  },
  EndpointJoinFailed: (d, names) =>
    `${names.of(d.endpoint)} did not get into sandbox ${names.of(d.sandbox)}: ${because(d.failures)}`,
  EndpointJoinRequested: (d, names) =>
    `${names.of(d.endpoint)} is to be ${d.ifName} in sandbox ${names.of(d.sandbox)}${d.attempt > 1 ? ` (join ${d.attempt})` : ''}`,
  EndpointJoined: (d, names) => `${names.of(d.endpoint)} is in sandbox ${names.of(d.sandbox)} and carries`,
  EndpointLeaveFailed: (d, names) =>
    `${names.of(d.endpoint)} could not be taken out of sandbox ${names.of(d.sandbox)}: ${because(d.failures)}`,
  EndpointLeaveRequested: (d, names) => `${names.of(d.endpoint)} is to leave sandbox ${names.of(d.sandbox)}`,
  EndpointLeft: (d, names) =>
    `${names.of(d.endpoint)} has left sandbox ${names.of(d.sandbox)}${onSweep(d.sweep, 'its link')}`,
  EndpointReleaseRequested: (d, names) => `${names.of(d.endpoint)} is to give up its addresses and its name`,
  EndpointReleased: (d, names) => `${names.of(d.endpoint)} is released: its addresses and its name are free`,
  EndpointReserved: (d, names) =>
    `${d.name} holds ${[...d.addresses, d.mac].join(', ')} on network ${names.of(d.network)}`,
  HostEvicted: ({ dead, host }) =>
    dead
      ? `${host} was confirmed dead: its blocks may be claimed by others`
      : `${host} is put out of the cluster; what it has stays as it is`,
  HostStarted: (d) =>
    `epoch ${d.epoch} begins (chronet ${d.code})${d.fresh ? ': on a kernel that has nothing of it yet' : ''}`,
  NetworkCreateFailed: (d, names) =>
    `network ${names.of(d.network)} could not be made: ${because(d.failures)}`,
  NetworkCreateRequested: (d) => {
    const rest = [
      ...d.subnets.map(subnetWords),
      ...(d.internal ? ['internal'] : d.masquerade ? [] : ['not masqueraded']),
      ...(d.mtu === 0 ? [] : [`mtu ${d.mtu}`]),
      ...(d.ifPrefix === undefined ? [] : [`interfaces ${d.ifPrefix}0, …`]),
    ]
    const on = d.bridge.name === '' ? '' : ` on ${d.bridge.name}`
    return `network ${d.name} is to be made by driver ${d.driver}${on}: ${rest.join('; ')}`
  },
  NetworkCreated: (d, names) => `network ${names.of(d.network)} is there`,
  NetworkDeleteFailed: (d, names) =>
    `network ${names.of(d.network)} could not be removed: ${because(d.failures)}`,
  NetworkDeleteRequested: (d, names) => `network ${names.of(d.network)} is to go; its name is free`,
  NetworkDeleted: (d, names) => `network ${names.of(d.network)} is gone${onSweep(d.sweep, 'its bridge')}`,
  OrphansRemoved: ({ orphans }) => `removed what bore our mark and no fact spoke of: ${list(orphans)}`,
  SandboxCreateFailed: (d, names) =>
    `sandbox ${names.of(d.sandbox)} could not be made: ${because(d.failures)}`,
  SandboxCreateRequested: (d) =>
    `sandbox ${d.name} is to ${d.adopts === undefined ? 'be made' : `take the namespace at ${d.adopts.path}`}${d.hostname === '' ? '' : `, host name ${d.hostname}`}`,
  SandboxCreated: (d, names) => `sandbox ${names.of(d.sandbox)} is there`,
  SandboxDeleteFailed: (d, names) =>
    `sandbox ${names.of(d.sandbox)} could not be removed: ${because(d.failures)}`,
  SandboxDeleteRequested: (d, names) => `sandbox ${names.of(d.sandbox)} is to go; its name is free`,
  SandboxDeleted: (d, names) => `sandbox ${names.of(d.sandbox)} is gone`,
  SandboxInterfaceAdded: (d, names) => {
    const routes = [d.gateway ? 'IPv4' : '', d.gateway6 ? 'IPv6' : ''].filter((family) => family !== '')
    const by = routes.length === 0 ? '' : `, and the default route (${routes.join(', ')})`
    return `sandbox ${names.of(d.sandbox)} has ${d.ifName} by ${names.of(d.endpoint)}${by}`
  },
  SandboxInterfaceRemoved: (d, names) => {
    const next = d.gateway ?? d.gateway6
    const by = next === undefined ? '' : `; its default route passes to ${names.of(next)}`
    return `sandbox ${names.of(d.sandbox)} gives up the interface of ${names.of(d.endpoint)}${by}`
  },
  VniAssigned: ({ network, vni }, names) => `network ${names.of(network)} has VNI ${vni} in the cluster`,
  SandboxVanished: (d, names) => `sandbox ${names.of(d.sandbox)} is vanished: ${because(d.failures)}`,
}

/** `the name web`, `pool 10.0.0.0/20 of web`, `block 10.0.0.32/27 of web`. */
const claimed = ({ cidr, kind, name, network, vni }: Claim, names: Names): string => {
  if (kind === 'network') return `the name ${name ?? network}`
  if (kind === 'vip') return `address ${cidr ?? ''} of ${names.of(network)} for ${name ?? 'a service'}`
  return vni === undefined ? `${kind} ${cidr ?? ''} of ${names.of(network)}` : `VNI ${vni}`
}

/** What was claimed, by its key: `block 10.0.0.32/27 of web`. */
function thing(key: string, names: Names): string {
  const network = networkOfKey(key)
  return network === undefined ? wordsOfKey(key) : `${wordsOfKey(key)} of ${names.of(network)}`
}

/** What a fact says. `names` has the commit it stands in already. */
export const sentence = (fact: Pick<AnyFact, 'data' | 'type'>, names: Names, at: Commit['at']): string =>
  (SENTENCES[fact.type] as (data: object, names: Names, at: Commit['at']) => string)(fact.data, names, at)

/** The types that a fact can have, in alphabetical order. */
export const factTypes = Object.keys(SENTENCES) as readonly FactType[]

/** `alice (uid 1000, through sudo)`, `uid 0`, `the engine`. */
export function who({ claimed, kind, verified }: Actor): string {
  if (kind === 'engine') return 'the engine'
  if (kind === 'worker') return 'the kernel answered'
  const sudo = claimed?.sudoUser
  const uid = claimed?.sudoUid ?? verified?.loginUid
  if (sudo !== undefined) return `${sudo} (${uid === undefined ? '' : `uid ${uid}, `}through sudo)`
  const name = claimed?.name
  if (verified === undefined) return name ?? `a program (${kind})`
  return name === undefined ? `uid ${verified.uid}` : `${name} (uid ${verified.uid})`
}

/** A commit's command as it would be typed, as far as its words go: `connect web a`. */
export function asked({ command }: Pick<Commit, 'command'>, names: Names): string {
  const data = command.data as Readonly<Record<string, unknown>>
  const words = ['network', 'endpoint', 'sandbox']
    .filter((field) => typeof data[field] === 'string')
    .sort((a, b) => rank(command.type, a) - rank(command.type, b))
    .map((field) => names.of(String(data[field])))
  const verb = command.type.replace('.', ' ').replace(/ delete$/, ' rm')
  // What is made is called by its name; that of a connection's endpoint is an option.
  const made = command.type.endsWith('.create') && typeof data.name === 'string' ? [data.name] : []
  // The facts have what they come to, not the options of the driver themselves.
  const options = Object.entries(data.options ?? {}).map(([key, value]) => `--opt ${key}=${String(value)}`)
  return [verb, ...words, ...made, ...options].join(' ')
}

/** `endpoint join a-web a`, `connect web a`: the order on the command line. */
const rank = (type: string, field: string): number =>
  type.startsWith('endpoint') && field !== 'endpoint' ? (field === 'network' ? 2 : 1) : 0

/** Who asked for what, and why: the line above a commit's facts. */
export function headline(commit: Commit<AnyFact>, names: Names, nowMs: number): string {
  const { actor, at, reason, seq } = commit
  const own = actor.kind === 'engine' || actor.kind === 'worker'
  const what = own ? (OWN[commit.command.type] ?? commit.command.type) : asked(commit, names)
  const by = own ? '' : ` · ${actor.kind} · ${who(actor)}`
  return `#${seq}  ${clock(at, nowMs)}  ${what}${by}${reason === undefined ? '' : ` · "${reason}"`}`
}

const OWN: Readonly<Record<string, string>> = {
  'address.lend': 'another host asks for an address',
  'claims.record': 'the cluster answered',
  'drift.report': 'the kernel differs from the log',
  'effects.retry': 'the sweep is tried again',
  'effects.settle': 'the kernel answered',
  'host.observe': 'seen in the kernel',
  'host.start': 'the engine starts',
  'network.adopt': 'a network of the cluster is used here',
}
