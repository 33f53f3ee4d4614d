/**
 * A restart on an undamaged kernel: 200 networks and 500 endpoints stand, their engine is gone, and another opens the same
 * data directory. It must write nothing to the kernel (counted by the kernel's own notifications, and by what is asked of
 * the port), and take commands within a second. Both after a close (a snapshot is there) and after SIGKILL (none of the end).
 *
 *   node --max-semi-space-size=64 dist/bench/restart.js [networks] [endpoints] [rounds]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createController, type Controller, type Kernel } from '../src/index.ts'
import { withApply } from '../src/kernel/kernel.ts'
import { openLinuxKernel } from '../src/kernel/linux/index.ts'
import { NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket, type Message } from '../src/kernel/linux/netlink.ts'
import { AF_BRIDGE, RTM_NEWLINK, RTNLGRP_ALL } from '../src/kernel/linux/rtnetlink.ts'
import {
  inDirectory,
  inOwnNamespaces,
  median,
  namespacesAreGone,
  printJson,
  printTable,
  rounded,
  sleep,
} from './support.ts'

const [NETWORKS, ENDPOINTS, ROUNDS] = [200, 500, 5].map((usual, i) =>
  Number(process.argv[i + 2] ?? usual),
) as [number, number, number]
const CHILD = 'CHRONET_BENCH_CHILD'
const NFNLGRP_NFTABLES = 7
const MB = 1e6

/** What one start says of itself. */
type Start = {
  readonly controllerMs: number
  readonly processMs: number
  readonly recovered: unknown
  readonly rssMb: number
  readonly steps: number
}

/** The engine that starts: says how long it took, counted from the start of its process, and goes on until it is told. */
async function child(dataDir: string): Promise<void> {
  let steps = 0
  const openKernel = async (options: Parameters<typeof openLinuxKernel>[0]): Promise<Kernel> => {
    const kernel = await openLinuxKernel(options)
    return withApply(kernel, (asked) => {
      steps += asked.length
      return kernel.apply(asked)
    })
  }
  const begun = performance.now()
  const controller = await createController({ dataDir, ports: { openKernel }, runDir: '/run/chronet' })
  const ready = performance.now()
  const said: Start = {
    controllerMs: rounded(ready - begun),
    processMs: rounded(ready),
    recovered: controller.recovered,
    rssMb: rounded(process.memoryUsage().rss / MB),
    steps,
  }
  console.log(JSON.stringify(said))
  await once(process.stdin, 'data')
  await controller.close()
  process.exit(0)
}

async function build(dataDir: string): Promise<void> {
  const controller = await createController({ dataDir, runDir: '/run/chronet' })
  await each(NETWORKS, (n) =>
    controller.newNetwork('bridge', `net${n}`, { ipam: { subnet: `10.${n}.0.0/24` } }),
  )
  await each(ENDPOINTS, (i) => standing(controller, i))
  await controller.close()
}

async function standing(controller: Controller, i: number): Promise<void> {
  const sandbox = await controller.newSandbox(`box${i}`)
  await controller.connect(`net${i % NETWORKS}`, sandbox)
}

async function each(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await work(i)
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}

/** Bridge ports tell of their own timers for half a minute after they were plugged in (linux/if_link.h, family AF_BRIDGE). */
const isPortTimer = ({ body, type }: Message): boolean =>
  type === RTM_NEWLINK && body[0] === AF_BRIDGE && body.readUInt32LE(12) === 0

/** Counts what changes in this namespace, whoever changes it. */
function watchKernel(): { readonly changes: () => number; close(): void } {
  const sockets = [
    NetlinkSocket.open(NETLINK_ROUTE, { groups: RTNLGRP_ALL }),
    NetlinkSocket.open(NETLINK_NETFILTER, { groups: [NFNLGRP_NFTABLES] }),
  ]
  return {
    changes: () => {
      let count = 0
      for (const socket of sockets)
        if (!socket.drain((message) => (count += isPortTimer(message) ? 0 : 1))) count += 1e6
      return count
    },
    close: () => {
      for (const socket of sockets) socket.close()
    },
  }
}

type Row = Omit<Start, 'recovered'> & {
  readonly end: string
  readonly healed: number
  readonly orphans: number
  readonly writes: number
}

async function restart(dataDir: string, end: 'close' | 'SIGKILL') {
  const kernel = watchKernel()
  kernel.changes()
  const args = [...process.execArgv, fileURLToPath(import.meta.url)]
  const running = spawn(process.execPath, args, {
    env: { ...process.env, [CHILD]: dataDir },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: running.stdout }), 'line')) as [string]
  await sleep(300)
  const writes = kernel.changes()
  kernel.close()
  const ended = once(running, 'exit')
  if (end === 'close') running.stdin.write('\n')
  else running.kill('SIGKILL')
  await ended
  return { end, ...(JSON.parse(line) as Start), writes }
}

async function measure(directory: string): Promise<void> {
  const began = performance.now()
  await build(directory)
  console.log(
    `built ${NETWORKS} networks and ${ENDPOINTS} endpoints in ${rounded(performance.now() - began)} ms`,
  )
  await sleep(500)
  const rows: Row[] = []
  // What a start finds is what the one before it left: a snapshot after a close, a tail after a kill.
  for (let round = 0; round < ROUNDS; round++)
    for (const end of ['SIGKILL', 'close'] as const) {
      const { recovered, ...row } = await restart(directory, end)
      const { healed, orphans } = recovered as {
        readonly healed: number
        readonly orphans: readonly string[]
      }
      rows.push({ ...row, healed, orphans: orphans.length })
    }
  printTable(
    `restart with ${NETWORKS} networks and ${ENDPOINTS} endpoints, milliseconds (end: how that start ended)`,
    rows,
  )
  const of = (field: 'controllerMs' | 'processMs' | 'rssMb'): number => median(rows.map((row) => row[field]))
  const worst = (field: 'steps' | 'writes'): number => Math.max(...rows.map((row) => row[field]))
  printJson('restart', {
    controllerMs: of('controllerMs'),
    endpoints: ENDPOINTS,
    networks: NETWORKS,
    processMs: of('processMs'),
    rssMb: of('rssMb'),
    steps: worst('steps'),
    writes: worst('writes'),
  })
}

const dataDir = process.env[CHILD]
if (dataDir === undefined) {
  inOwnNamespaces()
  await namespacesAreGone()
  await inDirectory(measure)
} else await child(dataDir)
