/** Who takes back what we heal, again and again, is given longer and longer to have its way. */
import { expect, it } from 'vitest'
import type { ResourceKey } from '../../events/index.ts'
import {
  Damping,
  HEAL_WINDOW_MS,
  HEALS_MAX,
  REST_MS_FIRST,
  REST_MS_MAX,
} from '../../src/reconcile/damping.ts'

const key = 'link/host/cnv1' as ResourceKey

/** Heals once a second until a rest begins; its length, and when the last heal was. */
function fight(damping: Damping, fromMs: number): { readonly endMs: number; readonly restMs: number } {
  for (let ms = fromMs; ; ms += 1000) {
    const rest = damping.note(key, ms)
    if (rest) return { endMs: ms, restMs: rest.restMs }
  }
}

it('rests after one heal too many within the window, and twice as long each time', () => {
  const damping = new Damping()
  const first = fight(damping, 0)
  expect(first).toEqual({ endMs: HEALS_MAX * 1000, restMs: REST_MS_FIRST })
  expect(damping.rests(key, first.endMs + REST_MS_FIRST - 1)).toBe(true)
  expect(damping.rests(key, first.endMs + REST_MS_FIRST)).toBe(false)
  expect(damping.nextEnd(first.endMs)).toBe(first.endMs + REST_MS_FIRST)
  const second = fight(damping, first.endMs + REST_MS_FIRST)
  expect(second.restMs).toBe(2 * REST_MS_FIRST)
})

it('never rests longer than the maximum', () => {
  const damping = new Damping()
  let [ms, restMs] = [0, 0]
  for (let i = 0; i < 12; i++) {
    const rest = fight(damping, ms)
    restMs = rest.restMs
    ms = rest.endMs + restMs
  }
  expect(restMs).toBe(REST_MS_MAX)
})

it('does not mind heals that are far apart', () => {
  const damping = new Damping()
  for (let i = 0; i < 50; i++) expect(damping.note(key, i * HEAL_WINDOW_MS)).toBeUndefined()
})

it('forgets a quarrel that is over', () => {
  const damping = new Damping()
  const { endMs, restMs } = fight(damping, 0)
  const other = 'link/host/cnv2' as ResourceKey
  damping.note(other, endMs + restMs)
  expect(damping.size).toBe(2)
  damping.note(other, endMs + restMs + REST_MS_MAX + 1)
  expect(damping.size).toBe(1)
  expect(fight(damping, endMs + restMs + REST_MS_MAX + 1000).restMs).toBe(REST_MS_FIRST)
})
