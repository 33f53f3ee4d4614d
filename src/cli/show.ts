/** `chronet show` and `chronet diff`: how it was, and what changed between two moments. */
import { RefusedError } from '../../events/index.ts'
import { difference, type Line } from '../operations/difference.ts'
import type { Operations, Picture } from '../operations/operations.ts'
import { thingsIn } from '../operations/picture.ts'
import { clock, momentOf } from '../operations/words.ts'
import { findPeer } from '../cluster/peers.ts'
import { tellEndpoints } from './endpoint.ts'
import { tellThing } from './inspect.ts'
import type { Leaf, Values } from './leaf.ts'
import { tellNetworks } from './network.ts'
import { UsageError } from './problems.ts'
import { tellSandboxes } from './sandbox.ts'
import type { Session } from './session.ts'

const MOMENT =
  'a commit (#12), a time (09:13, 2026-01-31T09:30:00Z), how long ago (90s, 10m, 24h, 7d), or now'

export const show: Leaf = {
  args: [['[thing]', 'a name, an id or an address; without it, all that there was']],
  examples: [
    'chronet show',
    'chronet show web --at 09:13',
    "chronet show a-web --at '#12'",
    'chronet show --at 10m --json',
    "chronet show web --host host-b --at '#12'",
    "chronet show --host host-b --known-at '#40'",
  ],
  name: 'show',
  options: [
    { flags: '--at <moment>', what: `when: ${MOMENT} (default: now)` },
    {
      flags: '--host <host>',
      what: "on another host, as far as its log is here; --at is in that host's numbers",
    },
    {
      flags: '--known-at <moment>',
      what: 'with --host: as this host knew the other one then, in our own numbers',
    },
  ],
  run: async (session, [ref], values) => {
    const picture = await session.with('read', (operations) => pictureFor(session, operations, values))
    if (ref === undefined) tellAll(session, picture)
    else tellOne(session, picture, ref)
    return undefined
  },
  summary: 'how things are, or were at any moment',
}

async function pictureFor({ io }: Session, operations: Operations, values: Values): Promise<Picture> {
  const [at, host, knownAt] = ['at', 'host', 'knownAt'].map((name) => values.text(name))
  if (knownAt === undefined) return operations.picture(momentOf(at ?? 'now', io.nowMs()), host)
  if (host === undefined || at !== undefined)
    throw new UsageError('--known-at goes with --host, and not with --at: it says how far we knew that host')
  const { peers, seq } = await operations.known(momentOf(knownAt, io.nowMs()))
  const known = await operations.cluster()
  const { origin } = findPeer(known.peers, host)
  const upTo = peers.find((peer) => peer.origin === origin)?.seq
  if (upTo !== undefined) return operations.picture(`#${upTo}`, origin)
  throw new RefusedError([
    {
      code: 'ERR_NOT_FOUND',
      field: 'host',
      message: `as of #${seq}, nothing was known here of host '${host}'`,
    },
  ])
}

/** `#12, 09:12:04.113`. */
const momentIn = ({ io }: Session, { at, seq }: Picture): string =>
  `#${seq}${at === undefined ? '' : `, ${clock(at, io.nowMs())}`}`

function tellAll(session: Session, picture: Picture): void {
  if (session.json) return session.show(picture)
  session.print(session.paint('dim', `as of ${momentIn(session, picture)}`))
  const { endpoints, networks, sandboxes } = picture
  if (networks.length + sandboxes.length === 0) return session.print('nothing was there')
  tellNetworks(session, networks, (id) => endpoints.filter((e) => e.network === id).length)
  if (sandboxes.length > 0) {
    session.print('')
    tellSandboxes(session, picture)
  }
  if (endpoints.length > 0) {
    session.print('')
    tellEndpoints(session, picture, endpoints)
  }
}

function tellOne(session: Session, picture: Picture, ref: string): void {
  const things = thingsIn(picture, ref)
  if (things.length === 0)
    throw new RefusedError([
      {
        code: 'ERR_NOT_FOUND',
        message: `nothing was called '${ref}' as of #${picture.seq}; 'chronet why ${ref}' looks through all times`,
      },
    ])
  if (!session.json) session.print(session.paint('dim', `as of ${momentIn(session, picture)}`))
  for (const thing of things) tellThing(session, picture, thing)
}

export const diff: Leaf = {
  args: [
    ['<from>', MOMENT],
    ['[to]', 'the same (default: now)'],
  ],
  examples: ['chronet diff 5m', "chronet diff '#12' '#20'", 'chronet diff 09:00 09:30 --json'],
  name: 'diff',
  run: async (session, [from = '', to = 'now']) => {
    const nowMs = session.io.nowMs()
    const [before, after] = await session.with(
      'read',
      async (operations) =>
        [
          await operations.picture(momentOf(from, nowMs)),
          await operations.picture(momentOf(to, nowMs)),
        ] as const,
    )
    const lines = difference(before, after)
    if (session.json) for (const line of lines) session.show(line)
    else tellDifference(session, before, after, lines)
    return undefined
  },
  summary: 'what came, went and changed between two moments',
}

const SIGNS = { came: '+', changed: '~', went: '-' } as const

function tellDifference(session: Session, before: Picture, after: Picture, lines: readonly Line[]): void {
  session.print(session.paint('dim', `from ${momentIn(session, before)} to ${momentIn(session, after)}`))
  if (lines.length === 0) session.print('nothing differs')
  for (const { changes, how, kind, name, what } of lines) {
    session.print(`${SIGNS[how]} ${kind} ${name}${what === '' ? '' : `  ${what}`}`)
    for (const { field, from, to } of changes)
      session.print(`    ${field}: ${from || 'none'} → ${to || 'none'}`)
  }
}
