/**
 * Data directories of one simulated machine: a platter each, the origin beside it, and the lock. Run directories too, which
 * a reboot empties.
 */
import { EngineError, type Origin } from '../../events/index.ts'
import type { Disk, HeadRecord } from '../ports.ts'
import { Platter, type Backup, type Fate } from './platter.ts'
import { SimulatedStore, type Via, type Wait } from './store.ts'

type Where = { readonly dataDir: string; readonly runDir: string }
type DataDir = { isHeld: boolean; origin: Origin | undefined; readonly platter: Platter }

/** The disks of a machine: they outlive engines and boots. */
export class SimulatedDisks {
  readonly #dirs = new Map<string, DataDir>()
  readonly #heads = new Map<string, HeadRecord>()
  readonly #newOrigin: () => Origin
  readonly #wait: Wait

  constructor(newOrigin: () => Origin, wait: Wait) {
    this.#newOrigin = newOrigin
    this.#wait = wait
  }

  /** The platter of a data directory, for faults and damage. */
  platter(dataDir: string): Platter {
    return this.#dir(dataDir).platter
  }

  /** Whose log is in a data directory; undefined: nobody's yet. */
  originOf(dataDir: string): Origin | undefined {
    return this.#dir(dataDir).origin
  }

  /** The head of the log that engines of this boot have noted. */
  headIn({ dataDir, runDir }: Where): HeadRecord | undefined {
    const { origin } = this.#dir(dataDir)
    return origin === undefined ? undefined : this.#heads.get(ownDir(runDir, origin))
  }

  /** Somebody copied a data directory to here, origin and all. */
  adopt(dataDir: string, origin: Origin, rows: Backup): void {
    const dir = this.#dir(dataDir)
    dir.origin = origin
    dir.platter.restore(rows)
  }

  /** The engine on a data directory died: its lock is free, what it still writes is lost, what it wrote stays. */
  kill(dataDir: string, fate?: Fate): void {
    const dir = this.#dir(dataDir)
    dir.isHeld = false
    dir.platter.kill(fate)
  }

  /** The power went: as {@link kill} for all engines, what was not synced is lost, and run directories are empty. */
  crash(fate?: Fate): void {
    this.#heads.clear()
    for (const dir of this.#dirs.values()) {
      dir.isHeld = false
      dir.platter.crash(fate)
    }
  }

  /** As `openDisk` of `src/storage/`. @throws {EngineError} ERR_STORE_LOCKED. */
  async open(
    { dataDir, runDir }: Where,
    behind: { readonly via?: Via; readonly wait?: Wait } = {},
  ): Promise<Disk> {
    const dir = this.#dir(dataDir)
    if (dir.isHeld)
      throw new EngineError('ERR_STORE_LOCKED', `data directory ${dataDir}: another engine has it`)
    dir.isHeld = true
    const { incarnation } = dir.platter
    const origin = (dir.origin ??= this.#newOrigin())
    const ownRunDir = ownDir(runDir, origin)
    let store: SimulatedStore | undefined
    return {
      close: async () => {
        await store?.close()
        if (dir.platter.incarnation === incarnation) dir.isHeld = false
      },
      dataDir,
      openStore: async () => {
        if (store?.status !== 'open')
          store = new SimulatedStore(dir.platter, behind.wait ?? this.#wait, behind.via)
        await store.open()
        return store
      },
      origin,
      readHead: async () => this.#heads.get(ownRunDir),
      runDir: ownRunDir,
      writeHead: (head) => {
        if (dir.platter.incarnation === incarnation) this.#heads.set(ownRunDir, head)
      },
    }
  }

  #dir(dataDir: string): DataDir {
    const found = this.#dirs.get(dataDir)
    if (found !== undefined) return found
    const made: DataDir = { isHeld: false, origin: undefined, platter: new Platter() }
    this.#dirs.set(dataDir, made)
    return made
  }
}

const ownDir = (runDir: string, origin: Origin): string => `${runDir}/${origin.slice(0, 12)}`
