/**
 * Facts about effects: one intent and one receipt per plan, both on the stream `effects`. Machines do not see them
 * (save through `effects.settle`); the projection `applied` folds them into what the kernel should look like now.
 */
import type { Fact, PlanId, Stream } from './fact.ts'
import type { ResourceKey, Step, StepFailure } from './specs.ts'

/** What a plan is for; decides who waits and how urgent it is. */
export type Purpose =
  /** Make what was asked for. */
  | 'realise'
  /** Take it out of service: somebody waits. */
  | 'cut'
  /** Remove what a cut left: nobody waits, links go in groups. */
  | 'sweep'
  /** Put back what somebody else changed. */
  | 'heal'
  /** At start: what the log wants and the kernel lacks, or the other way round. */
  | 'recover'

/** These steps will be run. The last fact of its commit, whose plan it is. By: engine. Since v1. */
export type EffectsIntended = Fact<
  'EffectsIntended',
  1,
  {
    /** The entities that the plan is for, as streams, in the order of their facts. */
    readonly for: readonly Stream[]
    readonly plan: PlanId
    readonly purpose: Purpose
    /** Of a cut: what its settle will intend as the sweep, if the cut succeeds. */
    readonly sweep?: readonly Step[]
    readonly steps: readonly Step[]
  }
>

/** What the kernel told about a resource that a later step may need. */
export type Seen = {
  /** Of links: index, in the boot that the epoch names. */
  readonly ifindex?: number
  readonly key: ResourceKey
  /** Of namespaces: SO_NETNS_COOKIE, decimal text. */
  readonly netnsCookie?: string
}

/** They were run. One per plan; a second settle emits nothing. By: engine. Since v1. */
export type EffectsSettled = Fact<
  'EffectsSettled',
  1,
  {
    /** Steps that failed; empty: all is done. */
    readonly failures: readonly StepFailure[]
    /** Settled by a later epoch, from what was seen in the kernel, not by the one that ran it. */
    readonly late: boolean
    readonly plan: PlanId
    readonly seen: readonly Seen[]
    /** Of a late receipt: steps that were not run, since nobody wanted what they do any more. They left all as it was. */
    readonly skipped?: readonly ResourceKey[]
  }
>

export type EffectsFact = EffectsIntended | EffectsSettled
