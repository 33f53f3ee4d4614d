/**
 * The way to an engine that runs: a command speaks to the engine that holds the data directory, or takes its lock, whichever is to be
 * had first. What speaks with one (`remote.ts`) is loaded where one is.
 */
import { realpathSync } from 'node:fs'
import { EngineError } from '../../events/index.ts'
import type { Operations, Place } from '../operations/operations.ts'
import { GREETING_MS, isThere, meetingOf } from './place.ts'
import type { RemoteOperations } from './remote.ts'

/** Between two attempts, in milliseconds. */
const PAUSE_MS = 50
/** How long a command waits for whoever has the data directory, in milliseconds. */
export const WAIT_MS = 10_000

/**
 * A client of the engine that serves a data directory, in whatever process of this machine; to be closed. Undefined: none serves it.
 * @param greetingMs how long it may take to greet
 * @throws {EngineError} ERR_NOT_PERMITTED, ERR_RUN_DIR, ERR_UNSUPPORTED, ERR_BACKPRESSURE: it will not serve us, or must not be believed
 */
export async function connectEngine(
  place: Place,
  greetingMs = GREETING_MS,
): Promise<RemoteOperations | undefined> {
  const meeting = meetingOf(place)
  if (meeting === undefined || !isThere(meeting)) return undefined
  const [{ Link }, { RemoteOperations }] = await Promise.all([import('./link.ts'), import('./remote.ts')])
  const link = await Link.connect(meeting.socket, greetingMs)
  if (link === undefined) return undefined
  const here = realpathSync(place.dataDir)
  const { dataDir, origin, pid } = link.greeting
  if (dataDir === here && origin === meeting.origin) return new RemoteOperations(link)
  await link.close()
  throw new EngineError(
    'ERR_RUN_DIR',
    `the engine at ${meeting.socket} (pid ${pid}) serves ${dataDir}, not ${here}: is one a copy of the other? Give the copy a run directory of its own`,
    { details: { dataDir, path: meeting.socket, pid } },
  )
}

/**
 * The engine that runs, or what `open` makes of the data directory under its lock: both are tried in turn, until one can be had.
 * @param open opens it in this process; rejects with ERR_STORE_LOCKED while somebody has it
 * @throws {EngineError} ERR_STORE_LOCKED, with its holder: `waitMs` passed, and neither could be had; whatever else `open` rejects with
 */
export async function openOperations(
  place: Place,
  open: () => Promise<Operations>,
  waitMs = WAIT_MS,
): Promise<Operations> {
  const end = performance.now() + waitMs
  for (;;) {
    const remote = await connectEngine(place, Math.min(GREETING_MS, waitMs))
    if (remote !== undefined) return remote
    try {
      return await open()
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'ERR_STORE_LOCKED') throw error
      if (performance.now() + PAUSE_MS > end) throw waited(error, waitMs)
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

function waited(error: EngineError, waitMs: number): EngineError {
  const text = `${error.message} and answers at no socket; after ${waitMs / 1000} s nobody waits any longer: give the command again, or end that process`
  return new EngineError('ERR_STORE_LOCKED', text, { cause: error, details: error.details })
}
