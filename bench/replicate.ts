/**
 * What a history that is shared costs: how fast a long log goes to another host, how soon a commit is there, and what a command
 * costs beside one of a host that is alone. Hosts in this process, no kernel, one nats-server on loopback that syncs every message.
 *
 * For the last of these the two hosts take turns, and the server keeps its files in memory: its disk is not a host's.
 *
 *   CHRONET_NATS_SERVER=… node --max-semi-space-size=64 dist/bench/replicate.js [commits] [rounds]
 */
import { join } from 'node:path'
import type { Controller } from '../src/index.ts'
import { arrived, joinAs, startServers } from './cluster.ts'
import { openHost } from './open-host.ts'
import { inDirectory, median, printJson, printTable, quantile, rounded, sleep } from './support.ts'

const COMMITS = Number(process.argv[2] ?? 20_000)
const ROUNDS = Number(process.argv[3] ?? 3)
const SINGLE = 300
/** Turns that a host alone and one of a cluster take, and what lies between: the other host has the commit by then. */
const PAIRS = 400
const PAUSE_MS = 5
const MEMORY = '/dev/shm'

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
    await joinAs(west, 'west', server.url)
    const start = performance.now()
    await joinAs(east, 'east', server.url)
    const { seq } = east.engine.log.durable
    await arrived(west, east, seq, 0)
    const perSecond = (seq / (performance.now() - start)) * 1000
    const there = await single(east, 'there', (of) => arrived(west, east, of, 0))
    return {
      commitsPerSecond: rounded(perSecond),
      thereP50: rounded(quantile(there, 0.5), 2),
      thereP99: rounded(quantile(there, 0.99), 2),
    }
  } finally {
    await east.close()
    await west.close()
    server.process.kill()
  }
}

const openThree = (dir: string): Promise<readonly Controller[]> =>
  Promise.all(['alone', 'east', 'west'].map((name) => openHost(join(dir, name))))

async function turns(dir: string, memory: string) {
  const [server] = await startServers(memory, 1)
  const [alone, east, west] = await openThree(dir)
  if (!server || !alone || !east || !west) throw new Error('they are one and three')
  try {
    const pair = [alone, east]
    for (const each of pair) {
      await each.newNetwork('bridge', 'web', { ipam: { subnet: '10.0.0.0/12' } })
      await fill(each, 1000, 'before')
    }
    await joinAs(west, 'west', server.url)
    await joinAs(east, 'east', server.url)
    await arrived(west, east, east.engine.log.durable.seq)
    const waits = new Map<Controller, number[]>(pair.map((each) => [each, []]))
    for (let i = 0; i < PAIRS; i++)
      for (const each of i % 2 === 0 ? pair : [east, alone]) {
        const start = performance.now()
        await each.newEndpoint('web', `e${i}`)
        waits.get(each)?.push(performance.now() - start)
        await sleep(PAUSE_MS)
      }
    const [aloneMs, clusteredMs] = pair.map((each) => median(waits.get(each) ?? [])) as [number, number]
    return {
      aloneMs: rounded(aloneMs, 3),
      clusteredMs: rounded(clusteredMs, 3),
      ratio: rounded(clusteredMs / aloneMs, 2),
    }
  } finally {
    await Promise.all([alone, east, west].map((each) => each.close()))
    server.process.kill()
  }
}

const rows: Awaited<ReturnType<typeof round>>[] = []
for (let n = 0; n < ROUNDS; n++) rows.push(await inDirectory((dir) => round(dir, n)))
printTable('replication on loopback, one nats-server, every message synced (milliseconds)', rows)
const turnsOf: Awaited<ReturnType<typeof turns>>[] = []
for (let n = 0; n < ROUNDS; n++)
  turnsOf.push(await inDirectory((dir) => inDirectory((memory) => turns(dir, memory), MEMORY)))
printTable('one command of a host alone, and of one of a cluster, in turns (milliseconds)', turnsOf)
const of = (field: keyof (typeof rows)[number]): number => median(rows.map((row) => row[field]))
printJson('replicate', {
  commitsPerSecond: of('commitsPerSecond'),
  ratio: median(turnsOf.map(({ ratio }) => ratio)),
  thereP50: of('thereP50'),
  thereP99: of('thereP99'),
})
