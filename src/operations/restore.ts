/**
 * A host's log is made whole from the stream: what is missing at its end is added, what is damaged or lost is built anew and put in its
 * place, what was there is kept beside it. No epoch begins: the next start of an engine does that, on the log as it is then.
 *
 * Nothing is believed that does not follow link by link from the first commit on. Whoever dies meanwhile leaves what was there, or a
 * directory that the next attempt restores.
 */
import type { AnyFact, Hash, Head, Origin, RawCommit, Seq } from '../../events/index.ts'
import { EngineError, GENESIS } from '../../events/index.ts'
import { readChain } from '../../events/chain.ts'
import { keys } from '../../events/store.ts'
import type { Bus, BusOptions, OpenBus } from '../bus/bus.ts'
import { catchUp, writeCommits } from '../cluster/catch-up.ts'
import { findHost } from '../cluster/find-host.ts'
import { LOG_STREAM } from '../cluster/message.ts'
import { endInStream, logInStream, type StreamEnd } from '../cluster/own-log.ts'
import type { Store } from '../ports.ts'
import { Replacement } from '../storage/replacement.ts'
import { openKeptLog, type KeptLog, type KeptPorts } from './kept-log.ts'
import type { Place } from './operations.ts'

export type RestorePorts = KeptPorts & { readonly openBus: OpenBus }

export type RestoreOptions = {
  /** How the servers are reached. Default: as the log says, if that can be read. */
  readonly access?: BusOptions
  /** Takes the cluster's history of this host even where the log here has another: that is put aside. */
  readonly dropFork?: boolean
  /** Says what would be done, and leaves all as it is. */
  readonly dryRun?: boolean
  /** Which host to become, where the directory is nobody's: a name, an id, or the beginning of that. */
  readonly host?: string
}

export type Restored = {
  /** `added`: at its end; `rebuilt`: from the first commit on; `nothing`: there was nothing to do. */
  readonly how: 'added' | 'nothing' | 'rebuilt'
  /** Where the store is now that was there; absent: there was none, or it is in its place. */
  readonly kept?: string
  readonly origin: Origin
  /** The last commit that was there before. 0: none. */
  readonly was: Seq
  /** The last commit that is there now. */
  readonly seq: Seq
}

/**
 * @throws {EngineError} ERR_INVALID: it is not known where the servers are, or which host is meant; ERR_STORE_LOCKED: an engine runs;
 *   ERR_NOT_RESTORED: the stream has not all that is missing; ERR_LOG_FORKED: two histories; ERR_CLUSTER_UNAVAILABLE.
 *   Nothing is changed then, but that what follows from the log's end may have been added.
 * @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS: the host
 */
export async function restore(
  place: Place,
  ports: RestorePorts,
  options: RestoreOptions = {},
): Promise<Restored> {
  const { kept, origin: own } = await openKeptLog(place, ports)
  const site = new Site(place, ports, kept)
  try {
    const bus = await ports.openBus(accessOf(options, kept), LOG_STREAM)
    try {
      const origin = await originFor(bus, options.host, own, ports.hash)
      return await site.restore(bus, origin, options)
    } finally {
      await bus.close()
    }
  } finally {
    await site.close()
  }
}

function accessOf({ access }: RestoreOptions, kept: KeptLog | undefined): BusOptions {
  const found = access ?? kept?.member ?? undefined
  if (found !== undefined) return found
  throw new EngineError('ERR_INVALID', 'the log here does not say where its cluster is: name its servers')
}

async function originFor(
  bus: Bus,
  ref: string | undefined,
  own: Origin | undefined,
  hash: Hash,
): Promise<Origin> {
  if (ref === undefined && own === undefined)
    throw new EngineError('ERR_INVALID', 'there is no log here: name the host whose log it is to be (--host)')
  if (ref === undefined) return own as Origin
  const meant = await findHost(bus, ref, hash)
  if (own === undefined || own === meant) return meant
  throw new EngineError(
    'ERR_EXISTS',
    `the data directory belongs to host ${own.slice(0, 12)}, not to ${meant.slice(0, 12)}; give an empty one`,
    { details: { origin: own } },
  )
}

/** The place where it happens. */
class Site {
  readonly #kept: KeptLog | undefined
  readonly #place: Place
  readonly #ports: RestorePorts
  #isClosed = false

  constructor(place: Place, ports: RestorePorts, kept: KeptLog | undefined) {
    this.#kept = kept
    this.#place = place
    this.#ports = ports
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#kept?.close()
  }

  async restore(bus: Bus, origin: Origin, options: RestoreOptions): Promise<Restored> {
    const end = await endInStream(bus, origin)
    if (end === undefined)
      throw new EngineError('ERR_NOT_FOUND', `the cluster has nothing of host ${origin.slice(0, 12)}`)
    const was = this.#kept?.log.durable.seq ?? GENESIS.seq
    if (this.#kept === undefined || this.#kept.isDamaged) return this.#rebuild(bus, origin, end, options)
    try {
      return await this.#add(bus, this.#kept, end, options)
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'ERR_LOG_FORKED') throw error
      if (options.dropFork !== true) throw forkedError(was, end.seq, error)
      return this.#rebuild(bus, origin, end, options)
    }
  }

  async #add(
    bus: Bus,
    { log, store }: KeptLog,
    end: StreamEnd,
    { dryRun }: RestoreOptions,
  ): Promise<Restored> {
    const { durable, origin } = log
    const done = { origin, was: durable.seq }
    if (end.seq <= durable.seq) {
      if (end.hash !== undefined && !(await log.holds({ hash: end.hash, seq: end.seq })))
        throw new EngineError('ERR_LOG_FORKED', `#${end.seq} is another in the cluster than here`)
      return { ...done, how: 'nothing', seq: durable.seq }
    }
    const epoch = await epochOf(log)
    const { hash } = this.#ports
    if (dryRun === true) {
      // Read to its end: what does not follow is told now.
      const wanted = { after: { ...durable, epoch }, end, hash, origin }
      let seq = durable.seq
      for await (const commits of logInStream(bus, wanted)) seq = commits.at(-1)?.seq ?? seq
      return { ...done, how: 'added', seq }
    }
    const added = await catchUp(bus, { epoch, hash, log, store })
    return { ...done, how: 'added', seq: added?.to ?? durable.seq }
  }

  async #rebuild(
    bus: Bus,
    origin: Origin,
    end: StreamEnd,
    { dropFork = false, dryRun = false }: RestoreOptions,
  ): Promise<Restored> {
    const replacement = await Replacement.begin(this.#place.dataDir)
    try {
      const seq = await this.#fill(replacement.store, bus, { end, hash: this.#ports.hash, origin }, dropFork)
      const done = { how: 'rebuilt', origin, seq, was: this.#kept?.log.durable.seq ?? GENESIS.seq } as const
      await this.close()
      if (dryRun) {
        await replacement.discard()
        return done
      }
      const kept = await replacement.keep(origin)
      return { ...done, ...(kept === undefined ? {} : { kept }) }
    } catch (error) {
      await replacement.discard()
      throw error
    }
  }

  /** @returns the last commit that is there then */
  async #fill(
    store: Store,
    bus: Bus,
    wanted: Parameters<typeof logInStream>[1],
    dropFork: boolean,
  ): Promise<Seq> {
    let head: Pick<Head, 'hash' | 'seq'> = GENESIS
    const add = async (commits: readonly RawCommit<AnyFact>[]): Promise<void> => {
      await writeCommits(store, commits)
      head = commits.at(-1) ?? head
    }
    for await (const commits of logInStream(bus, wanted)) await add(commits)
    const kept = this.#kept
    if (kept === undefined || dropFork) return head.seq
    // What was not published yet, and can be read, is taken over.
    for await (const commits of whatFollows(kept, head, wanted)) await add(commits)
    const { damage, durable } = kept.log
    const least = Math.max(durable.seq, damage?.to ?? damage?.from ?? 0)
    if (head.seq < least) throw notAll(head.seq, least)
    await mustHold(store, kept)
    return head.seq
  }
}

/** What a log has behind a commit, as far as it can be read. */
async function* whatFollows(
  { store }: KeptLog,
  after: Pick<Head, 'hash' | 'seq'>,
  { hash, origin }: { readonly hash: Hash; readonly origin: Origin },
): AsyncGenerator<readonly RawCommit<AnyFact>[], void, void> {
  try {
    yield* readChain<AnyFact>({ hash, origin, store, upcast: (commit) => commit }, after)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
  }
}

/** What could be read of the damaged log must be in the new one. */
async function mustHold(store: Store, { log }: KeptLog): Promise<void> {
  const { hash, seq } = log.durable
  if (seq === 0) return
  const row = await store.get(keys.commit(seq))
  if (row?.startsWith(hash) === true) return
  throw forkedError(seq, seq)
}

async function epochOf(log: KeptLog['log']): Promise<RawCommit['commit']['epoch']> {
  const { seq } = log.durable
  for await (const { epoch } of log.read({ from: seq, to: seq })) return epoch
  return 0 as RawCommit['commit']['epoch']
}

const forkedError = (here: Seq, there: Seq, cause?: unknown): EngineError =>
  new EngineError(
    'ERR_LOG_FORKED',
    `the log here (up to #${here}) and the cluster's of this host (up to #${there}) are two histories under one name: ` +
      "to go on with the cluster's, put this one aside (--drop-fork)",
    { cause, details: { here, there } },
  )

const notAll = (seq: Seq, least: number): EngineError =>
  new EngineError(
    'ERR_NOT_RESTORED',
    `the cluster has this host's log up to #${seq}, and what is damaged here goes up to #${least}: restore a backup`,
    { details: { from: seq + 1, to: least } },
  )
