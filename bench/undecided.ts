/**
 * What any engine in this runtime would take for an attach, without deciding anything: rows of the size of a commit, synced, and
 * beside that the same steps asked of the same kernel port; alone and 32 at once. In turns with the same kernel work in C. What
 * `attach` takes above this is what an attach costs for being decided, remembered and answered.
 *
 *   node --max-semi-space-size=64 dist/bench/undecided.js [rounds]
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Step } from '../events/index.ts'
import type { Store } from '../events/store.ts'
import { createController, type Controller, type Kernel, type Ports, type Sandbox } from '../src/index.ts'
import { openLinuxKernel } from '../src/kernel/linux/index.ts'
import { openLevel } from '../src/storage/level.ts'
import { openFloor, type Floor } from './floor.ts'
import {
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

const ROUNDS = Number(process.argv[2] ?? 12)
const WARM_UP_ROUNDS = 40
const BURST = 32
const PRESENT = 10
/** As many jobs as the engine begins in one turn of the loop. */
const JOBS_OF_A_TURN = 3

/** What a commit wrote, and what was asked of the kernel for it. */
type Attach = { readonly row: string; readonly steps: readonly Step[] }
type Place = {
  readonly attaches: readonly Attach[]
  readonly bridge: string
  readonly floor: Floor
  readonly kernel: Kernel
  readonly store: Store
}
type Samples = Readonly<Record<'alone' | 'burst' | 'floor' | 'floorBurst' | 'kernel' | 'sync', number[]>>

/** Attaches all once by the engine, for what it wrote and asked; the links are gone again at the end. */
async function recorded(controller: Controller, boxes: readonly Sandbox[]): Promise<readonly Attach[]> {
  const links = linkCount()
  const attaches: Attach[] = []
  for (const { id } of boxes) {
    const { commit } = await controller.dispatch({ data: { network: 'net0', sandbox: id }, type: 'connect' })
    const steps = commit.facts.flatMap((fact) => (fact.type === 'EffectsIntended' ? fact.data.steps : []))
    attaches.push({ row: JSON.stringify(commit), steps })
  }
  await Promise.all(boxes.map((box) => controller.disconnect('net0', box)))
  await until('the links to go', () => linkCount() === links)
  return attaches
}

let rows = 0
async function write({ store }: Place, attaches: readonly Attach[]): Promise<number> {
  const start = performance.now()
  const batch = store.batch()
  for (const { row } of attaches)
    batch.put(String(++rows).padStart(12, '0'), row).put(`i${rows}`, String(rows))
  await batch.write({ sync: true } as object)
  return performance.now() - start
}

async function ask({ kernel }: Place, { steps }: Attach): Promise<number> {
  const start = performance.now()
  const results = await kernel.apply(steps)
  const failed = results.find(({ ok }) => !ok)
  if (failed) throw new Error(`not done: ${JSON.stringify(failed)}`)
  return performance.now() - start
}

async function alone(place: Place, samples: Samples, round: number): Promise<void> {
  const { attaches, bridge, floor } = place
  for (const [i, attach] of attaches.slice(0, BURST / 2).entries()) {
    const mine = async (): Promise<void> => {
      const start = performance.now()
      const written = write(place, [attach])
      samples.kernel.push(await ask(place, attach))
      samples.sync.push(await written)
      samples.alone.push(performance.now() - start)
    }
    const theirs = async (): Promise<void> => void samples.floor.push(...(await floor.attach(bridge, i, 1)))
    for (const one of (i + round) % 2 === 0 ? [mine, theirs] : [theirs, mine]) await one()
  }
}

async function together(place: Place, samples: Samples, round: number): Promise<void> {
  const { attaches, bridge, floor } = place
  const mine = async (): Promise<void> => {
    const start = performance.now()
    const written = write(place, attaches)
    for (let i = 0; i < attaches.length; i += JOBS_OF_A_TURN) {
      await Promise.all(attaches.slice(i, i + JOBS_OF_A_TURN).map((attach) => ask(place, attach)))
      await nextTurn()
    }
    await written
    samples.burst.push((performance.now() - start) / BURST)
  }
  const theirs = async (): Promise<void> => {
    const each = await floor.attach(bridge, 0, BURST)
    samples.floorBurst.push(each.reduce((sum, ms) => sum + ms, 0) / BURST)
  }
  for (const one of round % 2 === 0 ? [mine, theirs] : [theirs, mine]) await one()
}

async function away({ attaches, floor, kernel }: Place, count: number, left: number): Promise<void> {
  const links = attaches
    .slice(0, count)
    .flatMap(({ steps }) =>
      steps
        .filter(({ spec }) => spec.kind === 'veth')
        .map(({ key, spec }): Step => ({ key, op: 'remove', spec, takes: [] })),
    )
  await kernel.apply(links)
  await floor.detach(0, count)
  await until('the links to go', () => linkCount() === left)
  await sleep(50)
}

async function measured(place: Place): Promise<Samples> {
  const none = (): Samples => ({ alone: [], burst: [], floor: [], floorBurst: [], kernel: [], sync: [] })
  const samples = none()
  const links = linkCount()
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const kept = round < 0 ? none() : samples
    await alone(place, kept, round)
    await away(place, BURST / 2, links)
    await together(place, kept, round)
    await away(place, BURST, links)
  }
  return samples
}

inOwnNamespaces()
await namespacesAreGone()
await inDirectory(async (directory) => {
  let options: Parameters<Ports['openKernel']>[0] | undefined
  const controller = await createController({
    dataDir: `${directory}/engine`,
    ports: { openKernel: (given) => openLinuxKernel((options = given)) },
    runDir: '/run/chronet',
  })
  await controller.newNetwork('bridge', 'net0', { ipam: { subnet: '10.1.0.0/16' }, mtu: 1450 })
  for (let i = 0; i < PRESENT; i++)
    await controller.connect('net0', await controller.newSandbox(`standing${i}`))
  const boxes = await Promise.all(Array.from({ length: BURST }, (_, i) => controller.newSandbox(`turn${i}`)))
  const attaches = await recorded(controller, boxes)
  const bridge = controller.network('net0').info.bridge.name
  await sleep(300)
  await controller.close()
  if (options === undefined) throw new Error('the engine opened no kernel')
  const kernel = await openLinuxKernel(options)
  // Whoever follows the kernel has it tell of each change, which costs whoever makes one, in C too.
  kernel.onHint(() => undefined)
  const store = await openLevel(`${directory}/bare`, true)
  const floor = openFloor(directory)
  await floor.sandboxes(BURST)
  const samples = await measured({ attaches, bridge, floor, kernel, store })
  const ms = (name: keyof Samples): number => rounded(median(samples[name]), 2)
  const ratio = (ours: keyof Samples, theirs: keyof Samples): number =>
    rounded(median(samples[ours]) / median(samples[theirs]), 2)
  const figures = {
    ...{ floor: ms('floor'), alone: ms('alone'), ratio: ratio('alone', 'floor') },
    ...{ kernel: ms('kernel'), sync: ms('sync') },
    ...{ floor32: ms('floorBurst'), burst: ms('burst'), ratio32: ratio('burst', 'floorBurst') },
  }
  printTable('an attach without an engine, milliseconds a piece (medians)', [figures])
  printJson('undecided', { present: PRESENT, ...figures })
  floor.close()
  await store.close()
  await kernel.close()
})
