/** Groups of faults as people name them. */
import { EngineError } from '../../events/index.ts'
import { ACT_GROUPS, CLUSTER_GROUPS, HOST_GROUPS, type ActGroup } from './acts/index.ts'

/** All that can befall a world of so many hosts. */
export const groupsFor = (hosts: number): readonly ActGroup[] => (hosts > 1 ? ACT_GROUPS : HOST_GROUPS)

/**
 * Groups by name; `none` alone is none, and nothing said is all that there is for so many hosts.
 * @throws {EngineError} ERR_UNSUPPORTED: faults between hosts, of one host; ERR_INVALID: no such group
 */
export function faultGroups(names: readonly string[] | undefined, hosts: number): readonly ActGroup[] {
  if (names === undefined) return groupsFor(hosts)
  if (names.length === 1 && names[0] === 'none') return []
  if (names.includes('none'))
    throw new EngineError(
      'ERR_INVALID',
      `'none' goes with no other group of faults, not '${names.join(',')}'`,
    )
  const groups = names.map((name) => {
    const group = ACT_GROUPS.find((each) => each === name)
    if (group === undefined)
      throw new EngineError(
        'ERR_INVALID',
        `there is no group of faults '${name}'; take some of ${ACT_GROUPS.join(', ')}, or none`,
      )
    if (hosts === 1 && CLUSTER_GROUPS.includes(group))
      throw new EngineError(
        'ERR_UNSUPPORTED',
        `there are no ${group} faults of one host, which is in no cluster: give --hosts 2 or more, or some of ${HOST_GROUPS.join(', ')}`,
      )
    return group
  })
  return [...new Set(groups)].sort()
}
