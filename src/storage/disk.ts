/**
 * One data directory, for one engine at a time: the store, whose lock is the directory's lock; `origin`, the log's identity,
 * made under that lock; `holder`, which names who has it to those who come too late. And its run directory.
 *
 * Between the closing of a store and its opening again (after a failed write) the lock is free for a moment; who comes back finds
 * whatever happened meanwhile in the log.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../events/index.ts'
import type { Origin } from '../../events/index.ts'
import type { Disk, Store } from '../ports.ts'
import { codeOf, onDisk } from './errors.ts'
import { checkJournals } from './journals.ts'
import { openLevel } from './level.ts'
import { HeadFile, openRunDir } from './run-dir.ts'
import { checkTables } from './tables.ts'

/** Who has a data directory, as its `holder` file says. */
export type Holder = { readonly command: string; readonly pid: number; readonly role: string }

export type DiskOptions = {
  /** The truth: back this up. */
  readonly dataDir: string
  /** Parent of the run directory; must not outlive the boot (a tmpfs). */
  readonly runDir: string
}

export type DiskIdentity = {
  /** A new log's origin: 64 lowercase hex that nobody has had. */
  readonly newOrigin?: () => Origin
  /** What the holder is, for people: `engine`, `command`. */
  readonly role?: string
}

/**
 * Locks a data directory, and makes it if there is none. `Disk.runDir` is `<run-dir>/<origin, 12 hex>`.
 * @throws {EngineError} ERR_STORE_LOCKED (`details.holder`), ERR_LOG_DAMAGED, ERR_NOT_PERMITTED, ERR_RUN_DIR,
 *   ERR_STORE_UNWRITABLE.
 */
export async function openDisk(
  { dataDir, runDir }: DiskOptions,
  { newOrigin = randomOrigin, role = 'engine' }: DiskIdentity = {},
): Promise<Disk> {
  const path = join(dataDir, 'store')
  await onDisk(`data directory ${dataDir}`, () => mkdir(dataDir, { mode: 0o700, recursive: true }))
  const known = await readOrigin(dataDir)
  await checkBefore(dataDir, path)
  let store = await lock(dataDir, path, known === undefined)
  try {
    await writeHolder(dataDir, role)
    const origin = (await readOrigin(dataDir)) ?? (await makeOrigin(dataDir, store, newOrigin))
    const ownRunDir = await openRunDir(runDir, origin)
    const head = await HeadFile.open(ownRunDir)
    return {
      close: async () => {
        await head.close()
        await release(dataDir, store)
      },
      dataDir,
      openStore: async () => {
        if (store.status !== 'open') store = await lock(dataDir, path, false)
        return store
      },
      origin,
      readHead: () => Promise.resolve(head.read()),
      runDir: ownRunDir,
      writeHead: (record) => head.write(record),
    }
  } catch (error) {
    await release(dataDir, store)
    throw error
  }
}

const randomOrigin = (): Origin => randomBytes(32).toString('hex') as Origin

/** Who has a data directory; undefined: nobody says so. It may be a process that died. */
export async function readHolder(dataDir: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(join(dataDir, 'holder'), 'utf8')) as Holder
  } catch {
    return undefined
  }
}

async function lock(dataDir: string, path: string, mayCreate: boolean): Promise<Store> {
  try {
    return await openLevel(path, mayCreate)
  } catch (cause) {
    if (codeOf(cause) !== 'LEVEL_LOCKED') throw cause
    const holder = await readHolder(dataDir)
    const who =
      holder === undefined ? 'another process' : `pid ${holder.pid} (${holder.role}: ${holder.command})`
    throw new EngineError('ERR_STORE_LOCKED', `data directory ${dataDir}: ${who} has it`, {
      cause,
      details: { dataDir, ...(holder === undefined ? {} : { holder }) },
    })
  }
}

/**
 * What LevelDB must not see: write-ahead logs of which it would drop a part in silence, always; and broken tables, over
 * which it may end the process, if the last holder is gone without having let go (or every start would end the same way).
 */
async function checkBefore(dataDir: string, path: string): Promise<void> {
  const holder = await readHolder(dataDir)
  if (holder !== undefined && isAlive(holder)) return
  await checkWriteAheadLogs(path)
  if (holder === undefined) return
  const broken = await onDisk(`store ${path}`, () => checkTables(path))
  const [first] = broken
  if (first === undefined) return
  const message = `store ${path}: ${broken.length} broken tables (${first.file}: ${first.why}); restore a backup or a replica`
  throw new EngineError('ERR_LOG_DAMAGED', message, { details: { path, tables: broken } })
}

/** Acknowledged commits may lie in what would be dropped. */
async function checkWriteAheadLogs(path: string): Promise<void> {
  const broken = await onDisk(`store ${path}`, () => checkJournals(path))
  const [first] = broken
  if (first === undefined) return
  const message = `store ${path}: ${first.file} is damaged (${first.why}); restore a backup or a replica`
  throw new EngineError('ERR_LOG_DAMAGED', message, { details: { journals: broken, path } })
}

/** Numbers of processes are used again, so the command must be the same too, where that can be seen. */
function isAlive({ command, pid }: Holder): boolean {
  if (pid === process.pid) return false
  try {
    return commandOf(String(pid)) === command
  } catch {
    if (process.platform === 'linux') return false
  }
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

async function release(dataDir: string, store: Store): Promise<void> {
  // While the lock is still ours, so that a successor's file is not taken away.
  if (store.status === 'open') await rm(join(dataDir, 'holder'), { force: true })
  await store.close()
}

async function writeHolder(dataDir: string, role: string): Promise<void> {
  const holder: Holder = { command: ownCommand(), pid: process.pid, role }
  await onDisk('holder file', () =>
    writeFile(join(dataDir, 'holder'), JSON.stringify(holder), { mode: 0o600 }),
  )
}

/** The command line as the kernel has it (proc(5)); elsewhere as Node has it. */
function ownCommand(): string {
  try {
    return commandOf('self')
  } catch {
    return process.argv.join(' ')
  }
}

const commandOf = (process: string): string =>
  readFileSync(`/proc/${process}/cmdline`, 'utf8').split('\0').join(' ').trim()

const ORIGIN = /^[0-9a-f]{64}$/

async function readOrigin(dataDir: string): Promise<Origin | undefined> {
  const path = join(dataDir, 'origin')
  const text = await onDisk(path, () => readFile(path, 'utf8')).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  if (!ORIGIN.test(text.trim()))
    throw new EngineError('ERR_LOG_DAMAGED', `${path} holds no origin; restore it`)
  return text.trim() as Origin
}

/** Under the lock: a temporary file, synced, then renamed, and the directory synced, so that it is there or is not. */
async function makeOrigin(dataDir: string, store: Store, newOrigin: () => Origin): Promise<Origin> {
  const [first] = await store.keys({ gte: 'c', limit: 1, lt: 'd' }).all()
  if (first !== undefined) {
    const message = `${dataDir}: the log has commits, but the file origin is gone; write it anew from any commit's origin`
    throw new EngineError('ERR_LOG_DAMAGED', message, { details: { dataDir } })
  }
  const origin = newOrigin()
  const path = join(dataDir, 'origin')
  await onDisk(path, async () => {
    await writeFile(`${path}.new`, `${origin}\n`, { flush: true, mode: 0o600 })
    await rename(`${path}.new`, path)
    const directory = await open(dataDir, 'r')
    await directory.sync().finally(() => directory.close())
  })
  return origin
}
