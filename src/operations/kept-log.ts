/**
 * What a data directory still has of its log, for whoever restores it: as much as can be read, damaged or not, or nothing. All of it is
 * read, from the first commit on: damage that a snapshot lies over is found as well.
 */
import type {
  AnyFact,
  ClaimedLink,
  ClusterJoined,
  Commit,
  Log,
  LogOptions,
  Origin,
} from '../../events/index.ts'
import { EngineError, errorOfDamage, isLast, openLog } from '../../events/index.ts'
import type { Disk, Ports, Store } from '../ports.ts'
import { readOrigin } from '../storage/disk.ts'
import { hasStore } from '../storage/replacement.ts'
import type { Place } from './operations.ts'

export type KeptLog = {
  /** Lets go of it, and of the lock. */
  readonly close: () => Promise<void>
  /** Whether it is broken somewhere. */
  readonly isDamaged: boolean
  readonly log: Log<AnyFact>
  /** How its cluster was reached, as far as the log can be read; null: it was in none. */
  readonly member: ClusterJoined['data'] | null
  readonly store: Store
}

export type KeptPorts = Pick<Ports, 'hash' | 'openDisk'> & {
  readonly timers: Pick<LogOptions, 'afterTurn' | 'later'>
}

/** What somebody may have been told of is not cut: of a log that is to be restored, every row may matter to who looks at it later. */
const UNCUT: ClaimedLink = { hash: '', seq: 2 ** 48 - 1 }

/** Follows what the log says of a cluster, and nothing else. */
class Membership {
  member: ClusterJoined['data'] | null = null

  add(commits: readonly Commit<AnyFact>[]): void {
    for (const { facts } of commits)
      for (const { data, type } of facts) {
        if (type === 'ClusterJoined') this.member = data
        if (type === 'ClusterLeft') this.member = null
      }
  }
}

/**
 * @returns `origin`: whose directory it is; absent: nobody's. `kept`: what is there of the log; absent: nothing that could be read
 * @throws {EngineError} ERR_STORE_LOCKED: an engine has it; ERR_LOG_NEWER
 */
export async function openKeptLog(
  place: Place,
  ports: KeptPorts,
): Promise<{ readonly kept?: KeptLog; readonly origin?: Origin }> {
  const origin = await readOrigin(place.dataDir)
  if (origin === undefined) return {}
  if (!(await hasStore(place.dataDir))) return { origin }
  let disk: Disk
  try {
    disk = await ports.openDisk(place)
  } catch (error) {
    // Not one commit of it can be read.
    if (error instanceof EngineError && error.code === 'ERR_LOG_DAMAGED') return { origin }
    throw error
  }
  try {
    return { kept: await opened(disk, ports), origin }
  } catch (error) {
    await disk.close()
    throw error
  }
}

async function opened(disk: Disk, { hash, timers }: KeptPorts): Promise<KeptLog> {
  const found = new Membership()
  const store = await disk.openStore()
  const log = await openLog<AnyFact>({
    ...timers,
    hash,
    isLast,
    known: UNCUT,
    origin: disk.origin,
    replay: { chunk: (commits) => found.add(commits), restart: () => undefined },
    store,
  })
  if (log.damage?.newer) throw errorOfDamage(log.damage)
  const close = async (): Promise<void> => {
    await log.close()
    await disk.close()
  }
  const isDamaged = disk.damage !== undefined || log.damage !== undefined
  return { close, isDamaged, log, member: found.member, store }
}
