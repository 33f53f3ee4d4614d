/**
 * Commands as a careless client gives them: a few names, so that they meet; all options, seldom; now and then what does not
 * exist or makes no sense. Drawn from chance alone: the same draws give the same command, whatever the world is like.
 */
import type { ClientCommand } from '../../events/index.ts'
import type { Chance } from './chance.ts'

/** Names are few, so that commands meet. */
export const NETWORKS = ['n0', 'n1', 'n2', 'n3'] as const
export const SANDBOXES = ['s0', 's1', 's2', 's3', 's4', 's5'] as const
export const ENDPOINTS = ['e0', 'e1', 'e2', 'e3'] as const
/** Where container runtimes mount the namespaces that they make. */
export const NAMESPACES = ['/run/netns/p0', '/run/netns/p1', '/run/netns/p2'] as const

type Draw = (chance: Chance) => ClientCommand

/** A command, sensible by its form. */
export const drawCommand: Draw = (chance) => chance.weighted(COMMANDS)(chance)

/** Whether there is something of a name. */
export type Exists = (kind: 'endpoint' | 'network' | 'sandbox', name: string) => boolean

/** Draws that are tried for one that fits; and how seldom nobody looks. */
const DRAWS_MAX = 8
const CARELESS = 6

/** As {@link drawCommand}, but mostly one that fits what there is: a world of which nothing exists teaches nothing. */
export function drawFittingCommand(chance: Chance, exists: Exists): ClientCommand {
  let command = drawCommand(chance)
  if (chance.oneIn(CARELESS)) return command
  for (let draws = 1; draws < DRAWS_MAX && !fits(command, exists); draws++) command = drawCommand(chance)
  return command
}

function fits({ data, type }: ClientCommand, exists: Exists): boolean {
  const { endpoint: end, name, network: net, sandbox: box } = data as Readonly<Record<string, unknown>>
  const isThere = (kind: Parameters<Exists>[0], ref: unknown): boolean =>
    typeof ref !== 'string' || exists(kind, ref)
  if (!isThere('network', net) || !isThere('sandbox', box) || !isThere('endpoint', end)) return false
  const kind = type.split('.')[0] as Parameters<Exists>[0]
  if (type.endsWith('.create')) return !exists(kind, String(name))
  if (type !== 'connect' && type !== 'disconnect') return true
  return exists('endpoint', `${String(box)}-${String(net)}`) === (type === 'disconnect')
}

/** With a chance of one in so many, these fields; else none. */
const now = <T extends object>(chance: Chance, oneIn: number, fields: () => T): Partial<T> =>
  chance.oneIn(oneIn) ? fields() : {}

const network = (chance: Chance): string => (chance.oneIn(40) ? 'nowhere' : chance.pick(NETWORKS))
const sandbox = (chance: Chance): string => (chance.oneIn(40) ? 'nobody' : chance.pick(SANDBOXES))
const endpoint = (chance: Chance): string => {
  if (chance.oneIn(3)) return `${chance.pick(SANDBOXES)}-${chance.pick(NETWORKS)}`
  return chance.pick(ENDPOINTS)
}
const host4 = (chance: Chance, name: string): string =>
  `10.9.${nthOf(name)}.${chance.oneIn(6) ? chance.int(256) : chance.between(1, 14)}`
const host6 = (chance: Chance, name: string): string =>
  `fd00:9:${nthOf(name)}::${chance.between(1, 30).toString(16)}`
const nthOf = (name: string): number => Number(name.slice(1)) || 0

const holdings = (chance: Chance, name: string): object => ({
  ...now(chance, 5, () => ({ address: host4(chance, name) })),
  ...now(chance, 12, () => ({ address6: host6(chance, name) })),
  ...now(chance, 12, () => ({ mac: `02:00:00:00:00:0${chance.int(6)}` })),
})

const interfaceOf = (chance: Chance): object => ({
  ...now(chance, 10, () => ({ ifName: chance.pick(['eth0', 'eth1', 'net0', 'lo']) })),
  ...now(chance, 15, () => ({ ifPrefix: chance.pick(['net', 'if']) })),
  ...now(chance, 8, () => ({ priority: chance.between(-2, 2) })),
})

const createNetwork: Draw = (chance) => {
  const name = network(chance)
  const nth = chance.oneIn(8) ? chance.int(NETWORKS.length) : nthOf(name)
  const pools = [
    ...(chance.oneIn(8)
      ? []
      : [
          {
            subnet: `10.9.${nth}.0/28`,
            ...now(chance, 8, () => ({ gateway: `10.9.${nth}.${chance.int(16)}` })),
          },
        ]),
    ...(chance.oneIn(3) ? [{ subnet: `fd00:9:${nth}::/64` }] : []),
  ]
  const data = {
    driver: chance.oneIn(40) ? 'carrier-pigeon' : 'bridge',
    name,
    ...(pools.length === 0 ? {} : { subnets: pools }),
    ...now(chance, 10, () => ({ bridge: chance.pick(['br0', 'br1', 'eth9']) })),
    ...now(chance, 5, () => ({ internal: true })),
    ...now(chance, 5, () => ({ masquerade: false })),
    ...now(chance, 8, () => ({ mtu: chance.pick([1280, 1400, 9000]) })),
    ...now(chance, 8, () => ({ labels: { tier: 'test' } })),
    ...now(chance, 10, () => ({ allowOverlap: true })),
  }
  return { data, type: 'network.create' }
}

const COMMANDS: readonly (readonly [weight: number, draw: Draw])[] = [
  [9, createNetwork],
  [3, (chance) => ({ data: { network: network(chance) }, type: 'network.delete' })],
  [
    12,
    (chance) => {
      const data = {
        name: sandbox(chance),
        ...now(chance, 5, () => ({ netns: chance.oneIn(20) ? 'p0' : chance.pick(NAMESPACES) })),
      }
      return { data, type: 'sandbox.create' }
    },
  ],
  [4, (chance) => ({ data: { sandbox: sandbox(chance) }, type: 'sandbox.delete' })],
  [
    6,
    (chance) => {
      const at = network(chance)
      const data = { name: chance.pick(ENDPOINTS), network: at, ...holdings(chance, at) }
      return { data, type: 'endpoint.create' }
    },
  ],
  [
    7,
    (chance) => ({
      data: { endpoint: endpoint(chance), sandbox: sandbox(chance), ...interfaceOf(chance) },
      type: 'endpoint.join',
    }),
  ],
  [5, (chance) => ({ data: { endpoint: endpoint(chance) }, type: 'endpoint.leave' })],
  [
    5,
    (chance) => ({
      data: { endpoint: endpoint(chance), ...now(chance, 2, () => ({ force: true })) },
      type: 'endpoint.delete',
    }),
  ],
  [
    24,
    (chance) => {
      const at = network(chance)
      const data = { network: at, sandbox: sandbox(chance), ...holdings(chance, at), ...interfaceOf(chance) }
      return { data, type: 'connect' }
    },
  ],
  [14, (chance) => ({ data: { network: network(chance), sandbox: sandbox(chance) }, type: 'disconnect' })],
]

/** Commands of one sandbox on one network, each of which undoes the one before it, or does it again. */
export const drawChangeOfMind = (chance: Chance, exists: Exists): readonly ClientCommand[] => {
  const one = (kind: 'network' | 'sandbox', names: readonly string[]): string => {
    const there = names.filter((name) => exists(kind, name))
    return chance.pick(there.length > 0 ? there : names)
  }
  const data = { network: one('network', NETWORKS), sandbox: one('sandbox', SANDBOXES) }
  const endpoint = `${data.sandbox}-${data.network}`
  const held = now(chance, 2, () => ({ address: host4(chance, data.network) }))
  const connect = { data: { ...data, ...held }, type: 'connect' } as const
  const end: ClientCommand = chance.pick([
    { data, type: 'disconnect' },
    { data, type: 'disconnect' },
    { data: { endpoint }, type: 'endpoint.leave' },
    { data: { endpoint, force: true }, type: 'endpoint.delete' },
    { data: { sandbox: data.sandbox }, type: 'sandbox.delete' },
  ] as const)
  const all = [connect, end, connect, end]
  const from = chance.int(2)
  return all.slice(from, from + chance.between(2, 3))
}

/** Networks of all hosts of a cluster. Two have blocks for two and for four hosts, so that they are used up and meet. */
export const SHARED_NETWORKS = ['g0', 'g1', 'g2'] as const

/** A command about one of them, on whichever host: nobody need know there that it exists. */
export function drawSharedCommand(chance: Chance, exists: Exists): ClientCommand {
  const net = chance.pick(SHARED_NETWORKS)
  const box = sandbox(chance)
  // Of the first two there are not more addresses than names.
  const end = `${net}-x${chance.int(40)}`
  const held = now(chance, 8, () => ({ address: `10.40.${nthOf(net)}.${chance.int(140)}` }))
  const make = {
    data: { driver: 'test', name: net, ...sharedPools(chance, net) },
    type: 'network.create',
  } as const
  if (!exists('network', net) && chance.oneIn(2)) return make
  const data = { network: net, sandbox: box }
  return chance.weighted<ClientCommand>([
    [1, make],
    [2, { data: { network: net }, type: 'network.delete' }],
    [14, { data: { name: end, network: net, ...held }, type: 'endpoint.create' }],
    [5, { data: { endpoint: end, force: true }, type: 'endpoint.delete' }],
    [5, { data: { ...data, ...held }, type: 'connect' }],
    [3, { data, type: 'disconnect' }],
  ])
}

function sharedPools(chance: Chance, net: string): object {
  const nth = nthOf(net)
  const subnet = chance.oneIn(8) ? '10.40.0.0/16' : `10.40.${nth}.0/${26 - nth}`
  const pools = [
    ...(nth < 2 || chance.oneIn(2) ? [{ subnet }] : []),
    ...(chance.oneIn(4) ? [{ subnet: `fd00:40:${nth}::/118` }] : []),
  ]
  return pools.length === 0 ? {} : { subnets: pools }
}

const long = (chance: Chance, around: number): string => 'x'.repeat(around + chance.between(-1, 1))
const labels = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`label${i}`, 'x']))

/** A command that no sensible client gives: too long, too many, out of range, of the wrong kind. It must be refused or done, and nothing else. */
export const drawOddCommand: Draw = (chance) => {
  const base = drawCommand(chance)
  const odd: Record<string, unknown> = chance.pick([
    { name: long(chance, 4096) },
    { name: long(chance, 128) },
    { name: '' },
    { name: '../../etc' },
    { name: 'n\u0000ul' },
    { labels: labels(256 + chance.between(-1, 1)) },
    { mtu: chance.pick([-1, 0, 67, 68, 65_535, 65_536, 2 ** 53]) },
    { priority: 2 ** 31 },
    { subnets: Array.from({ length: 64 + chance.between(0, 1) }, (_, i) => ({ subnet: `10.8.${i}.0/24` })) },
    {
      subnets: [
        { subnet: chance.pick(['0.0.0.0/0', '10.0.0.0/33', '::/0', '10.9.0.1', 'fe80::/64', '127.0.0.0/8']) },
      ],
    },
    { address: chance.pick(['10.9.0.0', '10.9.0.15', '255.255.255.255', '::', 'localhost']) },
    { ifName: chance.pick(['a-very-long-name', '.', '..', 'a/b', 'eth 0', 'lo']) },
    { mac: chance.pick(['01:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00', 'zz']) },
    { network: 7 },
    { sandbox: null },
    { unheardOf: true },
  ])
  return { ...base, data: { ...base.data, ...odd } } as ClientCommand
}
