/**
 * The index behind `why`: which commits speak of an entity, and which one settled a plan. (The commit that intended a plan
 * stands in its id.)
 *
 * It is off in the engine's fold: it remembers what ended too, so it grows with the log. Whoever explains the past folds
 * it for itself.
 */
import type { FactType, PlanId, Seq, Stream } from '../events/index.ts'
import { pathOf } from '../events/index.ts'
import { defineProjection, type Handlers } from './define.ts'
import type { Position } from './projection.ts'
import { withTable } from './tables.ts'
import { Table } from './table.ts'

export type History = {
  /** By `<stream>/<number of the chunk>`, from 0: numbers of commits, rising, {@link CHUNK_COMMITS} to a chunk. */
  readonly chunks: Table<readonly Seq[]>
  /** By stream: how many commits speak of it. */
  readonly counts: Table<number>
  /** By plan: the commit with its receipt. */
  readonly settled: Table<Seq>
}

/** A long-lived stream is kept in pieces, so that one more commit copies a piece and not its whole past. */
const CHUNK_COMMITS = 64

const ENTITY_TYPES = [
  'EndpointJoinFailed',
  'EndpointJoinRequested',
  'EndpointJoined',
  'EndpointLeaveFailed',
  'EndpointLeaveRequested',
  'EndpointLeft',
  'EndpointReleaseRequested',
  'EndpointReleased',
  'EndpointReserved',
  'NetworkCreateFailed',
  'NetworkCreateRequested',
  'NetworkCreated',
  'NetworkDeleteFailed',
  'NetworkDeleteRequested',
  'NetworkDeleted',
  'SandboxCreateFailed',
  'SandboxCreateRequested',
  'SandboxCreated',
  'SandboxDeleteFailed',
  'SandboxDeleteRequested',
  'SandboxDeleted',
  'SandboxInterfaceAdded',
  'SandboxInterfaceRemoved',
  'SandboxVanished',
] as const satisfies readonly FactType[]

type EntityType = (typeof ENTITY_TYPES)[number]

const noteOwn = (state: History, { stream }: { readonly stream: Stream }, { seq }: Position): History =>
  note(state, stream, seq)

/** The index behind `why`. */
export const history = defineProjection({
  name: 'history',
  version: 1,
  init: {
    chunks: Table.empty<readonly Seq[]>(),
    counts: Table.empty<number>(),
    settled: Table.empty<Seq>(),
  },
  on: {
    ...(Object.fromEntries(ENTITY_TYPES.map((type) => [type, noteOwn])) as unknown as Handlers<
      History,
      EntityType
    >),
    // A plan of its own, as a heal or a second sweep, has no other fact of those it is for.
    EffectsIntended: (state, { data }, { seq }) =>
      data.for.reduce((all, stream) => note(all, stream, seq), state),
    EffectsSettled: (state, { data }, { seq }) =>
      withTable(state, 'settled', state.settled.set(data.plan, seq)),
  },
})

/** The commits that speak of an entity, oldest first: its own facts, and plans that were for it. */
export function commitsOf(state: History, stream: Stream): readonly Seq[] {
  const chunks = Math.ceil((state.counts.get(stream) ?? 0) / CHUNK_COMMITS)
  return Array.from({ length: chunks }, (_, i) => state.chunks.get(pathOf(stream, String(i))) ?? []).flat()
}

/** The commit with a plan's receipt; absent: it has none yet. */
export const settledBy = (state: History, plan: PlanId): Seq | undefined => state.settled.get(plan)

function note(state: History, stream: Stream, seq: Seq): History {
  const count = state.counts.get(stream) ?? 0
  const last = count === 0 ? [] : (state.chunks.get(chunkKey(stream, count - 1)) ?? [])
  if (last.at(-1) === seq) return state
  const chunk = count % CHUNK_COMMITS === 0 ? [seq] : last.concat(seq)
  const counted = withTable(state, 'counts', state.counts.set(stream, count + 1))
  return withTable(counted, 'chunks', counted.chunks.set(chunkKey(stream, count), chunk))
}

/** The chunk that has a stream's nth commit, from 0. */
const chunkKey = (stream: Stream, n: number): string => pathOf(stream, String(Math.floor(n / CHUNK_COMMITS)))
