/**
 * From what a client calls a thing to the thing: a full id, then a name, then a unique prefix of an id (4 characters
 * or more). What fits more than one is refused with the candidates.
 */
import type { Problem, Ref } from '../../events/index.ts'
import {
  idsByPrefix,
  type EndpointView,
  type NetworkView,
  type SandboxView,
  type Topology,
  type Table,
} from '../../projections/index.ts'

export type Resolved<T> = { readonly found: T } | { readonly problem: Problem }

/** Shortest prefix of an id that is looked up. */
export const ID_PREFIX_CHARS_MIN = 4

export const resolveNetwork = (t: Topology, ref: Ref): Resolved<NetworkView> =>
  resolve('network', t.networks, ref, t.networkNames.get(ref))

export const resolveSandbox = (t: Topology, ref: Ref): Resolved<SandboxView> =>
  resolve('sandbox', t.sandboxes, ref, t.sandboxNames.get(ref))

/** An endpoint's name is unique only within its network: `network` narrows, else the name must fit one alone. */
export function resolveEndpoint(t: Topology, ref: Ref, network?: NetworkView): Resolved<EndpointView> {
  if (network) return resolve('endpoint', t.endpoints, ref, t.endpointNames.get(`${network.id}/${ref}`))
  const direct = t.endpoints.get(ref)
  if (direct) return { found: direct }
  const named = [...t.networks.keys()]
    .map((id) => t.endpointNames.get(`${id}/${ref}`))
    .filter((id) => id !== undefined)
    .sort()
  if (named.length > 1) return { problem: ambiguous('endpoint', ref, named) }
  return resolve('endpoint', t.endpoints, ref, named[0])
}

function resolve<T>(kind: string, all: Table<T>, ref: Ref, named: string | undefined): Resolved<T> {
  const found = all.get(ref) ?? (named === undefined ? undefined : all.get(named))
  if (found !== undefined) return { found }
  const ids = /^[0-9a-f]+$/.test(ref) && ref.length >= ID_PREFIX_CHARS_MIN ? idsByPrefix(all, ref) : []
  const [only, another] = ids
  if (only === undefined) return { problem: missing(kind, ref) }
  if (another !== undefined) return { problem: ambiguous(kind, ref, ids) }
  const hit = all.get(only)
  return hit === undefined ? { problem: missing(kind, ref) } : { found: hit }
}

const missing = (kind: string, ref: Ref): Problem => ({
  code: 'ERR_NOT_FOUND',
  field: kind,
  message:
    ref.trim() === ''
      ? `no ${kind} was named; give its name, its id, or ${ID_PREFIX_CHARS_MIN} or more characters of the id`
      : `there is no ${kind} '${ref}'; 'chronet ${kind} ls' lists what there is`,
})

const ambiguous = (kind: string, ref: Ref, ids: readonly string[]): Problem => ({
  code: 'ERR_AMBIGUOUS',
  field: kind,
  message: `${kind} '${ref}' fits ${ids.length}: ${ids
    .slice(0, 5)
    .map((id) => id.slice(0, 12))
    .join(', ')}${ids.length > 5 ? ', …' : ''}; give more of the id`,
})
