/** One thing in full, for people: its fields under each other, then what belongs to it. */
import type { EndpointView, NetworkView, SandboxView } from '../../projections/index.ts'
import { netnsPath } from '../kernel/kernel.ts'
import type { Picture } from '../operations/operations.ts'
import { subnetWords } from './sentences.ts'
import type { Thing } from '../operations/picture.ts'
import { clock } from '../operations/words.ts'
import type { Session } from './session.ts'
import { pairs } from './table.ts'

type Pairs = readonly (readonly [name: string, value: string | undefined])[]

/**
 * @param where of the log's run files, if namespaces are to be told: they are those of now
 * @param where.scope of a network, in words
 */
export function tellThing(
  session: Session,
  picture: Picture,
  { kind, view }: Thing,
  where: { readonly runDir?: string; readonly scope?: string } = {},
): void {
  const namespace =
    where.runDir === undefined || kind !== 'sandbox' || view.state === 'vanished'
      ? undefined
      : netnsPath(where.runDir, view.id)
  if (session.json) return session.show({ kind, ...view, ...(namespace === undefined ? {} : { namespace }) })
  const nowMs = session.io.nowMs()
  const fields =
    kind === 'network'
      ? networkFields(view)
      : kind === 'endpoint'
        ? ofEndpoint(view, picture)
        : ofSandbox(view, picture)
  session.print(
    session.paint('bold', `${kind} ${view.name}`),
    ...pairs([
      ['  id', view.id],
      ['  scope', where.scope],
      ['  state', `${view.state} since ${clock(view.since, nowMs)}`],
      ...fields,
      ['  namespace', namespace],
      [
        '  labels',
        Object.entries(view.labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(', '),
      ],
      ['  failed', view.failures?.map(({ message }) => message).join('; ')],
    ]),
    ...belongings(picture, { kind, view } as Thing),
  )
}

/** What a network is, wherever it is used. */
export const networkFields = ({
  bridge,
  driver,
  ifPrefix,
  internal,
  masquerade,
  mtu,
  options = {},
  subnets,
  vips = [],
  vni,
}: Pick<NetworkView, 'driver' | 'internal' | 'masquerade' | 'mtu' | 'subnets'> &
  Partial<NetworkView>): Pairs => [
  ['  driver', driver],
  ...subnets.map((subnet) => ['  subnet', subnetWords(subnet)] as const),
  ['  bridge', bridge === undefined || bridge.name === '' ? undefined : `${bridge.name}, ${bridge.mac}`],
  ['  vni', vni?.toString()],
  ['  services', vips.map(({ address, name }) => `${name} ${address}`).join(', ')],
  [
    '  reaches',
    internal
      ? 'only itself (internal)'
      : masquerade
        ? 'the outside, masqueraded'
        : 'the outside, with its own addresses',
  ],
  ['  mtu', mtu === 0 ? "the kernel's default" : String(mtu)],
  ['  interfaces', ifPrefix === undefined ? undefined : `${ifPrefix}0, ${ifPrefix}1, … in sandboxes`],
  ...Object.entries(options).map(
    ([key, value], i) => [i === 0 ? '  options' : '', `${key}=${value}`] as const,
  ),
]

const ofEndpoint = (view: EndpointView, { networks, sandboxes }: Picture): Pairs => [
  ['  network', networks.find(({ id }) => id === view.network)?.name ?? view.network],
  ['  addresses', view.addresses.join(', ')],
  ['  mac', view.mac],
  [
    '  sandbox',
    view.sandbox === undefined
      ? undefined
      : (sandboxes.find(({ id }) => id === view.sandbox)?.name ?? view.sandbox),
  ],
  ['  interface', view.ifName],
  ['  link', view.link === undefined ? undefined : `${view.link.name}, ${view.link.mac} (on the host)`],
  ['  priority', view.priority === undefined ? undefined : String(view.priority)],
]

const ofSandbox = (view: SandboxView, { endpoints }: Picture): Pairs => {
  const named = (id: string | undefined): string | undefined =>
    id === undefined ? undefined : (endpoints.find((endpoint) => endpoint.id === id)?.name ?? id)
  return [
    ['  host name', view.hostname],
    ['  domain', view.domain],
    ['  adopted', view.adopts?.path],
    ['  default route', named(view.gateway)],
    ['  default route 6', named(view.gateway6)],
  ]
}

/** What is on a network, or in a sandbox. */
function belongings({ endpoints, networks, sandboxes }: Picture, { kind, view }: Thing): readonly string[] {
  const nameIn = (
    all: readonly { readonly id: string; readonly name: string }[],
    id: string | undefined,
  ): string => all.find((one) => one.id === id)?.name ?? ''
  const mine = endpoints.filter((one) =>
    kind === 'network' ? one.network === view.id : kind === 'sandbox' && one.sandbox === view.id,
  )
  return mine.map(({ addresses, ifName, name, network, sandbox, state }) => {
    const place = kind === 'network' ? nameIn(sandboxes, sandbox) : nameIn(networks, network)
    return `  ${[name, place, ifName, addresses.join(', '), state].filter((word) => word !== undefined && word !== '').join(' · ')}`
  })
}
