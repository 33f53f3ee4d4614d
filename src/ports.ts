/**
 * The only ways out: clock, timers, ids, chance, hash, disk, kernel and bus. The engine takes them as one object, so that the
 * simulator can give its own and nothing else in `src/` touches the outside.
 */
import type { SchedulerLike } from 'rxjs'
import type { CommandId, EngineError, Hash, Origin, Store } from '../events/index.ts'
import type { OpenBus } from './bus/bus.ts'
import type { Kernel, KernelOptions } from './kernel/kernel.ts'

/** Wall time for the log, monotonic time for durations. Both in milliseconds. */
export interface Clock {
  monotonicMs(): number
  /** Since 1970-01-01T00:00:00Z, whole. */
  nowMs(): number
}

/** Ids that nobody has had before. */
export interface Ids {
  commandId(): CommandId
  /** 64 lowercase hex. */
  origin(): Origin
}

export type { Hash, Store } from '../events/index.ts'

/** One data directory, locked by this process until `close`. */
export interface Disk {
  /** Looks at the checksums of the store's tables while it is in use, one file a step: what is broken in it, or undefined. */
  checkFiles?(): AsyncIterable<EngineError | undefined>
  close(): Promise<void>
  /**
   * What is broken in the store's files; absent: nothing that is known. Then `openStore` gives a copy of the commits that can
   * still be read, and the store itself is left as it is: nothing may be changed.
   */
  readonly damage?: EngineError
  readonly dataDir: string
  /** What was read is not what was written: whoever opens it next looks at every file first, and then serves beside what is sound. */
  distrust?(): void
  /** Opens (or makes) the log's store. */
  openStore(): Promise<Store>
  /** The origin in `<data-dir>/origin`, made there if there is none. */
  readonly origin: Origin
  /** The head this boot has seen: `<run-dir>/<origin12>/head`. Undefined: none yet. */
  readHead(): Promise<HeadRecord | undefined>
  readonly runDir: string
  /** A write-ahead log that ended within a record, as after a power cut: what was being written then, and nobody was told of, is gone. */
  readonly torn?: { readonly at?: number; readonly file: string }
  /** One pwrite into an open file, after each sync. */
  writeHead(head: HeadRecord): void
}

/** What the run directory remembers of the log, to find a log that was rolled back under running containers. */
export type HeadRecord = { readonly bootId: string; readonly hash: string; readonly seq: number }

/** Asynchrony that a simulation can own. */
export interface Timers {
  /** After what is ready has run: one loop turn (setImmediate). */
  afterTurn(run: () => void): void
  /** For rxjs: intervals, debounces, delays. */
  readonly scheduler: SchedulerLike
}

export interface Ports {
  readonly clock: Clock
  readonly hash: Hash
  readonly ids: Ids
  /** Absent: this host cannot be in a cluster. */
  readonly openBus?: OpenBus
  readonly openDisk: (options: { readonly dataDir: string; readonly runDir: string }) => Promise<Disk>
  readonly openKernel: (options: KernelOptions) => Promise<Kernel>
  readonly timers: Timers
}
