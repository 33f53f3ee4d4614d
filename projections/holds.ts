/**
 * Holds, and the two reasons for one: an owner that has the thing, and a remnant of an owner, which is what a sweep still
 * has to remove. Every change here alters the reasons first, and then {@link refresh}es the holds that may be concerned.
 */
import type { Instant, PlanId, Stream } from '../events/index.ts'
import { give, takeBack, type Place, type PoolState } from './pools.ts'
import { withTable } from './tables.ts'
import { Trie } from './trie.ts'

/** Somebody has it. */
export type Hold = {
  /** The stream of the entity: `endpoint/<id>`, `network/<id>`. */
  readonly holder: Stream
  readonly since: Instant
  /** The sweep whose success it waits for; it may also be held by its living owner. */
  readonly sweep?: PlanId
}

/** One thing that can be held. An address has a place in a pool, a subnet is one. */
export type Held =
  | { readonly key: string; readonly place: Place; readonly table: 'addresses' }
  | { readonly key: string; readonly pool: string; readonly table: 'subnets' }
  | { readonly key: string; readonly table: 'ifNames' | 'links' | 'macs' }

/** What an owner has: for as long as it exists, and for as long as it is joined. */
export type Estate = { readonly joined: readonly Held[]; readonly own: readonly Held[] }

/** What lay on a link that a sweep removes. */
export type Remnant = {
  /** The sweep failed; it will be intended again. */
  readonly failed: boolean
  readonly held: readonly Held[]
  readonly plan: PlanId
}

/** Who holds what. */
export type Allocations = {
  /** By `<network id>/<ip>`; the gateways too, held by their network. */
  readonly addresses: Trie<Hold>
  /** By the owner's stream. */
  readonly estates: Trie<Estate>
  /** By `<sandbox id>/<interface name>`. */
  readonly ifNames: Trie<Hold>
  /** Links in the host namespace, by name. */
  readonly links: Trie<Hold>
  /** By `<network id>/<mac>`; the bridge's too, held by its network. */
  readonly macs: Trie<Hold>
  /** By {@link poolKey}. */
  readonly pools: Trie<PoolState>
  /** By the owner's stream; oldest first. */
  readonly remnants: Trie<readonly Remnant[]>
  /** By canonical text: `10.0.0.0/24`. */
  readonly subnets: Trie<Hold>
  /** By plan: the streams that have remnants waiting for it. */
  readonly sweeping: Trie<readonly Stream[]>
}

/** Nobody holds anything. */
export const noHolds: Allocations = {
  addresses: Trie.empty(),
  estates: Trie.empty(),
  ifNames: Trie.empty(),
  links: Trie.empty(),
  macs: Trie.empty(),
  pools: Trie.empty(),
  remnants: Trie.empty(),
  subnets: Trie.empty(),
  sweeping: Trie.empty(),
}

/**
 * From now on the owner has this and nothing else; absent: nothing, it is no more.
 * @param sweep the plan that will remove a link on which lies all that the owner had until now
 */
export function setEstate(
  state: Allocations,
  owner: Stream,
  after: Estate | undefined,
  { at, sweep }: { readonly at: Instant; readonly sweep?: PlanId | undefined },
): Allocations {
  const before = state.estates.get(owner)
  const estates = after === undefined ? state.estates.delete(owner) : state.estates.set(owner, after)
  const settled = withTable(state, 'estates', estates)
  const old = state.remnants.get(owner) ?? NONE
  if (sweep === undefined) {
    const changed = [...except(before, after), ...except(after, before)]
    return refresh(settled, owner, { all: changed, at, estate: after, remnants: old })
  }
  const all = allOf(before)
  const remnants = [...old, { failed: false, held: all, plan: sweep }]
  const swept = waitFor(setRemnants(settled, owner, remnants), owner, sweep)
  return refresh(swept, owner, { all, at, estate: after, remnants })
}

/** The sweep succeeded, and its remnants are no more; or it failed, and they wait for another. */
export function settleSweep(state: Allocations, plan: PlanId, failed: boolean, at: Instant): Allocations {
  const owners = state.sweeping.get(plan)
  if (owners === undefined) return state
  let next = withTable(state, 'sweeping', state.sweeping.delete(plan))
  for (const owner of owners)
    next = failed
      ? changeRemnants(next, owner, (r) => (r.plan === plan ? { ...r, failed: true } : r), at)
      : changeRemnants(next, owner, (r) => (r.plan === plan ? undefined : r), at)
  return next
}

/** Remnants whose sweep failed wait for this one from now on. */
export function sweepAgain(
  state: Allocations,
  plan: PlanId,
  owners: readonly Stream[],
  at: Instant,
): Allocations {
  let next = state
  for (const owner of owners) {
    if (next.remnants.get(owner)?.some((r) => r.failed) !== true) continue
    next = changeRemnants(next, owner, (r) => (r.failed ? { ...r, failed: false, plan } : r), at)
    next = waitFor(next, owner, plan)
  }
  return next
}

/** The kernel is another one: what failed to be removed from the old is gone with it. */
export function forgetFailed(state: Allocations, at: Instant): Allocations {
  let next = state
  for (const owner of [...state.remnants.keys()] as Stream[])
    next = changeRemnants(next, owner, (r) => (r.failed ? undefined : r), at)
  return next
}

/** Owners with something left of them that no pending plan removes: their sweep failed, and has to be intended again. */
export const unswept = (state: Allocations): readonly Stream[] =>
  ([...state.remnants.entries()] as [Stream, readonly Remnant[]][])
    .filter(([, remnants]) => remnants.some((remnant) => remnant.failed))
    .map(([owner]) => owner)
    .sort()

/** Everything in an estate. */
const allOf = (estate: Estate | undefined): readonly Held[] =>
  estate === undefined ? [] : [...estate.own, ...estate.joined]

/** A plan has one more owner's remnants to remove. */
const waitFor = (state: Allocations, owner: Stream, plan: PlanId): Allocations =>
  withTable(
    state,
    'sweeping',
    state.sweeping.update(plan, (owners = []) => [...owners, owner]),
  )

function setRemnants(state: Allocations, owner: Stream, remnants: readonly Remnant[]): Allocations {
  const table = remnants.length === 0 ? state.remnants.delete(owner) : state.remnants.set(owner, remnants)
  return withTable(state, 'remnants', table)
}

/** Changes an owner's remnants one by one, `undefined` dropping it, and refreshes what they held. */
function changeRemnants(
  state: Allocations,
  owner: Stream,
  change: (remnant: Remnant) => Remnant | undefined,
  at: Instant,
): Allocations {
  const before = state.remnants.get(owner) ?? NONE
  const after = before.map(change)
  const touched = before.filter((remnant, i) => remnant !== after[i])
  if (touched.length === 0) return state
  const remnants = after.filter((remnant) => remnant !== undefined)
  const all = touched.flatMap((remnant) => remnant.held)
  const estate = state.estates.get(owner)
  return refresh(setRemnants(state, owner, remnants), owner, { all, at, estate, remnants })
}

/** Makes holds agree with the reasons for them. `all`: what may have got another reason. */
function refresh(
  state: Allocations,
  owner: Stream,
  reasons: {
    readonly all: readonly Held[]
    readonly at: Instant
    readonly estate: Estate | undefined
    readonly remnants: readonly Remnant[]
  },
): Allocations {
  const { all, at, estate, remnants } = reasons
  let next = state
  for (const held of all) {
    const sweep = remnants.findLast((remnant) => has(remnant.held, held))?.plan
    const wanted = sweep !== undefined || isIn(estate, held)
    next = wanted ? keep(next, owner, held, at, sweep) : free(next, owner, held)
  }
  return next
}

const NONE: readonly Remnant[] = []

/** Parts are shared between estates and remnants, so that identity mostly decides. */
const has = (all: readonly Held[], held: Held): boolean =>
  all.includes(held) || all.some((each) => each.key === held.key && each.table === held.table)

const isIn = (estate: Estate | undefined, held: Held): boolean =>
  estate !== undefined && (has(estate.own, held) || has(estate.joined, held))

/** What is in one estate and not, as the same objects, in another. */
function except(estate: Estate | undefined, other: Estate | undefined): readonly Held[] {
  if (estate === undefined) return []
  const own = estate.own === other?.own ? [] : estate.own
  const joined = estate.joined === other?.joined ? [] : estate.joined
  return [...own, ...joined]
}

function keep(state: Allocations, owner: Stream, held: Held, at: Instant, sweep?: PlanId): Allocations {
  const table = state[held.table]
  const { size } = table
  const after = table.update(held.key, (hold) => {
    if (hold?.holder === owner && hold.sweep === sweep) return hold
    const since = hold?.holder === owner ? hold.since : at
    return sweep === undefined ? { holder: owner, since } : { holder: owner, since, sweep }
  })
  const kept = withTable(state, held.table, after)
  return after.size > size ? enter(kept, owner, held) : kept
}

/** Frees a thing, unless another holder has it: that one's facts decide. */
function free(state: Allocations, owner: Stream, held: Held): Allocations {
  const table = state[held.table]
  const { size } = table
  const after = table.update(held.key, (hold) => (hold?.holder === owner ? undefined : hold))
  return after.size < size ? leave(withTable(state, held.table, after), held) : state
}

/** What a new hold means for the pools. */
function enter(state: Allocations, owner: Stream, held: Held): Allocations {
  if (held.table === 'subnets')
    return withTable(state, 'pools', state.pools.set(held.pool, { cursor: 0, words: Trie.empty() }))
  // A gateway is no address in the order of giving.
  if (held.table === 'addresses')
    return withTable(state, 'pools', give(state.pools, held.place, owner.startsWith('endpoint/')))
  return state
}

/** What the end of a hold means for the pools. */
function leave(state: Allocations, held: Held): Allocations {
  if (held.table === 'subnets') return withTable(state, 'pools', state.pools.delete(held.pool))
  if (held.table === 'addresses') return withTable(state, 'pools', takeBack(state.pools, held.place))
  return state
}
