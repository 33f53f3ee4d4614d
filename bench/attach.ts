/**
 * Attach and detach beside the same kernel work in C (`floor.c`): alone and 32 at once, with more and more endpoints
 * present. Ratios within one run; who goes first alternates; each round waits until the links of the last are gone.
 *
 *   node --max-semi-space-size=64 dist/bench/attach.js [levels, as 10,500,5000] [rounds]
 */
import { cpus } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { AnyFact, Commit } from '../events/index.ts'
import { createController, type Controller, type Kernel, type Sandbox } from '../src/index.ts'
import { withApply } from '../src/kernel/kernel.ts'
import { openLinuxKernel } from '../src/kernel/linux/index.ts'
import { attachByIp, detachByIp, openFloor, type Floor } from './floor.ts'
import {
  inDirectory,
  inOwnNamespaces,
  linkCount,
  median,
  namespacesAreGone,
  printJson,
  printTable,
  quantile,
  rounded,
  sleep,
  until,
} from './support.ts'

const LEVELS = (process.argv[2] ?? '10,500,5000').split(',').map(Number)
const ROUNDS = Number(process.argv[3] ?? 12)
/** How many at once, and how many sandboxes are attached and detached in turn. */
const BURST = 32
/** Endpoints of one network: a bridge holds 1,023 ports. */
const PER_NETWORK = 100
const NETWORKS_MIN = 5
/** The compiler of Node goes on for some thousand attaches before it has made the best of them. */
const WARM_UP_ROUNDS = 100

/** Milliseconds that the kernel port took, by what it was asked to do. */
const kernelMs = { cut: 0, ensure: 0, remove: 0 }

/** Calls that overlap (deletions wait for each other on their thread) count once. */
const running = { cut: 0, ensure: 0, remove: 0 }
const since = { cut: 0, ensure: 0, remove: 0 }

/** The real kernel, with a clock at the port. */
async function openTimedKernel(options: Parameters<typeof openLinuxKernel>[0]): Promise<Kernel> {
  const kernel = await openLinuxKernel(options)
  return withApply(kernel, async (steps) => {
    const op = steps[0]?.op ?? 'ensure'
    if (running[op]++ === 0) since[op] = performance.now()
    const results = await kernel.apply(steps)
    if (--running[op] === 0) kernelMs[op] += performance.now() - since[op]
    return results
  })
}

type Place = {
  readonly boxes: readonly Sandbox[]
  readonly bridge: string
  readonly controller: Controller
  readonly floor: Floor
}

/** A link is out of sight before its removal is over, and that holds the kernel's lock for what comes next. */
const linksAre = async (count: number): Promise<void> =>
  until('the links to go', () => linkCount() === count && running.cut + running.remove === 0)

/** Milliseconds a piece. */
type Samples = {
  readonly attach: number[]
  readonly burst: number[]
  readonly detach: number[]
  readonly floor: number[]
  readonly floorBurst: number[]
  readonly floorSweep: number[]
  readonly kernel: number[]
  readonly kernelBurst: number[]
  readonly loopMax: number[]
  readonly loopP99: number[]
  readonly sweep: number[]
  readonly userBurst: number[]
}

const noSamples = (): Samples => ({
  attach: [],
  burst: [],
  detach: [],
  floor: [],
  floorBurst: [],
  floorSweep: [],
  kernel: [],
  kernelBurst: [],
  loopMax: [],
  loopP99: [],
  sweep: [],
  userBurst: [],
})

const box = ({ boxes }: Place, i: number): Sandbox => {
  const found = boxes[i]
  if (found === undefined) throw new Error(`there is no sandbox ${i}`)
  return found
}

async function grow(controller: Controller, from: number, to: number): Promise<void> {
  const networks = Math.max(NETWORKS_MIN, Math.ceil(to / PER_NETWORK))
  for (let n = controller.networks().length; n < networks; n++)
    await controller.newNetwork('bridge', `net${n}`, { ipam: { subnet: `10.${n + 1}.0.0/16` }, mtu: 1450 })
  let next = from
  const worker = async (): Promise<void> => {
    for (let i = next++; i < to; i = next++) {
      const sandbox = await controller.newSandbox(`standing${i}`)
      await controller.connect(`net${i % networks}`, sandbox)
    }
  }
  await Promise.all(Array.from({ length: BURST }, worker))
}

/** One after the other, and then the links of both away. Of the floor's sandboxes, the same number. */
async function alone(place: Place, samples: Samples, round: number): Promise<void> {
  const { boxes, bridge, controller, floor } = place
  const links = linkCount()
  const mine = async (i: number): Promise<void> => {
    kernelMs.ensure = 0
    const start = performance.now()
    await controller.connect('net0', box(place, i))
    samples.attach.push(performance.now() - start)
    samples.kernel.push(kernelMs.ensure)
  }
  const theirs = async (i: number): Promise<void> =>
    void samples.floor.push(...(await floor.attach(bridge, i, 1)))
  for (let i = 0; i < boxes.length / 2; i++) {
    const order = (i + round) % 2 === 0 ? [mine, theirs] : [theirs, mine]
    for (const one of order) await one(i)
  }
  for (let i = 0; i < boxes.length / 2; i++) {
    const start = performance.now()
    await controller.disconnect('net0', box(place, i))
    samples.detach.push(performance.now() - start)
  }
  await floor.detach(0, boxes.length / 2)
  await linksAre(links)
}

async function together(place: Place, samples: Samples, round: number): Promise<void> {
  const { boxes, bridge, controller, floor } = place
  const links = linkCount()
  const all = (work: (sandbox: Sandbox) => Promise<unknown>) => Promise.all(boxes.map(work))
  const mine = async (): Promise<void> => {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    kernelMs.ensure = 0
    delay.enable()
    const cpu = process.cpuUsage()
    const start = performance.now()
    await all((sandbox) => controller.connect('net0', sandbox))
    samples.burst.push((performance.now() - start) / BURST)
    samples.userBurst.push(process.cpuUsage(cpu).user / 1000 / BURST)
    delay.disable()
    samples.kernelBurst.push(kernelMs.ensure / BURST)
    samples.loopMax.push(delay.max / 1e6)
    samples.loopP99.push(delay.percentile(99) / 1e6)
  }
  const theirs = async (): Promise<void> => {
    const each = await floor.attach(bridge, 0, BURST)
    samples.floorBurst.push(each.reduce((sum, ms) => sum + ms, 0) / BURST)
  }
  const away = async (): Promise<void> => {
    kernelMs.cut = kernelMs.remove = 0
    await all((sandbox) => controller.disconnect('net0', sandbox))
    await linksAre(links + BURST)
    await sleep(50)
    samples.sweep.push((kernelMs.cut + kernelMs.remove) / BURST)
  }
  const theirsAway = async (): Promise<void> =>
    void samples.floorSweep.push((await floor.detach(0, BURST)) / BURST)
  for (const one of round % 2 === 0 ? [mine, theirs] : [theirs, mine]) await one()
  await away()
  await theirsAway()
  await linksAre(links)
}

const ms = (values: readonly number[]): number => rounded(median(values), 2)
const ratio = (ours: readonly number[], theirs: readonly number[]): number =>
  rounded(median(ours) / median(theirs), 2)

function figuresOf(present: number, s: Samples) {
  return {
    present,
    floor: ms(s.floor),
    attach: ms(s.attach),
    attachP99: rounded(quantile(s.attach, 0.99), 2),
    attachRatio: ratio(s.attach, s.floor),
    attachKernel: ms(s.kernel),
    own: ms(s.attach.map((all, i) => all - (s.kernel[i] ?? 0))),
    detach: ms(s.detach),
    floor32: ms(s.floorBurst),
    attach32: ms(s.burst),
    ratio32: ratio(s.burst, s.floorBurst),
    kernel32: ms(s.kernelBurst),
    user32: ms(s.userBurst),
    loopP99: ms(s.loopP99),
    loopMax: ms(s.loopMax),
    floorSweep: ms(s.floorSweep),
    sweep: ms(s.sweep),
    sweepRatio: ratio(s.sweep, s.floorSweep),
  }
}

/** Bytes of the log that one attach costs: its commit and its receipt's. What earlier rounds still sweep is not in it. */
async function bytesOfAttach(place: Place): Promise<number> {
  const { commit, settled } = await place.controller.dispatch({
    data: { network: 'net0', sandbox: box(place, 0).id },
    type: 'connect',
  })
  await sleep(50)
  let bytes = 0
  const count = (each: Commit<AnyFact>): number => 64 + JSON.stringify(each).length
  for await (const each of place.controller.commits({ from: commit.seq }))
    if (each.seq === commit.seq || each.seq === settled?.seq) bytes += count(each)
  await place.controller.disconnect('net0', box(place, 0))
  return bytes
}

function byIpBatch(bridge: string): number {
  const times = Array.from({ length: BURST }, (_, i) => attachByIp(bridge, i))
  for (let i = 0; i < BURST; i++) detachByIp(i)
  return ms(times)
}

async function measure(directory: string): Promise<void> {
  const controller = await createController({
    dataDir: directory,
    ports: { openKernel: openTimedKernel },
    runDir: '/run/chronet',
  })
  const floor = openFloor(directory)
  await floor.sandboxes(BURST)
  const rows = []
  let present = 0
  let place: Place | undefined
  for (const level of LEVELS) {
    await grow(controller, present, level)
    present = level
    place ??= {
      boxes: await Promise.all(Array.from({ length: BURST }, (_, i) => controller.newSandbox(`turn${i}`))),
      bridge: controller.network('net0').info.bridge.name,
      controller,
      floor,
    }
    const samples = noSamples()
    await sleep(500)
    for (let round = rows.length === 0 ? -WARM_UP_ROUNDS : -1; round < ROUNDS; round++) {
      // Rounds before 0 warm up, and are not kept.
      const kept = round < 0 ? noSamples() : samples
      await alone(place, kept, round)
      await together(place, kept, round)
    }
    rows.push({ ...figuresOf(level, samples), rssMb: rounded(process.memoryUsage().rss / 1e6) })
  }
  if (place === undefined) return
  const figures = { bytesPerAttach: await bytesOfAttach(place), ipBatch: byIpBatch(place.bridge) }
  printTable('attach, milliseconds a piece (medians)', rows)
  console.log(
    `log: ${figures.bytesPerAttach} bytes an attach; ip -batch (two processes): ${figures.ipBatch} ms; cpus ${cpus().length}`,
  )
  printJson('attach', { burst: BURST, levels: rows, ...figures })
  floor.close()
  await controller.close()
}

inOwnNamespaces()
await namespacesAreGone()
await inDirectory(measure)
