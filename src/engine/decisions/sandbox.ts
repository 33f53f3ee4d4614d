/** Sandboxes: their names, and their end, which takes their endpoints along. */
import type { EndpointId, Problem, SandboxId } from '../../../events/index.ts'
import { streamOf } from '../../../events/index.ts'
import type { SandboxView } from '../../../projections/index.ts'
import { checkHostname, checkName } from '../../ipam/index.ts'
import type { Draft } from '../draft.ts'
import { refuseIf } from '../draft.ts'
import { resolveSandbox } from '../resolve.ts'
import { entityId, type Handler } from './decision.ts'
import { removeInterface } from './interfaces.ts'
import { orRefuse } from './refuse.ts'

export const createSandbox: Handler<'sandbox.create'> = (draft, data, context) => {
  refuseIf([
    ...checkName('sandbox', data.name),
    ...checkHostname('hostname', data.hostname),
    ...checkHostname('domain', data.domain),
    ...nameIsFree(draft, data.name),
  ])
  const sandbox = entityId(context, 0) as SandboxId
  draft.decide(streamOf.sandbox(sandbox), {
    domain: data.domain ?? '',
    hostname: data.hostname ?? '',
    labels: data.labels ?? {},
    name: data.name,
    plan: draft.plan,
    sandbox,
    type: 'sandbox.create',
  })
  return { purpose: 'realise' }
}

/** Deleting a sandbox deletes the endpoints that are joined to it (libnetwork, sandbox delete). */
export const deleteSandbox: Handler<'sandbox.delete'> = (draft, data) => {
  const sandbox = orRefuse(resolveSandbox(draft.view.projections.topology, data.sandbox))
  const stream = streamOf.sandbox(sandbox.id)
  const command = { plan: draft.plan, type: 'sandbox.delete' as const }
  refuseIf(draft.problems(stream, command))
  for (const endpoint of endpointsIn(draft, sandbox)) endEndpoint(draft, sandbox.id, endpoint)
  draft.decide(stream, command)
  return { purpose: 'cut' }
}

/** Those that have an interface, and those whose leave failed: they have none any more, and may still have their link. */
function endpointsIn(draft: Draft, { id, interfaces }: SandboxView): readonly EndpointId[] {
  const { endpoints } = draft.view.projections.topology
  const failed = [...endpoints.values()].filter((each) => each.state === 'failed' && each.sandbox === id)
  return [
    ...new Set([...interfaces, ...failed.map((each) => ({ endpoint: each.id }))].map((i) => i.endpoint)),
  ]
}

/** Leaves and releases, unless somebody already asked for that. */
function endEndpoint(draft: Draft, sandbox: SandboxId, endpoint: EndpointId): void {
  const stream = streamOf.endpoint(endpoint)
  const leave = { plan: draft.plan, type: 'endpoint.leave' as const }
  if (draft.problems(stream, leave).length === 0) draft.decide(stream, leave)
  const release = { type: 'endpoint.release' as const }
  if (draft.problems(stream, release).length === 0) draft.decide(stream, release)
  removeInterface(draft, sandbox, stream)
}

function nameIsFree(draft: Draft, name: string): readonly Problem[] {
  const holder = draft.view.projections.topology.sandboxNames.get(name)
  if (holder === undefined) return []
  return [
    {
      code: 'ERR_EXISTS',
      field: 'name',
      holder,
      message: `sandbox '${name}' exists already (${holder.slice(0, 12)}); choose another name, or delete that one`,
    },
  ]
}
