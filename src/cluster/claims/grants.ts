/** Grants as facts have them, and the claims that they are of. */
import type { Cidr, ClaimGranted, NetworkId } from '../../../events/index.ts'
import type { Grant, NetworkView } from '../../../projections/index.ts'
import type { BlockClaim, Definition, NetworkClaim, Said } from './message.ts'
import type { Claimed } from './register.ts'

export type Granted = Extract<Claimed, { readonly kind: 'granted' }>

/** What is granted, without where. */
type What = {
  readonly cidr?: Cidr
  readonly contested?: true
  readonly key: string
  readonly kind: 'block' | 'network' | 'pool'
  readonly name?: string
  readonly network: NetworkId
  readonly subnet?: Cidr
}

/** Keys in the order of the canonical form. */
export const grantOf = (
  { cidr, contested, key, kind, name, network, subnet }: What,
  { first, seq }: Granted,
  stream: string,
): ClaimGranted['data'] => ({
  ...(cidr === undefined ? {} : { cidr }),
  ...(contested === undefined ? {} : { contested }),
  first: { seq: first.seq, stream: first.stream },
  key,
  kind,
  ...(name === undefined ? {} : { name }),
  network,
  seq,
  stream,
  ...(subnet === undefined ? {} : { subnet }),
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
