/**
 * The birth mark: what every link of ours bears from the message that creates it, so that it can be told from a
 * stranger's without the log. A link is ours when group, name and MAC agree (names chosen by the user are exempt).
 *
 * Group: 30 bits of sha256(origin), never 0, then one bit: 0 lives, 1 is being swept. Name: `cn`, a kind letter, 12 hex
 * of sha256(entity id, attempt). MAC of host ends and bridges: 02, then 40 bits of sha256(origin, name), the name being that of
 * its birth: the alias, which follows, ends with it.
 */
import type { BridgeSpec, IfName, Mac, Origin, VethSpec } from '../../events/index.ts'
import type { Hash } from '../ports.ts'

/** Routes of ours carry this protocol number (rtm_protocol); free in iproute2's rt_protos as of 6.1. */
export const ROUTE_PROTOCOL = 97

/** Group of living links of an origin: even, below 2^31. */
export function groupOf(hash: Hash, origin: Origin): number {
  const bits = parseInt(hash(origin).slice(0, 8), 16) >>> 2
  return (bits === 0 ? 1 : bits) * 2
}

/** Group of its links that are being swept. */
export const sweptGroupOf = (livingGroup: number): number => livingGroup + 1

/** `b` for bridges, `v` for host ends of veths. */
export type LinkKind = 'b' | 'v'

/** The name of the link that an entity's `attempt` makes: 15 bytes, the most that the kernel takes. */
export const linkName = (hash: Hash, kind: LinkKind, entity: string, attempt: number): IfName =>
  `cn${kind}${hash(`${entity} ${attempt}`).slice(0, 12)}` as IfName

/** The MAC of a host-side link: locally administered, unicast. */
export const linkMac = (hash: Hash, origin: Origin, name: string): Mac =>
  `02:${(hash(`${origin} ${name}`).slice(0, 10).match(/../g) ?? []).join(':')}` as Mac

/**
 * Whether a link's MAC is the one of its name, or of the one that it was born with: who renames a link leaves the alias, whose last word
 * is that name. Nobody is believed for an alias: the MAC must follow from it.
 */
export function isMacOf(
  hash: Hash,
  origin: Origin,
  { alias, mac, name }: { readonly alias: string; readonly mac: string; readonly name: string },
): boolean {
  if (mac === linkMac(hash, origin, name)) return true
  const born = alias.startsWith(aliasOf(origin, '')) ? alias.slice(alias.lastIndexOf(' ') + 1) : ''
  return born !== '' && mac === linkMac(hash, origin, born)
}

/** Our table's name in family inet. */
export const tableName = (origin: Origin): string => `chronet_${origin.slice(0, 8)}`

/** Text of the alias that follows: `chronet:<origin 12>:<what>`. Of a link it ends with the name that it is born with. */
export const aliasOf = (origin: Origin, what: string): string => `chronet:${origin.slice(0, 12)}:${what}`

export const bridgeText = ({ name }: Pick<BridgeSpec, 'name'>): string => `bridge ${name}`
export const vethText = ({ name, peer }: Pick<VethSpec, 'name' | 'peer'>): string =>
  `${peer.name} of sandbox ${peer.ns.slice(0, 12)} by ${name}`
