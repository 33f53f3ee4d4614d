/**
 * What hosts of a cluster have of networks that they share, all of them together: no address is given by two (A1), nothing is used that
 * the servers did not grant (A12), no number is of two networks (A4), and at rest log and servers say the same of who has what (C7).
 */
import type { ClaimGranted, Origin, VniAssigned } from '../../../events/index.ts'
import { CLAIM_STREAM } from '../../cluster/claims/subjects.ts'
import type { Host } from '../host.ts'
import type { World } from '../world.ts'
import { ClaimHistory, holdersIn } from './claims.ts'
import type { GrantModel, Held } from './grants.ts'
import type { Ledger } from './invariant.ts'

export type SharedParts = {
  /** Whether what a host's log says is all that it has, and its clock goes right. */
  readonly isJudged: (host: Host) => boolean
  readonly ledger: Ledger
  /** As it is now: it is another one when a log was read again. */
  readonly modelOf: (host: Host) => GrantModel
  readonly world: World
}

export class Shared {
  readonly history: ClaimHistory
  readonly #parts: SharedParts

  constructor(parts: SharedParts) {
    this.#parts = parts
    const { ledger, modelOf, world } = parts
    this.history = new ClaimHistory({
      has: (origin, key) => {
        const host = this.#hostOf(origin)
        return host !== undefined && modelOf(host).grants.get(key)?.lost === false
      },
      isJudged: (origin) => {
        const host = this.#hostOf(origin)
        return host !== undefined && world.hosts.every(parts.isJudged)
      },
      ledger,
      nowMs: () => world.time.nowMs(),
    })
  }

  /** A host gives an address of a network that it shares. */
  given(host: Host, held: Held, seq: number): void {
    const { isJudged, ledger, modelOf, world } = this.#parts
    for (const other of world.hosts) {
      if (other === host) continue
      const theirs = modelOf(other).held.get(`${held.network}/${held.ip}`)
      const isSure = isJudged(host) && isJudged(other) && !this.history.hasLost
      const isTwice =
        theirs !== undefined && isSure && !this.#isOfTheDead(host, held) && !this.#isOfTheDead(other, theirs)
      ledger.check(
        'A1',
        isTwice ? `#${seq}: ${host.name} gives ${held.ip}, which ${other.name} has given` : undefined,
      )
    }
  }

  /** A host's log says that something was granted to it. */
  granted(host: Host, granted: ClaimGranted['data'], seq: number): void {
    const isTrue = host.origin !== undefined && this.history.wasGranted(host.origin, granted)
    this.#parts.ledger.check(
      'A12',
      isTrue
        ? undefined
        : `#${seq}: ${host.name} has ${granted.key} as granted, and the servers did not grant it`,
    )
  }

  /** A4: a network has a number on a host. Others may have the number of a dead host's, when it has rested. */
  numbered(host: Host, { network, vni }: VniAssigned['data'], seq: number): void {
    const { isJudged, ledger, modelOf, world } = this.#parts
    for (const other of world.hosts) {
      const isSure = [host, other].every((each) => isJudged(each) && !this.#hasDied(each))
      if (this.history.hasLost || !isSure) continue
      const rival = [...modelOf(other).numbers].find(
        ([theirs, number]) => (theirs === network) !== (number === vni),
      )
      ledger.check(
        'A4',
        rival &&
          `#${seq}: ${host.name} has ${vni} as the number of network ${network.slice(0, 12)}, and ${other.name} ${rival[1]} as that of ${rival[0].slice(0, 12)}`,
      )
    }
  }

  /** C7: what is still to come until log and servers say the same. */
  differences(): readonly string[] {
    const { isJudged, modelOf, world } = this.#parts
    const holders = this.#holders()
    return world.hosts.filter(isJudged).flatMap((host) => {
      const model = modelOf(host)
      const { grants, own } = model
      // What is lent is told, and told again, by its owner alone.
      const isSure = ({ lender }: (typeof own)[number]): boolean => {
        const owner = lender && this.#hostOf(lender.origin)
        return lender === undefined || (owner !== undefined && isJudged(owner))
      }
      const mine = [...holders].filter(([, { by }]) => by === host.origin)
      return [
        ...own
          .filter((grant) => holders.get(grant.key)?.by !== host.origin && isSure(grant))
          .map(
            ({ key }) =>
              `${host.name} has ${key} by its log, and by the servers ${holders.get(key)?.host ?? 'nobody'} has`,
          ),
        ...mine
          .filter(([key]) => grants.get(key)?.lost !== false && !model.isStillUsed(key))
          .map(([key]) => `${host.name} has ${key} by the servers, and not by its log`),
      ]
    })
  }

  /** What is claimed though all was deleted. */
  leftovers(): readonly string[] {
    const { isJudged, world } = this.#parts
    const judged = new Set(world.hosts.filter(isJudged).map(({ origin }) => origin))
    return [...this.#holders()]
      .filter(([, { by }]) => judged.has(by))
      .map(([key, { host }]) => `${key} of ${host}`)
  }

  #holders(): ReturnType<typeof holdersIn> {
    return holdersIn(this.#parts.world.servers.messages(CLAIM_STREAM.name))
  }

  /** Somebody went and looked: what such a host gave before it heard of that, others may give. */
  #isOfTheDead({ origin }: Host, { sinceMs }: Held): boolean {
    const untilMs = origin && this.history.deadUntilMs(origin)
    return untilMs !== undefined && sinceMs <= untilMs
  }

  #hasDied({ origin }: Host): boolean {
    return origin !== undefined && this.history.deadUntilMs(origin) !== undefined
  }

  #hostOf(origin: Origin): Host | undefined {
    return this.#parts.world.hosts.find((host) => host.origin === origin)
  }
}
