/** How all claims of a cluster stand, as far as their stream was read. */
import type { Cidr, Claim, Hash, Instant, Member, NetworkId, Origin } from '../../../events/index.ts'
import type { BusMessage } from '../../bus/bus.ts'
import {
  claimIn,
  type AddressClaim,
  type ClaimBody,
  type Definition,
  type First,
  type HostClaim,
  type PoolsClaim,
} from './message.ts'
import { blockKey, keyOfSubject, POOLS_SUBJECT, poolClaimKey } from './subjects.ts'

/** How one thing stands. */
export type Head = {
  /** Of an address: what was said last before it was asked for. */
  readonly after?: AddressClaim['after']
  /** Of an address: how it stands between its owner and the one who asked. */
  readonly asked?: AddressClaim['state']
  readonly at: Instant
  /** Of an address: the block that it lies in. */
  readonly block?: Cidr
  /** Who has it; of an address, who has asked for it. */
  readonly by: Origin
  readonly cidr?: Cidr
  /** Two hosts were granted it, and this one has it. */
  readonly contested?: true
  readonly definition?: Definition
  /** What decides between two who both believe to have it. */
  readonly first: First
  readonly host: string
  readonly key: string
  readonly kind: Claim['kind']
  /** Of an address: whose block it lies in. */
  readonly lender?: Member
  readonly name?: string
  readonly network: NetworkId
  /** Given up: from when on somebody else may have it. Absent: it is held. */
  readonly restsUntil?: Instant
  /** The message that says so; of a pool, the one that its claimant saw last of all pools. */
  readonly seq: number
  readonly subnet?: Cidr
  readonly vni?: number
  /** Of an address: why it was refused. */
  readonly why?: string
}

/** What a subject's last message is. */
type Last = { readonly body: ClaimBody | undefined; readonly id: string; readonly seq: number }

export class ClaimTable {
  readonly #hash: Hash
  readonly #heads = new Map<string, Head>()
  readonly #hosts = new Map<Origin, HostClaim & { readonly seq: number }>()
  readonly #last = new Map<string, Last>()
  /** By the key of a block: the keys of addresses that were ever asked for out of it. */
  readonly #loans = new Map<string, Set<string>>()
  #pools = new Set<string>()
  /** The subject of the last message that was read. */
  newest: string | undefined
  /** The last message that was read. */
  seq = 0
  /** Its stream: numbers of another mean nothing here. */
  readonly stream: string

  constructor(hash: Hash, stream: string) {
    this.#hash = hash
    this.stream = stream
  }

  /** The next message of the stream. @returns keys of what stands otherwise now */
  take(message: BusMessage): readonly string[] {
    if (message.seq > this.seq) {
      this.newest = message.subject
      this.seq = message.seq
    }
    return this.note(message)
  }

  /** A message that was read ahead of the stream, as the last of its subject. */
  note({ headers, id, payload, seq, subject }: BusMessage): readonly string[] {
    if ((this.#last.get(subject)?.seq ?? 0) >= seq) return []
    const body = claimIn({ headers, id, payload, seq, subject }, this.#hash)
    this.#last.set(subject, { body, id, seq })
    if (subject === POOLS_SUBJECT) return body?.kind === 'pools' ? this.#takePools(body) : []
    const key = keyOfSubject(subject)
    if (key === undefined || body === undefined || body.kind === 'pools') return []
    if (body.kind === 'host') this.#hosts.set(body.origin, { ...body, seq })
    else this.#heads.set(key, headOf(key, body, { seq, stream: this.stream }))
    if (body.kind === 'address') this.#addLoan(blockKey(body.network, body.block), key)
    return [key]
  }

  /** The last message of a subject, as far as it was read. */
  last(subject: string): Last | undefined {
    return this.#last.get(subject)
  }

  head(key: string): Head | undefined {
    return this.#heads.get(key)
  }

  host(origin: Origin): (HostClaim & { readonly seq: number }) | undefined {
    return this.#hosts.get(origin)
  }

  /** All that is or was claimed, in the order of the keys. */
  heads(): readonly Head[] {
    return [...this.#heads.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  hosts(): readonly HostClaim[] {
    return [...this.#hosts.values()].sort((a, b) => (a.origin < b.origin ? -1 : 1))
  }

  /** The blocks that are or were of a network's pool. */
  blocksOf(network: NetworkId, subnet: Cidr): readonly Head[] {
    return this.heads().filter(
      ({ kind, network: of, subnet: pool }) => kind === 'block' && of === network && pool === subnet,
    )
  }

  /** Addresses of a block that were ever asked for by hosts that have not the block. */
  loansOf(block: string): readonly Head[] {
    return [...(this.#loans.get(block) ?? [])].flatMap((key) => this.#heads.get(key) ?? [])
  }

  #addLoan(block: string, key: string): void {
    const keys = this.#loans.get(block)
    if (keys === undefined) this.#loans.set(block, new Set([key]))
    else keys.add(key)
  }

  #takePools(body: PoolsClaim): readonly string[] {
    const { at } = body
    const after = new Map(
      body.pools.map(({ behind, ...pool }): [string, Head] => {
        const key = poolClaimKey(pool.cidr)
        return [key, { ...pool, at, first: behind, key, kind: 'pool', seq: behind.seq }]
      }),
    )
    const gone = [...this.#pools].filter((key) => !after.has(key))
    for (const key of gone) this.#heads.delete(key)
    for (const [key, head] of after) this.#heads.set(key, head)
    this.#pools = new Set(after.keys())
    return [...after.keys(), ...gone]
  }
}

function headOf(key: string, body: Exclude<ClaimBody, { readonly kind: 'host' | 'pools' }>, at: First): Head {
  if (body.kind === 'address') return headOfAddress(key, body, at)
  const { cidr, subnet, ...said } = { cidr: undefined, subnet: undefined, ...body }
  const name = 'definition' in said ? said.definition.name : 'name' in said ? said.name : undefined
  return {
    at: said.at,
    by: said.by,
    ...(cidr === undefined ? {} : { cidr }),
    ...('contested' in said ? { contested: true } : {}),
    ...('definition' in said ? { definition: said.definition } : {}),
    first: ('first' in said ? said.first : undefined) ?? at,
    host: said.host,
    key,
    kind: said.kind,
    ...(name === undefined ? {} : { name }),
    network: said.network,
    ...('restsUntil' in said ? { restsUntil: said.restsUntil } : {}),
    seq: at.seq,
    ...(subnet === undefined ? {} : { subnet }),
    ...('vni' in said ? { vni: said.vni } : {}),
  }
}

/** An address is of the one who asked, whoever says so. */
function headOfAddress(key: string, body: AddressClaim, at: First): Head {
  const { after, block, cidr, first = at, kind, lender, network, restsUntil, state, subnet, to, why } = body
  return {
    ...(after === undefined ? {} : { after }),
    asked: state,
    at: body.at,
    block,
    by: to.origin,
    cidr,
    first,
    host: to.host,
    key,
    kind,
    lender,
    network,
    ...(restsUntil === undefined ? {} : { restsUntil }),
    seq: at.seq,
    subnet,
    ...(why === undefined ? {} : { why }),
  }
}
