/** Joining and leaving: what crosses endpoint, network and sandbox when an interface comes or goes. */
import type { EndpointId, EndpointJoinRequested, IfName, PlanId, Problem } from '../../../events/index.ts'
import { streamOf } from '../../../events/index.ts'
import { refuseIf } from '../../../events/refuse.ts'
import {
  failedIn,
  type EndpointView,
  type NetworkView,
  type SandboxView,
  type Topology,
} from '../../../projections/index.ts'
import { checkIfName, checkIfPrefix, lowestIfName, quoted } from '../../ipam/index.ts'
import { linkMac, linkName } from '../../reconcile/marks.ts'
import type { Draft } from '../draft.ts'
import { resolveEndpoint, resolveNetwork, resolveSandbox } from '../resolve.ts'
import type { Decision, DecisionContext, Handler } from './decision.ts'
import { candidateOf, candidatesIn, gatewayAmong, removeInterface } from './interfaces.ts'
import { allOrRefuse, orRefuse, sandboxIsUp } from './refuse.ts'
import { askFor, reserve } from './reserve.ts'

export const joinEndpoint: Handler<'endpoint.join'> = (draft, data, context) => {
  const { topology } = draft.view.projections
  const within = data.network === undefined ? undefined : orRefuse(resolveNetwork(topology, data.network))
  const [endpoint, sandbox] = allOrRefuse(
    resolveEndpoint(topology, data.endpoint, within),
    resolveSandbox(topology, data.sandbox),
  )
  const network = orRefuse(resolveNetwork(topology, endpoint.network))
  const options = { priority: data.priority ?? 0, releaseOnFailure: false }
  const ifName = ifNameFor(draft, network, sandbox, data)
  const command = joinCommand(
    draft,
    { endpoint: endpoint.id, network, sandbox },
    { ...options, ...ifName },
    context,
  )
  refuseIf([
    ...ifName.problems,
    ...sandboxIsUp(sandbox),
    ...draft.problems(streamOf.endpoint(endpoint.id), command),
  ])
  join(draft, network, sandbox, command)
  return { purpose: 'realise' }
}

export const connect: Handler<'connect'> = (draft, data, context) => {
  const { topology } = draft.view.projections
  const [network, sandbox] = allOrRefuse(
    resolveNetwork(topology, data.network),
    resolveSandbox(topology, data.sandbox),
  )
  const name = data.name ?? `${sandbox.name}-${network.name}`
  const asked = askFor(draft, network, { ...data, name })
  const ifName = ifNameFor(draft, network, sandbox, data)
  refuseIf([...asked.problems, ...ifName.problems, ...sandboxIsUp(sandbox)])
  const endpoint = reserve(draft, network, asked, context)
  const options = { priority: data.priority ?? 0, releaseOnFailure: true, ...ifName }
  join(draft, network, sandbox, joinCommand(draft, { endpoint, network, sandbox }, options, context))
  return { purpose: 'realise' }
}

export const leaveEndpoint: Handler<'endpoint.leave'> = (draft, data) => {
  const { topology } = draft.view.projections
  const within = data.network === undefined ? undefined : orRefuse(resolveNetwork(topology, data.network))
  const endpoint = orRefuse(resolveEndpoint(topology, data.endpoint, within))
  const sandbox = data.sandbox === undefined ? undefined : orRefuse(resolveSandbox(topology, data.sandbox))
  const command = leaveCommand(draft)
  refuseIf([...draft.problems(streamOf.endpoint(endpoint.id), command), ...isItsSandbox(endpoint, sandbox)])
  return leave(draft, endpoint, false)
}

export const disconnect: Handler<'disconnect'> = (draft, data) => {
  const { topology } = draft.view.projections
  const [network, sandbox] = allOrRefuse(
    resolveNetwork(topology, data.network),
    resolveSandbox(topology, data.sandbox),
  )
  const here = sandbox.interfaces
    .map((i) => topology.endpoints.get(i.endpoint))
    .filter((e) => e?.network === network.id)
  const joining = here.length > 0 ? here : failedOn(topology, network, sandbox)
  const [endpoint] = joining
  if (endpoint === undefined || joining.length > 1) refuseIf([notOne(network, sandbox, joining.length)])
  return leave(draft, endpoint as EndpointView, true)
}

/** Those that have no interface in the sandbox any more, but failed on their way out of it or in: leave is their way out. */
const failedOn = (topology: Topology, network: NetworkView, sandbox: SandboxView): readonly EndpointView[] =>
  failedIn(topology, sandbox.id).filter((e) => e.network === network.id)

export const deleteEndpoint: Handler<'endpoint.delete'> = (draft, data) => {
  const { topology } = draft.view.projections
  const within = data.network === undefined ? undefined : orRefuse(resolveNetwork(topology, data.network))
  const endpoint = orRefuse(resolveEndpoint(topology, data.endpoint, within))
  const stream = streamOf.endpoint(endpoint.id)
  const joined = endpoint.state === 'joined' || endpoint.state === 'joining'
  const release = { type: 'endpoint.release' as const }
  const problems = joined ? [isJoined(draft, endpoint)] : draft.problems(stream, release)
  // Force is a leave first, wherever that is the way out.
  const leaves =
    data.force === true && problems.length > 0 && draft.problems(stream, leaveCommand(draft)).length === 0
  if (leaves) return leave(draft, endpoint, true)
  refuseIf(problems)
  draft.decide(stream, release)
  const plan = (draft.stateOf(stream)?.context as { readonly plan?: PlanId } | undefined)?.plan
  return { purpose: 'none', ...(plan === undefined ? {} : { waitsFor: plan }) }
}

/** The join of three that exist, with the sandbox's part of it. */
function join(draft: Draft, network: NetworkView, sandbox: SandboxView, command: JoinCommand): void {
  const candidates = candidatesIn(draft.view.projections.topology, sandbox.id)
  draft.decide(streamOf.endpoint(command.endpoint), command)
  const all = [...candidates, candidateOf(command.endpoint, network, command.priority)]
  draft.decide(streamOf.sandbox(sandbox.id), {
    endpoint: command.endpoint,
    gateway: gatewayAmong(all, 4) === command.endpoint,
    gateway6: gatewayAmong(all, 6) === command.endpoint,
    ifName: command.ifName,
    type: 'sandbox.addInterface',
  })
}

type JoinCommand = EndpointJoinRequested['data'] & { readonly type: 'endpoint.join' }

function joinCommand(
  draft: Draft,
  who: { readonly endpoint: EndpointId; readonly network: NetworkView; readonly sandbox: SandboxView },
  options: { readonly ifName: IfName; readonly priority: number; readonly releaseOnFailure: boolean },
  { hash, origin }: DecisionContext,
): JoinCommand {
  const state = draft.stateOf(streamOf.endpoint(who.endpoint))
  const attempt = ((state?.context as { readonly attempts?: number } | undefined)?.attempts ?? 0) + 1
  const name = linkName(hash, 'v', who.endpoint, attempt)
  return {
    attempt,
    endpoint: who.endpoint,
    ifName: options.ifName,
    link: { mac: linkMac(hash, origin, name), name },
    network: who.network.id,
    plan: draft.plan,
    priority: options.priority,
    releaseOnFailure: options.releaseOnFailure,
    sandbox: who.sandbox.id,
    type: 'endpoint.join',
  }
}

const leaveCommand = ({ plan }: Draft) => ({ plan, type: 'endpoint.leave' as const })

/** Leave, and with `release` the end of the endpoint too. A failed leave's endpoint may have lost its place in the sandbox. */
function leave(draft: Draft, endpoint: EndpointView, release: boolean): Decision {
  const stream = streamOf.endpoint(endpoint.id)
  const command = leaveCommand(draft)
  refuseIf(draft.problems(stream, command))
  draft.decide(stream, command)
  if (release) draft.decide(stream, { type: 'endpoint.release' })
  if (endpoint.sandbox !== undefined) removeInterface(draft, endpoint.sandbox, stream)
  return { for: [stream], purpose: 'cut' }
}

/** The name asked for, or the lowest free one of the prefix asked for, the network's, or `eth`. */
function ifNameFor(
  draft: Draft,
  network: NetworkView,
  sandbox: SandboxView,
  asked: { readonly ifName?: string; readonly ifPrefix?: string },
): { readonly ifName: IfName; readonly problems: readonly Problem[] } {
  const { allocations } = draft.view.projections
  const { ifName, ifPrefix } = asked
  const problems = ifPrefix === undefined ? [] : [...checkIfPrefix(ifPrefix)]
  if (ifName !== undefined && ifPrefix !== undefined) problems.push(notBoth(ifName, ifPrefix))
  if (problems.length > 0) return { ifName: '' as IfName, problems }
  const chosen =
    ifName === undefined
      ? lowestIfName(allocations, sandbox.id, ifPrefix ?? network.ifPrefix)
      : checkIfName(allocations, sandbox.id, ifName)
  if ('problem' in chosen) return { ifName: '' as IfName, problems: [chosen.problem] }
  return { ifName: chosen.ifName, problems: [] }
}

const notBoth = (ifName: string, ifPrefix: string): Problem => ({
  code: 'ERR_INVALID',
  field: 'ifPrefix',
  message: `interface ${quoted(ifName)} and one that begins with ${quoted(ifPrefix)} cannot both be had; give the name or the prefix`,
})

function isItsSandbox(endpoint: EndpointView, sandbox: SandboxView | undefined): readonly Problem[] {
  if (sandbox === undefined || endpoint.sandbox === sandbox.id) return []
  return [
    {
      code: 'ERR_STATE',
      field: 'sandbox',
      holder: endpoint.sandbox ?? endpoint.id,
      message: `endpoint '${endpoint.name}' is not in sandbox '${sandbox.name}' but in ${endpoint.sandbox?.slice(0, 12) ?? 'none'}; name that one, or none`,
    },
  ]
}

const isJoined = (draft: Draft, endpoint: EndpointView): Problem => {
  const sandbox = draft.view.projections.topology.sandboxes.get(endpoint.sandbox ?? '')
  return {
    code: 'ERR_IN_USE',
    field: 'endpoint',
    holder: endpoint.sandbox ?? endpoint.id,
    message: `endpoint '${endpoint.name}' is ${endpoint.state} in sandbox '${sandbox?.name ?? 'unknown'}'; let it leave first, or delete it with force`,
  }
}

const notOne = (network: NetworkView, sandbox: SandboxView, count: number): Problem => ({
  code: count === 0 ? 'ERR_NOT_FOUND' : 'ERR_AMBIGUOUS',
  field: 'sandbox',
  holder: sandbox.id,
  message:
    count === 0
      ? `sandbox '${sandbox.name}' is not on network '${network.name}'; nothing to disconnect`
      : `sandbox '${sandbox.name}' is on network '${network.name}' ${count} times; let the endpoint leave that you mean`,
})
