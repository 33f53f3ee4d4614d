/**
 * A full host: 10,000 endpoints reserved over 20 networks, 1,000 of them attached (a bridge takes 1,023 ports at most). What
 * the next `connect` costs beside the tenth, and what an endpoint costs in memory. No clock runs while the host is filled.
 *
 *   node --expose-gc --max-semi-space-size=64 dist/bench/crowd.js [reserved] [attached]
 */
import { createController, type Controller, type Kernel } from '../src/index.ts'
import { withApply } from '../src/kernel/kernel.ts'
import { openLinuxKernel } from '../src/kernel/linux/index.ts'
import {
  heapMb,
  inDirectory,
  inOwnNamespaces,
  linkCount,
  median,
  namespacesAreGone,
  printJson,
  printTable,
  rounded,
  sleep,
  until,
} from './support.ts'

const RESERVED = Number(process.argv[2] ?? 10_000)
const ATTACHED = Number(process.argv[3] ?? 1_000)
const NETWORKS = 20
const WRITERS = 32
/** Attaches that are measured, one after the other, after as many that are not. */
const PROBES = 40

/** Milliseconds in the kernel port since it was last set to 0. */
let kernelMs = 0

async function openTimedKernel(options: Parameters<typeof openLinuxKernel>[0]): Promise<Kernel> {
  const kernel = await openLinuxKernel(options)
  return withApply(kernel, async (steps) => {
    const start = performance.now()
    const results = await kernel.apply(steps)
    kernelMs += performance.now() - start
    return results
  })
}

const networkOf = (i: number): string => `net${i % NETWORKS}`

/** `count` pieces of work by some writers. */
async function each(from: number, count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = from
  const writer = async (): Promise<void> => {
    for (let i = next++; i < from + count; i = next++) await work(i)
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
}

type Probe = { readonly all: number; readonly kernel: number }

/** Medians of some attaches, milliseconds: the whole, and the kernel's part. What they made is gone again after. */
async function probe(controller: Controller): Promise<Probe> {
  const links = linkCount()
  const boxes = await Promise.all(
    Array.from({ length: 2 * PROBES }, (_, i) => controller.newSandbox(`probe${i}`)),
  )
  const times: Probe[] = []
  for (const [i, box] of boxes.entries()) {
    kernelMs = 0
    const start = performance.now()
    await controller.connect(networkOf(i), box)
    if (i >= PROBES) times.push({ all: performance.now() - start, kernel: kernelMs })
  }
  await Promise.all(boxes.map((box) => box.delete()))
  await until('the links to go', () => linkCount() === links)
  return { all: median(times.map(({ all }) => all)), kernel: median(times.map(({ kernel }) => kernel)) }
}

inOwnNamespaces()
await namespacesAreGone()
await inDirectory(async (directory) => {
  const controller = await createController({
    dataDir: directory,
    ports: { openKernel: openTimedKernel },
    runDir: '/run/chronet',
  })
  for (let n = 0; n < NETWORKS; n++)
    await controller.newNetwork('bridge', `net${n}`, { ipam: { subnet: `10.${n + 1}.0.0/16` } })
  const attach = async (i: number): Promise<void> => {
    await controller.connect(networkOf(i), await controller.newSandbox(`standing${i}`))
  }
  await each(0, 10, attach)
  const tenth = await probe(controller)
  const before = heapMb()
  await each(10, RESERVED - ATTACHED, (i) => controller.newEndpoint(networkOf(i), `reserved${i}`))
  const kbPerEndpoint = ((heapMb() - before) * 1000) / (RESERVED - ATTACHED)
  await each(RESERVED, ATTACHED - 10, attach)
  await sleep(2000)
  const next = await probe(controller)
  const figures = {
    tenth: rounded(tenth.all, 2),
    next: rounded(next.all, 2),
    ratio: rounded(next.all / tenth.all, 2),
    kernelTenth: rounded(tenth.kernel, 2),
    kernelNext: rounded(next.kernel, 2),
    ownRatio: rounded((next.all - next.kernel) / (tenth.all - tenth.kernel), 2),
    kbPerEndpoint: rounded(kbPerEndpoint, 1),
    rssMb: rounded(process.memoryUsage().rss / 1e6),
  }
  printTable(`connect with ${RESERVED} endpoints, ${ATTACHED} of them attached, milliseconds`, [figures])
  printJson('crowd', { attached: ATTACHED, reserved: RESERVED, ...figures })
  await controller.close()
})
