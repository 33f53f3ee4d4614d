/**
 * A model of what steps do: just enough kernel to judge a plan by. It throws where a step comes before what it needs, and
 * lets vanish what stands on a link, in a table or in a namespace that goes, whether or not the step said so.
 */
import { keyOf, needsOf, providesOf, type ResourceKey, type Spec, type Step } from '../../events/index.ts'
import type { Base } from '../../src/reconcile/plan.ts'

export class World {
  readonly bases = new Map<ResourceKey, Base>()

  readonly base = (key: ResourceKey): Base | undefined => this.bases.get(key)

  run(steps: readonly Step[]): void {
    for (const step of steps) this.#step(step)
  }

  /** What stands, without sysctls, which are never put back. */
  standing(): Map<ResourceKey, Spec> {
    return new Map(
      [...this.bases].filter(([, { spec }]) => spec.kind !== 'sysctl').map(([key, { spec }]) => [key, spec]),
    )
  }

  #step(step: Step): void {
    switch (step.op) {
      case 'ensure':
        for (const need of needsOf(step.spec))
          if (!this.#provided().has(need)) throw new Error(`${step.key} needs ${need}`)
        this.bases.set(step.key, { spec: step.spec, state: 'present' })
        return
      case 'cut':
        if (this.bases.has(step.key)) this.bases.set(step.key, { spec: step.spec, state: 'cut' })
        return
      case 'remove': {
        const before = new Set(this.bases.keys())
        this.bases.delete(step.key)
        this.#letVanish()
        const vanished = [...before].filter((key) => key !== step.key && !this.bases.has(key))
        const unsaid = vanished.filter((key) => !step.takes.includes(key))
        if (unsaid.length > 0) throw new Error(`${step.key} took ${unsaid.join(', ')} and did not say so`)
        if (vanished.length < step.takes.length) throw new Error(`${step.key} did not take all it said`)
      }
    }
  }

  #provided(): Set<ResourceKey> {
    return new Set([...this.bases.values()].flatMap(({ spec }) => providesOf(spec)))
  }

  #letVanish(): void {
    for (const { spec } of this.bases.values()) {
      if (spec.kind === 'veth') continue
      if (needsOf(spec).some((need) => !this.#provided().has(need))) this.bases.delete(keyOf(spec))
    }
  }
}
