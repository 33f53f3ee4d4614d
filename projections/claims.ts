/** What this host has in its cluster alone, by its own log: what was granted, and what of it is lost. */
import type { AddressLent, Cidr, ClaimGranted, ClaimLost, Instant, NetworkId } from '../events/index.ts'
import { defineProjection } from './define.ts'
import { poolKey } from './pools.ts'
import { withTable } from './tables.ts'
import { Table } from './table.ts'

/** A claim that was granted. `lost`: it is not ours all the same. */
export type Grant = ClaimGranted['data'] & { readonly lost?: ClaimLost['data']; readonly since: Instant }

/** An address out of a block of this host that another host has. */
export type Loan = AddressLent['data'] & { readonly since: Instant }

export type Claims = {
  /** By the key of a pool: the blocks out of which this host gives addresses, in the order in which it got them. */
  readonly blocks: Table<readonly Cidr[]>
  /** By the key of a pool: addresses that other hosts lend to this one. They are given where they are asked for, and not else. */
  readonly borrowed: Table<readonly Cidr[]>
  /** By the claim's key. */
  readonly grants: Table<Grant>
  /** By the claim's key: what of this host's blocks is lent to others. */
  readonly lent: Table<Loan>
}

const none: Claims = {
  blocks: Table.empty(),
  borrowed: Table.empty(),
  grants: Table.empty(),
  lent: Table.empty(),
}

export const claims = defineProjection({
  name: 'claims',
  version: 2,
  init: none,
  on: {
    AddressLent: (state, { data }, { at }) =>
      withTable(state, 'lent', state.lent.set(data.key, { ...data, since: at })),
    AddressReturned: (state, { data: { key } }) => withTable(state, 'lent', state.lent.delete(key)),
    ClaimGranted: (state, { data }, { at }) => {
      const grants = state.grants.update(data.key, (before) => ({ ...data, since: before?.since ?? at }))
      return changeParts(withTable(state, 'grants', grants), data, (blocks, cidr) =>
        data.contested === true ? without(blocks, cidr) : withOne(blocks, cidr),
      )
    },
    ClaimLost: (state, { data }) => {
      const grant = state.grants.get(data.key)
      if (grant === undefined) return state
      const lost = withTable(state, 'grants', state.grants.set(data.key, { ...grant, lost: data }))
      return changeParts(lost, grant, without)
    },
    ClaimReleased: (state, { data: { key } }) => {
      const grant = state.grants.get(key)
      if (grant === undefined) return state
      return changeParts(withTable(state, 'grants', state.grants.delete(key)), grant, without)
    },
  },
})

/** The blocks of a network's pool out of which this host gives addresses. */
export const ownBlocks = ({ blocks }: Claims, network: NetworkId, subnet: Cidr): readonly Cidr[] =>
  blocks.get(poolKey(network, subnet)) ?? []

/** Addresses of a network's pool that this host can have where they are asked for. */
export const ownParts = (claims: Claims, network: NetworkId, subnet: Cidr): readonly Cidr[] => [
  ...ownBlocks(claims, network, subnet),
  ...(claims.borrowed.get(poolKey(network, subnet)) ?? []),
]

/** What of a network is lent to other hosts. */
export const loansOf = ({ lent }: Claims, network: NetworkId): readonly Loan[] =>
  [...lent.values()].filter((loan) => loan.network === network)

const withOne = (blocks: readonly Cidr[], cidr: Cidr): readonly Cidr[] =>
  blocks.includes(cidr) ? blocks : [...blocks, cidr]

const without = (blocks: readonly Cidr[], cidr: Cidr): readonly Cidr[] =>
  blocks.filter((each) => each !== cidr)

/** Which table has the parts of pools that a claim is of. */
const TABLES: { readonly [kind: string]: 'blocks' | 'borrowed' } = { address: 'borrowed', block: 'blocks' }

function changeParts(
  state: Claims,
  { cidr, kind, network, subnet }: ClaimGranted['data'],
  change: (parts: readonly Cidr[], cidr: Cidr) => readonly Cidr[],
): Claims {
  const name = TABLES[kind]
  if (name === undefined || cidr === undefined || subnet === undefined) return state
  const parts = state[name].update(poolKey(network, subnet), (before = []) => {
    const after = change(before, cidr)
    return after.length === 0 ? undefined : after
  })
  return withTable(state, name, parts)
}
