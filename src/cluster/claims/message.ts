/**
 * What is said of a claim on the bus: canonical JSON, and its SHA-256 in a header, as of commits.
 *
 * The last message of a subject is how the thing stands. It is never deleted: what is given up has a tombstone, which says from
 * when on somebody else may have it.
 */
import type {
  Cidr,
  CommandData,
  Epoch,
  Hash,
  Instant,
  Member,
  NetworkId,
  Origin,
} from '../../../events/index.ts'
import { canonicalJson } from '../../../events/index.ts'
import type { BusMessage, Outgoing } from '../../bus/bus.ts'

/** A network as other hosts need it to take part in it. */
export type Definition = CommandData['network.adopt']['definition']

/** Who says it, and when. */
export type Said = {
  readonly at: Instant
  readonly by: Origin
  readonly epoch: Epoch
  /** What the host is called. */
  readonly host: string
}

/** Where the first grant of a thing stands, when it was published again because the servers had lost it. */
export type First = { readonly seq: number; readonly stream: string }

export type NetworkClaim = Said & {
  readonly definition: Definition
  readonly first?: First
  readonly kind: 'network'
  readonly network: NetworkId
  readonly state: 'held'
}

export type BlockClaim = Said & {
  readonly cidr: Cidr
  /** Another host was granted it as well, and may still use addresses of it. */
  readonly contested?: true
  readonly first?: First
  readonly kind: 'block'
  readonly network: NetworkId
  readonly state: 'held'
  /** The pool that it is a part of. */
  readonly subnet: Cidr
}

/** An address that is held for a service. */
export type VipClaim = Said & {
  readonly cidr: Cidr
  readonly first?: First
  readonly kind: 'vip'
  /** What the service is called. */
  readonly name: string
  readonly network: NetworkId
  readonly state: 'held'
  readonly subnet: Cidr
}

/** A network's number among all of the cluster. */
export type VniClaim = Said & {
  readonly first?: First
  readonly kind: 'vni'
  /** What the network is called. */
  readonly name: string
  readonly network: NetworkId
  readonly state: 'held'
  readonly vni: number
}

/**
 * An address in another host's block. `asked`: by the one who would have it; nobody has it yet. `lent`: the owner of the block has it in
 * its log, and gives it to nobody else. `refused`: by the owner. `released`: by who had it.
 */
export type AddressClaim = Said & {
  /** Of `asked`: what had been said last, if anything had, so that the owner knows that it was returned. */
  readonly after?: { readonly by: Origin; readonly seq: number }
  readonly block: Cidr
  readonly cidr: Cidr
  readonly first?: First
  readonly kind: 'address'
  readonly lender: Member
  readonly network: NetworkId
  /** Of `refused` and `released`. */
  readonly restsUntil?: Instant
  readonly state: 'asked' | 'lent' | 'refused' | 'released'
  readonly subnet: Cidr
  readonly to: Member
  /** Of `refused`: the reason, for people. */
  readonly why?: string
}

/** `behind`: the message that the claimant saw last of all pools: who saw the older one came first. */
export type PoolClaim = {
  readonly behind: First
  readonly by: Origin
  readonly cidr: Cidr
  readonly host: string
  readonly network: NetworkId
  /** From when on somebody else may have it; absent: it is held. */
  readonly restsUntil?: Instant
}

/** All pools there are and were. */
export type PoolsClaim = Said & { readonly kind: 'pools'; readonly pools: readonly PoolClaim[] }

/** Given up. What it was of is told for people. */
export type Tombstone = Said & {
  readonly cidr?: Cidr
  readonly kind: 'block' | 'network' | 'vip' | 'vni'
  readonly name?: string
  readonly network: NetworkId
  readonly restsUntil: Instant
  readonly state: 'released'
  readonly subnet?: Cidr
  readonly vni?: number
}

/**
 * Of a host, said by itself (`present`) or by another: `evicted`, what it has stays as it is; `dead`, somebody confirmed that it
 * will not come back with what it had, and from then on that may be claimed by others.
 */
export type HostClaim = Said & {
  readonly kind: 'host'
  readonly origin: Origin
  readonly restsUntil?: Instant
  readonly state: 'dead' | 'evicted' | 'present'
}

export type ClaimBody =
  AddressClaim | BlockClaim | HostClaim | NetworkClaim | PoolsClaim | Tombstone | VipClaim | VniClaim

const TYPE = 'chronet.claim.v1'

/** @param id the same for all attempts of one claim, and of no other */
export function claimMessage(
  body: ClaimBody,
  { hash, id, subject }: { readonly hash: Hash; readonly id: string; readonly subject: string },
): Outgoing {
  const text = canonicalJson(body)
  return {
    headers: {
      'ce-id': id,
      'ce-source': `chronet:${body.by}`,
      'ce-specversion': '1.0',
      'ce-time': body.at,
      'ce-type': TYPE,
      'chronet-hash': hash(text),
      'content-type': 'application/json',
    },
    id,
    payload: Buffer.from(text),
    subject,
  }
}

/** What a message says; undefined: it is none of ours, or was damaged on its way. Nothing is claimed over such a one. */
export function claimIn({ headers, payload }: BusMessage, hash: Hash): ClaimBody | undefined {
  const text = Buffer.from(payload).toString()
  if (headers['ce-type'] !== TYPE || headers['chronet-hash'] !== hash(text)) return undefined
  try {
    const body = JSON.parse(text) as ClaimBody
    return canonicalJson(body) === text ? body : undefined
  } catch {
    return undefined
  }
}
