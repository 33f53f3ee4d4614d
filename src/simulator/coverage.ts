/**
 * What a simulation has been through: which facts met which states, of all that the machines allow. A pair that no run has
 * seen is one that nobody has tested.
 */
import { decodeCommit, type AnyFact, type Commit } from '../../events/index.ts'
import { chartOf, MACHINES } from '../../machines/index.ts'
import { pairsIn, type Statistics } from './statistics.ts'
import type { World } from './world.ts'

/** Pairs as they are written in {@link Statistics}: `endpoint joined × EndpointLeaveRequested`. */
export type Coverage = {
  /** That the machines allow, and that were not seen. */
  readonly missing: readonly string[]
  readonly possible: number
  readonly seen: number
}

/** Every pair that a machine allows, in alphabetical order. */
export const possiblePairs: readonly string[] = Object.entries(MACHINES)
  .flatMap(([kind, machine]) =>
    [...chartOf(machine).states].flatMap(([state, { facts }]) =>
      [...facts.keys()].map((type) => `${kind} ${state} × ${type}`),
    ),
  )
  .sort()

/** How much of it was seen. */
export function coverageOf(pairs: Statistics['pairs']): Coverage {
  const missing = possiblePairs.filter((pair) => pairs[pair] === undefined)
  return { missing, possible: possiblePairs.length, seen: possiblePairs.length - missing.length }
}

/** How much of it the logs of a world have seen so far: what your own scenario has been through. */
export function coverageOfWorld(world: World): Coverage {
  const pairs = world.hosts.map((host) => pairsIn(logOf(host.disk.platter)))
  return coverageOf(Object.assign({}, ...pairs) as Statistics['pairs'])
}

type Platter = World['hosts'][number]['disk']['platter']

/** Rows are the hash of a commit and the commit. */
const logOf = (platter: Platter): readonly Commit<AnyFact>[] =>
  platter.range({ gte: 'c', lt: 'd' }).map(([, row]) => decodeCommit<AnyFact>(row.slice(64)))
