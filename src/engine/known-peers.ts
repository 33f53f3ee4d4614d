/**
 * How far this host knows its peers' logs, for its own commits to say: what a decision could have known can be folded again from that.
 *
 * The first commit of an epoch says all of it, later ones what has changed since, so that a quiet cluster costs nothing. What is said
 * is on the disk with the commit that says it: peers' commits were written to the same store before.
 */
import type { Hash, Knows, Origin, Seq } from '../../events/index.ts'
import { PeerLogs } from '../cluster/peer-logs.ts'
import type { Store } from '../ports.ts'

export class KnownPeers {
  readonly #all: Map<Origin, Seq>
  /** What no commit says yet. */
  readonly #news: Set<Origin>

  private constructor(all: Map<Origin, Seq>) {
    this.#all = all
    this.#news = new Set(all.keys())
  }

  /** What a store has of peers; of a host that is alone, nothing. */
  static async of(store: Store, hash: Hash, isMember: boolean): Promise<KnownPeers> {
    const peers = isMember ? await new PeerLogs(store, hash).peers() : []
    return new KnownPeers(new Map(peers.filter(({ seq }) => seq > 0).map(({ origin, seq }) => [origin, seq])))
  }

  /** A peer's log is here up to a number, written to the store. */
  note(origin: Origin, seq: Seq): void {
    if (this.#all.get(origin) === seq) return
    this.#all.set(origin, seq)
    this.#news.add(origin)
  }

  /** What the next commit says; undefined: nothing. Keys are in order. */
  news(): Knows | undefined {
    if (this.#news.size === 0) return undefined
    const said = [...this.#news].sort().map((origin) => [origin, this.#all.get(origin)] as const)
    return Object.fromEntries(said) as Knows
  }

  /** A commit says it. */
  wereTold(): void {
    this.#news.clear()
  }
}
