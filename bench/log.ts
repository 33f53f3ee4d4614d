/**
 * What the log costs, beside bare LevelDB on the same rows: durable appends by 128 writers, appends by one, and reading
 * with verification. One JSON line per figure: `node --max-semi-space-size=64 dist/bench/log.js [commits] [rounds]`.
 *
 * Variants alternate within one process, since on a shared machine only ratios and repeated medians count.
 */
import { hash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog } from '../events/index.ts'
import type { CommandId, CommitDraft, Epoch, Instant, Origin, Seq, Stream } from '../events/index.ts'
import { openLevel } from '../src/storage/level.ts'

const COMMITS = Number(process.argv[2] ?? 100_000)
const ROUNDS = Number(process.argv[3] ?? 3)
const WRITERS = 128
const ENTITIES = 1000

const sha256 = (text: string): string => hash('sha256', text, 'hex')
const origin = sha256('bench') as Origin
const ids = Array.from({ length: ENTITIES }, (_, i) => sha256(String(i)))

/** A fact of about 600 bytes of JSON and the command it came from, as endpoints have them. */
function draft(i: number, round: number): CommitDraft {
  const endpoint = ids[i % ENTITIES] ?? ''
  const id = `0199c3f2-7a1${round}-7cc1-8000-${i.toString(16).padStart(12, '0')}` as CommandId
  return {
    actor: { kind: 'socket', verified: { pid: 4242, uid: 0 } },
    at: '2026-01-01T00:00:00.000Z' as Instant,
    command: { data: { endpoint, sandbox: ids[(i * 7) % ENTITIES] }, id, type: 'endpoint.join' },
    epoch: 3 as Epoch,
    facts: [
      {
        data: {
          addresses: ['10.50.3.7/24', 'fd00:50::7/64'],
          attempt: 1,
          endpoint,
          ifName: 'eth0',
          labels: { service: 'web', tier: 'front' },
          link: { mac: '02:42:0a:00:00:01', name: `cnv${endpoint.slice(0, 12)}` },
          network: ids[(i * 13) % ENTITIES],
          plan: `3.${i}`,
          priority: 100,
          sandbox: ids[(i * 7) % ENTITIES],
        },
        stream: `endpoint/${endpoint}` as Stream,
        type: 'EndpointJoinRequested',
        v: 1,
      },
    ],
  }
}

const print = (what: string, fields: Record<string, number>): void =>
  console.log(JSON.stringify({ bench: what, ...fields }))

const rounded = (value: number, digits = 0): number => Number(value.toFixed(digits))

/** Of all threads, per commit: what a loaded machine does not blur. */
function cpuUsSince(before: NodeJS.CpuUsage, commits: number): number {
  const { system, user } = process.cpuUsage(before)
  return rounded((user + system) / commits, 1)
}

async function inDirectory<T>(run: (path: string) => Promise<T>): Promise<T> {
  const path = await mkdtemp(join(tmpdir(), 'chronet-bench-'))
  return run(path).finally(() => rm(path, { force: true, recursive: true }))
}

async function writersOf(count: number, commits: number, write: (i: number) => Promise<void>) {
  let next = 0
  const waits: number[] = []
  const began = performance.now()
  const cpu = process.cpuUsage()
  const writer = async () => {
    while (next < commits) {
      const i = next++
      const asked = performance.now()
      await write(i)
      waits.push(performance.now() - asked)
    }
  }
  await Promise.all(Array.from({ length: count }, writer))
  const seconds = (performance.now() - began) / 1000
  const cpuUs = cpuUsSince(cpu, commits)
  waits.sort((a, b) => a - b)
  const quantile = (q: number) => rounded(waits[Math.floor(q * (waits.length - 1))] ?? 0, 2)
  return { cpuUs, msP50: quantile(0.5), msP99: quantile(0.99), perSecond: rounded(commits / seconds) }
}

const open = (path: string) =>
  openLevel(path, true).then(async (store) => ({
    log: await openLog({ afterTurn: setImmediate, hash: sha256, origin, store }),
    store,
  }))

/** Appends, then reads what was appended. */
async function logRound(path: string, round: number) {
  const first = await open(path)
  let groups = 0
  first.log.onDurable(() => groups++)
  const append = await writersOf(WRITERS, COMMITS, (i) => first.log.append(draft(i, round), []).durable)
  print('append, 128 writers', { ...append, commitsPerGroup: rounded(COMMITS / groups, 1) })
  const alone = await writersOf(1, 1000, (i) => first.log.append(draft(COMMITS + i, round), []).durable)
  print('append, 1 writer', alone)
  await first.log.close()
  await first.store.close()

  const began = performance.now()
  const again = await open(path)
  print('open, verifying all', {
    perSecond: rounded(((COMMITS + 1000) / (performance.now() - began)) * 1000),
  })
  const read = performance.now()
  let facts = 0
  for await (const commit of again.log.read({ from: 1 as Seq })) facts += commit.facts.length
  print('read, verified and parsed', { perSecond: rounded((facts / (performance.now() - read)) * 1000) })
  await again.log.close()
  await again.store.close()
  return append.perSecond
}

/** The same amount of rows, keys and values made before the clock starts, in groups of as many as there are writers. */
async function bareRound(path: string, round: number) {
  const store = await openLevel(path, true)
  const rows = Array.from({ length: COMMITS }, (_, i) => {
    const body = JSON.stringify({ ...draft(i, round), origin, prev: origin, seq: i })
    return [`c${i.toString(16).padStart(12, '0')}`, origin + body, `i${draft(i, round).command.id}`] as const
  })
  const began = performance.now()
  const cpu = process.cpuUsage()
  for (let i = 0; i < COMMITS; i += WRITERS) {
    const batch = store.batch()
    for (const [key, value, id] of rows.slice(i, i + WRITERS)) batch.put(key, value).put(id, String(i))
    await batch.write({ sync: true } as object)
  }
  const perSecond = rounded((COMMITS / (performance.now() - began)) * 1000)
  print('bare LevelDB, chained batches of 128', {
    cpuUs: cpuUsSince(cpu, COMMITS),
    perSecond,
    valueChars: rows[0]?.[1].length ?? 0,
  })
  await store.close()
  return perSecond
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

const log: number[] = []
const bare: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  log.push(await inDirectory((path) => logRound(path, round)))
  bare.push(await inDirectory((path) => bareRound(path, round)))
}
print('median', { bare: median(bare), log: median(log), ratio: rounded(median(log) / median(bare), 2) })
