/**
 * What the command line costs: reading an export in and writing one out, facts per second by the clock, on disk and synced; and how long a
 * command takes to start, in turns with `node -e 0`: of a log of a thousand facts, and of help, which opens none.
 *
 *   node dist/bench/transfer.js [facts] [endpoints] [starts]
 */
import { spawnSync } from 'node:child_process'
import { createReadStream, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeCommit } from '../events/index.ts'
import { ExportFile } from '../src/cli/export-file.ts'
import { importLog } from '../src/cli/import-log.ts'
import { openReader } from '../src/operations/reader.ts'
import { openDisk } from '../src/storage/disk.ts'
import { madeLog, sha256 } from './made-log.ts'
import { inDirectory, median, printJson, printTable, rounded } from './support.ts'

const [FACTS, ENDPOINTS, STARTS] = [300_000, 1000, 15].map((usual, i) =>
  Number(process.argv[i + 2] ?? usual),
) as [number, number, number]

/** What was built, as users run it: beside the benchmarks, or from the sources' place. */
const COMMAND = ['../bin/chronet.js', '../dist/bin/chronet.js']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path))

const ports = {
  afterTurn: (run: () => void) => void setImmediate(run),
  hash: sha256,
  later: (ms: number, run: () => void) => void setTimeout(run, ms),
  nowMs: () => Date.now(),
  openDisk: (where: Parameters<typeof openDisk>[0]) => openDisk(where),
  openKernel: () => Promise.reject(new Error('no kernel is looked at')),
}

async function timed(run: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}

/** Writes a made log as an export would. */
function write(file: string, facts: number): void {
  const lines = [...madeLog(facts, ENDPOINTS)].map(({ row }) => row.slice(64))
  writeFileSync(file, `${lines.join('\n')}\n`)
}

async function exporting(dataDir: string, runDir: string, file: string): Promise<number> {
  const reader = await openReader({ dataDir, runDir }, ports)
  const took = await timed(async () => {
    const target = await ExportFile.open(file, false)
    for await (const commit of reader.commits({ stored: true }))
      await target.write(`${encodeCommit(commit)}\n`)
    await target.keep()
  })
  await reader.close()
  return took
}

/** By the clock, in milliseconds: each in turn with the others. */
function starts(place: Readonly<Record<string, string>>): Readonly<Record<'help' | 'list' | 'node', number>> {
  if (COMMAND === undefined) throw new Error('dist/bin/chronet.js is not there: npm run build')
  const took = { help: [] as number[], list: [] as number[], node: [] as number[] }
  const words = { help: [COMMAND, '--help'], list: [COMMAND, 'network', 'ls'], node: ['-e', '0'] }
  for (let i = 0; i < STARTS; i++)
    for (const what of ['node', 'help', 'list'] as const) {
      const start = performance.now()
      const { status } = spawnSync(process.execPath, words[what], { env: { ...process.env, ...place } })
      if (status !== 0) throw new Error(`${words[what].join(' ')} ended with ${status}`)
      took[what].push(performance.now() - start)
    }
  return { help: median(took.help), list: median(took.list), node: median(took.node) }
}

await inDirectory(async (path) => {
  const at = (name: string): string => join(path, name)
  write(at('large'), FACTS)
  const importMs = await timed(async () => {
    await importLog(createReadStream(at('large')), at('data'))
  })
  const exportMs = await exporting(at('data'), at('run'), at('again'))
  write(at('small'), 1000)
  await importLog(createReadStream(at('small')), at('few'))
  const start = starts({ CHRONET_DATA_DIR: at('few'), CHRONET_RUN_DIR: at('run2') })
  const rate = (ms: number): number => rounded((FACTS / ms) * 1000)
  printTable(`an export of ${FACTS} facts, facts per second`, [
    { what: 'export', perSecond: rate(exportMs) },
    { what: 'import', perSecond: rate(importMs) },
  ])
  printTable('from the start of the process to its end, milliseconds', [
    { what: 'node -e 0', median: rounded(start.node), beside: '' },
    {
      what: 'chronet --help',
      median: rounded(start.help),
      beside: `${rounded(start.help / start.node, 2)}×`,
    },
    {
      what: 'chronet network ls, 1000 facts',
      median: rounded(start.list),
      beside: `${rounded(start.list / start.node, 2)}×`,
    },
  ])
  printJson('transfer', {
    exportPerSecond: rate(exportMs),
    facts: FACTS,
    helpMs: rounded(start.help),
    importPerSecond: rate(importMs),
    listMs: rounded(start.list),
    nodeMs: rounded(start.node),
  })
})
