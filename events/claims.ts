/**
 * Facts of claims: what this host has in its cluster alone. A thing is claimed on the cluster's servers, and had once the fact of it
 * is durable here.
 */
import type { Cidr, Fact, Instant, NetworkId, Origin } from './fact.ts'

/** One thing that only one host of a cluster can have. */
export type Claim = {
  /** Of a block and a pool: its addresses. */
  readonly cidr?: Cidr
  /** Which it is among all claims. */
  readonly key: string
  /** `network`: a name and what it stands for. `pool`: a network's. `block`: this host's part of a pool. */
  readonly kind: 'block' | 'network' | 'pool'
  /** Of a network. */
  readonly name?: string
  readonly network: NetworkId
  /** Of a block: the pool that it is a part of. */
  readonly subnet?: Cidr
}

/** Where a grant stands among all claims. */
export type GrantPlace = {
  /** The message's number; of a pool, that of the message before it. */
  readonly seq: number
  /** The stream, by the time of its making: numbers of another mean nothing. */
  readonly stream: string
}

/** A claim was accepted, and is used from here on; again, if the servers had lost it. `first`: where it was accepted first. Since v1. */
export type ClaimGranted = Fact<
  'ClaimGranted',
  1,
  Claim &
    GrantPlace & {
      /** Of a block: another host was granted it, too, and may still use addresses of it, so nothing new is given out of it. */
      readonly contested?: true
      readonly first: GrantPlace
    }
>

/** What was claimed has been given up; nobody has it until `restsUntil`. Since v1. */
export type ClaimReleased = Fact<'ClaimReleased', 1, { readonly key: string; readonly restsUntil: Instant }>

/**
 * What was granted is not ours (any more): `taken`, another host has it as well and came first; `evicted`, this host was confirmed
 * dead. Nothing new is given out of it; what there is on it stays until somebody ends it. Since v1.
 */
export type ClaimLost = Fact<
  'ClaimLost',
  1,
  {
    /** Who has it. Absent: nobody yet. */
    readonly host?: string
    readonly key: string
    readonly to?: Origin
    readonly why: 'evicted' | 'taken'
  }
>

/**
 * Somebody here put a host out of the cluster: what it has stays as it is. `dead`: it was confirmed that it will not come back with
 * what it had, and others may claim that. Since v1.
 */
export type HostEvicted = Fact<
  'HostEvicted',
  1,
  { readonly dead: boolean; readonly host: string; readonly origin: Origin }
>

export type ClaimFact = ClaimGranted | ClaimLost | ClaimReleased | HostEvicted
