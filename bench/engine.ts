/**
 * What the whole engine does without a kernel: parse, decide, append durably, fold, plan, answer. 128 writers give one-fact
 * commands: `endpoint.delete` of the oldest and `endpoint.create` in turns, so that a host has 500 endpoints throughout; then
 * `endpoint.create` alone, so that it has ever more; then 32 connect and disconnect. Beside it, bare LevelDB on rows of the same
 * size.
 *
 *   node --max-semi-space-size=64 dist/bench/engine.js [commands] [rounds]
 */
import { idOf } from '../src/ipam/held.ts'
import { openLevel } from '../src/storage/level.ts'
import type { Controller } from '../src/index.ts'
import { openHost } from './open-host.ts'
import { inDirectory, median, printJson, printTable, quantile, rounded } from './support.ts'

const COMMANDS = Number(process.argv[2] ?? 50_000)
const ROUNDS = Number(process.argv[3] ?? 5)
const WRITERS = 128
const JOINERS = 32
/** Endpoints that a host has while some come and some go. */
const PRESENT = 500
const NETWORKS = 8

type RoundRow = Rate & {
  readonly bare: number
  readonly connectMainUs: number
  readonly connectP50: number
  readonly connects: number
  readonly growing: number
  readonly growingMainUs: number
  readonly ofBare: number
}

type Rate = {
  readonly mainUs: number
  readonly p50: number
  readonly p99: number
  readonly perSecond: number
}

/** `writers` give `count` pieces of work, each its next when the last is answered. */
async function rateOf(
  writers: number,
  count: number,
  work: (i: number, writer: number) => Promise<unknown>,
): Promise<Rate> {
  const waits: number[] = []
  let next = 0
  const writer = async (_: unknown, writer: number): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const asked = performance.now()
      await work(i, writer)
      waits.push(performance.now() - asked)
    }
  }
  const idle = performance.eventLoopUtilization()
  const start = performance.now()
  await Promise.all(Array.from({ length: writers }, writer))
  const seconds = (performance.now() - start) / 1000
  const mainUs = (performance.eventLoopUtilization(idle).active * 1000) / count
  return {
    mainUs: rounded(mainUs, 1),
    p50: rounded(quantile(waits, 0.5), 2),
    p99: rounded(quantile(waits, 0.99), 2),
    perSecond: rounded(count / seconds),
  }
}

type EngineRound = { readonly connect: Rate; readonly growing: Rate; readonly steady: Rate }

async function engineRound(path: string): Promise<EngineRound> {
  const controller = await openHost(path)
  for (let n = 0; n < NETWORKS; n++)
    await controller.newNetwork('bridge', `net${n}`, { ipam: { subnet: `10.${n}.0.0/16` } })
  const steady = await steadily(controller)
  const growing = await rateOf(WRITERS, COMMANDS, (i) => create1(controller, i))
  const boxes = await Promise.all(Array.from({ length: JOINERS }, (_, i) => controller.newSandbox(`box${i}`)))
  const connect = await rateOf(JOINERS, COMMANDS / 10, async (i, writer) => {
    const box = boxes[writer]
    if (box === undefined) return
    await controller.connect(`net${i % NETWORKS}`, box, { name: `joined${i}` })
    await controller.disconnect(`net${i % NETWORKS}`, box)
  })
  await controller.close()
  return { connect, growing, steady }
}

/** Half of the commands delete, half create. */
async function steadily(controller: Controller): Promise<Rate> {
  const present = Array.from({ length: PRESENT }, (_, i) => i - PRESENT)
  const ids: string[] = []
  const made = async (i: number): Promise<void> => {
    const [created] = (await create1(controller, i)).commit.facts
    if (created !== undefined) ids.push(idOf(created.stream))
  }
  await Promise.all(present.map(made))
  const rate = await rateOf(WRITERS, COMMANDS, async (i) => {
    const oldest = i % 2 === 0 ? ids.shift() : undefined
    if (oldest === undefined) await made(-PRESENT - 1 - i)
    else await controller.dispatch({ data: { endpoint: oldest }, type: 'endpoint.delete' })
  })
  await Promise.all(
    ids.map((endpoint) => controller.dispatch({ data: { endpoint }, type: 'endpoint.delete' })),
  )
  return rate
}

const create1 = (controller: Controller, i: number): ReturnType<Controller['dispatch']> =>
  controller.dispatch({
    data: { name: `endpoint${i}`, network: `net${Math.abs(i) % NETWORKS}` },
    type: 'endpoint.create',
  })

/** The same number of rows, made before the clock starts, in synced batches of as many as there are writers. */
async function bareRound(path: string): Promise<number> {
  const store = await openLevel(path, true)
  const value = 'x'.repeat(900)
  const start = performance.now()
  for (let i = 0; i < COMMANDS; i += WRITERS) {
    const batch = store.batch()
    for (let j = i; j < i + WRITERS; j++)
      batch
        .put(`c${String(j).padStart(12, '0')}`, value)
        .put(`i0199c3f2-7a10-7cc1-8000-${String(j).padStart(12, '0')}`, String(j))
    await batch.write({ sync: true } as object)
  }
  const perSecond = COMMANDS / ((performance.now() - start) / 1000)
  await store.close()
  return rounded(perSecond)
}

const rounds: RoundRow[] = []
for (let round = 0; round < ROUNDS; round++) {
  const bare = await inDirectory(bareRound)
  const { connect, growing, steady } = await inDirectory(engineRound)
  rounds.push({
    ...steady,
    bare,
    ofBare: rounded(steady.perSecond / bare, 2),
    growing: growing.perSecond,
    growingMainUs: growing.mainUs,
    connectMainUs: connect.mainUs,
    connectP50: connect.p50,
    connects: connect.perSecond,
  })
}
printTable(
  `the whole engine, 128 writers of one-fact commands, ${PRESENT} endpoints present; up to ${COMMANDS} (growing); connect and disconnect by 32`,
  rounds,
)
const of = (field: keyof RoundRow): number => median(rounds.map((round) => round[field]))
printJson('engine', {
  bare: of('bare'),
  commandsPerSecond: of('perSecond'),
  connectMainUs: of('connectMainUs'),
  connectsPerSecond: of('connects'),
  created: COMMANDS,
  growingMainUs: of('growingMainUs'),
  growingPerSecond: of('growing'),
  mainUs: of('mainUs'),
  present: PRESENT,
})
