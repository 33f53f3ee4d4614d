/**
 * What the command line costs: reading an export in and writing one out, facts per second by the clock, on disk and synced; and what a
 * command takes to start (`starts.ts`): help, which needs no log, and a listing with none, with an engine's log of one network, and
 * with one of 500 endpoints.
 *
 *   node dist/bench/transfer.js [facts] [endpoints] [rounds of starts]
 */
import { createReadStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeCommit } from '../events/index.ts'
import { ExportFile } from '../src/cli/export-file.ts'
import { importLog } from '../src/cli/import-log.ts'
import { createController } from '../src/index.ts'
import { openReader } from '../src/operations/reader.ts'
import { openDisk } from '../src/storage/disk.ts'
import { madeLog, sha256 } from './made-log.ts'
import { command, starts } from './starts.ts'
import { inDirectory, printJson, printTable, rounded, silentKernel } from './support.ts'

const [FACTS, ENDPOINTS, ROUNDS] = [300_000, 1000, 8].map((usual, i) =>
  Number(process.argv[i + 2] ?? usual),
) as [number, number, number]

/** Endpoints of the log whose listing is measured. */
const LISTED = 500

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

type Where = { readonly dataDir: string; readonly runDir: string }

/** The log of an engine that made a network and so many endpoints, and was closed: as a command finds it. */
async function furnish(where: Where, endpoints: number): Promise<void> {
  const openKernel = (): Promise<typeof silentKernel> => Promise.resolve(silentKernel)
  const controller = await createController({ ...where, ports: { openKernel } })
  await controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.77.0.0/16' } })
  for (let n = 0; n < endpoints; n++) {
    await controller.newSandbox(`box-${n}`)
    await controller.connect('web', `box-${n}`)
  }
  await controller.close()
}

const envOf = ({ dataDir, runDir }: Where): NodeJS.ProcessEnv => ({
  CHRONET_DATA_DIR: dataDir,
  CHRONET_RUN_DIR: runDir,
})

await inDirectory(async (path) => {
  const at = (name: string): string => join(path, name)
  write(at('large'), FACTS)
  const importMs = await timed(async () => {
    await importLog(createReadStream(at('large')), at('data'))
  })
  const exportMs = await exporting(at('data'), at('run'), at('again'))
  const place = (name: string): Where => ({ dataDir: at(name), runDir: at(`${name}-run`) })
  await furnish(place('one'), 0)
  await furnish(place('many'), LISTED)
  const ls = command('network', 'ls')
  const took = starts(
    [
      { what: 'node -e 0', words: ['-e', '0'] },
      { what: 'chronet --help', words: command('--help') },
      { env: envOf(place('none')), what: 'chronet network ls, no log', words: ls },
      { env: envOf(place('one')), what: 'chronet network ls, 1 network', words: ls },
      { env: envOf(place('many')), what: `chronet network ls, ${LISTED} endpoints`, words: ls },
    ],
    ROUNDS,
  )
  const [node, help, bare, one, many] = took.map(({ cpuMs }) => cpuMs) as [
    number,
    number,
    number,
    number,
    number,
  ]
  const rate = (ms: number): number => rounded((FACTS / ms) * 1000)
  printTable(`an export of ${FACTS} facts, facts per second`, [
    { what: 'export', perSecond: rate(exportMs) },
    { what: 'import', perSecond: rate(importMs) },
  ])
  printTable(
    'from the start of the process to its end, milliseconds: by the clock, and of the processor',
    took.map(({ clockMs, cpuMs, what }) => ({
      what,
      clock: clockMs,
      cpu: cpuMs,
      beside: `${rounded(cpuMs / node, 2)}×`,
      log: cpuMs > bare && what.includes('ls') ? rounded(cpuMs - bare, 1) : '',
    })),
  )
  printJson('transfer', {
    exportPerSecond: rate(exportMs),
    facts: FACTS,
    helpRatio: rounded(help / node, 2),
    importPerSecond: rate(importMs),
    listRatio: rounded(bare / node, 2),
    listed: LISTED,
    logMs: rounded(one - bare, 1),
    manyMs: rounded(many - bare, 1),
    nodeMs: node,
  })
})
