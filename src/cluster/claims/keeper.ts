/**
 * Keeps log and servers of one mind: what the servers lost is claimed again, what two believe to have is decided, what nobody here
 * uses any more is given up, and what was claimed and never written here, too. Nothing of it before the table is whole, and one
 * round after the other: each begins by comparing, so that it does not matter where the one before ended.
 */
import type { ClaimLost, ClaimReleased } from '../../../events/index.ts'
import { EngineError, ipOf, pathOf, REST_MS } from '../../../events/index.ts'
import type { Grant, Projections } from '../../../projections/index.ts'
import { instant } from '../../engine/instant.ts'
import { verdictOf } from './audit.ts'
import {
  addressClaim,
  blockClaim,
  definitionOf,
  grantOf,
  networkClaim,
  vipClaim,
  vniClaim,
  type Granted,
} from './grants.ts'
import type { Flight } from './flight.ts'
import type { ClaimHome } from './home.ts'
import { Lender } from './lending.ts'
import type { Claimed, Register } from './register.ts'
import type { ClaimSession } from './session.ts'
import { comesFirst, isHeld } from './standing.ts'
import { blockKey, wordsOfKey } from './subjects.ts'
import type { ClaimTable, Head } from './table.ts'

/** What gives up claims goes in this order: a pool is free when nothing of it is used. */
const ORDER = { address: 0, vip: 1, block: 2, network: 3, pool: 4, vni: 5 } as const

export class Keeper {
  readonly #home: ClaimHome
  readonly #flight: Flight
  readonly #lender: Lender
  readonly #session: () => ClaimSession | undefined
  #isDue = false
  #isOver = false
  #last: Promise<void> = Promise.resolve()

  constructor(home: ClaimHome, session: () => ClaimSession | undefined, flight: Flight) {
    this.#flight = flight
    this.#home = home
    this.#lender = new Lender(home)
    this.#session = session
  }

  /** A round is due. What stands in its way is told, unless the next connection, or the next look, begins with another one. */
  ring(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.round().catch((error: unknown) => {
      if (!(error instanceof EngineError && QUIET.has(error.code))) this.#home.report(error)
    })
  }

  /** A round that begins from now on. @throws what stands in its way */
  round(): Promise<void> {
    const round = this.#last.then(() => {
      this.#isDue = false
      return this.#isOver ? undefined : this.#round()
    })
    this.#last = round.catch(() => undefined)
    return round
  }

  async close(): Promise<void> {
    this.#isOver = true
    await this.#last
  }

  async #round(): Promise<void> {
    const session = this.#session()
    if (session === undefined) return
    await session.within((register) => this.#return(register))
    for (const grant of this.#home.decided().claims.grants.values()) {
      if (this.#isOver) return
      if (!this.#isUsed(grant) && !isKept(grant, session)) continue
      await (grant.lost === undefined ? this.#compare(session, grant) : this.#hold(session, grant))
    }
    await this.#home.flush()
    await this.#giveUp(session)
    await this.#forgetUnwritten(session)
    await this.#lender.round(session)
  }

  /** A host that was put out and is there all the same says so. */
  async #return(register: Register): Promise<void> {
    const { origin } = this.#home
    const told = register.table.host(origin)
    if (told === undefined || told.state === 'present') return
    if (told.state === 'dead') await this.#returnFromDeath(register, told.seq)
    await register.tellHost(origin, `return ${told.seq}`, 'present')
  }

  /** Blocks of before its death are claimed anew, those that nobody has claimed since; the others are lost, and what was lent to it. */
  async #returnFromDeath(register: Register, died: number): Promise<void> {
    const { grants } = this.#home.decided().claims
    for (const grant of grants.values()) {
      const { cidr, key, kind, lender, lost, network, seq, subnet } = grant
      if (lender !== undefined && lost === undefined && seq < died) {
        await this.#lose([{ host: lender.host, key, to: lender.origin, why: 'evicted' }])
        continue
      }
      const isOld = kind === 'block' && lost === undefined && seq < died
      if (!isOld || cidr === undefined || subnet === undefined) continue
      const isOurs = register.table.head(key)?.by === this.#home.origin
      const claim = blockClaim(register.said(), { cidr, network, subnet })
      const claimed = await register.claim(key, `return ${died}`, claim, isOurs)
      if (claimed.kind === 'granted') await this.#record(grant, claimed, register.table.stream)
      else await this.#lose([{ ...lostTo(grant, claimed.head), why: 'evicted' }])
    }
  }

  async #lose(lost: readonly ClaimLost['data'][]): Promise<void> {
    if (lost.length === 0) return
    await this.#home.own('claims.record', { lost })
    for (const { host, key, why } of lost)
      this.#home.report(
        new EngineError(
          'ERR_CLAIM_CONFLICT',
          why === 'evicted'
            ? `this host was confirmed dead while it was away, and ${wordsOfKey(key)} is not its any more: move what is on it to other addresses`
            : `${wordsOfKey(key)} belongs to ${host ?? 'another host'}, which came first: nothing new is given out of it here; move what is on it`,
          { details: { key } },
        ),
      )
  }

  async #compare(session: ClaimSession, grant: Grant): Promise<void> {
    const { table } = session
    if (table === undefined) return
    const owner = otherOwner(grant, table)
    if (owner !== undefined) {
      await session.within((register) => register.contest(owner.key, `lent ${grant.seq} ${owner.seq}`))
      return this.#lose([lostTo(grant, owner)])
    }
    const verdict = verdictOf(grant, table.head(grant.key), this.#home.origin, table.stream)
    switch (verdict.kind) {
      case 'fine':
        return
      case 'moved': {
        const { contested, first, seq } = verdict.head
        const what = { ...grant, ...(contested ? { contested } : {}) }
        return this.#record(
          what,
          { first: grant.kind === 'pool' ? grant.first : first, kind: 'granted', seq },
          table.stream,
        )
      }
      case 'theirs': {
        // It must hear that there are users of it here, before this host forgets it.
        await this.#contest(session, grant)
        return this.#lose([lostTo(grant, verdict.head)])
      }
      case 'missing':
        return this.#claimAgain(session, grant)
      case 'ours':
        return this.#claimAgain(session, grant.kind === 'block' ? { ...grant, contested: true } : grant)
    }
  }

  /**
   * What was lost and is used here all the same: whoever has it must know of that, and what nobody has is this host's again, given up
   * or lost by the servers together with whose it was. Else the next one who claims it gives out what is in use here.
   */
  async #hold(session: ClaimSession, grant: Grant): Promise<void> {
    const { table } = session
    if (table === undefined) return
    if (grant.kind !== 'block' || isHeld(table.head(grant.key), table)) return this.#contest(session, grant)
    return this.#claimAgain(session, { ...grant, contested: true })
  }

  /**
   * Whoever has what is used here as well is told, and told again if the servers lose that. Of an address that was lent: who has its
   * block, unless that is who lent it, and knows.
   */
  async #contest(session: ClaimSession, { block, key, lender, network, seq }: Grant): Promise<void> {
    const { table } = session
    const head = table?.head(block === undefined ? key : blockKey(network, block))
    if (table === undefined || head?.kind !== 'block' || !isHeld(head, table)) return
    const isTold = head.contested === true || head.by === this.#home.origin || head.by === lender?.origin
    if (!isTold) await session.within((register) => register.contest(head.key, `lost ${seq} ${head.seq}`))
  }

  async #claimAgain(session: ClaimSession, grant: Grant): Promise<void> {
    const claimed = await session.within(async (register): Promise<Claimed | undefined> => {
      const rival = grant.kind === 'pool' ? rivalOf(grant, register) : undefined
      if (rival === undefined || comesFirst({ by: this.#home.origin, first: grant.first }, rival))
        return this.#again(register, grant)
      return { head: rival, kind: 'taken', standing: register.standing(rival) }
    })
    if (claimed?.kind === 'taken') await this.#lose([lostTo(grant, claimed.head)])
    if (claimed?.kind === 'granted') await this.#record(grant, claimed, session.table?.stream ?? grant.stream)
  }

  #record(what: Grant, granted: Granted, stream: string): Promise<void> {
    return this.#home.own('claims.record', { granted: [grantOf(what, granted, stream)] })
  }

  async #again(
    register: Register,
    { block, cidr, contested, first, key, kind, lender, name, network, seq, subnet, vni }: Grant,
  ): Promise<Claimed | undefined> {
    const by = `again ${seq}`
    if (kind === 'pool') return cidr && (await register.claimPools(by, network, [cidr], { behind: first }))[0]
    const view = this.#home.decided().topology.networks.get(network)
    const said = register.said()
    if (kind === 'network')
      return view && register.claim(key, by, networkClaim(said, definitionOf(view), first), true)
    if (vni !== undefined)
      return view && register.claim(key, by, vniClaim(said, { name: view.name, network, vni }, first), true)
    if (cidr === undefined || subnet === undefined) return undefined
    if (block !== undefined && lender !== undefined) {
      const what = { block, cidr, lender, network, subnet, to: register.self }
      const lent = addressClaim(said, what, 'lent', { first })
      return register.claim(key, by, lent, true)
    }
    if (kind === 'vip')
      return register.claim(key, by, vipClaim(said, { cidr, name: name ?? '', network, subnet }, first), true)
    return register.claim(key, by, blockClaim(said, { cidr, contested, network, subnet }, first), true)
  }

  /** What is of networks that are gone. */
  async #giveUp(session: ClaimSession): Promise<void> {
    const { grants } = this.#home.decided().claims
    const due = [...grants.values()]
      .filter((grant) => !this.#isUsed(grant))
      .sort((a, b) => ORDER[a.kind] - ORDER[b.kind])
    for (const grant of due) {
      if (this.#isOver) return
      const { key, kind, network, seq } = grant
      if (isKept(grant, session) || (kind === 'pool' && this.#hasMore(network))) continue
      const given = await session.within((register) => register.release(key, `end ${seq}`))
      // Who claimed a block before the name was given up is on the network: that is to be known before the pool is.
      if (kind === 'network') await session.read(given?.seq ?? 0)
      const released: ClaimReleased['data'] = {
        key,
        restsUntil: given?.restsUntil ?? instant(this.#home.ports.clock.nowMs()),
      }
      await this.#home.own('claims.record', { released: [released] })
    }
  }

  /**
   * What the servers have as ours and the log does not: the process died in between, or the turn came to something else, and it was
   * never used. Or it is a service's address, whose end is in the log first.
   */
  async #forgetUnwritten(session: ClaimSession): Promise<void> {
    const stray = (session.table?.heads() ?? []).filter((head) => this.#isStray(head))
    for (const head of stray.sort((a, b) => ORDER[a.kind] - ORDER[b.kind])) {
      const restMs = head.kind === 'vip' ? REST_MS : 0
      if (this.#isStray(head))
        await session.within((register) => register.release(head.key, `stray ${head.seq}`, restMs))
    }
  }

  /**
   * Never while nobody knows whether a write landed: the grant may be on the disk. A lost address goes back when nobody here has it
   * any more, as one that is not lost.
   */
  #isStray({ by, key, restsUntil }: Head): boolean {
    if (by !== this.#home.origin || restsUntil !== undefined) return false
    if (this.#flight.has(key) || !this.#home.isKnown()) return false
    const grant = this.#home.decided().claims.grants.get(key)
    if (grant?.lost === undefined) return grant === undefined
    return grant.kind !== 'address' || !this.#isUsed(grant)
  }

  /** An address as long as somebody here holds it, or is about to; the others as long as their network is here. */
  #isUsed({ cidr, key, kind, network }: Grant): boolean {
    const { allocations, topology } = this.#projections
    if (kind !== 'address' || cidr === undefined) return topology.networks.has(network)
    return this.#flight.has(key) || allocations.addresses.has(pathOf(network, ipOf(cidr)))
  }

  #hasMore(network: string): boolean {
    return [...this.#projections.claims.grants.values()].some(
      (grant) => grant.network === network && grant.kind !== 'pool' && grant.kind !== 'vni',
    )
  }

  get #projections(): Projections {
    return this.#home.decided()
  }
}

/** What is of a network on whichever host, and not of one host's part in it. */
const SHARED: ReadonlySet<string> = new Set(['network', 'pool', 'vni'])

/** What is only late, or told elsewhere. */
const QUIET: ReadonlySet<string> = new Set(['ERR_CLOSED', 'ERR_CLUSTER_UNAVAILABLE', 'ERR_STORE_UNWRITABLE'])

/** Of an address that is lent: who else has its block by now, and does not know of it. */
function otherOwner({ block, lender, network }: Grant, table: ClaimTable): Head | undefined {
  const head = block && table.head(blockKey(network, block))
  return head?.restsUntil === undefined && head?.by !== lender?.origin ? head : undefined
}

const lostTo = ({ key }: Grant, { by, host }: Head): ClaimLost['data'] => ({
  host,
  key,
  to: by,
  why: 'taken',
})

/**
 * Name, number and pool stay as long as another host has something of it. What the servers lose of a pool is claimed again until then;
 * name and number say what the network is, which is gone here, so they are over.
 */
function isKept({ key, kind, lost, network }: Grant, { register }: ClaimSession): boolean {
  if (register === undefined || !SHARED.has(kind) || lost !== undefined) return false
  const head = register.table.head(key)
  const isThere = head?.by === register.origin && head.restsUntil === undefined
  return (kind === 'pool' || isThere) && register.usersElsewhere(network).length > 0
}

/** A pool of another network that overlaps ours and that somebody has. */
const rivalOf = ({ cidr, network }: Grant, register: Register): Head | undefined =>
  cidr && register.overlapping(cidr, network).find((head) => head.network !== network)
