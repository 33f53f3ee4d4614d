/** `chronet endpoint …`, `connect` and `disconnect`. */
import type { AnyFact, FactOf, FactType } from '../../events/index.ts'
import type { EndpointView } from '../../projections/index.ts'
import type { Done, Picture } from '../operations/operations.ts'
import { eachOf, endpointIn, networkIn } from '../operations/picture.ts'
import { ago, shortener } from '../operations/words.ts'
import { tellThing } from './inspect.ts'
import { given, type Leaf, type OptionSpec, type Values } from './leaf.ts'
import { UsageError } from './problems.ts'
import type { Session } from './session.ts'

const PLACE: readonly OptionSpec[] = [
  { flags: '--ip <address>', repeat: true, what: 'this address, one of each family; else the next free one' },
  { flags: '--mac <address>', what: 'this MAC; else one that follows from its address' },
]
const JOIN: readonly OptionSpec[] = [
  { flags: '--if-name <name>', what: 'the interface in the sandbox; else the lowest free eth0, eth1, …' },
  { flags: '--if-prefix <prefix>', what: 'the same with another prefix than eth' },
  {
    flags: '--priority <number>',
    what: 'who has the highest gives the sandbox its default route (default: 0)',
  },
]
const ON: OptionSpec = {
  flags: '--network <network>',
  what: 'the network that it is on, where its name is not unique',
}

/** @throws {UsageError} more than one of a family */
function addresses(values: Values): { address?: string; address6?: string } {
  const all = values.texts('ip')
  const v4 = onlyOf(all.filter((ip) => !ip.includes(':')))
  const v6 = onlyOf(all.filter((ip) => ip.includes(':')))
  return { ...(v4 === undefined ? {} : { address: v4 }), ...(v6 === undefined ? {} : { address6: v6 }) }
}

function onlyOf(all: readonly string[]): string | undefined {
  const [first, ...more] = all
  if (more.length > 0)
    throw new UsageError(`--ip names ${all.join(' and ')}; an endpoint has one address of each family`)
  return first
}

const factIn = <T extends FactType>({ commit }: Done, type: T): FactOf<T> | undefined =>
  commit.facts.find((fact: AnyFact) => fact.type === type) as FactOf<T> | undefined

const held = (done: Done): string => {
  const reserved = factIn(done, 'EndpointReserved')?.data
  return reserved === undefined ? '' : [...reserved.addresses, reserved.mac].join(', ')
}

const create: Leaf = {
  args: [
    ['<network>', 'the network it is on'],
    ['<name>', 'what to call it'],
  ],
  changes: true,
  examples: ['chronet endpoint create web e1', 'chronet endpoint create web e2 --ip 172.18.0.9'],
  name: 'create',
  options: [...PLACE, { flags: '--label <key=value>', repeat: true, what: 'a label, as often as wanted' }],
  run: async (session, [network = '', name = ''], values) => {
    const data = given({
      ...addresses(values),
      labels: values.labels(),
      mac: values.text('mac'),
      name,
      network,
    })
    await session.change(
      { data, type: 'endpoint.create' },
      (done) => `endpoint ${name} on ${network} holds ${held(done)}`,
    )
    return undefined
  },
  summary: 'reserve an address, a MAC and a name on a network',
}

const join: Leaf = {
  args: [
    ['<endpoint>', 'name, id, or 4 or more characters of an id'],
    ['<sandbox>', 'who gets its interface'],
  ],
  changes: true,
  examples: ['chronet endpoint join e1 a', 'chronet endpoint join e1 a --network web --if-name eth7'],
  name: 'join',
  options: [...JOIN, ON],
  run: async (session, [endpoint = '', sandbox = ''], values) => {
    const data = given({
      endpoint,
      ifName: values.text('ifName'),
      ifPrefix: values.text('ifPrefix'),
      network: values.text('network'),
      priority: values.whole('priority'),
      sandbox,
    })
    await session.change(
      { data, type: 'endpoint.join' },
      (done) =>
        `${endpoint} is in sandbox ${sandbox} as ${factIn(done, 'EndpointJoinRequested')?.data.ifName ?? ''}`,
    )
    return undefined
  },
  summary: "give an endpoint's interface to a sandbox",
}

const leave: Leaf = {
  args: [
    ['<endpoint>', 'name, id, or 4 or more characters of an id'],
    ['[sandbox]', 'who has its interface; if another has, nothing is done'],
  ],
  changes: true,
  examples: ['chronet endpoint leave e1', 'chronet endpoint leave e1 a'],
  name: 'leave',
  options: [ON],
  run: async (session, [endpoint = '', sandbox], values) => {
    const data = given({ endpoint, network: values.text('network'), sandbox })
    await session.change(
      { data, type: 'endpoint.leave' },
      () => `${endpoint} has left its sandbox and keeps its addresses`,
    )
    return undefined
  },
  summary: "take an endpoint's interface back; it keeps its addresses",
}

const ls: Leaf = {
  examples: ['chronet endpoint ls', 'chronet endpoint ls --network web'],
  name: 'ls',
  options: [{ flags: '--network <network>', what: 'those on this network only' }],
  run: async (session, _args, values) => {
    const picture = await session.with('read', (operations) => operations.picture())
    const on = values.text('network')
    const network = on === undefined ? undefined : networkIn(picture, on).id
    tellEndpoints(
      session,
      picture,
      picture.endpoints.filter((view) => network === undefined || view.network === network),
    )
    return undefined
  },
  summary: 'the endpoints that there are',
}

/** The table of endpoints. */
export function tellEndpoints(session: Session, picture: Picture, endpoints: readonly EndpointView[]): void {
  const nowMs = session.io.nowMs()
  const short = shortener(endpoints.map(({ id }) => id))
  const names = new Map<string, string>(
    [...picture.networks, ...picture.sandboxes].map((v) => [v.id, v.name]),
  )
  const nameOf = (id: string | undefined): string =>
    id === undefined ? '' : (names.get(id) ?? id.slice(0, 12))
  const sandboxOf = ({ ifName, sandbox }: EndpointView): string =>
    sandbox === undefined ? '' : `${nameOf(sandbox)} ${ifName ?? ''}`.trimEnd()
  session.list(
    endpoints,
    [
      { of: ({ name }) => name, rank: 0, title: 'NAME' },
      { of: ({ network }) => nameOf(network), rank: 1, title: 'NETWORK' },
      { of: sandboxOf, rank: 1, title: 'SANDBOX' },
      { of: (view) => view.addresses.join(', '), rank: 1, title: 'ADDRESSES' },
      { of: ({ mac }) => mac, rank: 4, title: 'MAC' },
      { of: ({ state }) => state, rank: 2, title: 'STATE' },
      { of: ({ since }) => ago(since, nowMs), rank: 3, title: 'SINCE' },
      { of: ({ id }) => short(id), rank: 5, title: 'ID' },
    ],
    "no endpoints; 'chronet connect NETWORK SANDBOX' makes one",
  )
}

const inspect: Leaf = {
  args: [['<endpoint...>', 'name, id, or 4 or more characters of an id']],
  examples: ['chronet endpoint inspect a-web', 'chronet endpoint inspect e1 --network web --json'],
  name: 'inspect',
  options: [ON],
  run: async (session, refs, values) => {
    const picture = await session.with('read', (operations) => operations.picture())
    for (const view of eachOf(refs, (ref) => endpointIn(picture, ref, values.text('network'))))
      tellThing(session, picture, { kind: 'endpoint', view })
    return undefined
  },
  summary: 'all that is known of an endpoint',
}

const rm: Leaf = {
  args: [['<endpoint...>', 'name, id, or 4 or more characters of an id']],
  changes: true,
  examples: ['chronet endpoint rm e1', 'chronet endpoint rm e1 --force'],
  name: 'rm',
  options: [ON, { flags: '--force', what: 'also if it is joined: it leaves first' }],
  run: async (session, refs, values) => {
    await session.changeEach(refs, (endpoint) => {
      const force = values.flag('force') ? true : undefined
      const data = given({ endpoint, force, network: values.text('network') })
      return session.change(
        { data, type: 'endpoint.delete' },
        () => `endpoint ${endpoint} is gone; what it held is free`,
      )
    })
    return undefined
  },
  summary: 'free what endpoints hold',
}

export const connect: Leaf = {
  args: [
    ['<network>', 'name, id, or 4 or more characters of an id'],
    ['<sandbox>', 'who gets an interface on it'],
  ],
  changes: true,
  examples: [
    'chronet connect web a',
    'chronet connect web b --ip 172.18.0.9 --reason "blue-green test"',
    'chronet connect web c --dry-run',
  ],
  name: 'connect',
  options: [
    ...PLACE,
    ...JOIN,
    { flags: '--name <name>', what: "the endpoint's name (default: SANDBOX-NETWORK)" },
  ],
  run: async (session, [network = '', sandbox = ''], values) => {
    const data = given({
      ...addresses(values),
      ifName: values.text('ifName'),
      ifPrefix: values.text('ifPrefix'),
      mac: values.text('mac'),
      name: values.text('name'),
      network,
      priority: values.whole('priority'),
      sandbox,
    })
    await session.change(
      { data, type: 'connect' },
      (done) =>
        `${sandbox} is on ${network} as ${factIn(done, 'EndpointJoinRequested')?.data.ifName ?? ''}: ${held(done)}`,
    )
    return undefined
  },
  summary: 'give a sandbox an interface on a network: reserve and join at once',
}

export const disconnect: Leaf = {
  args: [
    ['<network>', 'name, id, or 4 or more characters of an id'],
    ['<sandbox>', 'who gives its interface on it up'],
  ],
  changes: true,
  examples: ['chronet disconnect web a', 'chronet disconnect web a --dry-run'],
  name: 'disconnect',
  run: async (session, [network = '', sandbox = '']) => {
    await session.change(
      { data: { network, sandbox }, type: 'disconnect' },
      () => `${sandbox} is off ${network}`,
    )
    return undefined
  },
  summary: 'take a sandbox off a network: leave and release at once',
}

export const endpointLeaves: readonly Leaf[] = [create, join, leave, ls, inspect, rm]
