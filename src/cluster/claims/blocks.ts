/** Blocks of this host: which are wanting for a command, and getting one. */
import type { Cidr, ClaimGranted, CommandId, NetworkId, Subnet } from '../../../events/index.ts'
import { cidrFrom, contains, familyOf, formatIp, parseIp, RefusedError } from '../../../events/index.ts'
import {
  ownBlocks,
  ownParts,
  poolKey,
  type NetworkView,
  type Projections,
} from '../../../projections/index.ts'
import { blockAt, blockCount, blockOf, oneOf, roomIn, vipBlockOf } from '../../ipam/index.ts'
import { blockClaim, grantOf } from './grants.ts'
import type { Register } from './register.ts'
import { blockKey } from './subjects.ts'
import type { Head } from './table.ts'

/** A pool in which this host needs a block: any, or just the one of an address that was asked for. */
export type Lack = {
  readonly asked?: { readonly address: Cidr; readonly block: Cidr }
  readonly pool: Subnet
}

type Asked = { readonly address?: string | undefined; readonly address6?: string | undefined }

/** What a new endpoint on a network of the cluster lacks. */
export function lacksOf(
  projections: Projections,
  network: Pick<NetworkView, 'id' | 'subnets'>,
  asked: Asked,
): readonly Lack[] {
  return network.subnets.flatMap((pool): readonly Lack[] => {
    const text = familyOf(pool.subnet) === 4 ? asked.address : asked.address6
    if (text !== undefined) return lackOf(pool, text, ownParts(projections.claims, network.id, pool.subnet))
    return roomOf(projections, network.id, pool).free > 0 ? [] : [{ pool }]
  })
}

/** The block of an address that was asked for. What is no address, or lies elsewhere, the turn refuses. */
function lackOf(pool: Subnet, text: string, parts: readonly Cidr[]): readonly Lack[] {
  const parsed = parseIp(text.split('/')[0] ?? '')
  if (!parsed.ok || parsed.value.family !== cidrFrom(pool.subnet).address.family) return []
  if (parts.some((part) => contains(cidrFrom(part), parsed.value))) return []
  const block = blockOf(pool, parsed.value)
  return block === undefined || block === vipBlockOf(pool)
    ? []
    : [{ asked: { address: oneOf(formatIp(parsed.value)), block }, pool }]
}

/** Free addresses in this host's blocks of a pool, and all of them. */
export function roomOf(
  { allocations, claims }: Projections,
  network: NetworkId,
  pool: Subnet,
): { readonly free: number; readonly size: number } {
  const state = allocations.pools.get(poolKey(network, pool.subnet))
  let [free, size] = [0, 0]
  for (const block of state === undefined ? [] : ownBlocks(claims, network, pool.subnet)) {
    const room = state && roomIn(state, pool, block)
    free += room?.free ?? 0
    size += room?.size ?? 0
  }
  return { free, size }
}

/**
 * The grant of a block: the first that is free, or the one of the address that was asked for; or who has that one.
 * @throws {RefusedError} ERR_ADDRESS_TAKEN, ERR_ADDRESS_EXHAUSTED: with who has what
 */
export async function claimBlock(
  register: Register,
  { id, name }: Pick<NetworkView, 'id' | 'name'>,
  { asked, pool }: Lack,
  { by, claiming }: { readonly by: CommandId; readonly claiming: (key: string) => void },
): Promise<ClaimGranted['data'] | Head> {
  const { subnet } = pool
  const claim = async (cidr: Cidr): Promise<ClaimGranted['data'] | Head> => {
    const key = blockKey(id, cidr)
    claiming(key)
    const claimed = await register.claim(key, by, blockClaim(register.said(), { cidr, network: id, subnet }))
    if (claimed.kind === 'taken') return claimed.head
    return grantOf({ cidr, key, kind: 'block', network: id, subnet }, claimed, register.table.stream)
  }
  if (asked !== undefined) {
    const got = await claim(asked.block)
    if ('stream' in got || isAsked(register, got)) return got
    throw notToBeHad(register, { name }, { asked, pool }, got)
  }
  for (const cidr of freeBlocks(register, id, pool)) {
    const got = await claim(cidr)
    if ('stream' in got) return got
  }
  throw exhausted(register, { id, name }, pool)
}

/** Blocks that may be claimed, in order; each is looked at when it is wanted. */
export function* freeBlocks(
  register: Register,
  network: NetworkId,
  pool: Subnet,
): Generator<Cidr, void, void> {
  const kept = vipBlockOf(pool)
  for (let n = 0; n < blockCount(pool); n++) {
    const cidr = blockAt(pool, n)
    if (cidr === undefined || cidr === kept) continue
    if (register.standing(register.table.head(blockKey(network, cidr))).state === 'free') yield cidr
  }
}

export const notToBeHad = (
  register: Register,
  { name }: Pick<NetworkView, 'name'>,
  { asked, pool }: Lack & { readonly asked: NonNullable<Lack['asked']> },
  head: Head,
): RefusedError =>
  refusal(
    'ERR_ADDRESS_TAKEN',
    pool,
    `network '${name}': the address lies in ${asked.block} of ${pool.subnet}, ${whose(register, head)}; take another, or leave it open`,
    head,
  )

export function exhausted(
  register: Register,
  { id, name }: Pick<NetworkView, 'id' | 'name'>,
  pool: Subnet,
): RefusedError {
  const { subnet } = pool
  const count = blockCount(pool) - (vipBlockOf(pool) === undefined ? 0 : 1)
  return refusal(
    'ERR_ADDRESS_EXHAUSTED',
    pool,
    `network '${name}': all ${count} blocks of ${subnet} are held: ${sharesOf(register, register.table.blocksOf(id, subnet))}; delete endpoints here, or make a network with a larger subnet`,
  )
}

/** Whether the owner of a block is to be asked for one address of it. */
export const isAsked = (register: Register, head: Head): boolean =>
  head.contested !== true && register.standing(head).state === 'held'

export function refusal(
  code: 'ERR_ADDRESS_EXHAUSTED' | 'ERR_ADDRESS_TAKEN' | 'ERR_CLUSTER_UNAVAILABLE',
  { subnet }: Subnet,
  message: string,
  head?: Head,
): RefusedError {
  const field = familyOf(subnet) === 4 ? 'address' : 'address6'
  return new RefusedError([{ code, field, ...(head === undefined ? {} : { holder: head.by }), message }])
}

/** `which host-b has, though it was put out of the cluster`, `which host-b gave up and which rests until …`. */
function whose(register: Register, head: Head): string {
  const standing = register.standing(head)
  if (standing.state === 'resting')
    return `which ${head.host} gave up and which rests until ${standing.until}`
  return `which ${head.host} has${head.contested ? ', and another host, too' : ', though it was put out of the cluster'}`
}

/** `host-a has 3, host-b has 5, 1 rests`. */
export function sharesOf(register: Register, heads: readonly Head[]): string {
  const counts = new Map<string, number>()
  for (const head of heads) {
    const { state } = register.standing(head)
    const who = state === 'resting' ? 'resting' : head.host
    if (state !== 'free') counts.set(who, (counts.get(who) ?? 0) + 1)
  }
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([who, count]) => (who === 'resting' ? `${count} rest` : `${who} has ${count}`))
    .join(', ')
}
