/** Networks: what crosses entities when one is made or ends (names, pools, use), and the values chosen for it. */
import type { CommandData, NetworkId, Problem, Subnet } from '../../../events/index.ts'
import { familyOf, streamOf } from '../../../events/index.ts'
import { endpointsOf, type NetworkView } from '../../../projections/index.ts'
import { checkDriver } from '../../drivers/index.ts'
import { checkName, checkSubnets, chooseSubnet } from '../../ipam/index.ts'
import { linkMac, linkName } from '../../reconcile/marks.ts'
import type { Draft } from '../draft.ts'
import { refuseIf } from '../draft.ts'
import { resolveNetwork } from '../resolve.ts'
import { entityId, type DecisionContext, type Handler } from './decision.ts'
import { orRefuse, untilPlan } from './refuse.ts'
import { planOfEnd } from './reserve.ts'

export const createNetwork: Handler<'network.create'> = (draft, data, context) => {
  const { subnets, problems } = subnetsFor(draft, data)
  refuseIf([
    ...checkName('network', data.name),
    ...checkDriver(context.drivers, data.driver),
    ...nameIsFree(draft, data.name),
    ...(context.drivers.get(data.driver)?.validate(data) ?? []),
    ...problems,
    ...subnets.flatMap(isIpv4),
  ])
  const network = entityId(context, 0) as NetworkId
  draft.decide(streamOf.network(network), {
    bridge: bridgeFor(network, context),
    driver: data.driver,
    internal: data.internal ?? false,
    labels: data.labels ?? {},
    masquerade: data.masquerade ?? true,
    mtu: data.mtu ?? 0,
    name: data.name,
    network,
    plan: draft.plan,
    subnets,
    type: 'network.create',
  })
  return { purpose: 'realise' }
}

export const deleteNetwork: Handler<'network.delete'> = (draft, data) => {
  const network = orRefuse(resolveNetwork(draft.view.projections.topology, data.network))
  const stream = streamOf.network(network.id)
  const command = { plan: draft.plan, type: 'network.delete' as const }
  refuseIf([...draft.problems(stream, command), ...isUnused(draft, network)])
  draft.decide(stream, command)
  return { purpose: 'cut' }
}

function subnetsFor(
  draft: Draft,
  data: CommandData['network.create'],
): { problems: readonly Problem[]; subnets: readonly Subnet[] } {
  const { allocations } = draft.view.projections
  if (data.subnets && data.subnets.length > 0) return checkSubnets(allocations, data.subnets)
  const chosen = chooseSubnet(allocations, [])
  return 'problem' in chosen
    ? { problems: [chosen.problem], subnets: [] }
    : { problems: [], subnets: [chosen.subnet] }
}

/** Sandboxes are born with IPv6 off; a network that none could join is refused here. */
const isIpv4 = ({ subnet }: Subnet): readonly Problem[] =>
  familyOf(subnet) === 4
    ? []
    : [
        {
          code: 'ERR_UNSUPPORTED',
          field: 'subnets',
          message: `subnet ${subnet}: this version has no IPv6 networks yet; give an IPv4 subnet, as 10.9.0.0/24`,
        },
      ]

const bridgeFor = (network: NetworkId, { hash, origin }: DecisionContext) => {
  const name = linkName(hash, 'b', network, 1)
  return { mac: linkMac(hash, origin, name), name }
}

function nameIsFree(draft: Draft, name: string): readonly Problem[] {
  const holder = draft.view.projections.topology.networkNames.get(name)
  if (holder === undefined) return []
  return [
    {
      code: 'ERR_EXISTS',
      field: 'name',
      holder,
      message: `network '${name}' exists already (${holder.slice(0, 12)}); choose another name, or use that one`,
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

const sandboxName = (draft: Draft, id: string): string =>
  draft.view.projections.topology.sandboxes.get(id)?.name ?? id.slice(0, 12)
