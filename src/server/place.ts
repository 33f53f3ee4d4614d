/**
 * Where an engine and its clients meet: `<run-dir>/<origin, 12 hex>/engine.sock`. The origin stands in the data directory, so that whoever
 * knows the two directories finds the engine that has them. Read at once, for these are three small reads, and every command begins with
 * them: what Node has for reading later takes longer to load.
 */
import { lstatSync, readFileSync, statSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { EngineError } from '../../events/index.ts'
import type { Place } from '../operations/operations.ts'
import { diskError, isAbsent } from '../storage/errors.ts'
import { runDirOf } from '../storage/run-dir-of.ts'

/** Longest path of a socket in bytes: sun_path has 108, the last of them 0 (unix(7)). */
export const SOCKET_PATH_BYTES_MAX = 107

/** How long an engine may take to greet, in milliseconds: it does so as soon as it has its socket. */
export const GREETING_MS = 2000

/** @param ownRunDir `<run-dir>/<origin, 12 hex>` */
export const socketIn = (ownRunDir: string): string => join(ownRunDir, 'engine.sock')

/** Where the socket of a data directory's engine is or would be. */
export type Meeting = { readonly origin: string; readonly socket: string }

/**
 * Undefined: there is no log yet, or no run directory, so there is no engine either.
 * @throws {EngineError} ERR_NOT_PERMITTED: the data directory may not be read; ERR_RUN_DIR: a stranger's directory is there.
 */
export function meetingOf({ dataDir, runDir }: Place): Meeting | undefined {
  const origin = originOf(dataDir)
  if (origin === undefined) return undefined
  const ownRunDir = runDirOf(runDir, origin)
  return isOfOwner(ownRunDir, dataDir) ? { origin, socket: socketIn(ownRunDir) } : undefined
}

function originOf(dataDir: string): string | undefined {
  const path = join(dataDir, 'origin')
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw diskError(error, path)
  }
}

/** Who could put a socket there could read commands and answer them: only root, the log's owner or ourselves may. */
function isOfOwner(ownRunDir: string, dataDir: string): boolean {
  const there = lookAt(ownRunDir)
  if (there === undefined) return false
  const trusted = [0, process.geteuid?.() ?? 0, statSync(join(dataDir, 'origin')).uid]
  if (there.isDirectory() && trusted.includes(there.uid)) return true
  throw new EngineError(
    'ERR_RUN_DIR',
    `run directory ${ownRunDir}: it is no directory, or belongs to uid ${there.uid}, who has no part in ${dataDir}; remove it or choose another`,
    { details: { path: ownRunDir } },
  )
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** Whether something is at a meeting's place; what bars the way to it, connecting tells. */
export function isThere({ socket }: Meeting): boolean {
  try {
    return lookAt(socket) !== undefined
  } catch {
    return true
  }
}
