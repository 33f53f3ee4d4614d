/**
 * What a host of a large cluster carries: hosts come one after the other, each attaches a hundred endpoints to one network of all,
 * and at some sizes a newcomer reads all there is. The engine, bus and disk are real, the kernel says yes to all. As all hosts read
 * the same, the newcomer's share is every host's.
 *
 *   CHRONET_NATS_SERVER=… node --expose-gc --max-semi-space-size=64 dist/bench/hosts.js [hosts at which to look, as 10,30,100]
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Controller } from '../src/index.ts'
import { joinAs, startServers } from './cluster.ts'
import { openHost } from './open-host.ts'
import { heapMb, inDirectory, printJson, printTable, rounded, sleep } from './support.ts'

const SIZES = (process.argv[2] ?? '10,30,100').split(',').map(Number)
const ENDPOINTS = 100
const NETWORK = 'shared'
/** Blocks of 32 addresses for each host's hundred, and one ahead. */
const SUBNET = '10.0.0.0/15'
const LOOK_MS = 5
const WAIT_MS_MAX = 120_000

async function until(controller: Controller, what: string, holds: (c: Controller) => Promise<boolean>) {
  const end = performance.now() + WAIT_MS_MAX
  while (!(await holds(controller))) {
    if (performance.now() > end) throw new Error(`waited two minutes for: ${what}`)
    await sleep(LOOK_MS)
  }
}

const isPublished = async (controller: Controller): Promise<boolean> =>
  (await controller.clusterStatus()).published?.of === controller.engine.log.durable.seq

/** It has read the stream's last message, and knows so many hosts. */
const hasAll =
  (hosts: number) =>
  async (controller: Controller): Promise<boolean> => {
    const { peers, stream } = await controller.clusterStatus()
    return peers.length >= hosts && stream !== undefined && stream.read >= stream.lastSeq
  }

/** One host's life until all it has to say is in the stream. */
async function host(dir: string, url: string, i: number): Promise<void> {
  const controller = await openHost(dir)
  try {
    await joinAs(controller, `host-${i}`, url)
    if (i === 0) await controller.newNetwork('test', NETWORK, { ipam: { subnet: SUBNET } })
    for (let n = 0; n < ENDPOINTS; n++)
      await controller.connect(NETWORK, await controller.newSandbox(`box${n}`))
    await until(controller, `host-${i} to be published`, isPublished)
  } finally {
    await controller.close()
  }
}

const sizeOf = (path: string): number =>
  statSync(path).isDirectory()
    ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
    : statSync(path).size

/** What a host that knows nothing reads, keeps and pays. */
async function newcomer(dir: string, url: string, hosts: number) {
  const controller = await openHost(dir)
  try {
    const before = heapMb()
    const cpu = process.cpuUsage()
    const start = performance.now()
    await joinAs(controller, `newcomer-${hosts}`, url)
    await until(controller, 'the newcomer to have read all', hasAll(hosts))
    const ms = performance.now() - start
    const { system, user } = process.cpuUsage(cpu)
    const { stream } = await controller.clusterStatus()
    const heapKb = ((heapMb() - before) * 1e6) / 1024
    await controller.close()
    const again = performance.now()
    const reopened = await openHost(dir)
    const startMs = performance.now() - again
    await reopened.close()
    return {
      hosts,
      endpoints: hosts * ENDPOINTS,
      messages: stream?.messages ?? NaN,
      streamKb: rounded((stream?.bytes ?? NaN) / 1024),
      readMs: rounded(ms),
      cpuMs: rounded((system + user) / 1000),
      heapKb: rounded(heapKb),
      diskKb: rounded(sizeOf(dir) / 1024),
      startMs: rounded(startMs),
    }
  } finally {
    await controller.close()
  }
}

async function measure(dir: string): Promise<void> {
  const [server] = await startServers(dir, 1)
  if (server === undefined) throw new Error('it is one')
  const rows = []
  try {
    let hosts = 0
    for (const size of SIZES) {
      for (; hosts < size; hosts++) await host(join(dir, `host-${hosts}`), server.url, hosts)
      rows.push(await newcomer(join(dir, `newcomer-${size}`), server.url, size))
    }
  } finally {
    server.process.kill()
  }
  printTable(`a host that comes to so many, ${ENDPOINTS} endpoints on each`, rows)
  printJson('hosts', { sizes: rows })
}

await inDirectory(measure)
