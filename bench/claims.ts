/**
 * What a claim costs: of a block on the bus alone, with one nats-server and with three, of a network and of an endpoint by its
 * command. One host in this process, no kernel, servers on loopback that sync every message.
 *
 *   CHRONET_NATS_SERVER=… node --max-semi-space-size=64 dist/bench/claims.js [claims] [rounds]
 */
import { join } from 'node:path'
import type { Cidr, Epoch, Instant, NetworkId, Origin } from '../events/index.ts'
import { openNatsBus } from '../src/bus/nats.ts'
import { blockClaim } from '../src/cluster/claims/grants.ts'
import { Register } from '../src/cluster/claims/register.ts'
import { blockKey, CLAIM_STREAM } from '../src/cluster/claims/subjects.ts'
import { ClaimTable } from '../src/cluster/claims/table.ts'
import { blockAt } from '../src/ipam/index.ts'
import { sha256 } from '../src/system/hash.ts'
import { joinAs, startServers } from './cluster.ts'
import { openHost } from './open-host.ts'
import { inDirectory, median, printJson, printTable, quantile, rounded, sleep } from './support.ts'

const CLAIMS = Number(process.argv[2] ?? 500)
const ROUNDS = Number(process.argv[3] ?? 3)
const NETWORK = 'a'.repeat(64) as NetworkId
const SUBNET = '10.0.0.0/12' as Cidr

async function timed(count: number, work: (i: number) => Promise<unknown>): Promise<number[]> {
  const waits: number[] = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await work(i)
    waits.push(performance.now() - start)
  }
  return waits
}

/** Blocks, one after the other, of a host alone on the bus. */
async function blocks(url: string): Promise<number[]> {
  const bus = await openNatsBus({ servers: [url] }, CLAIM_STREAM)
  try {
    const said = () => ({
      at: new Date().toISOString() as Instant,
      by: 'b'.repeat(64) as Origin,
      epoch: 1 as Epoch,
      host: 'bench',
    })
    const table = new ClaimTable(sha256, (await bus.state()).created)
    const register = new Register({ bus, hash: sha256, nowMs: () => Date.now(), pause: sleep, said, table })
    return await timed(CLAIMS, async (i) => {
      const cidr = blockAt({ subnet: SUBNET }, i) ?? SUBNET
      const claim = blockClaim(said(), { cidr, network: NETWORK, subnet: SUBNET })
      await register.claim(blockKey(NETWORK, cidr), `claim ${i}`, claim)
    })
  } finally {
    await bus.close()
  }
}

/** Networks of the cluster, each with its name and a pool, and the first endpoint on each, which needs a block. */
async function commands(dir: string, url: string): Promise<readonly [number[], number[], number[]]> {
  const controller = await openHost(dir)
  try {
    await joinAs(controller, 'bench', url)
    const count = Math.min(100, CLAIMS)
    const made = await timed(count, (i) => controller.newNetwork('test', `n${i}`))
    const first = await timed(count, (i) => controller.newEndpoint(`n${i}`, 'first'))
    const next = await timed(count, (i) => controller.newEndpoint(`n${i}`, 'next'))
    return [made, first, next]
  } finally {
    await controller.close()
  }
}

async function withServers<T>(dir: string, count: 1 | 3, work: (url: string) => Promise<T>): Promise<T> {
  const servers = await startServers(dir, count)
  try {
    return await work(servers[0]?.url ?? '')
  } finally {
    for (const { process } of servers) process.kill()
  }
}

async function round(dir: string) {
  const ofThree = await withServers(join(dir, 'three'), 3, blocks)
  return withServers(join(dir, 'one'), 1, async (url) => {
    const claims = await blocks(url)
    const [made, first, next] = await commands(join(dir, 'host'), url)
    return {
      claimP50: rounded(median(claims), 2),
      claimP99: rounded(quantile(claims, 0.99), 2),
      ofThreeP50: rounded(median(ofThree), 2),
      ofThreeP99: rounded(quantile(ofThree, 0.99), 2),
      networkP50: rounded(median(made), 2),
      firstEndpointP50: rounded(median(first), 2),
      nextEndpointP50: rounded(median(next), 2),
    }
  })
}

const rows: Awaited<ReturnType<typeof round>>[] = []
for (let n = 0; n < ROUNDS; n++) rows.push(await inDirectory((dir) => round(dir)))
printTable('claims on loopback, every message synced (milliseconds)', rows)
const of = (field: keyof (typeof rows)[number]): number => median(rows.map((row) => row[field]))
printJson('claims', {
  claimP50: of('claimP50'),
  claimP99: of('claimP99'),
  ofThreeP50: of('ofThreeP50'),
  networkP50: of('networkP50'),
  firstEndpointP50: of('firstEndpointP50'),
  nextEndpointP50: of('nextEndpointP50'),
})
