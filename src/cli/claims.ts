/** `chronet cluster claims`, `blocks` and `evict`. */
import type { ClaimedHost, ClaimsReport, ClaimView } from '../cluster/claims/report.ts'
import { peerName } from '../cluster/peers.ts'
import type { ClusterStatus } from '../cluster/status.ts'
import { ago, clock, shortener } from '../operations/words.ts'
import type { Leaf } from './leaf.ts'
import type { Session } from './session.ts'
import type { Column } from './table.ts'

type Columns = readonly (Column & { readonly of: (one: ClaimView) => string })[]

const claims: Leaf = {
  examples: ['chronet cluster claims', "chronet cluster claims --json | jq -r 'select(.own) | .key'"],
  name: 'claims',
  run: async (session) => {
    const { cluster, report } = await session.with('read', async (operations) => ({
      cluster: await operations.cluster(),
      report: await operations.claims(),
    }))
    const nowMs = session.io.nowMs()
    list(session, report, report.claims, [
      { of: ({ kind }) => kind, rank: 0, title: 'KIND' },
      {
        of: (claim) => (claim.kind === 'vip' ? `${whatOf(claim)} ${claim.name ?? ''}` : whatOf(claim)),
        rank: 0,
        title: 'WHAT',
      },
      networkColumn(report),
      { of: ({ host }) => host, rank: 0, title: 'HOST' },
      { of: (claim) => stateOf(claim, nowMs), rank: 0, title: 'STATE' },
      { of: ({ at }) => ago(at, nowMs), rank: 3, title: 'SINCE' },
    ])
    if (!session.json)
      for (const { at, host, origin, state } of report.hosts)
        session.note(`${hostIn(cluster, origin)} ${STANDS[state]} (${host}, ${ago(at, nowMs)})`)
    return undefined
  },
  summary: 'names, pools and blocks that hosts of the cluster have, each alone',
  text: 'With an engine that follows the cluster: of all hosts. Without one: of this host, as its log has it.',
}

const blocks: Leaf = {
  examples: ['chronet cluster blocks', 'chronet cluster blocks --json'],
  name: 'blocks',
  run: async (session) => {
    const report = await session.with('read', (operations) => operations.claims())
    const nowMs = session.io.nowMs()
    const all = report.claims.filter(({ kind }) => kind === 'block')
    list(session, report, all, [
      networkColumn(report),
      { of: ({ subnet }) => subnet ?? '-', rank: 2, title: 'POOL' },
      { of: whatOf, rank: 0, title: 'BLOCK' },
      { of: ({ host }) => host, rank: 0, title: 'HOST' },
      { of: ({ free }) => (free === undefined ? '-' : String(free)), rank: 1, title: 'FREE' },
      { of: (claim) => stateOf(claim, nowMs), rank: 0, title: 'STATE' },
    ])
    return undefined
  },
  summary: 'the parts of pools that hosts have for themselves',
}

const evict: Leaf = {
  args: [['<host>', 'its name, its id, or the beginning of that']],
  changes: true,
  examples: [
    'chronet cluster evict host-b',
    'chronet cluster evict host-b --dead --reason "the machine burnt"',
  ],
  name: 'evict',
  options: [{ flags: '--dead', what: 'somebody looked: it will not come back with what it had' }],
  run: async (session, [host = ''], values) => {
    const dead = values.flag('dead')
    let origin: string | undefined
    await session.change(
      { data: { ...(dead ? { dead } : {}), host }, type: 'cluster.evict' },
      ({ commit }) => {
        origin = commit.facts.find((fact) => fact.type === 'HostEvicted')?.data.origin
        return dead
          ? `${host} is taken for dead: its blocks rest for a minute, and then others may claim them`
          : `the cluster was told that ${host} is put out; what it has stays as it is`
      },
    )
    if (dead || origin === undefined) return undefined
    const { hosts } = await session.with('read', (operations) => operations.claims())
    const state = hosts.find((each) => each.origin === origin)?.state
    session.note(
      state === 'present'
        ? `${host} is there: it answered at once, and stays. Stop it first if it is to go for good, then evict it again`
        : `${host} did not answer: look whether it is really gone, and then say so ('chronet cluster evict ${host} --dead')`,
    )
    return undefined
  },
  summary: 'put a host out, and then let others claim what it had',
  text: 'First without --dead: a host that is there answers, and stays; that is told within a second. With --dead its blocks are given to others; if it runs all the same, two containers may have one address.',
}

/** `shop`, `10.0.0.0/20`, `4711`. */
export const whatOf = ({ cidr, name, vni }: ClaimView): string => cidr ?? vni?.toString() ?? name ?? '-'

/** By its name, also where it is not on this host: whoever claimed the name told it. */
export function networkColumn({ claims: all }: ClaimsReport): Columns[number] {
  const short = shortener(all.map(({ network }) => network))
  const names = new Map(
    all.flatMap(({ kind, name, network }) => (kind === 'network' ? [[network, name]] : [])),
  )
  return {
    of: ({ kind, name, network }) =>
      names.get(network) ?? (kind === 'vip' ? undefined : name) ?? short(network),
    rank: 1,
    title: 'NETWORK',
  }
}

/** What was said of a host. */
export const STANDS = {
  dead: 'is taken for dead',
  evicted: 'is put out',
  present: 'was put out, and is there',
} as const satisfies { readonly [S in ClaimedHost['state']]: string }

const hostIn = ({ host, origin: own, peers }: ClusterStatus, origin: string): string => {
  const peer = peers.find((each) => each.origin === origin)
  return peer === undefined ? (origin === own && host) || origin.slice(0, 12) : peerName(peer)
}

function stateOf({ lender, own, state, until }: ClaimView, nowMs: number): string {
  if (until !== undefined) return `rests until ${clock(until, nowMs)}`
  if (lender !== undefined && state === 'held') return `lent by ${lender}${own ? ', here' : ''}`
  if (state === 'unsaid') return 'held, by the log'
  return own ? `${state}, here` : state
}

function list(
  session: Session,
  { problem, ready }: ClaimsReport,
  all: readonly ClaimView[],
  columns: Columns,
): void {
  if (problem !== undefined && !session.json) session.note(`${problem.code}: ${problem.message}`)
  else if (!ready && !session.json)
    session.note('no engine follows the cluster here: what the log has is shown')
  // What anybody may claim is told to programs alone.
  const shown = session.json ? all : all.filter(({ state }) => state !== 'free')
  session.list(shown, columns, 'nothing is claimed')
}

export const claimLeaves: readonly Leaf[] = [claims, blocks, evict]
