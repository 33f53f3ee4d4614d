/**
 * A log opened to be read: no epoch begins, no receipt is written, and the kernel is looked at only by who asks for that. It needs no
 * xstate and no rxjs, so that a plain command starts quickly; what does need them loads them when it is asked.
 *
 * LevelDB knows no shared lock, so that even who reads has the directory for himself, for a moment.
 */
import { accessSync } from 'node:fs'
import { join } from 'node:path'
import type { AnyFact, ClientCommand, Commit, Log, Origin, Ref, Seq } from '../../events/index.ts'
import { EngineError, RefusedError } from '../../events/index.ts'
import {
  beginProjections,
  foldCommit,
  initialProjections,
  sealProjections,
  type Projections,
} from '../../projections/index.ts'
import type { ClaimsReport } from '../cluster/claims/report.ts'
import type { Kept } from '../cluster/resting.ts'
import type { ClusterStatus } from '../cluster/status.ts'
import { instant } from '../engine/instant.ts'
import { openFolded, type Folded, type Folding } from '../engine/open-folded.ts'
import { verifyLog } from '../engine/verify-log.ts'
import { readBootId } from '../kernel/boot-id.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Disk, Ports, Timers } from '../ports.ts'
import { isAbsent } from '../storage/errors.ts'
import { runDirOf } from '../storage/run-dir-of.ts'
import { withInterruption } from './interrupted.ts'
import { nameNow, pictureAsOf, pictureOf, plansIn, statusOf, statusOfNothing } from './knowledge.ts'
import type { Differences, Done, Given, Happened, Healed, HistoryRange, Known } from './operations.ts'
import type { Moment, Operations, Picture, Preview } from './operations.ts'
import type { Place, Range, Status, Trace, Verified } from './operations.ts'
import type * as Others from './other-hosts.ts'
import { traceOf } from './trace.ts'

/** What reading needs of the outside. */
export type ReaderPorts = Pick<Ports, 'hash' | 'openDisk' | 'openKernel'> & {
  readonly afterTurn: Timers['afterTurn']
  readonly later: (ms: number, run: () => void) => void
  readonly nowMs: () => number
}

/** The log of a data directory, or where there is none yet, nothing. @throws {EngineError} ERR_STORE_LOCKED and others, as `openDisk` */
export async function openReader(place: Place, ports: ReaderPorts): Promise<Operations> {
  if (!hasLog(place)) return new Reader(place, ports, undefined)
  const disk = await ports.openDisk(place)
  try {
    return new Reader(place, ports, await open(disk, ports))
  } catch (error) {
    await disk.close()
    throw error
  }
}

/** Whether there is a log, or something that keeps one from seeing whether there is. */
export function hasLog({ dataDir }: Place): boolean {
  try {
    accessSync(join(dataDir, 'origin'))
    return true
  } catch (error) {
    return !isAbsent(error)
  }
}

/** The log of nobody. */
const NOTHING: Pick<Log<AnyFact>, 'find' | 'read' | 'versionOf'> = {
  async *find() {
    // There is no commit to find.
  },
  async *read() {
    // There is no commit to give.
  },
  versionOf: () => 0,
}

/** Projections that fold what comes. */
class ProjectionFold implements Folding {
  #all: Projections
  seq: Seq

  constructor(from: { readonly projections: Projections; readonly seq: Seq }) {
    this.#all = beginProjections(from.projections)
    this.seq = from.seq
  }

  add(commits: readonly Commit<AnyFact>[]): void {
    for (const commit of commits) this.#all = foldCommit(this.#all, commit)
    this.seq = commits.at(-1)?.seq ?? this.seq
  }

  projections(): Projections {
    return sealProjections(this.#all)
  }
}

type Opened = Folded<ProjectionFold> & { readonly disk: Disk; readonly projections: Projections }

async function open(disk: Disk, { afterTurn, hash, later }: ReaderPorts): Promise<Opened> {
  const opened = await openFolded(
    { bootId: bootId(), disk, hash, timers: { afterTurn, later } },
    (from) => new ProjectionFold(from),
  )
  return { ...opened, disk, projections: opened.fold.projections() }
}

/** Undefined where there is no Linux. */
function bootId(): string | undefined {
  try {
    return readBootId()
  } catch {
    return undefined
  }
}

class Reader implements Operations {
  readonly #opened: Opened | undefined
  readonly #place: Place
  readonly #ports: ReaderPorts

  constructor(place: Place, ports: ReaderPorts, opened: Opened | undefined) {
    this.#opened = opened
    this.#place = place
    this.#ports = ports
  }

  async close(): Promise<void> {
    try {
      await this.#opened?.log.close()
    } finally {
      await this.#opened?.disk.close()
    }
  }

  async claims(): Promise<ClaimsReport> {
    const { disk, projections = initialProjections } = this.#opened ?? {}
    const origin = disk?.origin ?? ('' as Origin)
    // Who is alone has nothing to load for it.
    if (projections.host.cluster === null && projections.claims.grants.size === 0)
      return { claims: [], hosts: [], networks: [], origin, read: 'nothing', ready: false }
    const { restingClaims } = await import('../cluster/claims/report.ts')
    return restingClaims(projections, origin)
  }

  async cluster(): Promise<ClusterStatus> {
    const { origin = '' as Origin } = this.#opened?.disk ?? {}
    if (this.#opened === undefined) return { origin, peers: [], state: 'alone' }
    const { restingStatus } = await import('../cluster/resting.ts')
    const { projections, store } = this.#opened
    return restingStatus({ hash: this.#ports.hash, store }, origin, projections.host.cluster)
  }

  async *commits({ from, host, stored, to }: Range = {}): AsyncGenerator<Commit<AnyFact>, void, void> {
    if (this.#opened === undefined) return
    if (host !== undefined) {
      const { peerCommits } = await import('../cluster/resting.ts')
      yield* peerCommits({ hash: this.#ports.hash, store: this.#opened.store }, host, { from, to })
      return
    }
    yield* this.#opened.log.read({ from: from as Seq | undefined, stored, to: to as Seq | undefined })
  }

  /** A log that nobody writes has no more to follow. */
  async *history({ arrival, from = 1 }: HistoryRange = {}): AsyncGenerator<Happened, void, void> {
    if (this.#opened === undefined) return
    const { log, store } = this.#opened
    const { hash } = this.#ports
    if (arrival !== true) {
      yield* (await this.#others()).inOrder(this.#kept(), log)
      return
    }
    const [{ happenedSince }, { PeerLogs }] = await Promise.all([
      import('../cluster/arrivals.ts'),
      import('../cluster/peer-logs.ts'),
    ])
    yield* happenedSince({ log, logs: new PeerLogs(store, hash) }, from, log.durable.seq)
  }

  async known(moment: Moment = 'now'): Promise<Known> {
    if (this.#opened === undefined) return { peers: [], seq: 0 as Seq }
    return (await this.#others()).knownIn(this.#kept(), this.#opened.log, moment, this.#ports.nowMs())
  }

  dispatch(_command: ClientCommand, _given: Given): Promise<Done> {
    return Promise.reject(new Error('chronet defect: a log that was opened to be read takes no commands'))
  }

  heal(_given: Given): Promise<Healed> {
    return Promise.reject(new Error('chronet defect: a log that was opened to be read heals nothing'))
  }

  async picture(moment: Moment = 'now', host?: string): Promise<Picture> {
    const opened = this.#opened
    if (host !== undefined)
      return (await this.#others()).pictureOn(this.#kept(), host, moment, this.#ports.nowMs())
    if (opened === undefined) return pictureOf(initialProjections.topology, 0 as Seq, undefined)
    const { log, projections, snapshots } = opened
    if (moment === 'now') return pictureOf(projections.topology, log.durable.seq, log.durable.at)
    return pictureAsOf(log, snapshots, moment, this.#ports.nowMs())
  }

  async plan(): Promise<Differences> {
    const opened = this.#opened
    if (opened === undefined) return { open: [], orphans: [], steps: [] }
    const { projections } = opened
    return this.#withKernel(opened.disk, async (kernel) => {
      const { contextOf, differencesIn } = await import('./thinking.ts')
      const context = contextOf(this.#ports.hash, opened.disk.origin)
      const { orphans, steps } = await differencesIn(kernel, projections, context)
      return { open: plansIn(projections), orphans: orphans.map(({ label }) => label), steps }
    })
  }

  async preview(command: ClientCommand, given: Given): Promise<Preview> {
    const preview = await this.#preview(command, given)
    const opened = this.#opened
    if (opened === undefined) return preview
    return withInterruption(preview, opened.projections.topology, (ends) =>
      this.#withKernel(opened.disk, (kernel) => kernel.flows(ends)),
    )
  }

  async #preview(command: ClientCommand, given: Given): Promise<Preview> {
    const { needsObservation, previewOnLog } = await import('./thinking.ts')
    const { hash, nowMs } = this.#ports
    const opened = this.#opened
    const request = { at: instant(nowMs()), command, given }
    if (opened?.blocked) throw opened.blocked
    const source = opened && { log: opened.log, origin: opened.disk.origin, snapshots: opened.snapshots }
    if (!needsObservation(command)) return previewOnLog(source, request, hash, undefined)
    const look = (kernel: Kernel): Promise<Preview> => previewOnLog(source, request, hash, kernel)
    try {
      return await (opened === undefined ? this.#withLooker(look) : this.#withKernel(opened.disk, look))
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'ERR_NOT_PERMITTED') throw error
      return previewOnLog(source, request, hash, undefined)
    }
  }

  async status(): Promise<Status> {
    const { dataDir, runDir } = this.#place
    if (this.#opened === undefined) return statusOfNothing(dataDir, runDir)
    const { blocked, disk, log, projections } = this.#opened
    return statusOf(disk, log, projections, blocked)
  }

  async trace(ref: Ref, host?: string): Promise<Trace> {
    if (host !== undefined) return (await this.#others()).traceOn(this.#kept(), host, ref)
    const { log = NOTHING, projections = initialProjections } = this.#opened ?? {}
    return traceOf(log, ref, (id) => nameNow(projections.topology, id))
  }

  async verify(): Promise<Verified> {
    if (this.#opened === undefined) return { commits: 0, head: statusOfNothing('', '').head.hash }
    return verifyLog(this.#opened.log, this.#opened.blocked)
  }

  #others(): Promise<typeof Others> {
    return import('./other-hosts.ts')
  }

  /** Where peers' logs are. @throws {RefusedError} ERR_NOT_FOUND: there is no log, so there are none */
  #kept(): Kept {
    if (this.#opened !== undefined) return { hash: this.#ports.hash, store: this.#opened.store }
    throw new RefusedError([
      { code: 'ERR_NOT_FOUND', field: 'host', message: 'there is no log here, and none of another host' },
    ])
  }

  /** Where there is no log yet, the host is looked at in the name of nobody. */
  async #withLooker<T>(look: (kernel: Kernel) => Promise<T>): Promise<T> {
    const { NOBODY } = await import('./thinking.ts')
    return this.#withKernel({ origin: NOBODY, runDir: runDirOf(this.#place.runDir, NOBODY) }, look)
  }

  async #withKernel<T>(
    { origin, runDir }: Pick<Disk, 'origin' | 'runDir'>,
    look: (kernel: Kernel) => Promise<T>,
  ): Promise<T> {
    const kernel = await this.#ports.openKernel({ origin, runDir })
    try {
      return await look(kernel)
    } finally {
      await kernel.close()
    }
  }
}
