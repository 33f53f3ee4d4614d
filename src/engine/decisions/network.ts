/** Networks: what crosses entities when one is made or ends (names, pools, use), and the values chosen for it. */
import type { CommandData, IfName, NetworkId, Problem, Subnet } from '../../../events/index.ts'
import { familyOf, streamOf } from '../../../events/index.ts'
import { refuseIf } from '../../../events/refuse.ts'
import { endpointsOf, loansOf, type Loan, type NetworkView, type Vip } from '../../../projections/index.ts'
import { checkDriver, readOptions } from '../../drivers/index.ts'
import {
  checkHostRoutes,
  checkIfName,
  checkIfPrefix,
  checkName,
  checkSubnets,
  chooseLocalSubnet,
  chooseSubnet,
  CLUSTER_SUBNETS,
  DEFAULT_SUBNETS,
  familiesFor,
  localPrefix,
  needsPool,
} from '../../ipam/index.ts'
import { linkMac, linkName } from '../../reconcile/marks.ts'
import type { Draft } from '../draft.ts'
import { resolveNetwork } from '../resolve.ts'
import { grantsFor, mustBeClaimed, NO_LINK, numberNetwork, vniIn } from './claims.ts'
import { entityId, type DecisionContext, type Handler } from './decision.ts'
import { planOfEnd, untilEnds } from './ends.ts'
import { orRefuse, sandboxName, untilPlan } from './refuse.ts'

export const createNetwork: Handler<'network.create'> = (draft, given, context) => {
  const { problems: odd, request: data } = readOptions(context.drivers, given)
  const isShared = context.drivers.get(data.driver)?.scope === 'cluster'
  if (isShared) mustBeClaimed(draft, data)
  const { subnets, problems } = subnetsFor(draft, data, context)
  refuseIf([
    ...checkName('network', data.name),
    ...checkDriver(context.drivers, data.driver),
    ...nameIsFree(draft, data.name),
    ...(context.drivers.get(data.driver)?.validate(data) ?? []),
    ...odd,
    ...untilEnds(draft, bridgeProblems(draft, data.bridge)),
    ...(data.ifPrefix === undefined ? [] : checkIfPrefix(data.ifPrefix)),
    ...untilEnds(draft, problems),
  ])
  const network = entityId(context, 0) as NetworkId
  const claim = isShared
    ? grantsFor(draft, { name: data.name, network, subnets }, data.claims, context)
    : undefined
  draft.decide(streamOf.network(network), {
    bridge: isShared ? NO_LINK : bridgeFor(network, data.bridge, context),
    ...(claim === undefined ? {} : { claim }),
    driver: data.driver,
    ...(data.ifPrefix === undefined ? {} : { ifPrefix: data.ifPrefix }),
    internal: data.internal ?? false,
    labels: data.labels ?? {},
    masquerade: data.masquerade ?? true,
    mtu: data.mtu ?? 0,
    name: data.name,
    network,
    ...(Object.keys(given.options ?? {}).length === 0 ? {} : { options: given.options ?? {} }),
    plan: draft.plan,
    subnets,
    type: 'network.create',
  })
  numberNetwork(draft, network, vniIn(data.claims, network))
  return { purpose: 'realise' }
}

/** Takes part in a network that another host made. */
export const adoptNetwork: Handler<'network.adopt'> = (draft, { claim, definition: defined }, context) => {
  const { vni, ...definition } = defined
  const { driver, name, network, subnets } = definition
  const asked = subnets.map(({ subnet }) => ({ subnet }))
  refuseIf([
    ...checkDriver(context.drivers, driver),
    ...nameIsFree(draft, name),
    ...untilEnds(draft, checkSubnets(draft.view.projections.allocations, asked).problems),
  ])
  draft.decide(streamOf.network(network), {
    ...definition,
    bridge: NO_LINK,
    claim,
    plan: draft.plan,
    type: 'network.create',
  })
  numberNetwork(draft, network, vni)
  return { purpose: 'realise' }
}

export const deleteNetwork: Handler<'network.delete'> = (draft, data) => {
  const network = orRefuse(resolveNetwork(draft.view.projections.topology, data.network))
  refuseIf(endProblems(draft, network))
  endNetwork(draft, network)
  return { purpose: 'cut' }
}

/** What keeps a network from being ended. */
export const endProblems = (draft: Draft, network: NetworkView): readonly Problem[] => [
  ...draft.problems(streamOf.network(network.id), endOf(draft)),
  ...isUnused(draft, network),
  ...loansOf(draft.view.projections.claims, network.id).map(lentOut(network)),
  ...(network.vips ?? []).map(heldFor(network)),
]

const heldFor =
  ({ id, name }: NetworkView) =>
  (vip: Vip): Problem => ({
    code: 'ERR_IN_USE',
    field: 'network',
    holder: id,
    message: `network '${name}': this host holds ${vip.address} for service '${vip.name}'; give it up first ('chronet vip rm ${name} ${vip.name}')`,
  })

/** A block is not given up as long as another host uses an address out of it. */
const lentOut =
  ({ name }: NetworkView) =>
  ({ address, host, to }: Loan): Problem => ({
    code: 'ERR_IN_USE',
    field: 'network',
    holder: to,
    message: `network '${name}': ${host} uses ${address} out of this host's block; delete its endpoint there first`,
  })

export const endNetwork = (draft: Draft, { id }: NetworkView): void =>
  draft.decide(streamOf.network(id), endOf(draft))

const endOf = ({ plan }: Draft) => ({ plan, type: 'network.delete' as const })

type Subnets = { readonly problems: readonly Problem[]; readonly subnets: readonly Subnet[] }

/** Those asked for, and one of each family that has none of them; IPv4's first. */
function subnetsFor(
  draft: Draft,
  data: CommandData['network.create'],
  { drivers, hash, origin }: DecisionContext,
): Subnets {
  const { allocations } = draft.view.projections
  const avoid = [...(data.hostRoutes ?? []).map(({ dst }) => dst), ...(data.claims?.avoid ?? [])]
  const pools = drivers.get(data.driver)?.scope === 'cluster' ? CLUSTER_SUBNETS : DEFAULT_SUBNETS
  const asked = checkSubnets(allocations, data.subnets ?? [])
  const chosen = [
    ...(needsPool(data, 4) ? [chooseSubnet(allocations, avoid, pools)] : []),
    ...(needsPool(data, 6) ? [chooseLocalSubnet(allocations, localPrefix(hash, origin), avoid)] : []),
  ]
  return {
    problems: [
      ...familiesFor(data).problems,
      ...asked.problems,
      ...checkHostRoutes(asked.subnets, data),
      ...chosen.flatMap((each) => ('problem' in each ? [each.problem] : [])),
    ],
    subnets: [...asked.subnets, ...chosen.flatMap((each) => ('subnet' in each ? [each.subnet] : []))].sort(
      (a, b) => familyOf(a.subnet) - familyOf(b.subnet),
    ),
  }
}

const bridgeFor = (network: NetworkId, asked: string | undefined, { hash, origin }: DecisionContext) => {
  const name = asked === undefined ? linkName(hash, 'b', network, 1) : (asked as IfName)
  return { mac: linkMac(hash, origin, name), name }
}

/** A link of somebody else under the name asked for is found by the kernel, and the network fails. */
function bridgeProblems(draft: Draft, asked: string | undefined): readonly Problem[] {
  if (asked === undefined) return []
  const chosen = checkIfName(draft.view.projections.allocations, 'host', asked, 'bridge')
  return 'problem' in chosen ? [chosen.problem] : []
}

function nameIsFree(draft: Draft, name: string): readonly Problem[] {
  const holder = draft.view.projections.topology.networkNames.get(name)
  if (holder === undefined) return []
  return [
    {
      code: 'ERR_EXISTS',
      field: 'name',
      holder,
      message: `network '${name}' exists already; choose another name, or use that one`,
    },
  ]
}

/** A network with endpoints stays; if all of them are on their way out, the command waits for the last. */
function isUnused(draft: Draft, network: NetworkView): readonly Problem[] {
  const members = endpointsOf(draft.view.projections.topology, network.id)
  if (members.length === 0) return []
  const named = members
    .slice(0, 5)
    .map((e) => `${e.name}${e.sandbox === undefined ? '' : ` in sandbox ${sandboxName(draft, e.sandbox)}`}`)
    .join(', ')
  const plans = members.map((e) => planOfEnd(draft, e))
  return [
    {
      code: 'ERR_IN_USE',
      field: 'network',
      holder: members[0]?.id ?? network.id,
      message: `network '${network.name}' has ${members.length} endpoint${members.length === 1 ? '' : 's'} (${named}${members.length > 5 ? ', …' : ''}); disconnect or delete them first`,
      ...untilPlan(plans),
    },
  ]
}
