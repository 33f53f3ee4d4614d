/**
 * A peer's log as it is kept here, to be asked as the own one is: read, searched, folded. There are no snapshots of it, so that a look at
 * its past folds from its first commit on.
 */
import type { AnyFact, Commit, Hash, Instant, Origin, Seq, SeqRange, Stream } from '../../events/index.ts'
import { FACT_VERSIONS, isLast, UPCASTERS, upcastBy } from '../../events/index.ts'
import { damageError, findIn, GENESIS, readChain, type Link } from '../../events/chain.ts'
import { StreamIndex } from '../../events/streams.ts'
import { TopologyFold, type Topology } from '../../projections/index.ts'
import type { Store } from '../ports.ts'
import { PeerLogs, type PeerRecord } from './peer-logs.ts'

/** A commit or a time: all up to it, itself included. */
export type Until = { readonly at: Instant } | { readonly seq: Seq }

/** How things were on a peer. */
export type PeerTopology = { readonly at?: Instant; readonly seq: Seq; readonly topology: Topology }

export class PeerLog {
  readonly peer: PeerRecord
  readonly #logs: PeerLogs
  readonly #source: Parameters<typeof findIn>[0] & Parameters<typeof readChain>[0]
  #streams: StreamIndex | undefined

  constructor(store: Store, hash: Hash, peer: PeerRecord) {
    this.peer = peer
    this.#logs = new PeerLogs(store, hash)
    this.#source = {
      hash,
      origin: peer.origin,
      store: this.#logs.storeOf(peer.origin),
      upcast: upcastBy(UPCASTERS, FACT_VERSIONS),
    }
  }

  /** What is here is all there is: as a log's two heads. */
  get decided(): Pick<PeerRecord, 'at' | 'hash' | 'seq'> {
    return this.peer
  }
  get durable(): Pick<PeerRecord, 'at' | 'hash' | 'seq'> {
    return this.peer
  }
  async flush(): Promise<void> {
    // Nothing is on its way to the disk.
  }

  get origin(): Origin {
    return this.peer.origin
  }

  /** Numbers of the commits whose text fits, as `Log.find`. */
  find(fits: (text: string) => boolean, { from, to }: SeqRange = {}): AsyncIterable<Seq> {
    return findIn(this.#source, fits, { from, to: this.#last(to) })
  }

  /** @throws {EngineError} ERR_LOG_DAMAGED, ERR_LOG_NEWER while iterating */
  async *read({ from = 1 as Seq, to }: SeqRange = {}): AsyncGenerator<Commit<AnyFact>, void, void> {
    const last = this.#last(to)
    if (from > last) return
    for await (const chunk of readChain<AnyFact>(this.#source, await this.#before(from), { to: last }))
      for (const { commit } of chunk) yield commit
  }

  /** Whether something is there still: as `Log.versionOf`, after {@link follow}. */
  versionOf(stream: Stream): number {
    return this.#streams?.of(stream) ?? 0
  }

  /** Reads all of it, so that {@link versionOf} knows. @returns how things are at its end */
  async follow(): Promise<Topology> {
    const streams = new StreamIndex([], isLast)
    const fold = new TopologyFold()
    for await (const commit of this.read()) {
      streams.follow(commit)
      fold.add([commit])
    }
    this.#streams = streams
    return fold.topology()
  }

  /** What users of that host saw at a moment, that commit included. */
  async topologyAsOf(until: Until): Promise<PeerTopology> {
    const fold = new TopologyFold()
    let last: Commit | undefined
    for await (const commit of this.read('seq' in until ? { to: until.seq } : {})) {
      if ('at' in until && commit.at > until.at) break
      fold.add([commit])
      last = commit
    }
    return { ...(last ? { at: last.at } : {}), seq: last?.seq ?? (0 as Seq), topology: fold.topology() }
  }

  #last(to: number | undefined): Seq {
    return Math.min(to ?? Infinity, this.peer.seq) as Seq
  }

  async #before(from: Seq): Promise<Link> {
    if (from === 1) return GENESIS
    const seq = (from - 1) as Seq
    const hash = await this.#logs.hashOf(this.origin, seq)
    if (hash === undefined) throw damageError(seq, 'it is missing')
    return { hash, seq }
  }
}
