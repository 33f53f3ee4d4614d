/**
 * Reads the stream of all hosts' logs and keeps each peer's beside the own one, verified link by link, each commit once.
 *
 * A log that does not fit is taken no further, and why is kept; the others go on. Numbers of the stream that are missing, or
 * messages that come again, change nothing: what follows a peer's head is taken, what is there is compared.
 */
import type { AnyFact, Hash, Origin, RawCommit } from '../../events/index.ts'
import type { Bus, BusMessage, StreamState } from '../bus/bus.ts'
import { bodiesIn, headIn, originOf, subjectOf, wholeTo, type RunHead } from './message.ts'
import { Parts } from './parts.ts'
import {
  followOn,
  grown,
  unknownPeer,
  type Arriving,
  type Cursor,
  type PeerLogs,
  type PeerRecord,
} from './peer-logs.ts'

/** Messages without news after which the place in the stream is kept all the same. */
const UNKEPT_MAX = 256

export type ImporterOptions = {
  /** What stands beside commits that come. */
  readonly arriving?: () => Arriving
  readonly hash: Hash
  readonly logs: PeerLogs
  /** Hears of each commit that was taken, and of peers whose log is taken no further. */
  readonly onPeer?: (peer: PeerRecord, commits: readonly RawCommit<AnyFact>[]) => void
  /** Our own log is in the stream as well. */
  readonly origin: Origin
}

export class Importer {
  /** Where the stream was read to. */
  cursor: Cursor = { created: '', seq: 0 }
  /** Settles when what is being written is there; absent: nothing is. */
  taking: Promise<void> | undefined
  /** The first commit of a peer that was not in the stream when all of that was read. */
  readonly #missing = new Map<Origin, number>()
  readonly #options: ImporterOptions
  readonly #parts = new Parts()
  readonly #peers = new Map<Origin, PeerRecord>()
  #unkept = 0

  private constructor(options: ImporterOptions) {
    this.#options = options
  }

  static async open(options: ImporterOptions): Promise<Importer> {
    const importer = new Importer(options)
    for (const peer of await options.logs.peers()) importer.#peers.set(peer.origin, peer)
    importer.cursor = (await options.logs.cursor()) ?? importer.cursor
    return importer
  }

  get peers(): readonly PeerRecord[] {
    return [...this.#peers.values()]
  }

  /** Reads until it is told to end. @throws {EngineError} ERR_CLUSTER_UNAVAILABLE: begin again later */
  async run(bus: Bus, end: Promise<void>): Promise<void> {
    const state = await bus.state()
    const { created } = state
    // Another stream, or one that lost its end: its numbers say nothing of what was read. All of it is read, and what is known passes by.
    if (await this.misses(bus, state)) this.cursor = { created, seq: 0 }
    this.cursor = { created, seq: this.#parts.wholeUpTo(this.cursor.seq) }
    this.#parts.clear()
    for await (const message of bus.follow(this.cursor.seq + 1, end)) {
      if (this.#isNewGap(message)) return this.#again(bus, end)
      await this.#take(message)
    }
  }

  /** Whether the stream has something that was not read, where it was read: it is another, or gave numbers a second time. */
  async misses(bus: Bus, state: StreamState): Promise<boolean> {
    const { created, seq } = this.cursor
    if (state.created !== created || state.lastSeq < seq) return true
    for (const peer of this.#peers.values()) {
      const last = await bus.last(subjectOf(peer.origin))
      const head = last && headIn(last)
      if (head === undefined || last === undefined || last.seq > seq || peer.broken !== undefined) continue
      if (wholeTo(head) > peer.seq) return true
    }
    return false
  }

  /** From the first message on: what is missing then is not in the stream. */
  #again(bus: Bus, end: Promise<void>): Promise<void> {
    this.cursor = { created: '', seq: 0 }
    return this.run(bus, end)
  }

  /** Whether commits are missing before a message: numbers may have been given a second time. Each gap is told once. */
  #isNewGap(message: BusMessage): boolean {
    const origin = originOf(message.subject)
    const head = headIn(message)
    if (origin === undefined || head === undefined || origin === this.#options.origin) return false
    const next = (this.#peers.get(origin)?.seq ?? 0) + 1
    if (head.from <= next || this.#missing.get(origin) === next) return false
    this.#missing.set(origin, next)
    return true
  }

  async #take(message: BusMessage): Promise<void> {
    const origin = originOf(message.subject)
    const head = headIn(message)
    const isNews = origin !== undefined && head !== undefined && origin !== this.#options.origin
    const news = isNews ? await this.#newsIn(origin, head, message) : undefined
    if (news !== undefined || ++this.#unkept >= UNKEPT_MAX) {
      this.#unkept = 0
      const kept = { ...this.cursor, seq: this.#parts.wholeUpTo(message.seq) }
      const { arriving, logs } = this.#options
      const taking = logs.take(kept, news?.peer, news?.commits, arriving)
      this.taking = taking.then(
        () => void (this.taking = undefined),
        () => void (this.taking = undefined),
      )
      await taking
    }
    this.cursor = { ...this.cursor, seq: message.seq }
    if (news === undefined) return
    this.#peers.set(news.peer.origin, news.peer)
    this.#options.onPeer?.(news.peer, news.commits)
  }

  /** What a message brings of a peer; undefined: nothing that is not known. */
  async #newsIn(origin: Origin, head: RunHead, message: BusMessage): Promise<News | undefined> {
    const peer = this.#peers.get(origin) ?? unknownPeer(origin)
    const whole = this.#parts.join(origin, head, message)
    if (whole === undefined) return undefined
    if (head.to <= peer.seq) return this.#compare(peer, head)
    if (head.from > peer.seq + 1)
      return broken(peer, `#${peer.seq + 1} to #${head.from - 1} are not in the stream`)
    const bodies = bodiesIn(whole).slice(peer.seq + 1 - head.from)
    const followed = followOn(peer, bodies, head.hash, this.#options.hash)
    if ('why' in followed) return broken(peer, followed.why)
    return { commits: followed.commits, peer: followed.commits.reduce(grown, mended(peer)) }
  }

  /** What is there already must be the same. */
  async #compare(peer: PeerRecord, head: RunHead): Promise<News | undefined> {
    const known = head.to === peer.seq ? peer.hash : await this.#options.logs.hashOf(peer.origin, head.to)
    if (known === head.hash) return undefined
    return broken(peer, `#${head.to} comes a second time, and is another: two histories bear one name`)
  }
}

type News = { readonly commits: readonly RawCommit<AnyFact>[]; readonly peer: PeerRecord }

/** Told once: a peer that is broken already stays as it is. */
const broken = (peer: PeerRecord, why: string): News | undefined =>
  peer.broken === why ? undefined : { commits: [], peer: { ...peer, broken: why } }

function mended({ broken: _mended, ...peer }: PeerRecord): PeerRecord {
  return peer
}
