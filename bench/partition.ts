/**
 * What a partition and the death of a leader come to.
 *
 * 1. Three hosts are cut off from their server for a while, and each makes endpoints meanwhile. From the moment that the server is
 *    there again: how long until every host has every other one's whole log, with equal digests.
 * 2. A host publishes commits to three servers in messages of about one each; in the middle the stream's leader is killed. Then
 *    nothing that was acknowledged may be missing in the stream, and nothing be there twice.
 *
 *   CHRONET_NATS_SERVER=… node --max-semi-space-size=64 dist/bench/partition.js [seconds] [endpoints] [commits]
 */
import { join } from 'node:path'
import type { Controller } from '../src/index.ts'
import { openNatsBus } from '../src/bus/nats.ts'
import { headIn, LOG_STREAM } from '../src/cluster/message.ts'
import { arrived, startServers, type BenchServer } from './cluster.ts'
import { openHost } from './open-host.ts'
import { inDirectory, printJson, printTable, rounded, sleep } from './support.ts'

const CUT_S = Number(process.argv[2] ?? 60)
const ENDPOINTS = Number(process.argv[3] ?? 300)
/** Two of them are a message. */
const COMMITS = Number(process.argv[4] ?? 10_000)
const WRITERS = 128
const HOSTS = ['east', 'west', 'north']
/** So small that a message holds one or two commits. */
const SMALL_PAYLOAD = 'max_payload: 4KB'

const joinAll = (hosts: readonly Controller[], servers: readonly BenchServer[]): Promise<unknown> =>
  Promise.all(
    hosts.map((host, i) =>
      host.joinCluster({ host: HOSTS[i] ?? 'host', servers: servers.map(({ url }) => url) }),
    ),
  )

/** Everybody has everybody's whole log. */
const converged = (hosts: readonly Controller[]): Promise<unknown> =>
  Promise.all(
    hosts.flatMap((reader) =>
      hosts
        .filter((writer) => writer !== reader)
        .map((writer) => arrived(reader, writer, writer.engine.log.durable.seq)),
    ),
  )

/** Digests of each log, as its owner and all others have it. */
async function digests(hosts: readonly Controller[]): Promise<readonly (readonly string[])[]> {
  const statuses = await Promise.all(hosts.map((host) => host.clusterStatus()))
  return hosts.map(({ engine, id }) => [
    engine.log.durable.hash,
    ...statuses.flatMap(({ peers }) => peers.filter(({ origin }) => origin === id).map(({ hash }) => hash)),
  ])
}

async function partition(dir: string) {
  const servers = await startServers(dir, 1)
  const hosts = await Promise.all(HOSTS.map((name) => openHost(join(dir, name))))
  const [server] = servers
  try {
    await Promise.all(
      hosts.map((host) => host.newNetwork('bridge', 'web', { ipam: { subnet: '10.0.0.0/16' } })),
    )
    await joinAll(hosts, servers)
    await converged(hosts)
    server?.process.kill('SIGSTOP')
    const begin = performance.now()
    await Promise.all(hosts.map((host) => fill(host, ENDPOINTS)))
    const localMs = performance.now() - begin
    await sleep(CUT_S * 1000 - localMs)
    server?.process.kill('SIGCONT')
    const healed = performance.now()
    await converged(hosts)
    const convergedMs = performance.now() - healed
    const isEqual = (await digests(hosts)).every(
      (all) => all.length === HOSTS.length && new Set(all).size === 1,
    )
    return {
      hosts: HOSTS.length,
      endpoints: ENDPOINTS,
      cutS: CUT_S,
      localMs: rounded(localMs),
      convergedMs: rounded(convergedMs),
      digests: isEqual ? 'equal' : 'DIFFERENT',
    }
  } finally {
    server?.process.kill('SIGCONT')
    await Promise.all(hosts.map((host) => host.close()))
    server?.process.kill('SIGKILL')
  }
}

async function fill(host: Controller, count: number): Promise<void> {
  let next = 0
  const writer = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await host.newEndpoint('web', `e${i}`)
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
}

/** Which server leads the stream. */
async function leaderOf(servers: readonly BenchServer[]): Promise<BenchServer> {
  const { connect } = await import('nats')
  const connection = await connect({ servers: servers.map(({ url }) => url) })
  try {
    const { cluster } = await (await connection.jetstreamManager()).streams.info(LOG_STREAM.name)
    const leader = servers.find(({ name }) => name === cluster?.leader)
    if (leader === undefined) throw new Error('the stream has no leader')
    return leader
  } finally {
    await connection.close()
  }
}

async function leaderDies(dir: string) {
  const servers = await startServers(dir, 3, SMALL_PAYLOAD)
  const [east, west] = await Promise.all(['east', 'west'].map((name) => openHost(join(dir, name))))
  if (east === undefined || west === undefined) throw new Error('they are two')
  try {
    await east.newNetwork('bridge', 'web', { ipam: { subnet: '10.0.0.0/12' } })
    await fill(east, COMMITS)
    await joinAll([east, west], servers)
    const { seq } = east.engine.log.durable
    await arrived(west, east, seq / 2)
    const leader = await leaderOf(servers)
    leader.process.kill('SIGKILL')
    const killed = performance.now()
    const { published } = await east.clusterStatus()
    await arrived(west, east, (published?.seq ?? 0) + 1)
    const goesOnMs = performance.now() - killed
    await arrived(west, east, seq)
    const wholeMs = performance.now() - killed
    const left = servers.filter((server) => server !== leader).map(({ url }) => url)
    return {
      commits: seq,
      ...(await inStream(left, east, seq)),
      goesOnMs: rounded(goesOnMs),
      wholeMs: rounded(wholeMs),
    }
  } finally {
    await Promise.all([east.close(), west.close()])
    for (const { process: child } of servers) child.kill('SIGKILL')
  }
}

/** What the stream has of a log: each commit once, or not. */
async function inStream(servers: readonly string[], host: Controller, seq: number) {
  const bus = await openNatsBus({ servers }, LOG_STREAM)
  const times = new Map<number, number>()
  let messages = 0
  const { lastSeq } = await bus.state()
  for await (const message of bus.follow(1, new Promise(() => undefined))) {
    const head = message.subject.endsWith(host.id) ? headIn(message) : undefined
    if (head !== undefined) {
      messages++
      const isLastPart = head.part === undefined || head.part.end === head.part.size
      for (let n = head.from as number; isLastPart && n <= head.to; n++) times.set(n, (times.get(n) ?? 0) + 1)
    }
    if (message.seq >= lastSeq) break
  }
  await bus.close()
  const lost = Array.from({ length: seq }, (_, i) => i + 1).filter((n) => !times.has(n)).length
  return { messages, lost, twice: [...times.values()].filter((n) => n > 1).length }
}

const cut = await inDirectory(partition)
printTable(`${CUT_S} s without a server, healed (milliseconds)`, [cut])
const death = await inDirectory(leaderDies)
printTable('three servers, the leader killed while a host publishes (milliseconds)', [death])
printJson('partition', {
  ...cut,
  ...Object.fromEntries(Object.entries(death).map(([k, v]) => [`leader_${k}`, v])),
})
