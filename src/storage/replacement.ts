/**
 * A store that is built beside the one of a data directory and put in its place when it is whole. What was there is kept beside it,
 * under a name of its own: nothing is ever deleted that somebody may want to look at.
 *
 * Each step is one rename. Who dies between two of them leaves a directory without a store, which the next attempt takes for a lost
 * one and builds anew.
 */
import { access, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Origin } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import type { Store } from '../ports.ts'
import { syncDirectory, writeOrigin } from './durable.ts'
import { codeOf, isAbsent, onDisk } from './errors.ts'
import { openLevel } from './level.ts'
import { makeDirectory } from './make-directory.ts'

const STORE = 'store'
const UNDER_WAY = 'store.restoring'
const KEPT = 'store.before'

/** Whether a data directory has something where its store should be. */
export const hasStore = (dataDir: string): Promise<boolean> =>
  readdir(join(dataDir, STORE)).then(
    (files) => files.length > 0,
    (error: unknown) => !isAbsent(error),
  )

export class Replacement {
  readonly store: Store
  readonly #dataDir: string

  private constructor(dataDir: string, store: Store) {
    this.#dataDir = dataDir
    this.store = store
  }

  /**
   * An empty store; what an attempt that was cut off left of one is taken away.
   * @throws {EngineError} ERR_STORE_LOCKED: another attempt is under way; ERR_NOT_PERMITTED, ERR_STORE_UNWRITABLE
   */
  static async begin(dataDir: string): Promise<Replacement> {
    const path = join(dataDir, UNDER_WAY)
    await onDisk(`data directory ${dataDir}`, () => makeDirectory(dataDir, 0o700))
    const store = await openLevel(path, true).catch(async (error: unknown) => {
      if (codeOf(error) === 'LEVEL_LOCKED') throw lockedError(dataDir, error)
      // What was cut off may be any half of a store.
      await rm(path, { force: true, recursive: true })
      return openLevel(path, true)
    })
    await store.clear()
    return new Replacement(dataDir, store)
  }

  async discard(): Promise<void> {
    await this.store.close()
    await rm(join(this.#dataDir, UNDER_WAY), { force: true, recursive: true })
  }

  /**
   * Puts it in the place of what is there, which nobody may have open.
   * @returns where that is now; undefined: there was nothing
   */
  async keep(origin: Origin): Promise<string | undefined> {
    await this.store.close()
    const dataDir = this.#dataDir
    return onDisk(`data directory ${dataDir}`, async () => {
      // Before the store is there: so that nobody makes a new one beside commits of another.
      if (await isGone(join(dataDir, 'origin'))) await writeOrigin(dataDir, origin)
      const kept = await putAside(dataDir)
      await rename(join(dataDir, UNDER_WAY), join(dataDir, STORE))
      await syncDirectory(dataDir)
      return kept
    })
  }
}

async function putAside(dataDir: string): Promise<string | undefined> {
  const path = join(dataDir, STORE)
  if (await isGone(path)) return undefined
  const taken = new Set(await readdir(dataDir))
  let n = 1
  while (taken.has(`${KEPT}-${n}`)) n++
  const kept = join(dataDir, `${KEPT}-${n}`)
  await rename(path, kept)
  return kept
}

const isGone = (path: string): Promise<boolean> =>
  access(path).then(
    () => false,
    (error: unknown) => isAbsent(error),
  )

const lockedError = (dataDir: string, cause: unknown): EngineError =>
  new EngineError('ERR_STORE_LOCKED', `data directory ${dataDir}: another restore is under way there`, {
    cause,
    details: { dataDir },
  })
