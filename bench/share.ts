/**
 * The engine's own share of an attach: `connect`, one after the other, on a kernel that says yes, of hosts with ever more
 * endpoints attached, in turns. `active` is what the main thread worked for it; the rest is the sync. On the real kernel the same
 * work takes longer with 5,000 links, since the kernel's own work then leaves the processor's caches empty.
 *
 *   node --max-semi-space-size=64 dist/bench/share.js [levels, as 10,500,5000] [connects]
 */
import type { Controller } from '../src/index.ts'
import { openHost } from './open-host.ts'
import { inDirectory, median, printJson, printTable, quantile, rounded } from './support.ts'

const LEVELS = (process.argv[2] ?? '10,500,5000').split(',').map(Number)
const CONNECTS = Number(process.argv[3] ?? 1500)
/** The compiler of Node goes on for some thousand attaches before it has made the best of them. */
const WARM_UP = 4000
const BOXES = 32
/** Attaches of one host before it is the next one's turn: the machine's own speed changes within minutes. */
const TURN = 50
const NETWORKS = 50

/** Milliseconds. */
type Samples = { readonly active: number[]; readonly attach: number[] }

async function hostWith(path: string, present: number): Promise<Controller> {
  const controller = await openHost(path)
  for (let n = 0; n < NETWORKS; n++)
    await controller.newNetwork('bridge', `net${n}`, { ipam: { subnet: `10.${n}.0.0/16` } })
  for (let i = 0; i < BOXES; i++) await controller.newSandbox(`turn${i}`)
  let next = 0
  const worker = async (): Promise<void> => {
    for (let i = next++; i < present; i = next++) {
      const sandbox = await controller.newSandbox(`standing${i}`)
      await controller.connect(`net${i % NETWORKS}`, sandbox)
    }
  }
  await Promise.all(Array.from({ length: BOXES }, worker))
  return controller
}

async function connects(controller: Controller, count: number, samples?: Samples): Promise<void> {
  for (let i = 0; i < count; i++) {
    const box = `turn${i % BOXES}`
    const idle = performance.eventLoopUtilization()
    const start = performance.now()
    await controller.connect('net0', box)
    samples?.attach.push(performance.now() - start)
    samples?.active.push(performance.eventLoopUtilization(idle).active)
    await controller.disconnect('net0', box)
  }
}

await inDirectory(async (path) => {
  const hosts = await Promise.all(
    LEVELS.map(async (present) => ({
      controller: await hostWith(`${path}/${present}`, present),
      present,
      samples: { active: [], attach: [] },
    })),
  )
  for (const { controller } of hosts) await connects(controller, WARM_UP / hosts.length)
  for (let done = 0; done < CONNECTS; done += TURN) {
    for (const { controller, samples } of hosts) await connects(controller, TURN, samples)
  }
  const levels = hosts.map(({ present, samples: { active, attach } }) => ({
    present,
    active: rounded(median(active), 2),
    attach: rounded(median(attach), 2),
    attachP99: rounded(quantile(attach, 0.99), 2),
  }))
  printTable("the engine's own share of an attach, milliseconds (medians)", levels)
  printJson('share', { levels })
  for (const { controller } of hosts) await controller.close()
})
