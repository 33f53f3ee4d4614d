/** What benchmarks of many hosts share: nats-servers of their own on loopback, and hosts without a kernel. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Controller } from '../src/index.ts'
import { sleep } from './support.ts'

const PROGRAM = process.env.CHRONET_NATS_SERVER ?? 'nats-server'
/** A server that has just begun has its streams after so long. */
const BEGIN_MS = 1000
const LOOK_MS = 2

export type BenchServer = {
  readonly name: string
  readonly process: ChildProcess
  readonly url: string
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Servers that sync every message: one alone, or three as one. @param config added to each one's configuration */
export async function startServers(dir: string, count: 1 | 3, config = ''): Promise<readonly BenchServer[]> {
  const ports = await Promise.all(Array.from({ length: count }, freePort))
  const routes = await Promise.all(Array.from({ length: count }, freePort))
  const servers = ports.map((port, i) => {
    const home = join(dir, `server-${i}`)
    mkdirSync(home, { recursive: true })
    const cluster =
      count === 1
        ? ''
        : `cluster { name: bench, listen: "127.0.0.1:${routes[i]}"\nroutes: [${routes.map((each) => `"nats://127.0.0.1:${each}"`).join(', ')}] }`
    const file = join(home, 'server.conf')
    writeFileSync(
      file,
      `listen: "127.0.0.1:${port}"\nserver_name: "n${i}"\njetstream { store_dir: "${home}"\nsync_interval: always }\n${cluster}\n${config}\n`,
    )
    const child = spawn(PROGRAM, ['-c', file], { stdio: 'ignore' })
    RUNNING.add(child)
    // That there is no such program is told below.
    child.once('error', () => RUNNING.delete(child))
    return { name: `n${i}`, process: child, url: `nats://127.0.0.1:${port}` }
  })
  await sleep(count === 1 ? BEGIN_MS : 4 * BEGIN_MS)
  if (servers.some(({ process: { exitCode, pid } }) => exitCode !== null || pid === undefined))
    throw new Error(`${PROGRAM} does not run: name a nats-server in CHRONET_NATS_SERVER`)
  return servers
}

const RUNNING = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of RUNNING) child.kill('SIGKILL')
})

/** Makes a host one of the cluster. */
export const joinAs = (controller: Controller, host: string, url: string): Promise<unknown> =>
  controller.dispatch({ data: { host, servers: [url] }, type: 'cluster.join' })

/** Until one host has another's log up to a commit. @param look between two looks; 0: each turn of the loop */
export async function arrived(
  reader: Controller,
  writer: Controller,
  seq: number,
  look = LOOK_MS,
): Promise<void> {
  for (;;) {
    const { peers } = await reader.clusterStatus()
    if ((peers.find(({ origin }) => origin === writer.id)?.seq ?? 0) >= seq) return
    if (look > 0) await sleep(look)
    else await new Promise((resolve) => setImmediate(resolve))
  }
}
