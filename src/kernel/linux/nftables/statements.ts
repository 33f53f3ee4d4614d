/**
 * The few statements that our rules are made of, under the names that `nft` prints, as the expressions that
 * the kernel makes of them: `rule(ifname('oifname', '!=', 'br0'), verdict('drop'))`. Which those are is what
 * `nft --debug=netlink` shows; a ruleset of ours is listed by `nft` as if it had been written with it.
 *
 * All values pass through register 1 (16 bytes); register 0 is the verdict.
 */
import { bitsOf, cidrFrom, networkOf, type IpPrefix } from '../../../../events/address.ts'
import type { Cidr } from '../../../../events/index.ts'
import { hex, type Expression, type Rule, type Verdict } from './expressions.ts'

/** By which interface: that by which a packet came, or that by which it goes. */
export type ByInterface = 'iifname' | 'oifname'

/** One rule out of statements. */
export const rule = (...statements: readonly Rule[]): Rule => statements.flat()

/** `iifname "br0"`, `oifname != "br0"`: a whole name, padded with zeros as the kernel holds it. */
export const ifname = (by: ByInterface, operator: '!=' | '==', name: string): Rule => [
  load('meta', META[by]),
  compare(operator, ifnameBytes(name)),
]

const CT_STATES = { established: 2, invalid: 1, new: 8, related: 4, untracked: 64 } as const

/** `ct state established,related`: any of them. The bits are in the host's byte order. */
export function ctState(...anyOf: readonly (keyof typeof CT_STATES)[]): Rule {
  const mask = Buffer.alloc(4)
  mask.writeUInt32LE(anyOf.reduce((bits, state) => bits | CT_STATES[state], 0))
  return [load('ct', 0), and(mask), compare('!=', Buffer.alloc(4))]
}

/**
 * `ip saddr 10.0.0.0/16`, with the check of the family that a table of family inet needs. As `nft` does:
 * whole bytes are compared as they are, else the rest is masked away.
 */
export function address(of: 'daddr' | 'saddr', prefix: Cidr): Rule {
  const network = networkOf(cidrFrom(prefix))
  const { family } = network.address
  const bytes = bitsOf(family) / 8
  const offset = ADDRESS_OFFSETS[family] + (of === 'daddr' ? bytes : 0)
  const isFamily = [load('meta', META.nfproto), compare('==', Buffer.of(family === 4 ? 2 : 10))]
  if (network.length === 0) return isFamily
  const whole = network.length % 8 === 0
  const taken = whole ? network.length / 8 : bytes
  const value = bytesOf(network).subarray(0, taken)
  const part = [loadPayload(offset, taken), ...(whole ? [] : [and(maskOf(network.length, bytes))])]
  return [...isFamily, ...part, compare('==', value)]
}

/** `iifname vmap @from`: the verdict of the map, if it has the interface. */
export const vmap = (by: ByInterface, map: string): Rule => [
  load('meta', META[by]),
  make('lookup', { set: map, sreg: 1, dreg: 0 }),
]

/** `accept`, `drop`, `jump some-chain`. */
export const verdict = (text: Verdict): Rule => [make('immediate', { dreg: 0, data: text })]

/** `masquerade`. */
export const masquerade: Rule = [make('masq', {})]

/** `counter`: how many packets and bytes came this far. */
export const counter: Rule = [make('counter', {})]

/** An interface name as sets and comparisons hold it: 16 bytes. */
export function ifnameBytes(name: string): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.write(name, 'utf8')
  return bytes
}

// Their parts.

const META = { iifname: 6, nfproto: 15, oifname: 7 } as const
/** Of the source address, from the network header. */
const ADDRESS_OFFSETS = { 4: 12, 6: 8 } as const
const NETWORK_HEADER = 1

function make(name: string, fields: Expression['fields']): Expression {
  return { fields, name }
}

const load = (from: 'ct' | 'meta', key: number): Expression => make(from, { dreg: 1, key })

const loadPayload = (offset: number, len: number): Expression =>
  make('payload', { dreg: 1, base: NETWORK_HEADER, offset, len })

const compare = (operator: '!=' | '==', data: Buffer): Expression =>
  make('cmp', { sreg: 1, op: operator === '==' ? 0 : 1, data: hex(data) })

const and = (mask: Buffer): Expression =>
  make('bitwise', {
    sreg: 1,
    dreg: 1,
    len: mask.length,
    mask: hex(mask),
    xor: hex(Buffer.alloc(mask.length)),
    op: 0,
  })

const bytesOf = ({ address }: IpPrefix): Buffer =>
  Buffer.from(address.value.toString(16).padStart(bitsOf(address.family) / 4, '0'), 'hex')

const maskOf = (length: number, bytes: number): Buffer =>
  Buffer.from(
    Array.from({ length: bytes }, (_, i) => 0xff & (0xff00 >> Math.min(8, Math.max(0, length - i * 8)))),
  )
