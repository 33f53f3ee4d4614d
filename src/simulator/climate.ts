/**
 * Which acts befall the hosts of one seed, and how often. Not every kind every time (swarm testing, Groce et al. 2012): a seed
 * without crashes reaches depths that one with crashes never does.
 */
import {
  ACT_GROUPS,
  ACT_KINDS,
  ACTS,
  groupOfAct,
  LOAD,
  ROUTINE,
  type ActGroup,
  type ActKind,
} from './acts/index.ts'
import type { Chance } from './chance.ts'

/** Mean milliseconds between two acts of a kind on a host; a kind that is not in it does not happen. */
export type Climate = ReadonlyMap<ActKind, number>

const HOUR_MS = 3_600_000

/**
 * Draws a climate out of some groups of faults. The load is always in it.
 * @param load commands an hour on each host, a routine; absent: that of careless clients
 */
export function drawClimate(
  chance: Chance,
  groups: readonly ActGroup[] = ACT_GROUPS,
  load?: number,
): Climate {
  const climate = new Map<ActKind, number>()
  const calm = new Set(ACT_GROUPS.filter((group) => chance.of(group).oneIn(3)))
  for (const kind of ACT_KINDS) {
    const own = chance.of(kind)
    const { everyMs } = ACTS[kind]
    if (kind === ROUTINE) continue
    if (LOAD.has(kind)) {
      if (load === undefined) climate.set(kind, Math.floor((everyMs * own.pick([2, 4, 8])) / 4))
    } else if (groups.includes(groupOfAct(kind)) && !calm.has(groupOfAct(kind)) && own.oneIn(2))
      climate.set(kind, Math.floor((everyMs * own.pick([1, 2, 4])) / 2))
  }
  if (load !== undefined && load > 0) climate.set(ROUTINE, Math.ceil(HOUR_MS / load))
  return climate
}
