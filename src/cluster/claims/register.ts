/**
 * Claiming, and giving up, on the bus: one round trip where nobody else wants the same. Who has a thing is read from the table
 * first; that the table was right is proved by the publish alone, for it names the message that the table has.
 */
import type { Cidr, Hash, Instant, Member, NetworkId, Origin } from '../../../events/index.ts'
import { cidrFrom, EngineError, overlaps, REST_MS } from '../../../events/index.ts'
import type { Bus } from '../../bus/bus.ts'
import { instant } from '../../engine/instant.ts'
import { addressClaim } from './grants.ts'
import {
  claimMessage,
  type AddressClaim,
  type ClaimBody,
  type First,
  type HostClaim,
  type PoolClaim,
  type Said,
  type Tombstone,
} from './message.ts'
import { put } from './put.ts'
import { standingOf, type Standing } from './standing.ts'
import { hostKey, POOLS_SUBJECT, poolClaimKey, subjectOf } from './subjects.ts'
import type { ClaimTable, Head } from './table.ts'

/** What came of a claim. `seq` is the message's number, of a pool that of the message before. */
export type Claimed =
  | { readonly first: First; readonly kind: 'granted'; readonly seq: number }
  | { readonly head: Head; readonly kind: 'taken'; readonly standing: Standing }

/** A thing that was given up. */
export type GivenUp = { readonly restsUntil: Instant; readonly seq: number }

export type RegisterOptions = {
  readonly bus: Bus
  readonly hash: Hash
  readonly nowMs: () => number
  readonly pause: (ms: number) => Promise<void>
  /** Who claims, now. */
  readonly said: () => Said
  readonly table: ClaimTable
}

/** Most pools of a cluster, those included that rest. */
export const POOLS_MAX = 1024
/** How often somebody else may come first before it is given up. */
const TRIES_MAX = 32

export class Register {
  readonly table: ClaimTable
  readonly #bus: Bus
  readonly #hash: Hash
  readonly #nowMs: () => number
  readonly #pause: (ms: number) => Promise<void>
  readonly #said: () => Said

  constructor({ bus, hash, nowMs, pause, said, table }: RegisterOptions) {
    this.table = table
    this.#bus = bus
    this.#hash = hash
    this.#nowMs = nowMs
    this.#pause = pause
    this.#said = said
  }

  /** Who claims, and when. */
  said(): Said {
    return this.#said()
  }

  /**
   * Whether the stream still has what was read of it: as many messages, the newest of them, and the last of each of these things.
   * Many alone prove nothing: who lost some and was told others has as many.
   * @throws {EngineError} ERR_CLUSTER_UNAVAILABLE
   */
  async isWhole(keys: readonly string[]): Promise<boolean> {
    const { created, lastSeq } = await this.#bus.state()
    if (created !== this.table.stream || lastSeq < this.table.seq) return false
    const { newest } = this.table
    const subjects = new Set([...keys.map(subjectOf), ...(newest === undefined ? [] : [newest])])
    const still = await Promise.all([...subjects].map((subject) => this.#isStillThere(subject)))
    return still.every((is) => is)
  }

  async #isStillThere(subject: string): Promise<boolean> {
    const read = this.table.last(subject)
    if (read === undefined) return true
    const last = await this.#bus.last(subject)
    if (last === undefined || last.seq < read.seq) return false
    if (last.seq === read.seq) return last.id === read.id
    // What is newer comes yet, or came meanwhile: else it was given a number again that was read past, and never comes.
    return last.seq > this.table.seq || (this.table.last(subject)?.seq ?? 0) >= last.seq
  }

  get origin(): Origin {
    return this.#said().by
  }

  /** This host, as others call it. */
  get self(): Member {
    const { by: origin, host } = this.#said()
    return { host, origin }
  }

  standing(head: Head | undefined): Standing {
    return standingOf(head, this.table, this.#nowMs())
  }

  /** Pools that overlap one of a network and that somebody has, or that rest: but those of that network that are ours. */
  overlapping(cidr: Cidr, network: NetworkId): readonly Head[] {
    const prefix = cidrFrom(cidr)
    return this.table
      .heads()
      .filter(
        (head) =>
          head.kind === 'pool' &&
          head.cidr !== undefined &&
          overlaps(cidrFrom(head.cidr), prefix) &&
          !(head.network === network && head.by === this.origin) &&
          this.standing(head).state !== 'free',
      )
  }

  /** Blocks of a network, and its addresses for services, that other hosts have: they are on it. */
  usersElsewhere(network: NetworkId): readonly Head[] {
    return this.table.heads().filter((head) => {
      const isUse = head.kind === 'block' || head.kind === 'vip'
      if (!isUse || head.network !== network || head.by === this.origin) return false
      const { state } = this.standing(head)
      return state === 'frozen' || state === 'held'
    })
  }

  /**
   * Claims a name with its definition, or a block, if it is free.
   * @param by what claims it: a command's id. The same one gets what it got before
   * @param over claims it although somebody else has it: what was lost to a mistake of the servers
   * @throws {EngineError} ERR_CLUSTER_UNAVAILABLE
   */
  async claim(
    key: string,
    by: string,
    body: Exclude<ClaimBody, { readonly kind: 'host' | 'pools' }>,
    over = false,
  ): Promise<Claimed> {
    const subject = subjectOf(key)
    const id = `${this.origin}:${by}:${key}`
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const last = this.table.last(subject)
      const head = this.table.head(key)
      if (head !== undefined && last?.id.startsWith(`${id}+`) === true)
        return { first: head.first, kind: 'granted', seq: head.seq }
      const standing = this.standing(head)
      if (standing.state !== 'free' && !over && head !== undefined) return { head, kind: 'taken', standing }
      const seq = await this.#put(subject, id, body, last?.seq ?? 0)
      if (seq !== undefined)
        return { first: this.table.head(key)?.first ?? this.#place(seq), kind: 'granted', seq }
    }
    throw crowded(key)
  }

  /**
   * Claims pools of one network, all or none.
   * @returns the grants in the order of the pools; or the first pool of another network that one of them overlaps
   */
  async claimPools(
    by: string,
    network: NetworkId,
    cidrs: readonly Cidr[],
    over: { readonly behind?: First } = {},
  ): Promise<readonly Claimed[]> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const last = this.table.last(POOLS_SUBJECT)
      const [pools, missing] = [this.#pools(), cidrs.filter((cidr) => !this.#isOurs(cidr, network))]
      const claims = (): readonly Claimed[] =>
        cidrs.map((cidr) => granted(this.table.head(poolClaimKey(cidr))))
      if (missing.length === 0) return claims()
      const inTheWay = missing.flatMap((cidr) => this.overlapping(cidr, network))
      if (inTheWay.length > 0 && over.behind === undefined)
        return inTheWay.map((head) => ({ head, kind: 'taken', standing: this.standing(head) }))
      const { by: origin, host } = this.#said()
      const behind = over.behind ?? this.#place(last?.seq ?? 0)
      const added = missing.map((cidr): PoolClaim => ({ behind, by: origin, cidr, host, network }))
      const rest = pools.filter(
        ({ cidr }) => !missing.includes(cidr) && !inTheWay.some((head) => head.cidr === cidr),
      )
      if ((await this.#putPools(by, [...rest, ...added], last?.seq ?? 0)) !== undefined) return claims()
    }
    throw crowded('pools')
  }

  /**
   * Gives up what is ours; undefined: it is not ours (any more).
   * @param restMs how long it rests then; 0 for what was never used, unless another host has users in it, which must hear of it
   * @throws {EngineError} ERR_CLUSTER_UNAVAILABLE
   */
  async release(key: string, by: string, restMs: number = REST_MS): Promise<GivenUp | undefined> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const head = this.table.head(key)
      if (head?.by !== this.origin) return undefined
      if (head.restsUntil !== undefined) return { restsUntil: head.restsUntil, seq: head.seq }
      const restsUntil = this.#later(head.contested ? REST_MS : restMs)
      const seq =
        head.kind === 'pool'
          ? await this.#releasePool(head, by, restsUntil)
          : await this.#bury(head, by, restsUntil)
      if (seq !== undefined) return { restsUntil, seq }
    }
    throw crowded(key)
  }

  /** Says that the block of another host is used here as well. Its host gives nothing more out of it then. */
  async contest(key: string, by: string): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const last = this.table.last(subjectOf(key))
      const body = last?.body
      if (body?.kind !== 'block' || body.state !== 'held' || body.by === this.origin || body.contested) return
      const contested = {
        ...body,
        contested: true as const,
        first: body.first ?? this.#place(last?.seq ?? 0),
      }
      const put = await this.#put(
        subjectOf(key),
        `${this.origin}:${by}:contest ${key}`,
        contested,
        last?.seq ?? 0,
      )
      if (put !== undefined) return
    }
    throw crowded(key)
  }

  /** Says how a host stands. @returns undefined: somebody else said something of it meanwhile */
  async tellHost(origin: Origin, by: string, state: HostClaim['state']): Promise<number | undefined> {
    const subject = subjectOf(hostKey(origin))
    const body: HostClaim = {
      ...this.#said(),
      kind: 'host',
      origin,
      ...(state === 'dead' ? { restsUntil: this.#later(REST_MS) } : {}),
      state,
    }
    return this.#put(
      subject,
      `${this.origin}:${by}:${hostKey(origin)}`,
      body,
      this.table.last(subject)?.seq ?? 0,
    )
  }

  /** Says how an address stands, behind the message that was seen of it. @returns undefined: something else was said meanwhile */
  async tellAddress(
    key: string,
    by: string,
    body: AddressClaim,
    behind: number,
  ): Promise<number | undefined> {
    return this.#put(subjectOf(key), `${this.origin}:${by}:${key}`, body, behind)
  }

  /** A thing's last message as the servers have it now. @throws {EngineError} ERR_CLUSTER_UNAVAILABLE */
  async look(key: string): Promise<Head | undefined> {
    const last = await this.#bus.last(subjectOf(key))
    if (last !== undefined) this.table.note(last)
    return this.table.head(key)
  }

  #bury(head: Head, by: string, restsUntil: Instant): Promise<number | undefined> {
    const { cidr, key, kind, name, network, seq, subnet, vni } = head
    const last = this.table.last(subjectOf(key))?.body
    const body: ClaimBody =
      last?.kind === 'address'
        ? addressClaim(this.#said(), last, 'released', { restsUntil })
        : {
            ...this.#said(),
            ...(cidr === undefined ? {} : { cidr }),
            kind: kind as Tombstone['kind'],
            ...(name === undefined ? {} : { name }),
            network,
            restsUntil,
            state: 'released',
            ...(subnet === undefined ? {} : { subnet }),
            ...(vni === undefined ? {} : { vni }),
          }
    return this.#put(subjectOf(key), `${this.origin}:${by}:end of ${key}`, body, seq)
  }

  #releasePool({ cidr, network }: Head, by: string, restsUntil: Instant): Promise<number | undefined> {
    const pools = this.#pools().map((pool) =>
      pool.cidr === cidr && pool.network === network ? { ...pool, restsUntil } : pool,
    )
    return this.#putPools(by, pools, this.table.last(POOLS_SUBJECT)?.seq ?? 0)
  }

  #putPools(by: string, pools: readonly PoolClaim[], expect: number): Promise<number | undefined> {
    if (pools.length > POOLS_MAX)
      throw new EngineError(
        'ERR_ADDRESS_EXHAUSTED',
        `the cluster has ${POOLS_MAX} pools, and takes no more; delete networks`,
      )
    const body: ClaimBody = { ...this.#said(), kind: 'pools', pools: pools.map(inOrder) }
    return this.#put(POOLS_SUBJECT, `${this.origin}:${by}:pools`, body, expect)
  }

  /** @returns undefined: another message came first, and is in the table now */
  async #put(subject: string, id: string, body: ClaimBody, expect: number): Promise<number | undefined> {
    // With its expectation in its id: servers know an id again that was buried since.
    const message = claimMessage(body, { hash: this.#hash, id: `${id}+${expect}`, subject })
    const outcome = await put(this.#bus, message, expect, this.#pause)
    switch (outcome.kind) {
      case 'stored':
        this.table.note({ ...message, seq: outcome.seq })
        return outcome.seq
      case 'full':
        throw new EngineError(
          'ERR_CLUSTER_UNAVAILABLE',
          `the cluster's servers take no more claims (${outcome.why}): give the stream more room`,
        )
      case 'refused':
        if (outcome.last === undefined || outcome.last.seq < expect) throw lost()
        this.table.note(outcome.last)
        return undefined
    }
  }

  /** All pools that are held or rest. */
  #pools(): readonly PoolClaim[] {
    const body = this.table.last(POOLS_SUBJECT)?.body
    const pools = body?.kind === 'pools' ? body.pools : []
    return pools.filter(
      ({ restsUntil }) => restsUntil === undefined || Date.parse(restsUntil) > this.#nowMs(),
    )
  }

  #isOurs(cidr: Cidr, network: NetworkId): boolean {
    const head = this.table.head(poolClaimKey(cidr))
    return head?.by === this.origin && head.network === network && head.restsUntil === undefined
  }

  #place(seq: number): First {
    return { seq, stream: this.table.stream }
  }

  #later(ms: number): Instant {
    return instant(this.#nowMs() + ms)
  }
}

const granted = (head: Head | undefined): Claimed => {
  if (head === undefined) throw lost()
  return { first: head.first, kind: 'granted', seq: head.seq }
}

const inOrder = ({ behind: { seq, stream }, by, cidr, host, network, restsUntil }: PoolClaim): PoolClaim => ({
  behind: { seq, stream },
  by,
  cidr,
  host,
  network,
  ...(restsUntil === undefined ? {} : { restsUntil }),
})

const lost = (): EngineError =>
  new EngineError(
    'ERR_CLUSTER_UNAVAILABLE',
    "the cluster's servers lost a claim that they had: it is looked at anew; ask again in a moment",
  )

const crowded = (key: string): EngineError =>
  new EngineError(
    'ERR_CLUSTER_UNAVAILABLE',
    `others came first ${TRIES_MAX} times (${key}); ask again in a moment`,
  )
