/**
 * Peers' logs, beside the own one in the same store, each a chain of its own exactly as its owner wrote it, and how far the stream
 * was read.
 *
 * | part of the store    | key           | value                                                    |
 * | -------------------- | ------------- | -------------------------------------------------------- |
 * | `log-<origin>`       | `c` seq       | a commit, as in the own log (`events/store.ts`)            |
 * | `cluster`            | `p` origin    | {@link PeerRecord}: the head of it, and who it is          |
 * | `cluster`            | `settled`     | nothing: its write is synced, and what came before with it |
 * | `cluster`            | `stream`      | {@link Cursor}                                           |
 * | `cluster`            | `a` position  | {@link Arrival}: a run of commits, in the order they came |
 *
 * What comes in one message is written in one batch, its place in the stream with it. It is not synced: what a power cut takes is
 * read from the stream again. While somebody follows all hosts by one cursor it is synced, or a position could come to mean another commit.
 */
import type { AnyFact, Commit, Epoch, Hash, Instant, Origin, RawCommit, Seq } from '../../events/index.ts'
import { decodeCommit, EngineError, GENESIS } from '../../events/index.ts'
import { readChain } from '../../events/chain.ts'
import { keys } from '../../events/store.ts'
import type { Store } from '../ports.ts'
import { nextPosition, type Arrival } from './arrivals.ts'

/** How far the stream was read. */
export type Cursor = { readonly created: string; readonly seq: number }

/** What is known of a peer: the head of its log here, and what its log says of it. */
export type PeerRecord = {
  /** Time of its newest commit here. */
  readonly at: Instant
  /** Why its log is not taken any further; absent: it is. */
  readonly broken?: string
  readonly epoch: Epoch
  readonly hash: string
  /** The name it gave itself; absent: its first commits do not say. */
  readonly host?: string
  /** It said that it leaves. */
  readonly left?: boolean
  readonly origin: Origin
  readonly seq: Seq
}

export const unknownPeer = (origin: Origin): PeerRecord => ({
  at: GENESIS.at,
  epoch: 0 as Epoch,
  hash: GENESIS.hash,
  origin,
  seq: GENESIS.seq,
})

/** What stands beside commits that come. */
export type Arriving = { readonly isFollowed: boolean; readonly own: Seq }

/** More commits than a store will ever have. */
const POSITION_MAX = 2 ** 48 - 1

const arrivalKey = (position: number): string => `a${position.toString(16).padStart(12, '0')}`

const openPart = (store: Store, name: string) => store.sublevel(name)
type Part = ReturnType<typeof openPart>

/** Parts of stores. A store keeps each that was ever opened until it is closed, so each is opened once. */
const PARTS = new WeakMap<Store, Map<string, Part>>()

function partOf(store: Store, name: string): Part {
  const parts = PARTS.get(store) ?? new Map<string, Part>()
  PARTS.set(store, parts)
  const part = parts.get(name) ?? openPart(store, name)
  parts.set(name, part)
  return part
}

export class PeerLogs {
  readonly #hash: Hash
  /** The last run that came, if it was written here. */
  #last: Arrival | undefined
  readonly #store: Store

  constructor(store: Store, hash: Hash) {
    this.#hash = hash
    this.#store = store
  }

  async cursor(): Promise<Cursor | undefined> {
    const text = await this.#cluster.get('stream')
    return text === undefined ? undefined : (JSON.parse(text) as Cursor)
  }

  /** All peers that were ever heard of, by origin. */
  async peers(): Promise<readonly PeerRecord[]> {
    const found: PeerRecord[] = []
    for await (const text of this.#cluster.values({ gte: 'p', lt: 'q' }))
      found.push(JSON.parse(text) as PeerRecord)
    return found
  }

  /** The hash of a peer's commit; undefined: it is not here. */
  async hashOf(origin: Origin, seq: Seq): Promise<string | undefined> {
    return (await this.#log(origin).get(keys.commit(seq)))?.slice(0, GENESIS.hash.length)
  }

  /** The last run that came. */
  async lastArrival(): Promise<Arrival | undefined> {
    return this.arrivalAt(POSITION_MAX)
  }

  /** The last run that begins at a position or before. */
  async arrivalAt(position: number): Promise<Arrival | undefined> {
    const [text] = await this.#cluster
      .values({ gte: 'a', limit: 1, lte: arrivalKey(position), reverse: true })
      .all()
    return text === undefined ? undefined : (JSON.parse(text) as Arrival)
  }

  /** The runs that begin after a position, in order. */
  async *arrivalsAfter(position: number): AsyncGenerator<Arrival, void, void> {
    for await (const text of this.#cluster.values({ gt: arrivalKey(position), lt: 'b' }))
      yield JSON.parse(text) as Arrival
  }

  /**
   * Writes what a message brought: commits that follow the peer's head, what is known of the peer then, and the place in the stream.
   * @param arriving asked when it is about to be written: the newest own commit then, and whether it must not be lost any more
   */
  async take(
    cursor: Cursor,
    peer?: PeerRecord,
    commits: readonly RawCommit[] = [],
    arriving: () => Arriving = () => ({ isFollowed: false, own: 0 as Seq }),
  ): Promise<void> {
    const last = this.#last ?? (commits.length === 0 ? undefined : await this.lastArrival())
    const { isFollowed, own } = arriving()
    const batch = this.#store.batch()
    const [first, end] = [commits[0], commits.at(-1)]
    let arrival = last
    if (peer !== undefined && first !== undefined && end !== undefined) {
      const position = nextPosition(last, own)
      arrival = { from: first.seq, origin: peer.origin, own, position, to: end.seq }
      batch.put(arrivalKey(position), JSON.stringify(arrival), { sublevel: this.#cluster })
    }
    if (peer !== undefined) {
      const sublevel = this.#log(peer.origin)
      for (const { body, hash, seq } of commits) batch.put(keys.commit(seq), hash + body, { sublevel })
      batch.put(`p${peer.origin}`, JSON.stringify(peer), { sublevel: this.#cluster })
    }
    batch.put('stream', JSON.stringify(cursor), { sublevel: this.#cluster })
    // Whether it is there is not known if the write fails.
    this.#last = undefined
    await batch.write({ sync: isFollowed } as object)
    this.#last = arrival
  }

  /** Lets what came so far be on the disk: whoever is told positions of it may keep them. */
  async settle(): Promise<void> {
    await this.#cluster.put('settled', '', { sync: true } as object)
  }

  /** Where a peer's commits lie, laid out as a log of its own. */
  storeOf(origin: Origin): Store {
    return this.#log(origin)
  }

  /** A peer's commits, verified on the way. @throws {EngineError} ERR_LOG_DAMAGED while iterating */
  async *read(origin: Origin, from: Seq, to: Seq): AsyncGenerator<Commit<AnyFact>, void, void> {
    const source = {
      hash: this.#hash,
      origin,
      store: this.storeOf(origin),
      upcast: (commit: Commit): Commit => commit,
    }
    const hash = from === 1 ? GENESIS.hash : await this.hashOf(origin, (from - 1) as Seq)
    if (hash === undefined)
      throw new EngineError('ERR_NOT_FOUND', `#${from - 1} of host ${origin.slice(0, 12)} is not here`)
    for await (const chunk of readChain<AnyFact>(source, { hash, seq: (from - 1) as Seq }, { to }))
      for (const { commit } of chunk) yield commit
  }

  get #cluster(): Part {
    return partOf(this.#store, 'cluster')
  }

  #log(origin: Origin): Part {
    return partOf(this.#store, `log-${origin}`)
  }
}

/** The record of a peer with one more commit. */
export function grown(peer: PeerRecord, { commit, hash, seq }: RawCommit<AnyFact>): PeerRecord {
  let next: PeerRecord = { ...peer, at: commit.at, epoch: commit.epoch, hash, seq }
  for (const fact of commit.facts) {
    if (fact.type === 'ClusterJoined') next = { ...next, host: fact.data.host, left: false }
    if (fact.type === 'ClusterLeft') next = { ...next, left: true }
  }
  return next
}

/**
 * The commits of these texts, if they follow a peer's head link by link.
 * @param end hash that the last must have
 * @returns why they do not, otherwise
 */
export function followOn(
  peer: PeerRecord,
  bodies: readonly string[],
  end: string,
  hash: Hash,
): { readonly commits: readonly RawCommit<AnyFact>[] } | { readonly why: string } {
  const commits: RawCommit<AnyFact>[] = []
  let last: { readonly hash: string; readonly seq: Seq } = peer
  for (const body of bodies) {
    const seq = (last.seq + 1) as Seq
    let commit: Commit<AnyFact>
    try {
      commit = decodeCommit<AnyFact>(body)
    } catch {
      return { why: `#${seq} is no commit` }
    }
    if (commit.origin !== peer.origin) return { why: `#${seq} is of origin ${commit.origin}` }
    if (commit.seq !== seq) return { why: `#${commit.seq} comes where #${seq} should` }
    if (commit.prev !== last.hash) return { why: `#${seq} names another predecessor` }
    if (commit.epoch < peer.epoch) return { why: `#${seq} is of epoch ${commit.epoch}, after ${peer.epoch}` }
    last = { hash: hash(body), seq }
    commits.push({ body, commit, ...last })
  }
  return last.hash === end ? { commits } : { why: `#${last.seq} has another hash than was said` }
}
