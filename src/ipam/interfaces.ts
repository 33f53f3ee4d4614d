/** Names of interfaces in a sandbox: the lowest `ethN` that is free, or the one that was asked for. */
import type { IfName, Problem, SandboxId } from '../../events/index.ts'
import type { Allocations } from '../../projections/index.ts'
import { freedBy, heldFields, heldSince } from './held.ts'
import { ifNameFault, quoted } from './names.ts'

/** What names of interfaces begin with that nobody asked for. */
export const IF_NAME_PREFIX = 'eth'

/** A name for an interface, or why there is none. */
export type IfNameChoice = { readonly ifName: IfName } | { readonly problem: Problem }

/**
 * The lowest free name. One that only a sweep still has is waited for rather than passed over: a container that
 * disconnects and connects gets its `eth0` again.
 */
export function lowestIfName(
  allocations: Allocations,
  sandbox: SandboxId,
  prefix = IF_NAME_PREFIX,
): IfNameChoice {
  for (let n = 0; ; n++) {
    const name = `${prefix}${n}`
    const key = `${sandbox}/${name}`
    if (!allocations.ifNames.has(key)) return { ifName: name as IfName }
    if (freedBy(allocations, 'ifNames', key)) return checkIfName(allocations, sandbox, name)
  }
}

/** A name that was asked for, if the kernel takes it and it is free. */
export function checkIfName(allocations: Allocations, sandbox: SandboxId, name: string): IfNameChoice {
  const fault = ifNameFault(name)
  if (fault !== undefined)
    return {
      problem: { code: 'ERR_INVALID', field: 'ifName', message: `interface ${quoted(name)}: ${fault}` },
    }
  const key = `${sandbox}/${name}`
  const hold = allocations.ifNames.get(key)
  if (!hold) return { ifName: name as IfName }
  const until = freedBy(allocations, 'ifNames', key)
  return {
    problem: {
      code: 'ERR_EXISTS',
      field: 'ifName',
      message: `interface '${name}' in sandbox ${sandbox.slice(0, 12)} ${heldSince(hold, until, 'take another name, or leave it open')}`,
      ...heldFields(hold, until),
    },
  }
}
