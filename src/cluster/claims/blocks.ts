/** Blocks of this host: which are wanting for a command, and getting one. */
import type { Cidr, ClaimGranted, CommandId, NetworkId, Subnet } from '../../../events/index.ts'
import { cidrFrom, contains, familyOf, parseIp, RefusedError } from '../../../events/index.ts'
import { ownBlocks, poolKey, type NetworkView, type Projections } from '../../../projections/index.ts'
import { blockAt, blockCount, blockOf, roomIn } from '../../ipam/index.ts'
import { blockClaim, grantOf } from './grants.ts'
import type { Register } from './register.ts'
import { blockKey } from './subjects.ts'
import type { Head } from './table.ts'

/** A pool in which this host needs a block: any, or just one, for an address that was asked for. */
export type Lack = { readonly block?: Cidr; readonly pool: Subnet }

type Asked = { readonly address?: string | undefined; readonly address6?: string | undefined }

/** What a new endpoint on a network of the cluster lacks. */
export function lacksOf(
  projections: Projections,
  network: Pick<NetworkView, 'id' | 'subnets'>,
  asked: Asked,
): readonly Lack[] {
  return network.subnets.flatMap((pool): readonly Lack[] => {
    const blocks = ownBlocks(projections.claims, network.id, pool.subnet)
    const text = familyOf(pool.subnet) === 4 ? asked.address : asked.address6
    if (text !== undefined) return lackOf(pool, text, blocks)
    return roomOf(projections, network.id, pool).free > 0 ? [] : [{ pool }]
  })
}

/** The block of an address that was asked for. What is no address, or lies elsewhere, the turn refuses. */
function lackOf(pool: Subnet, text: string, blocks: readonly Cidr[]): readonly Lack[] {
  const parsed = parseIp(text.split('/')[0] ?? '')
  if (!parsed.ok || parsed.value.family !== cidrFrom(pool.subnet).address.family) return []
  if (blocks.some((block) => contains(cidrFrom(block), parsed.value))) return []
  const block = blockOf(pool, parsed.value)
  return block === undefined ? [] : [{ block, pool }]
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
 * The grant of a block: the one that was asked for, or the first that is free.
 * @throws {RefusedError} ERR_ADDRESS_TAKEN, ERR_ADDRESS_EXHAUSTED: with who has what
 */
export async function claimBlock(
  register: Register,
  { id, name }: Pick<NetworkView, 'id' | 'name'>,
  { block, pool }: Lack,
  { by, claiming }: { readonly by: CommandId; readonly claiming: (key: string) => void },
): Promise<ClaimGranted['data']> {
  const { subnet } = pool
  const claim = async (cidr: Cidr): Promise<ClaimGranted['data'] | Head> => {
    const key = blockKey(id, cidr)
    claiming(key)
    const claimed = await register.claim(key, by, blockClaim(register.said(), { cidr, network: id, subnet }))
    if (claimed.kind === 'taken') return claimed.head
    return grantOf({ cidr, key, kind: 'block', network: id, subnet }, claimed, register.table.stream)
  }
  if (block !== undefined) {
    const got = await claim(block)
    if ('stream' in got) return got
    throw refusal(
      'ERR_ADDRESS_TAKEN',
      pool,
      `network '${name}': the address lies in ${block} of ${subnet}, ${whose(register, got)}; take another, or leave it open`,
      got,
    )
  }
  for (let n = 0; n < blockCount(pool); n++) {
    const cidr = blockAt(pool, n)
    if (cidr === undefined || register.standing(register.table.head(blockKey(id, cidr))).state !== 'free')
      continue
    const got = await claim(cidr)
    if ('stream' in got) return got
  }
  throw refusal(
    'ERR_ADDRESS_EXHAUSTED',
    pool,
    `network '${name}': all ${blockCount(pool)} blocks of ${subnet} are held: ${sharesOf(register, id, subnet)}; delete endpoints here, or make a network with a larger subnet`,
  )
}

function refusal(
  code: 'ERR_ADDRESS_EXHAUSTED' | 'ERR_ADDRESS_TAKEN',
  { subnet }: Subnet,
  message: string,
  head?: Head,
): RefusedError {
  const field = familyOf(subnet) === 4 ? 'address' : 'address6'
  return new RefusedError([{ code, field, ...(head === undefined ? {} : { holder: head.by }), message }])
}

/** `which host-b has: ask there`, `which rests until …`. */
function whose(register: Register, head: Head): string {
  const standing = register.standing(head)
  if (standing.state === 'resting')
    return `which ${head.host} gave up and which rests until ${standing.until}`
  return `which ${head.host} has${standing.state === 'frozen' ? ', though it was put out of the cluster' : ''}: ask it there`
}

/** `host-a has 3, host-b has 5, 1 rests`. */
function sharesOf(register: Register, network: NetworkId, subnet: Cidr): string {
  const counts = new Map<string, number>()
  for (const head of register.table.blocksOf(network, subnet)) {
    const { state } = register.standing(head)
    const who = state === 'resting' ? 'resting' : head.host
    if (state !== 'free') counts.set(who, (counts.get(who) ?? 0) + 1)
  }
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([who, count]) => (who === 'resting' ? `${count} rest` : `${who} has ${count}`))
    .join(', ')
}
