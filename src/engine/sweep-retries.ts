/** A sweep that the kernel refused is intended again, at growing distance: what it holds is free only when it is done. */
import type { EffectsIntended } from '../../events/index.ts'
import type { Alarms } from './alarms.ts'
import type { Life } from './life.ts'
import type { Settled } from './waiters.ts'

/** First pause before a failed sweep is tried again, and the longest, in milliseconds. */
const RETRY_MS_FIRST = 200
const RETRY_MS_MAX = 60_000

export class SweepRetries {
  readonly #alarms: Alarms
  /** How often each failed sweep was tried, by the streams that it is for. */
  readonly #tries = new Map<string, number>()

  constructor(alarms: Alarms) {
    this.#alarms = alarms
  }

  /** A plan was settled: if it is a sweep that failed, its steps that did are tried again in that life. */
  note(life: Life, settled: Settled, intended: EffectsIntended['data']): void {
    const key = intended.for.join(' ')
    if (intended.purpose !== 'sweep' || settled.failures.length === 0) {
      this.#tries.delete(key)
      return
    }
    const tries = this.#tries.get(key) ?? 0
    this.#tries.set(key, tries + 1)
    const failed = new Set(settled.failures.map((failure) => failure.key))
    const steps = intended.steps.filter((step) => failed.has(step.key))
    const again = (): void => {
      if (!life.over) life.ownLater('effects.retry', { for: intended.for, plan: intended.plan, steps })
    }
    this.#alarms.after(Math.min(RETRY_MS_FIRST * 2 ** tries, RETRY_MS_MAX), again)
  }
}
