/**
 * Damping: when somebody takes back what we heal again and again, healing rests for growing times instead of fighting.
 */
import type { ResourceKey } from '../../events/index.ts'

/** So many heals of one key within the window mean that somebody fights back. */
export const HEALS_MAX = 5
/** The window, in milliseconds. */
export const HEAL_WINDOW_MS = 10_000
/** First and longest rest, in milliseconds. */
export const REST_MS_FIRST = 5000
export const REST_MS_MAX = 300_000

type Record = { heals: number[]; restMs: number; until: number }

/** A key that begins to rest. */
export type Rest = { readonly heals: number; readonly key: ResourceKey; readonly restMs: number }

export class Damping {
  readonly #records = new Map<ResourceKey, Record>()

  /** Keys that are remembered: those healed lately, or resting. */
  get size(): number {
    return this.#records.size
  }

  /** Whether healing the key rests now. */
  rests(key: ResourceKey, nowMs: number): boolean {
    return (this.#records.get(key)?.until ?? 0) > nowMs
  }

  /** Notes a heal; if it is one too many, the rest that begins with it. */
  note(key: ResourceKey, nowMs: number): Rest | undefined {
    this.#forget(nowMs)
    const record = this.#records.get(key) ?? { heals: [], restMs: 0, until: 0 }
    this.#records.set(key, record)
    record.heals = [...record.heals.filter((ms) => ms > nowMs - HEAL_WINDOW_MS), nowMs]
    if (record.heals.length <= HEALS_MAX) {
      // It held since the last rest: that quarrel is over.
      if (record.until + REST_MS_MAX < nowMs) record.restMs = 0
      return undefined
    }
    const heals = record.heals.length
    record.restMs = Math.min(record.restMs === 0 ? REST_MS_FIRST : record.restMs * 2, REST_MS_MAX)
    record.until = nowMs + record.restMs
    record.heals = []
    return { heals, key, restMs: record.restMs }
  }

  /** Quarrels that are over. */
  #forget(nowMs: number): void {
    for (const [key, { heals, until }] of this.#records) {
      const last = Math.max(until + REST_MS_MAX, (heals.at(-1) ?? 0) + HEAL_WINDOW_MS)
      if (last < nowMs) this.#records.delete(key)
    }
  }

  /** When the first rest ends, if any lasts. */
  nextEnd(nowMs: number): number | undefined {
    const ends = [...this.#records.values()].map((r) => r.until).filter((ms) => ms > nowMs)
    return ends.length === 0 ? undefined : Math.min(...ends)
  }
}
