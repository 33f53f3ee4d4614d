/**
 * What a scenario is, and the words that scenarios are told in. Each is a failure that people met with container networks,
 * told again with an engine whose process may die at any moment: what it expects holds all the same.
 */
import type { AnyFact, Commit, FactType } from '../../../events/index.ts'
import type { EndpointView } from '../../../projections/index.ts'
import { running } from '../insist.ts'
import type { World } from '../world.ts'

/** A story with expectations of its own. */
export type Scenario = {
  /** One sentence: what went wrong where, and for whom. */
  readonly from: string
  /** Machines of it, in a cluster; absent: one alone. Only the first one's engine dies. */
  readonly hosts?: number
  /** Words and dashes. */
  readonly name: string
  /** Plays it, on the world's first host if there is nothing to be said of others. Rejects if it does not come out as it must. */
  readonly run: (world: World) => Promise<void>
}

/** @throws {Error} it does not hold */
export function must(holds: boolean, why: string): asserts holds {
  if (!holds) throw new Error(`expected: ${why}`)
}

/** Who reaches whom, both ways. */
export async function mustReach(world: World, from: string, to: string): Promise<void> {
  await running(world)
  for (const [one, other] of [
    [from, to],
    [to, from],
  ] as const) {
    const { reached, why } = world.reach(one, other)
    must(reached, `${one} reaches ${other}, and ${why}`)
  }
}

/** Time enough for what nobody waits for: sweeps, healing, and an engine that died meanwhile. */
export async function rest(world: World, ms = 3000): Promise<void> {
  await world.advance(ms)
  await running(world)
}

/** The endpoints that there are, as the engine tells. */
export async function endpoints(world: World): Promise<readonly EndpointView[]> {
  return (await running(world)).queries.endpoints()
}

/** The first address of each endpoint, by its name. */
export async function addresses(world: World): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries((await endpoints(world)).map((each) => [each.name, each.addresses[0] ?? '']))
}

/** What is on disk, oldest first. An engine need not run. */
export const commitsOf = (world: World): readonly Commit<AnyFact>[] =>
  world
    .host(0)
    .disk.platter.range({ gte: 'c', lt: 'd' })
    .map(([, row]) => JSON.parse(row.slice(row.indexOf('{'))) as Commit<AnyFact>)

/** How many facts of a type are on disk. */
export const countOf = (world: World, type: FactType): number =>
  commitsOf(world).reduce((sum, { facts }) => sum + facts.filter((fact) => fact.type === type).length, 0)

/** For type inference and nothing else. */
export const scenario = (name: string, from: string, run: Scenario['run']): Scenario => ({ from, name, run })
