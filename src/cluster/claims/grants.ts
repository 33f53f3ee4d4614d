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

export const networkClaim = (
  { at, by, epoch, host }: Said,
  definition: Definition,
  first?: Grant['first'],
): NetworkClaim => ({
  at,
  by,
  definition,
  epoch,
  ...(first === undefined ? {} : { first }),
  host,
  kind: 'network',
  network: definition.network,
  state: 'held',
})

export const vipClaim = (
  { at, by, epoch, host }: Said,
  {
    cidr,
    name,
    network,
    subnet,
  }: { readonly cidr: Cidr; readonly name: string; readonly network: NetworkId; readonly subnet: Cidr },
  first?: Grant['first'],
): VipClaim => ({
  at,
  by,
  cidr,
  epoch,
  ...(first === undefined ? {} : { first }),
  host,
  kind: 'vip',
  name,
  network,
  state: 'held',
  subnet,
})

export const vniClaim = (
  { at, by, epoch, host }: Said,
  { name, network, vni }: { readonly name: string; readonly network: NetworkId; readonly vni: number },
  first?: Grant['first'],
): VniClaim => ({
  at,
  by,
  epoch,
  ...(first === undefined ? {} : { first }),
  host,
  kind: 'vni',
  name,
  network,
  state: 'held',
  vni,
})

export const blockClaim = (
  { at, by, epoch, host }: Said,
  {
    cidr,
    contested,
    network,
    subnet,
  }: {
    readonly cidr: Cidr
    readonly contested?: true | undefined
    readonly network: NetworkId
    readonly subnet: Cidr
  },
  first?: Grant['first'],
): BlockClaim => ({
  at,
  by,
  cidr,
  ...(contested === undefined ? {} : { contested }),
  epoch,
  ...(first === undefined ? {} : { first }),
  host,
  kind: 'block',
  network,
  state: 'held',
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
