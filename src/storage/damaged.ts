/**
 * A data directory whose store is damaged: what can be read of it, as a store in the run directory, and nothing is written in
 * the data directory, not even a lock. So what is broken stays as it was found, for whoever restores or examines it.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../events/index.ts'
import type { Origin } from '../../events/index.ts'
import type { Disk } from '../ports.ts'
import { onDisk } from './errors.ts'
import { openLevel } from './level.ts'
import { HeadFile, openRunDir } from './run-dir.ts'
import { isRunning } from './running.ts'
import { salvage } from './salvage.ts'

export type DamagedOptions = {
  readonly damage: EngineError
  readonly dataDir: string
  readonly origin: Origin
  /** The store's own directory. */
  readonly path: string
  readonly runDir: string
}

const COPY = /^salvage\.(\d+)\./

/**
 * The disk of a damaged data directory. Takes as much room in the run directory as the log's commits do.
 * @throws {EngineError} ERR_LOG_DAMAGED: not one commit can be read; ERR_RUN_DIR, ERR_STORE_UNWRITABLE.
 */
export async function openDamaged({ damage, dataDir, origin, path, runDir }: DamagedOptions): Promise<Disk> {
  const ownRunDir = await openRunDir(runDir, origin)
  await sweep(ownRunDir)
  const copy = await onDisk(`copy of store ${path}`, () =>
    mkdtemp(join(ownRunDir, `salvage.${process.pid}.`)),
  )
  try {
    let store = await openLevel(copy, true)
    if ((await onDisk(`copy of store ${path} in ${copy}`, () => salvage(path, store))) === 0) {
      await store.close()
      throw unreadable(damage, dataDir)
    }
    const head = await HeadFile.open(ownRunDir)
    return {
      close: async () => {
        await head.close()
        await store.close()
        await rm(copy, { force: true, recursive: true })
      },
      damage,
      dataDir,
      openStore: async () => {
        if (store.status !== 'open') store = await openLevel(copy, false)
        return store
      },
      origin,
      readHead: () => Promise.resolve(head.read()),
      runDir: ownRunDir,
      writeHead: () => {
        throw new Error('chronet defect: a damaged log has no new head')
      },
    }
  } catch (error) {
    await rm(copy, { force: true, recursive: true })
    throw error
  }
}

const unreadable = (damage: EngineError, dataDir: string): EngineError =>
  new EngineError(
    'ERR_LOG_DAMAGED',
    `${damage.message}; no commit in it can be read: restore ${dataDir} (the file origin and the directory store) from a backup`,
    { cause: damage, details: damage.details },
  )

/** Copies that processes left which were killed. */
async function sweep(runDir: string): Promise<void> {
  for (const name of await readdir(runDir)) {
    const pid = COPY.exec(name)?.[1]
    if (pid !== undefined && !isRunning(Number(pid)))
      await rm(join(runDir, name), { force: true, recursive: true })
  }
}
