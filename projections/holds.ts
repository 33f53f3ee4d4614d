/**
 * Holds, and the two reasons for one: an owner that has the thing, and a remnant of an owner, which is what a sweep still
 * has to remove. A hold is there from the first reason to the last; who only has it still is told by {@link sweepOf}.
 */
import type { Cidr, Instant, PlanId, Stream } from '../events/index.ts'
import { give, takeBack, type Place, type PoolState } from './pools.ts'
import { withTable } from './tables.ts'
import { Table } from './table.ts'

/** Somebody has it. */
export type Hold = {
  /** The stream of the entity: `endpoint/<id>`, `network/<id>`; or `host/<origin>`, another host that it is lent to. */
  readonly holder: Stream
  readonly since: Instant
}

/** One thing that can be held. An address has a place in a pool, a subnet is one, with the range that is given in order. */
export type Held =
  | { readonly key: string; readonly place: Place; readonly table: 'addresses' }
  | { readonly key: string; readonly pool: string; readonly range?: Cidr; readonly table: 'subnets' }
  | { readonly key: string; readonly table: 'ifNames' | 'macs' }

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
  /** By `<network id>/<ip>`; gateways and auxiliary ones too, held by their network. */
  readonly addresses: Table<Hold>
  /** By the owner's stream. */
  readonly estates: Table<Estate>
  /** By `<sandbox id>/<interface name>`; bridges by `host/<name>`, held by their network. */
  readonly ifNames: Table<Hold>
  /** By `<network id>/<mac>`; the bridge's too, held by its network. */
  readonly macs: Table<Hold>
  /** By {@link poolKey}. */
  readonly pools: Table<PoolState>
  /** By the owner's stream; oldest first. */
  readonly remnants: Table<readonly Remnant[]>
  /** By canonical text: `10.0.0.0/24`. */
  readonly subnets: Table<Hold>
  /** By plan: the streams that have remnants waiting for it. */
  readonly sweeping: Table<readonly Stream[]>
}

/** Nobody holds anything. */
export const noHolds: Allocations = {
  addresses: Table.empty(),
  estates: Table.empty(),
  ifNames: Table.empty(),
  macs: Table.empty(),
  pools: Table.empty(),
  remnants: Table.empty(),
  subnets: Table.empty(),
  sweeping: Table.empty(),
}

/**
 * From now on the owner has this and nothing else; absent: nothing, it is no more.
 * @param sweep the plan that will remove a link on which lies all that the owner had until now
 */
export function setEstate(
  state: Allocations,
  owner: Stream,
  change: (before: Estate | undefined) => Estate | undefined,
  { at, sweep }: { readonly at: Instant; readonly sweep?: PlanId | undefined },
): Allocations {
  let before: Estate | undefined
  let after: Estate | undefined
  const estates = state.estates.update(owner, (estate) => (after = change((before = estate))))
  if (before === undefined && after === undefined) return state
  const settled = withTable(state, 'estates', estates)
  const left =
    sweep === undefined
      ? settled
      : leaveBehind(settled, owner, { failed: false, held: allOf(before), plan: sweep })
  const freed = release(left, owner, except(before, after), after)
  return except(after, before).reduce((all, held) => keep(all, owner, held, at), freed)
}

/** The sweep succeeded, and its remnants are no more; or it failed, and they wait for another. */
export function settleSweep(state: Allocations, plan: PlanId, failed: boolean): Allocations {
  const owners = state.sweeping.get(plan)
  if (owners === undefined) return state
  let next = withTable(state, 'sweeping', state.sweeping.delete(plan))
  for (const owner of owners)
    next = failed
      ? changeRemnants(next, owner, (r) => (r.plan === plan ? { ...r, failed: true } : r))
      : changeRemnants(next, owner, (r) => (r.plan === plan ? undefined : r))
  return next
}

/** Remnants whose sweep failed wait for this one from now on. */
export function sweepAgain(state: Allocations, plan: PlanId, owners: readonly Stream[]): Allocations {
  let next = state
  for (const owner of owners) {
    if (next.remnants.get(owner)?.some((r) => r.failed) !== true) continue
    next = changeRemnants(next, owner, (r) => (r.failed ? { ...r, failed: false, plan } : r))
    next = waitFor(next, owner, plan)
  }
  return next
}

/** The kernel is another one: what failed to be removed from the old is gone with it. */
export function forgetFailed(state: Allocations): Allocations {
  let next = state
  for (const owner of [...state.remnants.keys()] as Stream[])
    next = changeRemnants(next, owner, (r) => (r.failed ? undefined : r))
  return next
}

/** Owners with something left of them that no pending plan removes: their sweep failed, and has to be intended again. */
export const unswept = (state: Allocations): readonly Stream[] =>
  ([...state.remnants.entries()] as [Stream, readonly Remnant[]][])
    .filter(([, remnants]) => remnants.some((remnant) => remnant.failed))
    .map(([owner]) => owner)
    .sort()

/** The sweep that has a thing, when its owner has it no longer; undefined too if that sweep failed. */
export function sweepOf(
  { estates, remnants }: Allocations,
  { holder }: Hold,
  held: HeldRef,
): PlanId | undefined {
  if (isIn(estates.get(holder), held)) return undefined
  const remnant = remnants.get(holder)?.findLast((each) => has(each.held, held))
  return remnant === undefined || remnant.failed ? undefined : remnant.plan
}

/** What says which thing a {@link Held} is. */
export type HeldRef = Pick<Held, 'key' | 'table'>

/** Everything in an estate. */
const allOf = (estate: Estate | undefined): readonly Held[] =>
  estate === undefined ? [] : estate.own.concat(estate.joined)

/** The owner leaves something that a plan has to remove. */
function leaveBehind(state: Allocations, owner: Stream, remnant: Remnant): Allocations {
  const remnants = state.remnants.update(owner, (all = []) => all.concat(remnant))
  return waitFor(withTable(state, 'remnants', remnants), owner, remnant.plan)
}

/** A plan has one more owner's remnants to remove. */
const waitFor = (state: Allocations, owner: Stream, plan: PlanId): Allocations =>
  withTable(
    state,
    'sweeping',
    state.sweeping.update(plan, (owners = []) => owners.concat(owner)),
  )

/** Changes an owner's remnants one by one, `undefined` dropping it, and frees what nothing holds any more. */
function changeRemnants(
  state: Allocations,
  owner: Stream,
  change: (remnant: Remnant) => Remnant | undefined,
): Allocations {
  let dropped: readonly Remnant[] = []
  const table = state.remnants.update(owner, (before = []) => {
    const after = before.map(change)
    dropped = before.filter((_, i) => after[i] === undefined)
    if (after.every((remnant, i) => remnant === before[i])) return before
    const remnants = after.filter((remnant) => remnant !== undefined)
    return remnants.length === 0 ? undefined : remnants
  })
  const next = withTable(state, 'remnants', table)
  if (dropped.length === 0) return next
  return release(
    next,
    owner,
    dropped.flatMap((remnant) => remnant.held),
    next.estates.get(owner),
  )
}

/** Ends the owner's holds of these things, but of those that its estate or a remnant still has. */
function release(
  state: Allocations,
  owner: Stream,
  all: readonly Held[],
  estate: Estate | undefined,
): Allocations {
  if (all.length === 0) return state
  const remnants = state.remnants.get(owner)
  let next = state
  for (const held of all) {
    if (isIn(estate, held) || remnants?.some((remnant) => has(remnant.held, held))) continue
    next = free(next, owner, held)
  }
  return next
}

/** Parts are shared between estates and remnants, so that identity mostly decides. */
const has = (all: readonly Held[], held: HeldRef): boolean =>
  (all as readonly HeldRef[]).includes(held) ||
  all.some((each) => each.key === held.key && each.table === held.table)

const isIn = (estate: Estate | undefined, held: HeldRef): boolean =>
  estate !== undefined && (has(estate.own, held) || has(estate.joined, held))

/** What is in one estate and not, as the same objects, in another. */
function except(estate: Estate | undefined, other: Estate | undefined): readonly Held[] {
  if (estate === undefined) return NOTHING
  if (estate.own === other?.own) return estate.joined === other.joined ? NOTHING : estate.joined
  return estate.joined === other?.joined ? estate.own : allOf(estate)
}

const NOTHING: readonly Held[] = []

function keep(state: Allocations, owner: Stream, held: Held, at: Instant): Allocations {
  const table = state[held.table]
  const { size } = table
  const after = table.update(held.key, (hold) =>
    hold?.holder === owner ? hold : { holder: owner, since: at },
  )
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
    return withTable(state, 'pools', state.pools.set(held.pool, { cursor: -1, words: Table.empty() }))
  // What a network has itself, as its gateway, is no address in the order of giving.
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
