/** What this host has in its cluster alone, by its own log: what was granted, and what of it is lost. */
import type { Cidr, ClaimGranted, ClaimLost, Instant, NetworkId } from '../events/index.ts'
import { defineProjection } from './define.ts'
import { poolKey } from './pools.ts'
import { withTable } from './tables.ts'
import { Trie } from './trie.ts'

/** A claim that was granted. `lost`: it is not ours all the same. */
export type Grant = ClaimGranted['data'] & { readonly lost?: ClaimLost['data']; readonly since: Instant }

export type Claims = {
  /** By the key of a pool: the blocks out of which this host gives addresses, in the order in which it got them. */
  readonly blocks: Trie<readonly Cidr[]>
  /** By the claim's key. */
  readonly grants: Trie<Grant>
}

export const claims = defineProjection({
  name: 'claims',
  version: 1,
  init: { blocks: Trie.empty<readonly Cidr[]>(), grants: Trie.empty<Grant>() } satisfies Claims,
  on: {
    ClaimGranted: (state, { data }, { at }) => {
      const grants = state.grants.update(data.key, (before) => ({ ...data, since: before?.since ?? at }))
      return changeBlocks(withTable(state, 'grants', grants), data, (blocks, cidr) =>
        data.contested === true ? without(blocks, cidr) : withOne(blocks, cidr),
      )
    },
    ClaimLost: (state, { data }) => {
      const grant = state.grants.get(data.key)
      if (grant === undefined) return state
      const lost = withTable(state, 'grants', state.grants.set(data.key, { ...grant, lost: data }))
      return changeBlocks(lost, grant, without)
    },
    ClaimReleased: (state, { data: { key } }) => {
      const grant = state.grants.get(key)
      if (grant === undefined) return state
      return changeBlocks(withTable(state, 'grants', state.grants.delete(key)), grant, without)
    },
  },
})

/** The blocks of a network's pool out of which this host gives addresses. */
export const ownBlocks = ({ blocks }: Claims, network: NetworkId, subnet: Cidr): readonly Cidr[] =>
  blocks.get(poolKey(network, subnet)) ?? []

const withOne = (blocks: readonly Cidr[], cidr: Cidr): readonly Cidr[] =>
  blocks.includes(cidr) ? blocks : [...blocks, cidr]

const without = (blocks: readonly Cidr[], cidr: Cidr): readonly Cidr[] =>
  blocks.filter((each) => each !== cidr)

function changeBlocks(
  state: Claims,
  { cidr, kind, network, subnet }: ClaimGranted['data'],
  change: (blocks: readonly Cidr[], cidr: Cidr) => readonly Cidr[],
): Claims {
  if (kind !== 'block' || cidr === undefined || subnet === undefined) return state
  const blocks = state.blocks.update(poolKey(network, subnet), (before = []) => {
    const after = change(before, cidr)
    return after.length === 0 ? undefined : after
  })
  return withTable(state, 'blocks', blocks)
}
