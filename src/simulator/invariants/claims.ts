/**
 * What the servers of a cluster were told of claims, by a model of its own: nobody claims or gives up anything before he has read what
 * there is (C5), what somebody has is taken from nobody (A9), not from one who was put out either (C8), pools and blocks do not overlap
 * (A3), and what was used rests before somebody else has it (A11).
 *
 * From the moment at which the servers lose claims, what one has may rightly be granted to another: then nothing of it is judged but C5,
 * and what hosts make of it in the end is (C7).
 */
import {
  cidrFrom,
  overlaps,
  type Cidr,
  type ClaimGranted,
  type Instant,
  type Origin,
  REST_MS,
} from '../../../events/index.ts'
import type { BusMessage, Outgoing } from '../../bus/bus.ts'
import { claimIn, type ClaimBody, type HostClaim, type PoolClaim } from '../../cluster/claims/message.ts'
import { CLAIM_STREAM, keyOfSubject, poolClaimKey, POOLS_SUBJECT } from '../../cluster/claims/subjects.ts'
import { sha256 } from '../../system/hash.ts'
import type { Stored } from '../arbiter.ts'
import type { Ledger } from './invariant.ts'

type ThingClaim = Exclude<ClaimBody, { readonly kind: 'address' | 'host' | 'pools' }>
/** A claim, and the how-manieth message of all it came in. */
type Told<T> = { readonly body: T; readonly nth: number }
type Died = { backMs?: number; readonly nth: number; readonly restsUntil: Instant }

/** What all of its subjects begin with. */
const SUBJECTS = CLAIM_STREAM.subjects.slice(0, -1)

/** What else must be known to judge. */
export type ClaimJudge = {
  readonly ledger: Ledger
  /** Wall time, as it is: whoever's clock somebody has set may see a rest as over that is not. */
  readonly nowMs: () => number
  /** Whether a host's log says that it has a thing: then it may have used it. */
  readonly has: (origin: Origin, key: string) => boolean
  /** Whether what is told of a host is told by it, and of its log as it was. */
  readonly isJudged: (origin: Origin) => boolean
}

export class ClaimHistory {
  readonly #died = new Map<Origin, Died>()
  readonly #granted = new Set<string>()
  #hasLost = false
  readonly #hosts = new Map<Origin, HostClaim>()
  readonly #judge: ClaimJudge
  #nth = 0
  #pools: readonly PoolClaim[] = []
  readonly #things = new Map<string, Told<ThingClaim>>()

  constructor(judge: ClaimJudge) {
    this.#judge = judge
  }

  /** Whether the servers have lost claims: two may have been granted the same. */
  get hasLost(): boolean {
    return this.#hasLost
  }

  lose(): void {
    this.#hasLost = true
  }

  /**
   * Until when a host gave addresses as one who was confirmed dead, in wall time: Infinity, as long as it has not said that it is back;
   * undefined: it never died.
   */
  deadUntilMs(origin: Origin): number | undefined {
    const died = this.#died.get(origin)
    return died && (died.backMs ?? Infinity)
  }

  /** Whether the servers took a claim of a host: of a pool or a lent address at any time, of all else at just this place. */
  wasGranted(origin: Origin, { key, kind, seq, stream }: ClaimGranted['data']): boolean {
    return this.#granted.has(
      kind === 'pool' || kind === 'address' ? anywhereOf(origin, key) : placeOf(origin, key, { seq, stream }),
    )
  }

  /** A message of claims was taken. @param unread how many messages its process had not read that were there when it connected */
  hear(message: Outgoing, stored: Stored, unread: number): void {
    if (!message.subject.startsWith(SUBJECTS)) return
    const { ledger } = this.#judge
    this.#nth++
    const why = `${message.id} is told, and ${unread} messages that were there have not been read`
    ledger.check('C5', unread > 0 ? why : undefined)
    const body = claimIn({ seq: stored.seq, ...message }, sha256)
    if (body === undefined) return
    if (message.subject === POOLS_SUBJECT)
      return body.kind === 'pools' ? this.#takePools(body.pools) : undefined
    const key = keyOfSubject(message.subject)
    if (key === undefined || body.kind === 'pools') return
    if (body.kind === 'host') return this.#takeHost(body)
    // Its owner's log decides, and its block is judged.
    if (body.kind === 'address')
      return body.state === 'lent' ? void this.#granted.add(anywhereOf(body.to.origin, key)) : undefined
    this.#granted.add(placeOf(body.by, key, stored))
    this.#take(key, body)
  }

  #take(key: string, body: ThingClaim): void {
    const before = this.#things.get(key)
    this.#things.set(key, { body, nth: this.#nth })
    if (body.state === 'released') return this.#checkRelease(key, body, before)
    // Who gave it up, knows what of it must rest; who has users in it all the while and gives nothing more out of it, too.
    const knows = before?.body.by === body.by || (body.kind === 'block' && body.contested === true)
    this.#check(
      'A11',
      body.by,
      before?.body.state === 'released' && !knows && this.#unrested(key, before.body.restsUntil),
    )
    this.#checkTaken(key, body, before)
    if (body.kind === 'block') this.#check('A3', body.by, this.#overlapping(key, body))
  }

  #checkRelease(key: string, body: ThingClaim, before: Told<ThingClaim> | undefined): void {
    const isOwn = before?.body.state === 'held' && before.body.by === body.by
    this.#check('A9', body.by, !isOwn && `${body.host} gives up ${key}, which it does not have`)
    const restMs = 'restsUntil' in body ? Date.parse(body.restsUntil) - Date.parse(body.at) : 0
    const isUsed = this.#judge.has(body.by, key) && restMs < REST_MS
    this.#check('A11', body.by, isUsed && `${body.host} gives up ${key}, which it had, for ${restMs} ms only`)
  }

  /** Nobody takes what another has, but from the dead, and when it has rested. */
  #checkTaken(key: string, body: ThingClaim, before: Told<ThingClaim> | undefined): void {
    if (before === undefined || before.body.state === 'released' || before.body.by === body.by) return
    const { by, host, kind } = before.body
    if (!this.#judge.isJudged(by)) return
    const died = kind === 'block' ? this.#died.get(by) : undefined
    const isOfTheDead = died !== undefined && before.nth < died.nth
    const isOut = this.#hosts.get(by)?.state === 'evicted'
    this.#check(
      isOut ? 'C8' : 'A9',
      body.by,
      !isOfTheDead &&
        `${body.host} takes ${key} from ${host}, which ${isOut ? 'was only put out' : 'has it'}`,
    )
    this.#check('A11', body.by, isOfTheDead && this.#unrested(key, died.restsUntil))
  }

  #unrested(key: string, restsUntil: Instant): string | false {
    return (
      Date.parse(restsUntil) > this.#judge.nowMs() &&
      `${key} is claimed before it has rested, at ${restsUntil}`
    )
  }

  #overlapping(key: string, body: ThingClaim): string | false {
    const mine = cidrOf(body)
    for (const [other, { body: theirs }] of this.#things) {
      const cidr = cidrOf(theirs)
      if (other === key || theirs.network !== body.network || theirs.state === 'released') continue
      if (mine !== undefined && cidr !== undefined && overlaps(cidrFrom(mine), cidrFrom(cidr)))
        return `block ${mine} of ${body.host} overlaps ${cidr} of ${theirs.host}`
    }
    return false
  }

  #takePools(pools: readonly PoolClaim[]): void {
    const nowMs = this.#judge.nowMs()
    const held = pools.filter(({ restsUntil }) => restsUntil === undefined || Date.parse(restsUntil) > nowMs)
    for (const { by, cidr } of pools) this.#granted.add(anywhereOf(by, poolClaimKey(cidr)))
    for (const [nth, pool] of held.entries()) {
      const rival = held
        .slice(0, nth)
        .find(
          (other) => other.network !== pool.network && overlaps(cidrFrom(other.cidr), cidrFrom(pool.cidr)),
        )
      this.#check(
        'A3',
        pool.by,
        rival !== undefined && `pool ${pool.cidr} of ${pool.host} overlaps ${rival.cidr} of ${rival.host}`,
      )
    }
    for (const pool of this.#pools) {
      const now = pools.find(({ cidr, network }) => cidr === pool.cidr && network === pool.network)
      const isLeft = now !== undefined && now.by === pool.by
      const isOver = pool.restsUntil !== undefined && Date.parse(pool.restsUntil) <= nowMs
      this.#check(
        'A9',
        pool.by,
        !isLeft && !isOver && `pool ${pool.cidr} of ${pool.host} is no more, which it had`,
      )
    }
    this.#pools = pools
  }

  /** Who is dead was put out before, and did not say since that it is there. */
  #takeHost(body: HostClaim): void {
    const before = this.#hosts.get(body.origin)?.state
    this.#hosts.set(body.origin, body)
    const died = this.#died.get(body.origin)
    if (body.state === 'present' && died) died.backMs ??= this.#judge.nowMs()
    if (body.state !== 'dead' || body.restsUntil === undefined) return
    this.#check(
      'C8',
      body.by,
      before !== 'evicted' &&
        `${body.origin.slice(0, 12)} is told dead, and was ${before ?? 'never put out'}`,
    )
    this.#died.set(body.origin, { nth: this.#nth, restsUntil: body.restsUntil })
  }

  #check(id: string, by: Origin, why: string | false | undefined): void {
    if (!this.#hasLost && this.#judge.isJudged(by))
      this.#judge.ledger.check(id, why === false ? undefined : why)
  }
}

/** Who has what by a stream as it is now, by the keys of the things. */
export function holdersIn(
  messages: readonly BusMessage[],
): ReadonlyMap<string, Pick<PoolClaim, 'by' | 'host'>> {
  const last = new Map(messages.map((message) => [message.subject, message]))
  const holders = new Map<string, Pick<PoolClaim, 'by' | 'host'>>()
  for (const message of last.values()) {
    const body = claimIn(message, sha256)
    const key = keyOfSubject(message.subject)
    if (body?.kind === 'pools')
      for (const pool of body.pools)
        if (pool.restsUntil === undefined) holders.set(poolClaimKey(pool.cidr), pool)
    if (key === undefined || body === undefined || body.kind === 'pools' || body.kind === 'host') continue
    if (body.kind === 'address' && body.state === 'lent')
      holders.set(key, { by: body.to.origin, host: body.to.host })
    if (body.kind !== 'address' && body.state === 'held') holders.set(key, body)
  }
  return holders
}

const cidrOf = (body: ThingClaim): Cidr | undefined => ('cidr' in body ? body.cidr : undefined)

const anywhereOf = (origin: Origin, key: string): string => `${key} ${origin}`
const placeOf = (origin: Origin, key: string, { seq, stream }: Pick<Stored, 'seq' | 'stream'>): string =>
  `${stream} ${seq} ${key} ${origin}`
