/** Grants as facts have them, and the claims that they are of. */
import type { Cidr, Claim, ClaimGranted, Member, NetworkId } from '../../../events/index.ts'
import type { Grant, NetworkView } from '../../../projections/index.ts'
import type {
  AddressClaim,
  BlockClaim,
  Definition,
  NetworkClaim,
  Said,
  VipClaim,
  VniClaim,
} from './message.ts'
import type { Claimed } from './register.ts'

export type Granted = Extract<Claimed, { readonly kind: 'granted' }>

/** What is granted, without where. */
type What = Claim & { readonly contested?: true }

/** Keys in the order of the canonical form. */
export const grantOf = (
  { block, cidr, contested, key, kind, lender, name, network, subnet, vni }: What,
  { first, seq }: Granted,
  stream: string,
): ClaimGranted['data'] => ({
  ...(block === undefined ? {} : { block }),
  ...(cidr === undefined ? {} : { cidr }),
  ...(contested === undefined ? {} : { contested }),
  first: { seq: first.seq, stream: first.stream },
  key,
  kind,
  ...(lender === undefined ? {} : { lender: { host: lender.host, origin: lender.origin } }),
  ...(name === undefined ? {} : { name }),
  network,
  seq,
  stream,
  ...(subnet === undefined ? {} : { subnet }),
  ...(vni === undefined ? {} : { vni }),
})

/** A network as other hosts need it. */
export const definitionOf = (network: NetworkView): Definition => ({
  driver: network.driver,
  ...(network.ifPrefix === undefined ? {} : { ifPrefix: network.ifPrefix }),
  internal: network.internal,
  labels: network.labels,
  masquerade: network.masquerade,
  mtu: network.mtu,
  name: network.name,
  network: network.id,
  ...(network.options === undefined ? {} : { options: network.options }),
  subnets: network.subnets,
  ...(network.vni === undefined ? {} : { vni: network.vni }),
})

/** What all say that are held. Messages put keys in order themselves. */
const held = <K extends 'block' | 'network' | 'vip' | 'vni'>(
  { at, by, epoch, host }: Said,
  kind: K,
  network: NetworkId,
  first: Grant['first'] | undefined,
) => ({
  at,
  by,
  epoch,
  ...(first === undefined ? {} : { first }),
  host,
  kind,
  network,
  state: 'held' as const,
})

export const networkClaim = (said: Said, definition: Definition, first?: Grant['first']): NetworkClaim => ({
  ...held(said, 'network', definition.network, first),
  definition,
})

export const vipClaim = (
  said: Said,
  { cidr, name, network, subnet }: Pick<VipClaim, 'cidr' | 'name' | 'network' | 'subnet'>,
  first?: Grant['first'],
): VipClaim => ({ ...held(said, 'vip', network, first), cidr, name, subnet })

export const vniClaim = (
  said: Said,
  { name, network, vni }: Pick<VniClaim, 'name' | 'network' | 'vni'>,
  first?: Grant['first'],
): VniClaim => ({ ...held(said, 'vni', network, first), name, vni })

export const blockClaim = (
  said: Said,
  {
    cidr,
    contested,
    network,
    subnet,
  }: Pick<BlockClaim, 'cidr' | 'network' | 'subnet'> & { readonly contested?: true | undefined },
  first?: Grant['first'],
): BlockClaim => ({
  ...held(said, 'block', network, first),
  cidr,
  ...(contested === undefined ? {} : { contested }),
  subnet,
})

/** What of an address is the same whoever speaks of it. */
export type AskedAddress = {
  readonly block: Cidr
  readonly cidr: Cidr
  readonly lender: Member
  readonly network: NetworkId
  readonly subnet: Cidr
  readonly to: Member
}

export const addressClaim = (
  { at, by, epoch, host }: Said,
  { block, cidr, lender, network, subnet, to }: AskedAddress,
  state: AddressClaim['state'],
  more: Pick<AddressClaim, 'after' | 'first' | 'restsUntil' | 'why'> = {},
): AddressClaim => ({
  at,
  block,
  by,
  cidr,
  epoch,
  host,
  kind: 'address',
  lender,
  ...more,
  network,
  state,
  subnet,
  to,
})
