/** What an endpoint holds: a name on its network, an address a family, a MAC. Chosen here, all problems at once. */
import type {
  Cidr,
  CommandData,
  EndpointId,
  EndpointReserved,
  Mac,
  Problem,
  Subnet,
} from '../../../events/index.ts'
import { ipOf, streamOf } from '../../../events/index.ts'
import { refuseIf } from '../../../events/refuse.ts'
import { ownBlocks, ownParts, type EndpointView, type NetworkView } from '../../../projections/index.ts'
import { checkAddress, checkMac, checkName, chooseAddress, chooseMac } from '../../ipam/index.ts'
import type { Draft } from '../draft.ts'
import { resolveNetwork } from '../resolve.ts'
import { entityId, type DecisionContext, type Handler } from './decision.ts'
import { planOfEnd, untilEnds, untilOneEnds } from './ends.ts'
import { networkIsUp, orRefuse, sandboxName, untilPlan } from './refuse.ts'

export const createEndpoint: Handler<'endpoint.create'> = (draft, data, context) => {
  const network = orRefuse(resolveNetwork(draft.view.projections.topology, data.network))
  const asked = askFor(draft, network, data)
  refuseIf(asked.problems)
  reserve(draft, network, asked, context)
  return { purpose: 'none' }
}

/** What was asked for, checked against what others hold. */
export type Asked = {
  readonly addresses: readonly Cidr[]
  readonly labels: Readonly<Record<string, string>>
  readonly mac: Mac
  readonly name: string
  readonly problems: readonly Problem[]
}

type Request = Pick<CommandData['endpoint.create'], 'address' | 'address6' | 'labels' | 'mac' | 'name'>

/** Chooses what was not asked for, and lists all that speaks against what was. */
export function askFor(draft: Draft, network: NetworkView, request: Request): Asked {
  const { allocations } = draft.view.projections
  const addresses: Cidr[] = []
  const problems = [
    ...checkName('endpoint', request.name),
    ...nameIsFree(draft, network, request.name),
    ...networkIsUp(network),
  ]
  const parts = partsFor(draft, network)
  const wanted = ([4, 6] as const).flatMap((family) => {
    const text = family === 4 ? request.address : request.address6
    return text === undefined ? [] : checkAddress(allocations, network, text, family, parts)
  })
  for (const each of wanted) if ('problem' in each) problems.push(each.problem)
  for (const pool of network.subnets) {
    const chosen =
      wanted.find((each) => 'address' in each && each.subnet === pool.subnet) ??
      chooseAddress(allocations, network, pool, blocksFor(draft, network, pool))
    if ('problem' in chosen) problems.push(untilOneEnds(draft, network, pool, chosen.problem))
    else addresses.push(chosen.address)
  }
  const mac = macFor(draft, network, request, addresses)
  if ('problem' in mac) problems.push(mac.problem)
  return {
    addresses,
    labels: request.labels ?? {},
    mac: 'mac' in mac ? mac.mac : ('' as Mac),
    name: request.name,
    problems: untilEnds(draft, problems),
  }
}

/** Of a network of the cluster, the blocks of a pool that this host gives out of; undefined: the network is its own. */
const blocksFor = (draft: Draft, network: NetworkView, { subnet }: Subnet): readonly Cidr[] | undefined =>
  network.claim === undefined ? undefined : ownBlocks(draft.view.projections.claims, network.id, subnet)

/** The same, with what others lend: that is given where it is asked for. */
function partsFor(draft: Draft, network: NetworkView): ((subnet: Cidr) => readonly Cidr[]) | undefined {
  if (network.claim === undefined) return undefined
  return (subnet) => ownParts(draft.view.projections.claims, network.id, subnet)
}

/** Writes the reservation. The endpoint's id is the command's first. */
export function reserve(
  draft: Draft,
  network: NetworkView,
  asked: Asked,
  context: DecisionContext,
): EndpointId {
  const endpoint = entityId(context, 0) as EndpointId
  const data: EndpointReserved['data'] = {
    addresses: asked.addresses,
    endpoint,
    labels: asked.labels,
    mac: asked.mac,
    name: asked.name,
    network: network.id,
  }
  draft.decide(streamOf.endpoint(endpoint), { ...data, type: 'endpoint.reserve' })
  return endpoint
}

function macFor(
  draft: Draft,
  network: NetworkView,
  request: Request,
  addresses: readonly Cidr[],
): { readonly mac: Mac } | { readonly problem: Problem } {
  if (request.mac !== undefined) return checkMac(draft.view.projections.allocations, network, request.mac)
  const [first] = addresses
  return {
    mac:
      first === undefined ? ('' as Mac) : chooseMac(draft.view.projections.allocations, network, ipOf(first)),
  }
}

function nameIsFree(draft: Draft, network: NetworkView, name: string): readonly Problem[] {
  const { endpoints, endpointNames } = draft.view.projections.topology
  const id = endpointNames.get(`${network.id}/${name}`)
  const holder = id === undefined ? undefined : endpoints.get(id)
  if (holder === undefined) return []
  return [
    {
      code: 'ERR_EXISTS',
      field: 'name',
      holder: holder.id,
      message: `endpoint '${name}' exists already on network '${network.name}' (${stateOf(draft, holder)}); choose another name, or delete that one`,
      ...untilPlan([planOfEnd(draft, holder)]),
    },
  ]
}

/** `joined, in sandbox a`. */
const stateOf = (draft: Draft, { sandbox, state }: EndpointView): string =>
  sandbox === undefined ? state : `${state}, in sandbox ${sandboxName(draft, sandbox)}`
