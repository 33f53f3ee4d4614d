/**
 * A sweep that the kernel refused is intended again, at growing distance: what it holds is free only when it is done. What such a plan
 * was to make for others, as when a failed join gives a default route back, holds nothing: it is tried again by itself, as a healing, and
 * only while it is wanted.
 */
import type { EffectsIntended, Step } from '../../events/index.ts'
import { specsOf, type SpecContext } from '../reconcile/specs.ts'
import type { Alarms } from './alarms.ts'
import type { Life } from './life.ts'
import type { Settled } from './waiters.ts'

/** First pause before a failed sweep is tried again, and the longest, in milliseconds. */
const RETRY_MS_FIRST = 200
const RETRY_MS_MAX = 60_000

export class SweepRetries {
  readonly #alarms: Alarms
  readonly #context: SpecContext
  /** How often each failed sweep was tried, by the streams that it is for. */
  readonly #tries = new Map<string, number>()

  constructor(alarms: Alarms, context: SpecContext) {
    this.#alarms = alarms
    this.#context = context
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
    const left = intended.steps.filter((step) => failed.has(step.key))
    const steps = left.filter(({ op }) => op !== 'ensure')
    const again = (): void => {
      if (life.over) return
      life.ownLater('effects.retry', { for: intended.for, plan: intended.plan, steps })
      this.#make(
        life,
        left.filter(({ op }) => op === 'ensure'),
      )
    }
    this.#alarms.after(Math.min(RETRY_MS_FIRST * 2 ** tries, RETRY_MS_MAX), again)
  }

  /** As it is wanted by now. */
  #make(life: Life, steps: readonly Step[]): void {
    if (steps.length === 0) return
    const wanted = specsOf(life.heads.decided.projections.desired, this.#context)
    const recover = steps.flatMap((step) => {
      const spec = wanted.get(step.key)
      return spec === undefined ? [] : [{ ...step, spec }]
    })
    if (recover.length > 0) life.ownLater('drift.report', { differences: [], purpose: 'heal', recover })
  }
}
