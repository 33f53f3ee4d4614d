/**
 * A host among others: follows what its own log says of a membership, and tells how it stands. The log decides (`ClusterJoined`,
 * `ClusterLeft`); this only does what it says.
 */
import type { AnyFact, ClusterJoined, CommandData, Commit, Seq } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import type { Bus, BusOptions } from '../bus/bus.ts'
import type { Happened } from './arrivals.ts'
import { isAhead } from './catch-up.ts'
import { followAll, type Followed, type HistoryRange } from './follow-all.ts'
import { isDead } from './claims/dead.ts'
import { CLAIM_STREAM } from './claims/subjects.ts'
import { nameTaken, namesakesIn, type Namesake } from './host-names.ts'
import { LOG_STREAM } from './message.ts'
import { PeerLogs } from './peer-logs.ts'
import { membershipOf, peerCommits, restingStatus, type Kept, type PeerRange } from './resting.ts'
import { busOf, Session, type Home } from './session.ts'
import type { ClusterStatus } from './status.ts'

/** What goes with a membership. */
export type Companion = {
  readonly align: (member: ClusterJoined['data'] | null) => Promise<void>
  readonly close: () => Promise<void>
}

export class Cluster {
  readonly #home: Home
  #followers = 0
  readonly #listeners = new Set<() => void>()
  #aligned: Promise<void> = Promise.resolve()
  #companion: Companion | undefined
  #session: Session | undefined

  constructor(home: Home) {
    this.#home = {
      ...home,
      arriving: () => ({ isFollowed: this.#followers > 0, own: home.log().durable.seq }),
      onPeer: (peer, commits) => {
        home.onPeer(peer, commits)
        for (const listener of this.#listeners) listener()
      },
    }
  }

  /** Is told of every membership from now on, after it begins and before it ends. */
  accompany(companion: Companion): void {
    this.#companion = companion
  }

  /**
   * Whether the servers answer and may be used, know no more of this host than it does itself, and no other host of its name.
   * @param now what this host is called already: nobody asks for that again
   * @throws {EngineError} as {@link OpenBus} says; ERR_LOG_BEHIND: this is an older copy of what was published there
   * @throws {RefusedError} ERR_EXISTS: another host is called so, and is not dead
   */
  async check({ host, ...access }: CommandData['cluster.join'], now?: string): Promise<void> {
    const log = this.#home.log()
    let namesakes: readonly Namesake[] = []
    await this.#open(access, LOG_STREAM, async (bus) => {
      if (await isAhead(bus, log)) throw olderCopy(log.durable.seq)
      if (host !== now) namesakes = await namesakesIn(bus, host, log.origin)
    })
    await this.#open(access, CLAIM_STREAM, async (bus) => {
      for (const namesake of namesakes)
        if (!(await isDead(bus, namesake.origin, this.#home.ports.hash)))
          throw nameTaken(host, namesake, access.servers)
    })
  }

  async #open(
    access: BusOptions,
    stream: typeof CLAIM_STREAM | typeof LOG_STREAM,
    use: (bus: Bus) => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const bus = await busOf(this.#home.ports)(access, stream)
    try {
      await use(bus)
    } finally {
      await bus.close()
    }
  }

  /**
   * Does from now on what the log says: what was before is ended first. @param access null: nothing is followed
   * @param said the commit that says so: the last that is published where we were
   */
  align(access: ClusterJoined['data'] | null, said?: Seq): Promise<void> {
    return (this.#aligned = this.#aligned.then(async () => {
      if (access === null) await this.#companion?.align(null)
      await this.#session?.close(access === null ? said : undefined)
      this.#session = access === null ? undefined : new Session(access, this.#home)
      if (access !== null) await this.#companion?.align(access)
    }))
  }

  async close(): Promise<void> {
    await this.#companion?.close()
    await this.align(null)
  }

  /** @param member what the log says */
  async status(member: ClusterJoined['data'] | null): Promise<ClusterStatus> {
    const session = this.#session
    const log = this.#home.log()
    // Who has just left may still be saying so.
    if (session === undefined || member === null) return restingStatus(this.kept, log.origin, member)
    let silence: EngineError | undefined
    const stream = await session.stream().catch((error: unknown) => {
      if (error instanceof EngineError) silence = error
      return undefined
    })
    const peers = await session.peersIn(stream).catch(() => session.peers)
    const { published, read, server } = session
    const problem = session.problem ?? silence
    const state = silence !== undefined && session.state === 'connected' ? 'connecting' : session.state
    return {
      ...membershipOf(member),
      origin: log.origin,
      peers: peers ?? (await restingStatus(this.kept, log.origin, member)).peers,
      ...(problem ? { problem: { code: problem.code, message: problem.message } } : {}),
      ...(published ? { published: { of: log.durable.seq, seq: published.next - 1 } } : {}),
      ...(server ? { server } : {}),
      state,
      ...(stream ? { stream: { ...stream, read } } : {}),
    }
  }

  /** All logs that are here, in the order in which they came. @param logAfter the log after one that has ended */
  async *history(range: HistoryRange, logAfter: Followed['logAfter']): AsyncGenerator<Happened, void, void> {
    const { log, logEnds, ports, store } = this.#home
    const onNews: Followed['onNews'] = (listener) => {
      this.#listeners.add(listener)
      return () => void this.#listeners.delete(listener)
    }
    const taken = async (): Promise<void> => this.#session?.taken()
    this.#followers++
    try {
      await taken()
      if (this.#session !== undefined) await new PeerLogs(store(), ports.hash).settle()
      yield* followAll({ hash: ports.hash, log, logAfter, logEnds, onNews, store, taken }, range)
    } finally {
      this.#followers--
    }
  }

  /** Whether it is this log that the servers have under its name, as far as is known: then it may speak for this host. */
  get isPublishing(): boolean {
    return this.#session?.state === 'connected' && this.#session.published !== undefined
  }

  /** All other hosts that were ever heard of. */
  async peers(): Promise<ClusterStatus['peers']> {
    return this.#session?.peers ?? (await restingStatus(this.kept, this.#home.log().origin, null)).peers
  }

  /** A peer's commits, as {@link peerCommits}. */
  commits(ref: string, range: PeerRange = {}): AsyncIterable<Commit<AnyFact>> {
    return peerCommits(this.kept, ref, range)
  }

  /** Where what is known of peers lies. */
  get kept(): Kept {
    return { hash: this.#home.ports.hash, store: this.#home.store() }
  }
}

const olderCopy = (seq: Seq): EngineError =>
  new EngineError(
    'ERR_LOG_BEHIND',
    `the cluster has more of this host's log than #${seq}, where it ends here: this is an older copy. ` +
      'End the engine, and run chronet cluster restore with these servers',
    { details: { head: seq } },
  )
