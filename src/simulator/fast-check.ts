/**
 * Commands as an arbitrary of fast-check: what its shrinking takes away are commands, and what they ask for beyond need, so that a
 * counterexample is what somebody would have typed.
 *
 *     fc.asyncProperty(fc.array(clientCommand()), async (commands) => {
 *       const world = await createWorld({ seed: '1' })
 *       for (const command of commands) await ask(world, command)
 *       // … what must hold
 *     })
 *
 * fast-check is the user's own: an optional peer, which only this module loads.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { ClientCommand } from '../../events/index.ts'
import { ENDPOINTS, NETWORKS, SANDBOXES } from './commands.ts'

/** Kinds of commands that {@link clientCommand} makes: all that a client may ask of networks. */
export type CommandType = keyof ReturnType<typeof arbitraries>

export type CommandOptions = {
  /** Names to choose from. Few, so that commands meet. */
  readonly endpoints?: readonly string[]
  readonly networks?: readonly string[]
  readonly sandboxes?: readonly string[]
  /** Default: all, those that make something more often. */
  readonly types?: readonly CommandType[]
}

/**
 * A command, sensible by its form; whether there is what it names is another matter, and an engine that refuses it is right. Addresses
 * are of the pools that networks are made with here: 10.9.0.0/28 is that of the first name, and so on.
 */
export function clientCommand(options: CommandOptions = {}): Arbitrary<ClientCommand> {
  const { endpoints = ENDPOINTS, networks = NETWORKS, sandboxes = SANDBOXES } = options
  const all = arbitraries({ endpoints, networks, sandboxes })
  const { types = Object.keys(all) as CommandType[] } = options
  return fc.oneof(
    ...types.map((type) => ({
      arbitrary: (all[type] as Arbitrary<object>).map((data) => ({ data, type }) as ClientCommand),
      weight: WEIGHTS[type],
    })),
  )
}

const WEIGHTS: Readonly<Record<CommandType, number>> = {
  connect: 24,
  disconnect: 14,
  'endpoint.create': 6,
  'endpoint.delete': 5,
  'endpoint.join': 7,
  'endpoint.leave': 5,
  'network.create': 9,
  'network.delete': 3,
  'sandbox.create': 12,
  'sandbox.delete': 4,
}

type Names = Required<Pick<CommandOptions, 'endpoints' | 'networks' | 'sandboxes'>>

/** The data of each kind of command. */
function arbitraries({ endpoints, networks, sandboxes }: Names) {
  const network = fc.constantFrom(...networks)
  const sandbox = fc.constantFrom(...sandboxes)
  const name = fc.constantFrom(...endpoints)
  // Made by itself, or by a connect, which names it after the two that it joins.
  const connected = fc.tuple(sandbox, network).map(([box, net]) => `${box}-${net}`)
  const endpoint = fc.oneof({ arbitrary: name, weight: 2 }, { arbitrary: connected, weight: 1 })
  return {
    connect: networked(networks, (nth) => ({ ...holdings(nth), ...interfaces, sandbox })),
    disconnect: fc.record({ network, sandbox }),
    'endpoint.create': networked(networks, (nth) => ({ ...holdings(nth), name })),
    'endpoint.delete': some({ endpoint, force: seldom(2, fc.constant(true)) }),
    'endpoint.join': some({ endpoint, ...interfaces, sandbox }),
    'endpoint.leave': fc.record({ endpoint }),
    'network.create': fc
      .nat(networks.length - 1)
      .chain((nth) => some({ ...settings(nth), name: fc.constant(networks[nth] ?? '') })),
    'network.delete': fc.record({ network }),
    'sandbox.create': fc.record({ name: sandbox }),
    'sandbox.delete': fc.record({ sandbox }),
  }
}

type Fields = Readonly<Record<string, Arbitrary<unknown>>>

/** Once in so many times; and what shrinks away first. */
const seldom = <T>(oneIn: number, arbitrary: Arbitrary<T>): Arbitrary<T | undefined> =>
  fc.oneof(
    { withCrossShrink: true },
    { arbitrary: fc.constant(undefined), weight: oneIn - 1 },
    { arbitrary, weight: 1 },
  )

/** Without the fields that came to nothing. */
const some = (fields: Fields): Arbitrary<object> =>
  fc
    .record(fields)
    .map((data) => Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined)))

/** What is asked of one of some networks, with fields that depend on which. */
const networked = (networks: readonly string[], fields: (nth: number) => Fields): Arbitrary<object> =>
  fc
    .nat(networks.length - 1)
    .chain((nth) => some({ ...fields(nth), network: fc.constant(networks[nth] ?? '') }))

const holdings = (nth: number): Fields => ({
  address: seldom(
    5,
    fc.integer({ max: 14, min: 1 }).map((host) => `10.9.${nth}.${host}`),
  ),
  mac: seldom(
    12,
    fc.nat(5).map((last) => `02:00:00:00:00:0${last}`),
  ),
})

const interfaces: Fields = {
  ifName: seldom(10, fc.constantFrom('net0', 'eth0', 'eth1')),
  priority: seldom(8, fc.integer({ max: 2, min: -2 })),
}

const settings = (nth: number): Fields => ({
  bridge: seldom(10, fc.constantFrom('br0', 'br1')),
  driver: fc.constant('bridge'),
  internal: seldom(5, fc.constant(true)),
  masquerade: seldom(5, fc.constant(false)),
  mtu: seldom(8, fc.constantFrom(1400, 1280, 9000)),
  subnets: fc
    .boolean()
    .map((six) => [{ subnet: `10.9.${nth}.0/28` }, ...(six ? [{ subnet: `fd00:9:${nth}::/64` }] : [])]),
})
