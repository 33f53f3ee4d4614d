/** Groups of faults as people name them. */
import { EngineError } from '../../events/index.ts'
import { ACT_GROUPS, type ActGroup } from './acts/index.ts'

/** What only a cluster has. */
const BETWEEN_HOSTS: ReadonlySet<string> = new Set(['bus', 'partition'])

/**
 * Groups by name; `none` alone is none, and nothing said is all.
 * @throws {EngineError} ERR_UNSUPPORTED: faults between hosts; ERR_INVALID: no such group
 */
export function faultGroups(names?: readonly string[]): readonly ActGroup[] {
  if (names === undefined) return ACT_GROUPS
  if (names.length === 1 && names[0] === 'none') return []
  const groups = names.map((name) => {
    const group = ACT_GROUPS.find((each) => each === name)
    if (group !== undefined) return group
    if (BETWEEN_HOSTS.has(name))
      throw new EngineError(
        'ERR_UNSUPPORTED',
        `there are no ${name} faults: hosts have no cluster in this version; take some of ${ACT_GROUPS.join(', ')}`,
      )
    throw new EngineError(
      'ERR_INVALID',
      `there is no group of faults '${name}'; take some of ${ACT_GROUPS.join(', ')}, or none`,
    )
  })
  return [...new Set(groups)].sort()
}
