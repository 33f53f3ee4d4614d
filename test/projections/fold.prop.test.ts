/** What holds of all projections, whatever happened: checked on random lawful logs. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AnyFact, Commit, Instant } from '../../events/index.ts'
import {
  sweepOf,
  Table,
  allProjections,
  baseOf,
  foldCommits,
  foldFact,
  initialProjections,
  nextFree,
  positionOf,
  projectionsFrom,
  tablesOf,
  withHistory,
  type Applied,
  type Projections,
} from '../../projections/index.ts'
import { World } from './world.ts'

const choices = fc.array(fc.nat(16 * 60), { maxLength: 120 })

const worldOf = (all: readonly number[]): World => {
  const world = new World()
  // Something to begin with, or most choices would find nothing to do.
  for (const choice of [0, 0, 1, 1, 2, 2 + 16, 2, ...all]) world.act(choice)
  return world
}

/** One persistent step for each fact, and no edits. */
const foldSlowly = (all: Projections, commits: readonly Commit<AnyFact>[]): Projections =>
  commits.reduce(
    (next, commit) =>
      commit.facts.reduce((folded, fact, i) => foldFact(folded, fact, positionOf(commit, i)), next),
    all,
  )

/** States without the order of tables, which depends on what was there before. */
const plain = (value: unknown): unknown => {
  if (value instanceof Table)
    return Object.fromEntries(
      [...value.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, plain(v)]),
    )
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
}

/** As a snapshot goes to disk and comes back. */
const stored = (all: Projections): Projections =>
  projectionsFrom(
    new Map(
      [...tablesOf(all)].map(([name, rows]) => [name, JSON.parse(JSON.stringify([...rows])) as unknown[]]),
    ),
  )

describe('folding', () => {
  it('through edits comes to the same as fact by fact', () => {
    fc.assert(
      fc.property(choices, (all) => {
        const { commits } = worldOf(all)
        expect(plain(foldCommits(withHistory, commits))).toEqual(plain(foldSlowly(withHistory, commits)))
      }),
    )
  })

  it('a snapshot and its tail comes to the same as folding all', () => {
    fc.assert(
      fc.property(choices, fc.nat(200), fc.boolean(), (all, cut, why) => {
        const { commits } = worldOf(all)
        const init = why ? withHistory : initialProjections
        const snapshot = stored(foldCommits(init, commits.slice(0, cut)))
        expect(plain(foldCommits(snapshot, commits.slice(cut)))).toEqual(plain(foldCommits(init, commits)))
      }),
    )
  })

  it('leaves older versions as they were', () => {
    fc.assert(
      fc.property(choices, fc.nat(100), (all, cut) => {
        const { commits } = worldOf(all)
        const old = foldCommits(withHistory, commits.slice(0, cut))
        const before = plain(old)
        foldCommits(old, commits.slice(cut))
        foldSlowly(old, commits.slice(cut))
        expect(plain(old)).toEqual(before)
      }),
    )
  })

  it('gives the same object where nothing changed, and another where something did', () => {
    fc.assert(
      fc.property(choices, (all) => {
        let now = withHistory
        for (const commit of worldOf(all).commits)
          commit.facts.forEach((fact, i) => {
            const next = foldFact(now, fact, positionOf(commit, i))
            for (const name of Object.keys(allProjections) as (keyof Projections)[]) {
              if (next[name] !== now[name]) expect(plain(next[name])).not.toEqual(plain(now[name]))
            }
            now = next
          })
      }),
      { numRuns: 30 },
    )
  })

  it('never throws, however facts are thrown together', () => {
    fc.assert(
      fc.property(choices, fc.infiniteStream(fc.nat(1000)), (all, order) => {
        const facts = worldOf(all).commits.flatMap((commit) => commit.facts)
        const shuffled = facts
          .map((fact) => ({ fact, place: order.next().value as number }))
          .sort((a, b) => a.place - b.place)
        const at = '2026-01-01T00:00:00.000Z' as Instant
        const position = { ...positionOf(worldOf([]).commits[0] as Commit, 0), at }
        shuffled.reduce((next, { fact }) => foldFact(next, fact, position), withHistory)
      }),
    )
  })
})

describe('allocations', () => {
  it('hold a thing exactly as long as its owner has it or a sweep is pending', () => {
    fc.assert(
      fc.property(choices, (all) => {
        const world = worldOf(all)
        const { allocations } = foldCommits(initialProjections, world.commits)
        const held = (['addresses', 'ifNames', 'macs'] as const).flatMap((table) =>
          [...allocations[table].entries()]
            .filter(([, hold]) => hold.holder.startsWith('endpoint/'))
            .map(([key]) => `${table} ${key}`),
        )
        expect(held.sort()).toEqual([...world.reasons.keys()].sort())
      }),
      { numRuns: 300 },
    )
  })

  it('name the sweep that a thing without an owner waits for', () => {
    fc.assert(
      fc.property(choices, (all) => {
        const world = worldOf(all)
        const { allocations } = foldCommits(initialProjections, world.commits)
        for (const [thing, reasons] of world.reasons) {
          const [table, key] = thing.split(' ') as ['addresses', string]
          const plans = [...reasons].filter((r) => r.startsWith('sweep ')).map((r) => r.split(' ')[1])
          const hold = allocations[table].get(key)
          const sweep = hold && sweepOf(allocations, hold, { key, table })
          // Not while its owner has it too, nor when the sweep failed.
          if (plans.length < reasons.size) expect(sweep).toBeUndefined()
          else if (sweep !== undefined) expect(plans).toContain(sweep)
        }
      }),
    )
  })

  it('find the next address that nobody holds', () => {
    fc.assert(
      fc.property(choices, (all) => {
        const { allocations } = foldCommits(initialProjections, worldOf(all).commits)
        for (const [key, pool] of allocations.pools.entries()) {
          const network = key.slice(0, 64)
          const free = nextFree(pool, { first: 1, last: 9 })
          const prefix = key.slice(65).replace(/0\/24$/, '')
          const taken = [1, 2, 3, 4, 5, 6, 7, 8, 9].filter((n) =>
            allocations.addresses.has(`${network}/${prefix}${n}`),
          )
          if (free === undefined) expect(taken.length).toBe(9)
          else expect(taken).not.toContain(free)
        }
      }),
    )
  })
})

describe('applied', () => {
  it('has an intent for each step of each open plan, and none of a settled one', () => {
    fc.assert(
      fc.property(choices, (all) => {
        const { applied } = foldCommits(initialProjections, worldOf(all).commits)
        for (const { plan, steps } of applied.open.values())
          for (const { key, op } of steps)
            expect(applied.resources.get(key)?.intents.some((i) => i.plan === plan && i.op === op)).toBe(true)
        for (const { intents, state } of applied.resources.values()) {
          expect(intents.every((i) => applied.open.has(i.plan))).toBe(true)
          expect(state !== 'absent' || intents.length > 0).toBe(true)
        }
      }),
    )
  })

  it('comes to what its base said, once all open plans have succeeded in order', () => {
    fc.assert(
      fc.property(choices, (all) => {
        const before = foldCommits(initialProjections, worldOf(all).commits).applied
        const after = [...before.open.keys()]
          .sort((a, b) => Number(a.slice(2)) - Number(b.slice(2)))
          .reduce((state: Applied, plan) => {
            const data = { failures: [], late: false, plan, seen: [] }
            const fact = {
              data,
              stream: 'effects',
              type: 'EffectsSettled',
              v: 1,
              version: 1,
            } as unknown as AnyFact
            return allProjections.applied.evolve(state, fact as never, {} as never)
          }, before)
        for (const key of new Set([...before.resources.keys(), ...after.resources.keys()])) {
          const resource = after.resources.get(key)
          expect(resource && { spec: resource.spec, state: resource.state }).toEqual(baseOf(before, key))
        }
      }),
    )
  })
})
