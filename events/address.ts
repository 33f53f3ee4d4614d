/**
 * IP addresses as text and as numbers: strict parsing with typed reasons, canonical text, and the little arithmetic that
 * pools need.
 *
 * Facts hold canonical text only: dotted decimal without leading zeros (RFC 6943 §3.1.1 tells why those are dangerous),
 * and RFC 5952 for IPv6. An IPv4 address is a number, an IPv6 address a bigint; the family stands beside the value, so
 * that callers need not care. Nothing here knows about scopes or zones: `fe80::1%eth0` is refused.
 */
import { assert } from './errors.ts'
import type { Cidr, Ip } from './fact.ts'

export type Family = 4 | 6

/** An address as a number: 32 bits, or 128 bits as a bigint. */
export type IpAddress =
  { readonly family: 4; readonly value: number } | { readonly family: 6; readonly value: bigint }

/** An address with a prefix length. Bits behind the prefix may be set: `10.0.3.7/24` is one of these. */
export type IpPrefix = { readonly address: IpAddress; readonly length: number }

/** Why a text is no address; sentences for people, to follow "…: ". */
export const ADDRESS_REASONS = {
  'bad-group': 'an IPv6 group is 1 to 4 hexadecimal digits',
  'bad-octet': 'an IPv4 octet is a decimal number from 0 to 255',
  'bad-prefix': 'a prefix length is a decimal number without leading zeros',
  'group-count': 'an IPv6 address has 8 groups, or fewer with one ::',
  'host-bits': 'bits behind the prefix are set, so this is an address in a subnet and not a subnet',
  'leading-zero': 'an IPv4 octet has no leading zeros, since some read those as octal',
  'no-prefix': 'a prefix length is missing, as in 10.0.0.0/24',
  'octet-count': 'an IPv4 address has 4 octets',
  'prefix-range': 'a prefix length is at most 32 for IPv4 and 128 for IPv6',
  'too-long': 'no address is that long',
  zone: 'a zone (%…) names an interface, which an address in a pool does not have',
} as const

export type AddressReason = keyof typeof ADDRESS_REASONS

/** What parsing came to. */
export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: AddressReason }

/** Longest text of an address: `ffff:…:255.255.255.255`. */
const TEXT_LENGTH_MAX = 45
const V6_ALL = (1n << 128n) - 1n

const yes = <T>(value: T): Parsed<T> => ({ ok: true, value })
const no = (reason: AddressReason): { readonly ok: false; readonly reason: AddressReason } => ({
  ok: false,
  reason,
})

/** Parses an address without prefix length, of either family. Upper-case hex is taken, and printed in lower case. */
export function parseIp(text: string): Parsed<IpAddress> {
  if (text.length > TEXT_LENGTH_MAX) return no('too-long')
  if (text.includes('%')) return no('zone')
  return text.includes(':') ? parseV6(text) : parseV4(text)
}

/** Parses an address with its prefix length: `10.0.3.7/24`. */
export function parseCidr(text: string): Parsed<IpPrefix> {
  const slash = text.indexOf('/')
  if (slash < 0) return no('no-prefix')
  const address = parseIp(text.slice(0, slash))
  if (!address.ok) return address
  const digits = text.slice(slash + 1)
  if (!/^(0|[1-9][0-9]*)$/.test(digits)) return no('bad-prefix')
  const length = Number(digits)
  if (length > bitsOf(address.value.family)) return no('prefix-range')
  return yes({ address: address.value, length })
}

/** Parses a subnet: as {@link parseCidr}, with no bits behind the prefix. */
export function parseSubnet(text: string): Parsed<IpPrefix> {
  const parsed = parseCidr(text)
  if (parsed.ok && networkOf(parsed.value).address.value !== parsed.value.address.value)
    return no('host-bits')
  return parsed
}

/** Parses an address that a fact holds: a malformed one is a defect of ours, not of a client. */
export function ipFrom(ip: Ip): IpAddress {
  const parsed = parseIp(ip)
  assert(parsed.ok, `a fact holds the address ${ip}`)
  return parsed.value
}

/** Parses an address with prefix length, or a subnet, that a fact holds, as {@link ipFrom}. */
export function cidrFrom(cidr: Cidr): IpPrefix {
  const parsed = parseCidr(cidr)
  assert(parsed.ok, `a fact holds the address ${cidr}`)
  return parsed.value
}

/** Canonical text. IPv4-mapped IPv6 addresses are printed mixed, as RFC 5952 §5 recommends: `::ffff:10.0.0.1`. */
export const formatIp = (address: IpAddress): Ip =>
  (address.family === 4 ? formatV4(address.value) : formatV6(address.value)) as Ip

/** Canonical text with prefix length; bits behind the prefix are kept. */
export const formatCidr = (prefix: IpPrefix): Cidr => `${formatIp(prefix.address)}/${prefix.length}` as Cidr

/** The family of canonical text. */
export const familyOf = (text: Cidr | Ip): Family => (text.includes(':') ? 6 : 4)

/** The address of `10.0.3.7/24` as text: `10.0.3.7`. */
export const ipOf = (cidr: Cidr): Ip => cidr.slice(0, cidr.indexOf('/')) as Ip

/** The prefix length of `10.0.3.7/24`: 24. */
export const prefixLengthOf = (cidr: Cidr): number => Number(cidr.slice(cidr.indexOf('/') + 1))

/** How wide addresses of a family are. */
export const bitsOf = (family: Family): 128 | 32 => (family === 4 ? 32 : 128)

/** How many addresses lie in a prefix. Exact: it is a power of two. */
export const sizeOf = (prefix: IpPrefix): number => 2 ** (bitsOf(prefix.address.family) - prefix.length)

/** The subnet that an address with prefix length lies in: bits behind the prefix cleared. */
export function networkOf({ address, length }: IpPrefix): IpPrefix {
  if (address.family === 4) {
    const size = 2 ** (32 - length)
    return { address: { family: 4, value: address.value - (address.value % size) }, length }
  }
  const host = BigInt(128 - length)
  return { address: { family: 6, value: (address.value >> host) << host }, length }
}

/** Whether an address lies in a prefix; false across families. */
export function contains(prefix: IpPrefix, address: IpAddress): boolean {
  if (prefix.address.family !== address.family) return false
  return networkOf(prefix).address.value === networkOf({ address, length: prefix.length }).address.value
}

/** Whether two prefixes share an address. Prefixes nest or are apart, so the shorter one decides. */
export const overlaps = (a: IpPrefix, b: IpPrefix): boolean =>
  a.length <= b.length ? contains(a, b.address) : contains(b, a.address)

/** The place of a prefix's address in its subnet, from 0 for the subnet's own; exact below 2^53, and rounded above. */
export function offsetOf({ address, length }: IpPrefix): number {
  if (address.family === 4) return address.value % 2 ** (32 - length)
  return Number(address.value & (V6_ALL >> BigInt(length)))
}

/** The address at a place in the subnet of a prefix: the inverse of {@link offsetOf}. */
export function addressAt(prefix: IpPrefix, offset: number): IpAddress {
  const { address } = networkOf(prefix)
  assert(
    Number.isSafeInteger(offset) && offset >= 0 && offset < sizeOf(prefix),
    `no offset ${offset} in /${prefix.length}`,
  )
  if (address.family === 4) return { family: 4, value: address.value + offset }
  return { family: 6, value: address.value + BigInt(offset) }
}

/**
 * The places, first and last, that hosts may have. IPv4 leaves out the subnet's own and the broadcast address, but not
 * in /31 (RFC 3021) and /32; IPv6 leaves out the first, the routers' anycast address (RFC 4291 §2.6.1), but not in
 * /127 (RFC 6164) and /128.
 */
export function hostOffsets(prefix: IpPrefix): { readonly first: number; readonly last: number } {
  const size = sizeOf(prefix)
  if (size <= 2) return { first: 0, last: size - 1 }
  return { first: 1, last: prefix.address.family === 4 ? size - 2 : size - 1 }
}

/** The first address that a host may have: see {@link hostOffsets}. */
export const firstHost = (prefix: IpPrefix): IpAddress => addressAt(prefix, hostOffsets(prefix).first)

/** Order of addresses, for sorting: IPv4 first, then by value. */
export function compareIp(a: IpAddress, b: IpAddress): number {
  if (a.family !== b.family) return a.family - b.family
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0
}

function parseV4(text: string): Parsed<IpAddress> {
  const octets = text.split('.')
  if (octets.length !== 4) return no('octet-count')
  let value = 0
  for (const octet of octets) {
    const byte = octetOf(octet)
    if (byte === undefined) return no('bad-octet')
    if (octet.length > 1 && octet.startsWith('0')) return no('leading-zero')
    if (byte > 255) return no('bad-octet')
    value = value * 256 + byte
  }
  return yes({ family: 4, value })
}

/** The number of one to three decimal digits. By hand: each turn reads a dozen addresses, and expressions and parsing take longer. */
function octetOf(text: string): number | undefined {
  if (text.length < 1 || text.length > 3) return undefined
  let number = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return undefined
    number = number * 10 + digit
  }
  return number
}

function parseV6(text: string): Parsed<IpAddress> {
  const hex = text.includes('.') ? withoutDots(text) : yes(text)
  if (!hex.ok) return hex
  const halves = hex.value.split('::')
  if (halves.length > 2) return no('group-count')
  const [front = [], back] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - front.length - (back?.length ?? 0)
  // RFC 4291 §2.2: "::" stands for one or more groups; without it nothing may be missing.
  if (back === undefined ? missing !== 0 : missing < 1) return no('group-count')
  const groups = [...front, ...Array<string>(missing).fill('0'), ...(back ?? [])]
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return no('bad-group')
  return yes({ family: 6, value: BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`) })
}

/** Turns the dotted tail of `::ffff:10.0.0.1` into two groups. */
function withoutDots(text: string): Parsed<string> {
  const tail = text.lastIndexOf(':') + 1
  const parsed = parseV4(text.slice(tail))
  if (!parsed.ok) return parsed
  const value = Number(parsed.value.value)
  return yes(
    `${text.slice(0, tail)}${Math.floor(value / 65536).toString(16)}:${(value % 65536).toString(16)}`,
  )
}

const formatV4 = (value: number): string =>
  `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`

function formatV6(value: bigint): string {
  if (value >> 32n === 0xffffn) return `::ffff:${formatV4(Number(value & 0xffff_ffffn))}`
  const digits = value.toString(16).padStart(32, '0')
  const groups = Array.from({ length: 8 }, (_, i) =>
    parseInt(digits.slice(i * 4, i * 4 + 4), 16).toString(16),
  )
  const { start, length } = longestZeros(groups)
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}

/** RFC 5952 §4.2: the longest run of zero groups is shortened, the first of equals, and never a single group. */
function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  groups.forEach((group, i) => {
    if (group !== '0') start = i + 1
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start }
  })
  return best
}
