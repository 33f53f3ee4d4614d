/** Sandboxes: their names, and their end, which takes their endpoints along. */
import type { Adopted, EndpointId, Problem, SandboxId, StepFailure, Stream } from '../../../events/index.ts'
import { streamOf } from '../../../events/index.ts'
import { refuseIf } from '../../../events/refuse.ts'
import { failedIn, type SandboxView } from '../../../projections/index.ts'
import { checkHostname, checkName, quoted } from '../../ipam/index.ts'
import type { Draft } from '../draft.ts'
import { resolveSandbox } from '../resolve.ts'
import { entityId, type Decision, type Handler } from './decision.ts'
import { removeInterface } from './interfaces.ts'
import { orRefuse } from './refuse.ts'

export const createSandbox: Handler<'sandbox.create'> = (draft, data, context) => {
  const { adopts } = data
  refuseIf([
    ...checkName('sandbox', data.name),
    ...checkHostname('hostname', data.hostname),
    ...checkHostname('domain', data.domain),
    ...nameIsFree(draft, data.name),
    ...(data.netns === undefined ? [] : checkNetns(draft, data.netns, adopts)),
  ])
  const sandbox = entityId(context, 0) as SandboxId
  draft.decide(streamOf.sandbox(sandbox), {
    ...(adopts === undefined ? {} : { adopts }),
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

/**
 * What is to be done where the namespace of somebody else is gone: its endpoints leave it, and keep what they hold, and the sandbox is
 * vanished. Undefined: none is.
 */
export function vanish(draft: Draft, failures: readonly StepFailure[]): Decision | undefined {
  const left: Stream[] = []
  for (const failure of failures) {
    const [kind, id = ''] = failure.key.split('/')
    const stream = streamOf.sandbox(id as SandboxId)
    const command = { failures: [failure], type: 'sandbox.vanish' as const }
    if (kind !== 'netns' || failure.code !== GONE || draft.problems(stream, command).length > 0) continue
    const sandbox = draft.view.projections.topology.sandboxes.get(id)
    for (const { endpoint } of sandbox?.interfaces ?? []) {
      left.push(letGo(draft, endpoint))
      removeInterface(draft, id as SandboxId, streamOf.endpoint(endpoint))
    }
    draft.decide(stream, command)
  }
  return left.length === 0 ? undefined : { for: left, purpose: 'cut' }
}

/** What an ensure of a namespace that is somebody else's fails with where that one is not there any more. */
const GONE = 'ESTALE'

/** Lets it leave, unless somebody already asked for that. */
function letGo(draft: Draft, endpoint: EndpointId): Stream {
  const stream = streamOf.endpoint(endpoint)
  const leave = { plan: draft.plan, type: 'endpoint.leave' as const }
  if (draft.problems(stream, leave).length === 0) draft.decide(stream, leave)
  return stream
}

/** Those that have an interface, and those whose leave failed: they have none any more, and may still have their link. */
function endpointsIn(draft: Draft, { id, interfaces }: SandboxView): readonly EndpointId[] {
  const failed = failedIn(draft.view.projections.topology, id).map((each) => each.id)
  return [...new Set([...interfaces.map(({ endpoint }) => endpoint), ...failed])]
}

/** Leaves and is released. */
function endEndpoint(draft: Draft, sandbox: SandboxId, endpoint: EndpointId): void {
  const stream = letGo(draft, endpoint)
  const release = { type: 'endpoint.release' as const }
  if (draft.problems(stream, release).length === 0) draft.decide(stream, release)
  removeInterface(draft, sandbox, stream)
}

/** What speaks against taking a namespace: it cannot be seen, or somebody has it. Looks at all sandboxes. */
function checkNetns({ view }: Draft, path: string, adopts: Adopted | undefined): readonly Problem[] {
  const { applied, host, topology } = view.projections
  const what = `namespace ${quoted(path)}`
  const wrong = (code: Problem['code'], why: string, holder?: SandboxId): readonly Problem[] => [
    { code, field: 'netns', ...(holder === undefined ? {} : { holder }), message: `${what}: ${why}` },
  ]
  if (!path.startsWith('/')) return wrong('ERR_INVALID', 'it is no path; give one that begins with /')
  if (adopts === undefined)
    return wrong(
      'ERR_NOT_FOUND',
      'the engine sees no network namespace there; look at it where the engine runs',
    )
  if (adopts.cookie === host.cookie)
    return wrong('ERR_UNSUPPORTED', "it is the host's own, which no sandbox can have yet; take another")
  // One that was asked for a moment ago has no receipt yet, and was looked at as this one was.
  const has = ({ id, state }: SandboxView): boolean => {
    const { seen, spec } = applied.resources.get(`netns/${id}`) ?? {}
    const cookie = seen?.netnsCookie ?? (spec?.kind === 'netns' ? spec.adopts?.cookie : undefined)
    return state !== 'vanished' && cookie === adopts.cookie
  }
  const holder = [...topology.sandboxes.values()].find(has)
  if (holder === undefined) return []
  return wrong(
    'ERR_IN_USE',
    `sandbox '${holder.name}' has it; connect that one, or delete it first`,
    holder.id,
  )
}

function nameIsFree(draft: Draft, name: string): readonly Problem[] {
  const holder = draft.view.projections.topology.sandboxNames.get(name)
  if (holder === undefined) return []
  return [
    {
      code: 'ERR_EXISTS',
      field: 'name',
      holder,
      message: `sandbox '${name}' exists already; choose another name, or delete that one`,
    },
  ]
}
