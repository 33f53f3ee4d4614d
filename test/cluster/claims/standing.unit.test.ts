/** What may be done with a block, by what was said of it, of its host, and of the addresses that were lent out of it. */
import { describe, expect, it } from 'vitest'
import type { Instant, Origin } from '../../../events/index.ts'
import { isHeld, standingOf } from '../../../src/cluster/claims/standing.ts'
import type { Head } from '../../../src/cluster/claims/table.ts'

const EAST = 'e'.repeat(64) as Origin
const WEST = 'f'.repeat(64) as Origin
const at = (second: number): Instant => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString() as Instant
const nowMs = Date.parse(at(30))
const block = { by: EAST, host: 'east', key: 'block', kind: 'block', seq: 3 } as Head
const loan = (key: string, more: Partial<Head> = {}): Head => ({
  ...({ by: WEST, host: 'west', key, kind: 'address', seq: 5 } as Head),
  ...more,
})

type Said = {
  readonly restsUntil?: Instant
  readonly seq: number
  readonly state: 'dead' | 'evicted' | 'present'
}

/** How the block stands where its host and its loans stand so. */
const standing = (loans: readonly Head[], east?: Said, head: Head | undefined = block) =>
  standingOf(
    head,
    {
      host: (origin: Origin) => (origin === EAST ? east : undefined) as never,
      loansOf: (key) => (key === 'block' ? loans : []),
    },
    nowMs,
  )
const dead = { restsUntil: at(20), seq: 9, state: 'dead' } as const

describe('a block', () => {
  it('is held, frozen with its host, and rests when that was confirmed dead', () => {
    expect(standing([])).toStrictEqual({ state: 'held' })
    expect(standing([], { seq: 9, state: 'evicted' })).toStrictEqual({ state: 'frozen' })
    expect(standing([], { ...dead, restsUntil: at(40) })).toStrictEqual({ state: 'resting', until: at(40) })
    expect(standing([], dead)).toStrictEqual({ state: 'free' })
    expect(standing([], { ...dead, seq: 2 })).toStrictEqual({ state: 'held' })
  })

  it('of a dead host is frozen while another has an address of it, and rests as long as the last that was given up', () => {
    const [held, refused] = [loan('one'), loan('two', { asked: 'refused' })]
    const [sooner, later, over] = [50, 55, 25].map((second) =>
      loan(`until ${second}`, { restsUntil: at(second) }),
    ) as [Head, Head, Head]
    expect(standing([held], dead)).toStrictEqual({ state: 'frozen' })
    expect(standing([sooner, held], dead)).toStrictEqual({ state: 'frozen' })
    expect(standing([refused, over], dead)).toStrictEqual({ state: 'free' })
    for (const loans of [
      [sooner, later],
      [later, sooner, refused, over],
    ])
      expect(standing(loans, dead)).toStrictEqual({ state: 'resting', until: at(55) })
  })

  it('that nobody ever claimed, or that was refused, is free', () => {
    const table = { host: () => undefined, loansOf: () => [] }
    expect(standingOf(undefined, table, nowMs)).toStrictEqual({ state: 'free' })
    expect(standingOf(loan('one', { asked: 'refused' }), table, nowMs)).toStrictEqual({ state: 'free' })
  })

  it('is had by its host, put out or not, until that gives it up or is confirmed dead', () => {
    const of = (east?: Said) => ({
      host: (origin: Origin) => (origin === EAST ? east : undefined) as never,
    })
    expect(isHeld(block, of())).toBe(true)
    expect(isHeld(block, of({ seq: 9, state: 'evicted' }))).toBe(true)
    expect(isHeld(block, of({ ...dead, seq: 2 }))).toBe(true)
    expect(isHeld(block, of(dead))).toBe(false)
    expect(isHeld({ ...block, restsUntil: at(40) }, of())).toBe(false)
    expect(isHeld(undefined, of())).toBe(false)
  })
})
