/** Names of interfaces in a sandbox: the lowest `ethN` that is free, or the one that was asked for. */
import type { IfName, NsRef, Problem } from '../../events/index.ts'
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
export function lowestIfName(allocations: Allocations, ns: NsRef, prefix = IF_NAME_PREFIX): IfNameChoice {
  for (let n = 0; ; n++) {
    const name = `${prefix}${n}`
    const key = `${ns}/${name}`
    if (!allocations.ifNames.has(key) || freedBy(allocations, 'ifNames', key))
      return checkIfName(allocations, ns, name)
  }
}

/**
 * A name that was asked for, if the kernel takes it and nobody of ours has it there.
 * @param ns the sandbox, or the host, where networks have their bridges
 */
export function checkIfName(
  allocations: Allocations,
  ns: NsRef,
  name: string,
  field = 'ifName',
): IfNameChoice {
  const fault = ifNameFault(name)
  if (fault !== undefined)
    return { problem: { code: 'ERR_INVALID', field, message: `interface ${quoted(name)}: ${fault}` } }
  const key = `${ns}/${name}`
  const hold = allocations.ifNames.get(key)
  if (!hold) return { ifName: name as IfName }
  const until = freedBy(allocations, 'ifNames', key)
  const where = ns === 'host' ? 'on this host' : `in sandbox ${ns.slice(0, 12)}`
  return {
    problem: {
      code: 'ERR_EXISTS',
      field,
      message: `interface '${name}' ${where} ${heldSince(hold, until, 'take another name, or leave it open')}`,
      ...heldFields(hold, until),
    },
  }
}

/** All that is wrong with what names of interfaces are to begin with; empty: nothing. At least two digits must fit behind. */
export function checkIfPrefix(prefix: string): readonly Problem[] {
  const fault = ifNameFault(prefix === '' ? prefix : `${prefix}00`)
  if (fault === undefined) return []
  const message = `interface prefix ${quoted(prefix)}: with two digits behind it, ${fault}`
  return [{ code: 'ERR_INVALID', field: 'ifPrefix', message }]
}
