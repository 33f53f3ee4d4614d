/**
 * What a history that is shared costs: how fast a long log goes to another host, how soon a commit is there, and what an attach
 * costs beside one of a host that is alone. Two hosts in this process, no kernel, one nats-server on loopback that syncs every message.
 *
 *   CHRONET_NATS_SERVER=… node --max-semi-space-size=64 dist/bench/replicate.js [commits] [rounds]
 */
import { join } from 'node:path'
import type { Controller } from '../src/index.ts'
import { arrived, joinAs, openHost, startServers } from './cluster.ts'
import { inDirectory, median, printJson, printTable, quantile, rounded, sleep } from './support.ts'

const COMMITS = Number(process.argv[2] ?? 20_000)
const ROUNDS = Number(process.argv[3] ?? 3)
const SINGLE = 300

async function fill(controller: Controller, count: number, name: string): Promise<void> {
  let next = 0
  const writer = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await controller.newEndpoint('web', `${name}${i}`)
  }
  await Promise.all(Array.from({ length: 128 }, writer))
}

async function single(
  controller: Controller,
  name: string,
  after: (seq: number) => Promise<void>,
): Promise<number[]> {
  const waits: number[] = []
  for (let i = 0; i < SINGLE; i++) {
    const start = performance.now()
    const { commit } = await controller.dispatch({
      data: { name: `${name}${i}`, network: 'web' },
      type: 'endpoint.create',
    })
    await after(commit.seq)
    waits.push(performance.now() - start)
    await sleep(2)
  }
  return waits
}

async function round(dir: string, n: number) {
  const [server] = await startServers(dir, 1)
  if (server === undefined) throw new Error('it is one')
  const [east, west] = [await openHost(join(dir, 'east')), await openHost(join(dir, 'west'))]
  try {
    await east.newNetwork('bridge', 'web', { ipam: { subnet: '10.0.0.0/12' } })
    await fill(east, COMMITS, `before${n}-`)
    const alone = await single(east, 'alone', () => Promise.resolve())
    await joinAs(west, 'west', server.url)
    const start = performance.now()
    await joinAs(east, 'east', server.url)
    const { seq } = east.engine.log.durable
    await arrived(west, east, seq, 0)
    const perSecond = (seq / (performance.now() - start)) * 1000
    const together = await single(east, 'together', () => Promise.resolve())
    const there = await single(east, 'there', (of) => arrived(west, east, of, 0))
    return {
      commitsPerSecond: rounded(perSecond),
      aloneMs: rounded(median(alone), 2),
      clusteredMs: rounded(median(together), 2),
      ratio: rounded(median(together) / median(alone), 2),
      thereP50: rounded(quantile(there, 0.5), 2),
      thereP99: rounded(quantile(there, 0.99), 2),
    }
  } finally {
    await east.close()
    await west.close()
    server.process.kill()
  }
}

const rows: Awaited<ReturnType<typeof round>>[] = []
for (let n = 0; n < ROUNDS; n++) rows.push(await inDirectory((dir) => round(dir, n)))
printTable('replication on loopback, one nats-server, every message synced (milliseconds)', rows)
const of = (field: keyof (typeof rows)[number]): number => median(rows.map((row) => row[field]))
printJson('replicate', {
  commitsPerSecond: of('commitsPerSecond'),
  ratio: of('ratio'),
  thereP50: of('thereP50'),
  thereP99: of('thereP99'),
})
