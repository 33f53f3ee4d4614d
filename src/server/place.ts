/**
 * Where an engine and its clients meet: `<run-dir>/<origin, 12 hex>/engine.sock`. The origin stands in the data directory, so that whoever
 * knows the two directories finds the engine that has them.
 */
import { lstat, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../events/index.ts'
import type { Place } from '../operations/operations.ts'
import { isAbsent, onDisk } from '../storage/errors.ts'
import { runDirOf } from '../storage/run-dir.ts'

/** Longest path of a socket in bytes: sun_path has 108, the last of them 0 (unix(7)). */
export const SOCKET_PATH_BYTES_MAX = 107

/** @param ownRunDir `<run-dir>/<origin, 12 hex>` */
export const socketIn = (ownRunDir: string): string => join(ownRunDir, 'engine.sock')

/** Where the socket of a data directory's engine is or would be. */
export type Meeting = { readonly origin: string; readonly socket: string }

/**
 * Undefined: there is no log yet, or no run directory, so there is no engine either.
 * @throws {EngineError} ERR_NOT_PERMITTED: the data directory may not be read; ERR_RUN_DIR: a stranger's directory is there.
 */
export async function meetingOf({ dataDir, runDir }: Place): Promise<Meeting | undefined> {
  const origin = await originOf(dataDir)
  if (origin === undefined) return undefined
  const ownRunDir = runDirOf(runDir, origin)
  return (await isOfOwner(ownRunDir, dataDir)) ? { origin, socket: socketIn(ownRunDir) } : undefined
}

function originOf(dataDir: string): Promise<string | undefined> {
  const path = join(dataDir, 'origin')
  return onDisk(path, async () => {
    try {
      return (await readFile(path, 'utf8')).trim()
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw error
    }
  })
}

/** Who could put a socket there could read commands and answer them: only root, the log's owner or ourselves may. */
async function isOfOwner(ownRunDir: string, dataDir: string): Promise<boolean> {
  const there = await lstat(ownRunDir).catch((error: unknown) => {
    if (isAbsent(error)) return undefined
    throw error
  })
  if (there === undefined) return false
  const trusted = [0, process.geteuid?.() ?? 0, (await stat(join(dataDir, 'origin'))).uid]
  if (there.isDirectory() && trusted.includes(there.uid)) return true
  throw new EngineError(
    'ERR_RUN_DIR',
    `run directory ${ownRunDir}: it is no directory, or belongs to uid ${there.uid}, who has no part in ${dataDir}; remove it or choose another`,
    { details: { path: ownRunDir } },
  )
}
