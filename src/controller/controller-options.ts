/** What a controller is opened with. */
import type { InspectionEvent } from 'xstate'
import type { DispatchOptions } from '../engine/dispatch.ts'
import type { Engine } from '../engine/engine.ts'
import type { Ports } from '../ports.ts'
import type { ClusterOptions } from './cluster-options.ts'

export type ControllerOptions = {
  /** Goes on although the log is older than what ran here in this boot; what it does not know is removed. */
  readonly acceptLogBehind?: boolean
  /** Asked before anything is written, for one command's short life: if it rejects, so does opening. */
  readonly admits?: (engine: Engine) => Promise<void>
  /** Joins this cluster, unless the log says so already. Absent: as the log says. */
  readonly cluster?: ClusterOptions
  /** Where the log lives. Default `/var/lib/chronet`. */
  readonly dataDir?: string
  /** The drivers to have, with their options; absent: all that come with chronet. */
  readonly drivers?: Readonly<Record<string, object>>
  /** Whether to put back what others change. Default true. */
  readonly heal?: boolean
  /** Who asked for what the start puts back, and why: for one command's short life. Default: the engine did. */
  readonly healedBy?: HealOptions
  /** Path of a namespace to take as the host; absent: the process's own. */
  readonly hostNetns?: string
  /** Leaves what others changed before the start, too, as it is: for one command's short life. Default false. */
  readonly leavesDrift?: boolean
  /** Gets xstate's inspection events of every entity, as `createActor({ inspect })` would. */
  readonly inspect?: (event: InspectionEvent) => void
  /** Hears of refusals of commands that were sent to an actor. Default: nobody does. */
  readonly onRefused?: (error: unknown) => void
  /** Hears of what nobody awaits: a listener that throws, a store that is tried again, a look at the kernel that failed. */
  readonly onProblem?: (problem: unknown) => void
  /** Other ways out than the machine's own: a simulated kernel, a clock of yours. */
  readonly ports?: Partial<Ports>
  /** Where namespaces are mounted and heads kept. Default `/run/chronet`. */
  readonly runDir?: string
  /** Reads the whole log again every four hours, in the background, to find damage early. Default: true, save with `leavesDrift`. */
  readonly scrub?: boolean
}

/** In whose name, and for what reason, something is put back. Default: `{ kind: 'library' }`, for none. */
export type HealOptions = Pick<DispatchOptions, 'actor' | 'reason'>
