/**
 * Blocks: the parts of a pool that hosts of a cluster have each for themselves, so that giving an address asks nobody.
 *
 * A block is a /27 of IPv4, 32 addresses, or a /120 of IPv6, 256. A pool that is no larger is one block.
 */
import {
  addressAt,
  cidrFrom,
  contains,
  familyOf,
  formatCidr,
  formatIp,
  networkOf,
  offsetOf,
  sizeOf,
  type Cidr,
  type Ip,
  type IpAddress,
  type IpPrefix,
  type Subnet,
} from '../../events/index.ts'
import { hasPlace, nextFree, type PoolState } from '../../projections/index.ts'
import { orderOf } from './parts.ts'

/** Prefix lengths of blocks. */
export const BLOCK_LENGTHS = { 4: 27, 6: 120 } as const

/** Of a pool, what its blocks need. */
type Blocks = Pick<Subnet, 'ipRange' | 'subnet'>

/** The nth block of a pool, from 0: of the range out of which addresses are chosen. Undefined: there are not so many. */
export function blockAt(pool: Blocks, n: number): Cidr | undefined {
  const range = rangeOf(pool)
  const length = lengthIn(range)
  if (n >= 2 ** (length - range.length)) return undefined
  const { address } = networkOf(range)
  const size = sizeOf({ address, length })
  const first: IpAddress =
    address.family === 4
      ? { family: 4, value: address.value + n * size }
      : { family: 6, value: address.value + BigInt(n) * BigInt(size) }
  return formatCidr({ address: first, length })
}

/** One address, as a block of that size. */
export const oneOf = (ip: Ip): Cidr => `${ip}/${familyOf(ip) === 4 ? 32 : 128}` as Cidr

/** Pools with fewer blocks have none for services. */
const BLOCKS_FOR_VIPS_MIN = 8
/** Blocks for services lie within the first so many addresses of a pool. */
const VIP_PLACES_MAX = 2 ** 24

/** The block of a pool that no host gives out of: its addresses are held one by one, for services. Undefined: the pool is too small. */
export function vipBlockOf(pool: Blocks): Cidr | undefined {
  if (blockCount(pool) < BLOCKS_FOR_VIPS_MIN) return undefined
  const order = orderOf({
    subnet: pool.subnet,
    ...(pool.ipRange === undefined ? {} : { ipRange: pool.ipRange }),
  })
  return blockOf(pool, addressAt(order.range, Math.min(order.last, VIP_PLACES_MAX - 1)))
}

/** The addresses of that block, in order, but those that a network has itself. */
export function vipsOf(pool: Subnet): readonly Cidr[] {
  const block = vipBlockOf(pool)
  if (block === undefined) return []
  const { first, last } = placesOf(pool, block)
  const { range } = orderOf(pool)
  const own = new Set<string>([pool.gateway, ...Object.values(pool.auxAddresses ?? {})])
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) =>
    formatIp(addressAt(range, first + i)),
  )
    .filter((ip) => !own.has(ip))
    .map(oneOf)
}

/** How many blocks a pool has. */
export const blockCount = (pool: Blocks): number => 2 ** (lengthIn(rangeOf(pool)) - rangeOf(pool).length)

/** The block that an address lies in; undefined: it lies in none, for it is not in the range. */
export function blockOf(pool: Blocks, address: IpAddress): Cidr | undefined {
  const range = rangeOf(pool)
  return contains(range, address) ? formatCidr(networkOf({ address, length: lengthIn(range) })) : undefined
}

/** The places of a block in its pool, those left out that no host can have. */
export function placesOf(pool: Blocks, block: Cidr): { readonly first: number; readonly last: number } {
  const order = orderOf({
    subnet: pool.subnet,
    ...(pool.ipRange === undefined ? {} : { ipRange: pool.ipRange }),
  })
  const part = cidrFrom(block)
  const start = offsetOf({ address: networkOf(part).address, length: order.range.length })
  return { first: Math.max(start, order.first), last: Math.min(start + sizeOf(part) - 1, order.last) }
}

/** How many addresses of a block are free, and how many it has. */
export function roomIn(
  state: PoolState,
  pool: Blocks,
  block: Cidr,
): { readonly free: number; readonly size: number } {
  const { first, last } = placesOf(pool, block)
  let free = 0
  for (let place = first; place <= last; place++) if (!hasPlace(state, place)) free++
  return { free, size: Math.max(0, last - first + 1) }
}

/** The next free place in one of these blocks, in their order. */
export function nextInBlocks(state: PoolState, pool: Blocks, blocks: readonly Cidr[]): number | undefined {
  for (const block of blocks) {
    const places = placesOf(pool, block)
    const offset = places.first > places.last ? undefined : nextFree(state, places)
    if (offset !== undefined) return offset
  }
  return undefined
}

const rangeOf = ({ ipRange, subnet }: Blocks): IpPrefix => cidrFrom(ipRange ?? subnet)

const lengthIn = (range: IpPrefix): number =>
  Math.max(range.length, BLOCK_LENGTHS[familyOf(formatCidr(range))])
