/**
 * Facts of claims: what this host has in its cluster alone. A thing is claimed on the cluster's servers, and had once the fact of it
 * is durable here.
 */
import type { Cidr, Fact, Instant, NetworkId, Origin } from './fact.ts'

/** How long what was given up rests, in milliseconds: as long as neighbours may remember an address (ARP, 60 s). */
export const REST_MS = 60_000

/** A host, and what it is called. */
export type Member = { readonly host: string; readonly origin: Origin }

/** One thing that only one host of a cluster can have. */
export type Claim = {
  /** Of an address: the block of another host that it lies in. */
  readonly block?: Cidr
  /** Of a block and a pool: its addresses; of an address and a VIP, itself. */
  readonly cidr?: Cidr
  /** Which it is among all claims. */
  readonly key: string
  /**
   * `network`: a name and what it stands for. `pool`: a network's. `block`: this host's part of a pool. Since v2, `address`: one out of
   * another host's block, which lends it; `vip`: one of no host's block, for a service; `vni`: a network's number.
   */
  readonly kind: 'address' | 'block' | 'network' | 'pool' | 'vip' | 'vni'
  /** Of an address: who lends it. */
  readonly lender?: Member
  /** Of a network; of a VIP, what its service is called. */
  readonly name?: string
  readonly network: NetworkId
  /** Of a block, an address and a VIP: the pool that it is a part of. */
  readonly subnet?: Cidr
  /** Of a VNI: the number. */
  readonly vni?: number
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
  2,
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

/**
 * Another host asked for an address out of a block of this one, and has it from here on: nobody here gets it until it is returned.
 * `seq` and `stream`: the message that asked. Since v1.
 */
export type AddressLent = Fact<
  'AddressLent',
  1,
  GrantPlace & {
    /** With the prefix length of its subnet. */
    readonly address: Cidr
    /** What the other host is called. */
    readonly host: string
    readonly key: string
    readonly network: NetworkId
    readonly to: Origin
  }
>

/** A lent address is not used any more where it was lent to, and has rested. Since v1. */
export type AddressReturned = Fact<
  'AddressReturned',
  1,
  { readonly address: Cidr; readonly key: string; readonly network: NetworkId; readonly to: Origin }
>

/** A network has this number among all networks of the cluster, by which its packets are told from those of others. Since v1. */
export type VniAssigned = Fact<'VniAssigned', 1, { readonly network: NetworkId; readonly vni: number }>

export type ClaimFact =
  VniAssigned | AddressLent | AddressReturned | ClaimGranted | ClaimLost | ClaimReleased | HostEvicted
