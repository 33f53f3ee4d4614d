/** `chronet cluster …` */
import { hostname } from 'node:os'
import { SERVER_VERSION_MIN, type BusServer } from '../bus/bus.ts'
import { isOlder } from '../bus/server-version.ts'
import type { ClaimedHost, ClaimView } from '../cluster/claims/report.ts'
import { namesakesAmong } from '../cluster/host-names.ts'
import { peerName } from '../cluster/peers.ts'
import type { PeerRecord } from '../cluster/peer-logs.ts'
import type { ClusterStatus, PeerStatus } from '../cluster/status.ts'
import { ago, bytes } from '../operations/words.ts'
import { ACCESS_OPTIONS, accessIn } from './access.ts'
import { claimLeaves, STANDS, whatOf } from './claims.ts'
import type { Leaf } from './leaf.ts'
import { EXIT } from './problems.ts'
import { restoring } from './restore.ts'
import { pairs } from './table.ts'

const join: Leaf = {
  args: [['<server...>', 'where nats-servers are: nats://host:4222, tls://host:4222']],
  changes: true,
  examples: [
    'chronet cluster join nats://10.0.0.5:4222',
    'chronet cluster join tls://a:4222 tls://b:4222 tls://c:4222 --as host-a --credentials /etc/chronet/host-a.creds',
    'chronet cluster join nats://10.0.0.6:4222 --reason "the server moved"',
  ],
  name: 'join',
  options: [
    {
      flags: '--as <name>',
      what: "what peers call this host (default: what they call it now, else the machine's name)",
    },
    ...ACCESS_OPTIONS,
  ],
  run: async (session, servers, values) => {
    const host =
      values.text('as') ??
      (await session.with('read', (operations) => operations.cluster())).host ??
      hostname()
    const data = { ...accessIn(servers, values), host }
    await session.change(
      { data, type: 'cluster.join' },
      () => `${host} joined the cluster at ${servers.join(', ')}: its log is published while an engine runs`,
    )
    return undefined
  },
  summary: "publish this host's log to nats-servers, and keep those of other hosts",
  text: 'The servers must answer, with JetStream, and no other host of the cluster may have that name. Given again, it tells where and how from now on.',
}

const leave: Leaf = {
  changes: true,
  examples: [
    'chronet cluster leave',
    'chronet cluster leave --keep --reason "its servers are gone for good"',
  ],
  name: 'leave',
  options: [{ flags: '--keep', what: 'give nothing up: networks of the cluster stay, and stay claimed' }],
  run: async (session, _args, values) => {
    await session.change(
      { data: values.flag('keep') ? { keep: true } : {}, type: 'cluster.leave' },
      () => 'left the cluster: what was published stays there, what was read stays here',
    )
    if (session.settings.dryRun || session.json) return undefined
    const { claims } = await session.with('read', (operations) => operations.claims())
    if (claims.length > 0) session.note(stillClaimed(claims))
    return undefined
  },
  summary: 'give up what this host has in the cluster, and publish and read no more',
  text: 'Networks of the cluster end here, and their addresses are free for other hosts after a minute. What other hosts use stays. Refused while one of them has endpoints here; if the servers are silent, it is asked for again, and goes on where it was.',
}

const stillClaimed = (claims: readonly ClaimView[]): string =>
  `still claimed by this host, for when it joins again: ${claims.map((claim) => `${claim.kind} ${whatOf(claim)}`).join(', ')}`

const status: Leaf = {
  examples: ['chronet cluster status', 'chronet cluster status --json'],
  name: 'status',
  run: async (session) => {
    const found = await session.with('read', (operations) => operations.cluster())
    if (session.json) session.show(found)
    else session.print(...linesOf(found))
    return found.problem === undefined ? 0 : EXIT.failed
  },
  summary: 'how this host stands among others',
  text: 'Exit status 1 if something stands in the way.',
}

const STATES: { readonly [S in ClusterStatus['state']]: string } = {
  alone: 'alone: in no cluster',
  connected: 'connected',
  connecting: 'connecting: tried again by itself; what is local goes on',
  resting: 'in a cluster, but no engine runs here that would follow it (chronet engine)',
  stopped: 'stopped: somebody must do something first',
}

/** A log gets its id when it begins. */
const NO_LOG = 'no log is here yet: it gets its id when it begins (chronet engine)'
const LEGACY = `: older than ${SERVER_VERSION_MIN}, and allowed all the same`

const isLegacy = ({ version }: BusServer): boolean => isOlder(version, SERVER_VERSION_MIN)

function linesOf({
  access,
  host,
  origin,
  peers,
  problem,
  published,
  server,
  state,
  stream,
}: ClusterStatus): readonly string[] {
  const behind = published && published.of - published.seq
  const unread = stream && stream.lastSeq - stream.read
  return pairs([
    ['host', origin === '' ? NO_LOG : `${host ?? '-'} (${origin.slice(0, 12)})`],
    ['state', STATES[state]],
    ['problem', problem && `${problem.code}: ${problem.message}`],
    ['servers', access?.servers.join(', ')],
    ['server', server && `nats-server ${server.version}${isLegacy(server) ? LEGACY : ''}`],
    [
      'published',
      published && `#${published.seq} of #${published.of}${behind === 0 ? '' : `: ${behind} to go`}`,
    ],
    [
      'stream',
      stream &&
        `${stream.messages} messages, ${bytes(stream.bytes)}${unread === 0 ? ', all read' : `, ${unread} to be read`}`,
    ],
    ...(host === undefined ? [] : namesakesAmong(peers, host)).map(
      (peer) => ['namesake', namesakeLine(peer)] as const,
    ),
    ['peers', state === 'alone' && peers.length === 0 ? undefined : String(peers.length)],
    ...peers.map((peer) => ['', peerLine(peer)] as const),
  ])
}

const namesakeLine = ({ host, origin }: PeerStatus): string =>
  `${origin.slice(0, 12)} is called ${host ?? ''} too: give one of them another name (chronet cluster join SERVER --as NAME)`

const peerLine = (peer: PeerStatus): string =>
  `${peerName(peer)} #${peer.seq}${peer.behind ? `, ${peer.behind} to be read` : ''}, digest ${peer.hash.slice(0, 12)}`

const peers: Leaf = {
  examples: ['chronet cluster peers', 'chronet log --host host-b --last 5'],
  name: 'peers',
  run: async (session) => {
    const { found, hosts } = await session.with('read', async (operations) => ({
      found: await operations.cluster(),
      hosts: new Map((await operations.claims()).hosts.map(({ origin, state }) => [origin, state])),
    }))
    const all = [...found.peers].sort((a, b) => (peerName(a) < peerName(b) ? -1 : 1))
    const nowMs = session.io.nowMs()
    session.list(
      all,
      [
        { of: peerName, rank: 0, title: 'HOST' },
        { of: ({ origin }) => origin.slice(0, 12), rank: 1, title: 'ID' },
        { of: ({ seq }) => `#${seq}`, rank: 0, title: 'LOG' },
        { of: ({ behind }) => String(behind ?? '-'), rank: 1, title: 'BEHIND' },
        { of: ({ at }) => ago(at, nowMs), rank: 2, title: 'NEWEST' },
        { of: ({ epoch }) => String(epoch), rank: 4, title: 'EPOCH' },
        { of: ({ hash }) => hash.slice(0, 12), rank: 3, title: 'DIGEST' },
        { of: (peer) => stateOf(peer, hosts.get(peer.origin)), rank: 0, title: 'STATE' },
      ],
      'no other host was heard of',
    )
    return undefined
  },
  summary: 'the other hosts, and how far their logs are here',
  text: 'BEHIND counts commits that the peer has published and that are not here yet; - while no server tells. Two hosts that show the same digest for a peer at the same number have the same log of it, to the last byte.',
}

function stateOf({ broken, left }: PeerRecord, said: ClaimedHost['state'] | undefined): string {
  if (broken !== undefined) return `broken: ${broken}`
  if (left === true) return 'left'
  return said === undefined ? 'followed' : `followed; ${STANDS[said]}`
}

export const clusterLeaves: readonly Leaf[] = [join, status, peers, ...claimLeaves, leave, restoring]
