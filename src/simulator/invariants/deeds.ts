/** What an engine does to the kernel, held against what its log on disk says that it may: K11 and K15. */
import type { AnyFact, Commit, Origin, ResourceKey, Step } from '../../../events/index.ts'
import { builtinDrivers } from '../../drivers/index.ts'
import { contextOf } from '../../engine/context.ts'
import { ViewFold } from '../../engine/view.ts'
import type { StepResult } from '../../kernel/kernel.ts'
import { HEALS_MAX, REST_MS_FIRST } from '../../reconcile/damping.ts'
import { specsOf } from '../../reconcile/specs.ts'
import { sha256 } from '../../system/hash.ts'
import type { Host } from '../host.ts'
import type { Ledger } from './invariant.ts'
import type { Witness } from './witness.ts'

/** One rest lies between two quarrels, and what is decided at different times may land on the disk at the same. */
const HEALS_IN_A_REST = 2 * (HEALS_MAX + 1)

export class Deeds {
  /** The log as far as it was folded, and the last commit of that. */
  #folded = { fold: new ViewFold(), hash: '', seq: 0 }
  /** When each resource was last healed, within the time of one rest. */
  readonly #heals = new Map<ResourceKey, number[]>()
  readonly #host: Host
  readonly #ledger: Ledger
  readonly #nowMs: () => number
  readonly #witness: Witness

  constructor(host: Host, witness: Witness, { ledger, nowMs }: { ledger: Ledger; nowMs: () => number }) {
    this.#host = host
    this.#ledger = ledger
    this.#nowMs = nowMs
    this.#witness = witness
  }

  /** K15: what takes away waits until its intent is on disk, or it is of something that nobody wants. */
  step({ key, op }: Step, result: StepResult): void {
    if (op === 'ensure' || !result.ok || !result.changed) return
    const isIntended = this.#witness.intends(op, key)
    const isWanted = !isIntended && this.#isWanted(key)
    this.#ledger.check(
      'K15',
      isWanted ? `${op} ${key} was done, which the log on disk wants, and no intent is on disk` : undefined,
    )
  }

  /** K11: who heals the same again and again rests. Another process knows nothing of the quarrel. */
  landed({ facts, seq }: Commit<AnyFact>): void {
    for (const fact of facts) {
      if (fact.type === 'HostStarted') this.#heals.clear()
      if (fact.type === 'DriftObserved')
        for (const { key } of fact.data.differences) this.#ledger.check('K11', this.#heal(key, seq))
    }
  }

  #heal(key: ResourceKey, seq: number): string | undefined {
    const now = this.#nowMs()
    const lately = [...(this.#heals.get(key) ?? []).filter((ms) => ms > now - REST_MS_FIRST), now]
    this.#heals.set(key, lately)
    return lately.length > HEALS_IN_A_REST
      ? `#${seq}: ${key} is healed the ${lately.length}th time in ${REST_MS_FIRST / 1000} s`
      : undefined
  }

  #isWanted(key: ResourceKey): boolean {
    const { origin } = this.#host
    const { log } = this.#witness
    // What was folded may have been overwritten since.
    const isStill = (log[this.#folded.seq - 1]?.hash ?? '') === this.#folded.hash
    const { fold, seq } = isStill ? this.#folded : { fold: new ViewFold(), seq: 0 }
    fold.add(log.slice(seq).map(({ commit }) => commit))
    this.#folded = { fold, hash: log.at(-1)?.hash ?? '', seq: log.length }
    const { desired } = fold.view().projections
    return specsOf(desired, contextOf(builtinDrivers, sha256, origin as Origin)).has(key)
  }
}
