/**
 * Bugs that a test plants in an engine, to see that the simulator finds them: one part of it is given in another make. What is
 * planted stands under a symbol that only this module knows, among the ports of one engine: no option, setting or file can
 * put it there. An engine looks when it makes the part, and never again.
 */
import type { Ports } from '../ports.ts'
import type { Damping } from '../reconcile/damping.ts'
import type { Life } from './life.ts'
import type { OpenedLog } from './open.ts'
import type { takeTurn } from './turn.ts'

/** Parts in another make; absent: as they are. */
export type Planted = {
  readonly damping?: () => Damping
  /** Changes an epoch before it begins. */
  readonly life?: (life: Life) => void
  readonly opened?: (opened: OpenedLog) => OpenedLog
  readonly turn?: typeof takeTurn
}

const PLANTED = Symbol('planted')
const NOTHING: Planted = {}

/** The same ports, of an engine with bugs. */
export const plant = (ports: Ports, planted: Planted): Ports =>
  Object.assign({ ...ports }, { [PLANTED]: planted })

/** What is planted in the engine that has these ports. */
export const plantedIn = (ports: Ports): Planted =>
  (ports as Ports & { readonly [PLANTED]?: Planted })[PLANTED] ?? NOTHING
