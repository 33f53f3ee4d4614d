/**
 * One data directory, for one engine at a time: the store, whose lock is the directory's lock; `origin`, the log's identity,
 * made under that lock; `holder`, which names who has it to those who come too late. And its run directory.
 *
 * Between the closing of a store and its opening again (after a failed write) the lock is free for a moment; who comes back finds
 * whatever happened meanwhile in the log.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../events/index.ts'
import type { Origin } from '../../events/index.ts'
import type { Disk, Store } from '../ports.ts'
import { openDamaged, type DamagedOptions } from './damaged.ts'
import { writeOrigin } from './durable.ts'
import { type BrokenFile, codeOf, damageOf, ifGone, onDisk } from './errors.ts'
import { openLevel } from './level.ts'
import { lookAt } from './look.ts'
import { makeDirectory } from './make-directory.ts'
import { readManifest } from './manifest.ts'
import { checkBase, HeadFile, openRunDir } from './run-dir.ts'
import { isRunning } from './running.ts'
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
 * Locks a data directory, and makes it if there is none. `Disk.runDir` is `<run-dir>/<origin, 12 hex>`. Where the store is damaged, what
 * can be read of it is given instead (`Disk.damage`), and nothing is locked.
 * @throws {EngineError} ERR_STORE_LOCKED (`details.holder`), ERR_LOG_DAMAGED (nothing can be read), ERR_NOT_PERMITTED, ERR_RUN_DIR,
 *   ERR_STORE_UNWRITABLE.
 */
export async function openDisk(
  { dataDir, runDir }: DiskOptions,
  { newOrigin = randomOrigin, role = 'engine' }: DiskIdentity = {},
): Promise<Disk> {
  const path = join(dataDir, 'store')
  const known = await readOrigin(dataDir)
  if (known === undefined) await checkBase(runDir)
  await onDisk(`data directory ${dataDir}`, () => makeDirectory(dataDir, 0o700))
  const { damage, torn } = await findDamage(dataDir, path)
  if (damage !== undefined) return openBeside(damage, { dataDir, origin: known, path, runDir })
  let store: Store
  try {
    store = await lock(dataDir, path, known === undefined)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'ERR_LOG_DAMAGED') throw error
    return openBeside(error, { dataDir, origin: known, path, runDir })
  }
  try {
    await writeHolder(dataDir, role)
    const origin = (await readOrigin(dataDir)) ?? (await makeOrigin(dataDir, store, newOrigin))
    const ownRunDir = await openRunDir(runDir, origin)
    const head = await HeadFile.open(ownRunDir)
    let isTrusted = true
    return {
      checkFiles: () => checkFiles(path),
      close: async () => {
        await head.close()
        await release(dataDir, store, isTrusted)
      },
      dataDir,
      distrust: () => {
        isTrusted = false
      },
      openStore: async () => {
        if (store.status !== 'open') store = await lock(dataDir, path, false)
        return store
      },
      origin,
      readHead: () => Promise.resolve(head.read()),
      runDir: ownRunDir,
      ...(torn === undefined ? {} : { torn }),
      writeHead: (record) => head.write(record),
    }
  } catch (error) {
    await release(dataDir, store, true)
    throw error
  }
}

/** The origin is needed to know the run directory by, and the commits. */
function openBeside(
  damage: EngineError,
  { origin, ...where }: Omit<DamagedOptions, 'damage' | 'origin'> & { readonly origin: Origin | undefined },
): Promise<Disk> {
  if (origin === undefined) throw damage
  return openDamaged({ ...where, damage, origin })
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
    throw codeOf(cause) === 'LEVEL_LOCKED' ? await lockedError(dataDir, cause) : cause
  }
}

async function lockedError(dataDir: string, cause?: unknown): Promise<EngineError> {
  const holder = await readHolder(dataDir)
  const who =
    holder === undefined ? 'another process' : `pid ${holder.pid} (${holder.role}: ${holder.command})`
  return new EngineError('ERR_STORE_LOCKED', `data directory ${dataDir}: ${who} has it`, {
    cause,
    details: { dataDir, ...(holder === undefined ? {} : { holder }) },
  })
}

/**
 * What LevelDB must not see: a store that lacks a file, and write-ahead logs of which it would drop a part in silence,
 * always; and broken tables, over which it may end the process, if the last holder is gone without having let go (or every
 * start would end the same way). No damage: it may be opened, or somebody has it.
 * @throws {EngineError} ERR_STORE_LOCKED: somebody writes in it, holder or not
 */
async function findDamage(
  dataDir: string,
  path: string,
): Promise<{ readonly damage?: EngineError; readonly torn?: BrokenFile }> {
  const holder = await readHolder(dataDir)
  if (holder !== undefined && isAlive(holder)) return {}
  const first = await lookAt(path, holder !== undefined)
  if (first?.broken.length === 0) return first.torn[0] === undefined ? {} : { torn: first.torn[0] }
  const found = first && (await lookAt(path, true))
  if (found === undefined) throw await lockedError(dataDir)
  const damage = damageOf(path, found.broken)
  return damage === undefined ? {} : { damage }
}

/** Whatever LevelDB makes or removes meanwhile is left to the next look. */
async function* checkFiles(path: string): AsyncGenerator<EngineError | undefined, void, void> {
  for (const table of (await readManifest(path)).tables ?? [])
    yield damageOf(path, await checkTables(path, new Set([table])))
}

/** Numbers of processes are used again, so the command must be the same too, where that can be seen. */
function isAlive({ command, pid }: Holder): boolean {
  if (pid === process.pid) return false
  try {
    return commandOf(String(pid)) === command
  } catch {
    if (process.platform === 'linux') return false
  }
  return isRunning(pid)
}

/** Where the file `holder` stays, the next holder looks at all files first, as after a crash. */
async function release(dataDir: string, store: Store, isTrusted: boolean): Promise<void> {
  // While the lock is still ours, so that a successor's file is not taken away.
  if (isTrusted && store.status === 'open') await rm(join(dataDir, 'holder'), { force: true })
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

/** Whose log a data directory is for; undefined: nobody's yet. @throws {EngineError} ERR_LOG_DAMAGED: the file holds none */
export async function readOrigin(dataDir: string): Promise<Origin | undefined> {
  const path = join(dataDir, 'origin')
  const text = await onDisk(path, () => readFile(path, 'utf8')).catch(ifGone(undefined))
  if (text === undefined) return undefined
  if (!ORIGIN.test(text.trim()))
    throw new EngineError('ERR_LOG_DAMAGED', `${path} holds no origin; restore it`)
  return text.trim() as Origin
}

/** Under the lock. */
async function makeOrigin(dataDir: string, store: Store, newOrigin: () => Origin): Promise<Origin> {
  const [first] = await store.keys({ gte: 'c', limit: 1, lt: 'd' }).all()
  if (first !== undefined) {
    const message = `${dataDir}: the log has commits, but the file origin is gone; write it anew from any commit's origin`
    throw new EngineError('ERR_LOG_DAMAGED', message, { details: { dataDir } })
  }
  const origin = newOrigin()
  await onDisk(join(dataDir, 'origin'), () => writeOrigin(dataDir, origin))
  return origin
}
