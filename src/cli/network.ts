/** `chronet network …` */
import { RefusedError } from '../../events/index.ts'
import type { NetworkView, SandboxView } from '../../projections/index.ts'
import type { ClusterNetwork } from '../cluster/claims/shared.ts'
import type { Picture } from '../operations/operations.ts'
import { eachOf, matching, missing, networkIn } from '../operations/picture.ts'
import { ago, shortener } from '../operations/words.ts'
import {
  foundElsewhere,
  notHere,
  othersOf,
  scopeElsewhere,
  scopeOf,
  tellElsewhere,
  tellUnknown,
  type Others,
} from './cluster-networks.ts'
import { given, type Leaf } from './leaf.ts'
import { tellThing } from './inspect.ts'
import { POOL_OPTIONS, subnetsOf } from './pools.ts'
import type { Session } from './session.ts'
import type { Column } from './table.ts'

/** What is on this host, and what else there is in its cluster. */
const known = (session: Session): Promise<{ readonly others: Others; readonly picture: Picture }> =>
  session.with('read', async (operations) => ({
    others: await othersOf(operations),
    picture: await operations.picture(),
  }))

type Row<T> = Column & { readonly of: (one: T) => string }

const create: Leaf = {
  args: [['<name>', 'what to call it']],
  changes: true,
  examples: [
    'chronet network create web',
    'chronet network create db --subnet 10.77.0.0/24 --gateway 10.77.0.1 --internal',
    'chronet network create lan --subnet 10.78.0.0/16 --ip-range 10.78.5.0/24 --aux-address router=10.78.0.1',
    'chronet network create both --ipv6 --mtu 9000 --label team=shop',
    'chronet network create web --dry-run',
  ],
  name: 'create',
  options: [
    {
      flags: '--driver <name>',
      what: 'what makes it: bridge (default), or test, for all hosts of a cluster',
    },
    ...POOL_OPTIONS,
    { flags: '--ipv6', what: 'with IPv6, though no subnet of it is given' },
    { flags: '--no-ipv4', what: 'without IPv4' },
    { flags: '--internal', what: 'nothing in it reaches beyond it' },
    { flags: '--no-masquerade', what: "what leaves it keeps its endpoints' addresses" },
    { flags: '--mtu <bytes>', what: 'of its links' },
    { flags: '--bridge <name>', what: 'of the link that carries it; else one that follows from its id' },
    { flags: '--if-prefix <prefix>', what: 'what its interfaces in sandboxes are called (default: eth)' },
    { flags: '--opt <key=value>', repeat: true, what: 'an option under the name that Docker has for it' },
    { flags: '--allow-overlap', what: 'take the subnets even where they hide a route of the host' },
    { flags: '--label <key=value>', repeat: true, what: 'a label, as often as wanted' },
  ],
  run: async (session, [name = ''], values) => {
    const data = given({
      allowOverlap: values.flag('allowOverlap') ? true : undefined,
      bridge: values.text('bridge'),
      driver: values.text('driver') ?? 'bridge',
      ifPrefix: values.text('ifPrefix'),
      internal: values.flag('internal') ? true : undefined,
      ipv4: values.denied('ipv4') ? false : undefined,
      ipv6: values.flag('ipv6') ? true : undefined,
      labels: values.labels(),
      masquerade: values.denied('masquerade') ? false : undefined,
      mtu: values.whole('mtu'),
      name,
      options: values.labels('opt'),
      subnets: subnetsOf(values),
    })
    await session.change({ data, type: 'network.create' }, ({ commit }) => {
      const asked = commit.facts.find((fact) => fact.type === 'NetworkCreateRequested')
      const subnets = asked?.data.subnets.map(({ gateway, subnet }) => `${subnet} (gateway ${gateway})`)
      const bridge = asked?.data.bridge.name
      return `network ${name} is there: ${[...(subnets ?? []), ...(bridge ? [bridge] : [])].join(', ')}`
    })
    return undefined
  },
  summary: 'make a network: a set of endpoints that reach each other',
}

const ls: Leaf = {
  examples: ['chronet network ls', 'chronet network ls --json | jq -r .name'],
  name: 'ls',
  run: async (session) => {
    const { others, picture } = await known(session)
    const endpoints = (id: string): number => picture.endpoints.filter((e) => e.network === id).length
    tellNetworks(session, picture.networks, endpoints, others)
    tellUnknown(session, others)
    return undefined
  },
  summary: 'the networks that there are',
  text: 'In a cluster also those that other hosts made and nobody here uses yet: with --json, "here" of them is false.',
}

/** The table of networks. @param others absent: of the cluster nothing is told */
export function tellNetworks(
  session: Session,
  networks: readonly NetworkView[],
  endpoints: (network: string) => number,
  others?: Others,
): void {
  const nowMs = session.io.nowMs()
  const all = [...networks, ...(others === undefined ? [] : notHere(others))]
  const short = shortener(all.map(({ id }) => id))
  const isShared = all.some((one) => 'here' in one || one.claim !== undefined)
  const scope: readonly Row<(typeof all)[number]>[] =
    others === undefined || !isShared
      ? []
      : [
          {
            of: (one) => ('here' in one ? scopeElsewhere(one) : scopeOf(one, others)),
            rank: 0,
            title: 'SCOPE',
          },
        ]
  session.list(
    all,
    [
      { of: ({ name }) => name, rank: 0, title: 'NAME' },
      { of: ({ driver }) => driver, rank: 3, title: 'DRIVER' },
      { of: ({ subnets }) => subnets.map((s) => s.subnet).join(', '), rank: 1, title: 'SUBNETS' },
      { of: (one) => ('here' in one ? '-' : String(endpoints(one.id))), rank: 2, title: 'ENDPOINTS' },
      { of: (one) => ('here' in one ? '-' : since(one, nowMs)), rank: 4, title: 'SINCE' },
      { of: ({ id }) => short(id), rank: 5, title: 'ID' },
      ...scope,
    ],
    "no networks; 'chronet network create NAME' makes one",
  )
}

/** `3 min ago`, and the state where it is not the usual one. */
export const since = (
  { since: at, state }: Pick<NetworkView | SandboxView, 'since' | 'state'>,
  nowMs: number,
): string => (state === 'created' ? ago(at, nowMs) : `${state} ${ago(at, nowMs)}`)

const inspect: Leaf = {
  args: [['<network...>', 'name, id, or 4 or more characters of an id']],
  examples: ['chronet network inspect web', 'chronet network inspect web --json'],
  name: 'inspect',
  run: async (session, refs) => {
    const { others, picture } = await known(session)
    const find = (ref: string): ClusterNetwork | NetworkView => {
      const [elsewhere, another] = foundElsewhere(others, ref)
      const isKnown = matching(picture.networks, ref).length > 0
      if (!isKnown && elsewhere !== undefined && another === undefined) return elsewhere
      if (isKnown || others.unknown === undefined) return networkIn(picture, ref)
      const unknown = missing('network', ref)
      throw new RefusedError([{ ...unknown, message: `${unknown.message}; ${others.unknown}` }])
    }
    for (const found of eachOf(refs, find))
      if ('here' in found) tellElsewhere(session, found)
      else
        tellThing(
          session,
          picture,
          { kind: 'network', view: found },
          found.claim === undefined ? {} : { scope: scopeOf(found, others) },
        )
    return undefined
  },
  summary: 'all that is known of a network',
}

const rm: Leaf = {
  args: [['<network...>', 'name, id, or 4 or more characters of an id']],
  changes: true,
  examples: ['chronet network rm web', 'chronet network rm web db --dry-run'],
  name: 'rm',
  run: async (session, refs) => {
    await session.changeEach(refs, (network) =>
      session.change({ data: { network }, type: 'network.delete' }, () => `network ${network} is gone`),
    )
    return undefined
  },
  summary: 'end networks that have no endpoints',
}

export const networkLeaves: readonly Leaf[] = [create, ls, inspect, rm]
