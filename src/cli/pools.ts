/**
 * Pools of `network create`: `--subnet`, and each `--gateway`, `--ip-range` and `--aux-address` with the subnet that it lies in.
 * What cannot be read, or lies in none, is left to the engine, which says what is wrong.
 */
import type { SubnetRequest } from '../../events/index.ts'
import { contains, parseIp, parseSubnet } from '../../events/index.ts'
import type { OptionSpec, Values } from './leaf.ts'
import { UsageError } from './problems.ts'

type Pool = { auxAddresses?: Record<string, string>; gateway?: string; ipRange?: string; subnet: string }

export const POOL_OPTIONS: readonly OptionSpec[] = [
  { flags: '--subnet <cidr>', repeat: true, what: 'a pool of addresses; without one, a free default pool' },
  { flags: '--gateway <address>', repeat: true, what: "the gateway's address in the subnet that has it" },
  {
    flags: '--ip-range <cidr>',
    repeat: true,
    what: 'the part of its subnet out of which addresses are chosen',
  },
  {
    flags: '--aux-address <name=address>',
    repeat: true,
    what: 'an address that no endpoint gets, as a router’s',
  },
]

/** @throws {UsageError} there is no subnet for something to lie in, or a subnet has two of what it can have one */
export function subnetsOf(values: Values): readonly SubnetRequest[] | undefined {
  const pools = values.texts('subnet').map((subnet): Pool => ({ subnet }))
  for (const gateway of values.texts('gateway')) {
    const pool = poolOf(pools, '--gateway', gateway, gateway)
    if (pool.gateway !== undefined) throw new UsageError(`--subnet ${pool.subnet} has two gateways; give one`)
    pool.gateway = gateway
  }
  for (const range of values.texts('ipRange')) {
    const pool = poolOf(pools, '--ip-range', range, range.replace(/\/.*/s, ''))
    if (pool.ipRange !== undefined) throw new UsageError(`--subnet ${pool.subnet} has two ranges; give one`)
    pool.ipRange = range
  }
  for (const text of values.texts('auxAddress')) {
    const at = text.indexOf('=')
    if (at < 1) throw new UsageError(`--aux-address must be NAME=ADDRESS, not '${text}'`)
    const [name, address] = [text.slice(0, at), text.slice(at + 1)]
    const pool = poolOf(pools, '--aux-address', text, address)
    if (Object.hasOwn(pool.auxAddresses ?? {}, name))
      throw new UsageError(`--subnet ${pool.subnet} has two auxiliary addresses '${name}'; give each a name`)
    pool.auxAddresses = { ...pool.auxAddresses, [name]: address }
  }
  return pools.length === 0 ? undefined : pools
}

function poolOf(pools: readonly Pool[], option: string, text: string, address: string): Pool {
  const pool =
    pools.find(({ subnet }) => lies(address, subnet)) ?? pools.find(({ subnet }) => isAkin(address, subnet))
  const [first] = pools
  if (first === undefined) throw new UsageError(`${option} ${text} lies in no subnet; give its --subnet too`)
  // The engine tells that it lies outside, together with all else that is wrong.
  return pool ?? first
}

const isAkin = (address: string, subnet: string): boolean => address.includes(':') === subnet.includes(':')

function lies(text: string, subnet: string): boolean {
  const [address, prefix] = [parseIp(text), parseSubnet(subnet)]
  return 'value' in address && 'value' in prefix && contains(prefix.value, address.value)
}
