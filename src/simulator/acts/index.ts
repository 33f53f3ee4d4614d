/** All kinds of acts by name. The part before the dot is the group that `--faults` names. */
import type { ActKindOf } from './act.ts'
import { busActs } from './bus.ts'
import { clientActs } from './client.ts'
import { clockActs, crashActs } from './crash.ts'
import { diskActs } from './disk.ts'
import { humanActs } from './human.ts'
import { kernelActs } from './kernel.ts'
import { partitionActs } from './partition.ts'
import { routineActs } from './routine.ts'
import { sharedActs } from './shared.ts'

export type { ActKindOf, Scene } from './act.ts'

const ALL = {
  ...clientActs,
  ...clockActs,
  ...crashActs,
  ...diskActs,
  ...humanActs,
  ...kernelActs,
  ...busActs,
  ...partitionActs,
  ...routineActs,
  ...sharedActs,
}

export type ActKind = keyof typeof ALL
export type ActGroup = ActKind extends `${infer G}.${string}` ? G : never

/** By name. */
export const ACTS = ALL as unknown as Readonly<Record<ActKind, ActKindOf<object>>>
export const ACT_KINDS = Object.keys(ALL) as readonly ActKind[]
/** What befalls a host, whether it is alone or not. */
export const HOST_GROUPS: readonly ActGroup[] = ['client', 'clock', 'crash', 'disk', 'human', 'kernel']
/** What befalls hosts that are a cluster. */
export const CLUSTER_GROUPS: readonly ActGroup[] = ['bus', 'partition']
export const ACT_GROUPS: readonly ActGroup[] = [...HOST_GROUPS, ...CLUSTER_GROUPS].sort()

/** The load of careless clients: there whatever the faults, unless the load is given as a number: then {@link ROUTINE} alone. */
export const LOAD: ReadonlySet<ActKind> = new Set<ActKind>([
  'client.ask',
  'client.burst',
  'client.change-of-mind',
  'client.make-netns',
  'client.retry',
  'client.shared',
])

export const ROUTINE: ActKind = 'client.routine'

export const groupOfAct = (kind: ActKind): ActGroup => kind.slice(0, kind.indexOf('.')) as ActGroup

/** One that was performed: what a tape is made of. */
export type Act = {
  readonly atMs: number
  readonly data: object
  readonly host: number
  readonly kind: ActKind
}
