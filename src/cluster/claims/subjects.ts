/**
 * What is claimed in a cluster, each thing by a key of its own, and the subjects of the bus on which it is decided who has it.
 *
 * | thing                              | key                            | subject                          |
 * | ---------------------------------- | ------------------------------ | -------------------------------- |
 * | a network's name and definition    | `network.<sha256 of the name>` | `chronet.claim.` and the key     |
 * | a host's block of addresses        | `block.<network id>.<hex>`     | `chronet.claim.` and the key     |
 * | whether a host is among the others | `host.<origin>`                | `chronet.claim.` and the key     |
 * | a network's number                | `vni.<hex>`, 6 digits          | `chronet.claim.` and the key     |
 * | a service's address                | `vip.<network id>.<hex>`       | `chronet.claim.` and the key     |
 * | an address in another host's block | `address.<network id>.<hex>`   | `chronet.claim.` and the key     |
 * | a pool                             | `pool.<hex>`                   | `chronet.claim.pools`, all in one |
 *
 * `<hex>` is the first address, 8 digits or 32, and the prefix length, 2 digits: dots would split it. Pools share one subject
 * because what they must not do is overlap: that can only be compared and set for all of them at once.
 */
import type { Cidr, Hash, IpPrefix, NetworkId, Origin } from '../../../events/index.ts'
import { cidrFrom, formatCidr, formatIp } from '../../../events/index.ts'

/** The stream of all claims. */
export const CLAIM_STREAM = { name: 'CHRONET_CLAIMS', subjects: 'chronet.claim.>' } as const

const SUBJECT = 'chronet.claim.'

/** Where all pools stand. */
export const POOLS_SUBJECT = `${SUBJECT}pools`

export const networkKey = (hash: Hash, name: string): string => `network.${hash(name)}`
export const blockKey = (network: NetworkId, block: Cidr): string => `block.${network}.${hexOf(block)}`
/** @param address one address, as a block of that size */
export const addressKey = (network: NetworkId, address: Cidr): string =>
  `address.${network}.${hexOf(address)}`
/** @param address as of {@link addressKey} */
export const vipKey = (network: NetworkId, address: Cidr): string => `vip.${network}.${hexOf(address)}`
export const vniKey = (vni: number): string => `vni.${vni.toString(16).padStart(6, '0')}`
export const poolClaimKey = (pool: Cidr): string => `pool.${hexOf(pool)}`
export const hostKey = (origin: Origin): string => `host.${origin}`

/** Where a thing is decided. */
export const subjectOf = (key: string): string => (key.startsWith('pool.') ? POOLS_SUBJECT : SUBJECT + key)

/** The key of a subject's thing; undefined: it is of all pools, or of no claim. */
export const keyOfSubject = (subject: string): string | undefined =>
  /^chronet\.claim\.((address|block|vip)\.[0-9a-f]{64}\.([0-9a-f]{10}|[0-9a-f]{34})|(host|network)\.[0-9a-f]{64}|vni\.[0-9a-f]{6})$/.test(
    subject,
  )
    ? subject.slice(SUBJECT.length)
    : undefined

/** What a key is of, in words: `block 10.0.0.32/27`. A name is not told by its key, nor what is of no known kind. */
export function wordsOfKey(key: string): string {
  const [kind = '', ...rest] = key.split('.')
  const digits = rest.at(-1) ?? ''
  if (kind === 'network') return "a network's name"
  if (kind === 'vni') return `VNI ${Number.parseInt(digits, 16)}`
  const prefix = /^(?:[0-9a-f]{10}|[0-9a-f]{34})$/.test(digits) ? prefixOf(digits) : undefined
  if (prefix === undefined) return key
  return kind === 'address' || kind === 'vip'
    ? `address ${formatIp(prefix.address)}`
    : `${kind} ${formatCidr(prefix)}`
}

/** The network that a key is of, if it tells. */
export const networkOfKey = (key: string): NetworkId | undefined =>
  /^(?:address|block|vip)\.([0-9a-f]{64})\./.exec(key)?.[1] as NetworkId | undefined

/** The inverse of {@link hexOf}. */
function prefixOf(digits: string): IpPrefix {
  const [address, length] = [digits.slice(0, -2), Number.parseInt(digits.slice(-2), 16)]
  return address.length === 8
    ? { address: { family: 4, value: Number.parseInt(address, 16) }, length }
    : { address: { family: 6, value: BigInt(`0x${address}`) }, length }
}

function hexOf(cidr: Cidr): string {
  const { address, length } = cidrFrom(cidr)
  const digits = address.value.toString(16).padStart(address.family === 4 ? 8 : 32, '0')
  return digits + length.toString(16).padStart(2, '0')
}
