/**
 * Who holds what: addresses, MACs, interface names, host links and subnets, each with its holder; and for each pool which
 * addresses are given, so that the next free one is found in a few steps.
 *
 * Nothing is counted. A thing is held while its owner has it, **and** while a sweep is pending that removes a link on
 * which it lay. A sweep is pending until its receipt names no failure; one that failed is intended again, for the same
 * streams, and the holds then name that plan.
 */
import type { EndpointId, EndpointReserved, NetworkCreateRequested, PlanId, Stream } from '../events/index.ts'
import { ipOf, streamOf } from '../events/index.ts'
import { defineProjection } from './define.ts'
import {
  allOf,
  forgetFailed,
  leaveRemnant,
  noHolds,
  setEstate,
  settleSweep,
  sweepAgain,
  type Allocations,
  type Held,
} from './holds.ts'
import { gatewayPlace, placeOf, poolKey } from './pools.ts'
import type { Position } from './projection.ts'

/** Who holds what. */
export const allocations = defineProjection({
  name: 'allocations',
  version: 1,
  init: noHolds,
  on: {
    NetworkCreateRequested: (state, { data }, { at }) => {
      const own = ofNetwork(data)
      return setEstate(state, streamOf.network(data.network), { joined: [], own }, own, at)
    },
    // A failed network keeps what it has until it is deleted, whatever becomes of its sweep.
    NetworkCreateFailed: (state, { data }, { at }) => {
      const owner = streamOf.network(data.network)
      const estate = state.estates.get(owner)
      return setEstate(mark(state, owner, data.sweep), owner, estate, allOf(estate), at)
    },
    NetworkDeleted: (state, { data }, { at }) => {
      const owner = streamOf.network(data.network)
      return setEstate(mark(state, owner, data.sweep), owner, undefined, allOf(state.estates.get(owner)), at)
    },

    EndpointReserved: (state, { data }, { at }) => {
      const own = ofEndpoint(data)
      return setEstate(state, streamOf.endpoint(data.endpoint), { joined: [], own }, own, at)
    },
    // The commit has SandboxInterfaceAdded too, which says the same of the interface name.
    EndpointJoinRequested: (state, { data: { endpoint, ifName, link, sandbox } }, { at }) => {
      const owner = streamOf.endpoint(endpoint)
      const { joined: old, own } = state.estates.get(owner) ?? { joined: [], own: [] }
      const joined: readonly Held[] = [
        { key: `${sandbox}/${ifName}`, table: 'ifNames' },
        { key: link.name, table: 'links' },
      ]
      return setEstate(state, owner, { joined, own }, old.length === 0 ? joined : [...old, ...joined], at)
    },
    EndpointJoinFailed: (state, { data }, position) => endJoin(state, data.endpoint, data.sweep, position),
    EndpointLeft: (state, { data }, position) => endJoin(state, data.endpoint, data.sweep, position),
    EndpointReleased: (state, { data }, { at }) => {
      const owner = streamOf.endpoint(data.endpoint)
      return setEstate(state, owner, undefined, allOf(state.estates.get(owner)), at)
    },

    EffectsIntended: (state, { data }, { at }) =>
      data.purpose === 'sweep' ? sweepAgain(state, data.plan, data.for, at) : state,
    EffectsSettled: (state, { data }, { at }) => settleSweep(state, data.plan, data.failures.length > 0, at),
    HostStarted: (state, { data }, { at }) => (data.fresh ? forgetFailed(state, at) : state),
  },
})

/** Notes that what the owner has now lies on a link that a sweep will remove, if one will. */
const mark = (state: Allocations, owner: Stream, sweep: PlanId | undefined): Allocations =>
  sweep === undefined ? state : leaveRemnant(state, owner, sweep)

/** Interface name and host link go, now or with the sweep; addresses and MAC stay with the endpoint. */
function endJoin(
  state: Allocations,
  endpoint: EndpointId,
  sweep: PlanId | undefined,
  { at }: Position,
): Allocations {
  const owner = streamOf.endpoint(endpoint)
  const estate = state.estates.get(owner)
  if (estate === undefined) return state
  // With a sweep the holds of addresses and MAC name it too.
  const concerned = sweep === undefined ? estate.joined : allOf(estate)
  return setEstate(mark(state, owner, sweep), owner, { joined: [], own: estate.own }, concerned, at)
}

function ofNetwork({ bridge, network, subnets }: NetworkCreateRequested['data']): readonly Held[] {
  const pools = subnets.flatMap(({ gateway, subnet }): readonly Held[] => [
    { key: subnet, pool: poolKey(network, subnet), table: 'subnets' },
    { key: `${network}/${gateway}`, place: gatewayPlace(network, subnet, gateway), table: 'addresses' },
  ])
  // Drivers without a bridge leave its name empty.
  if (bridge.name.length === 0) return pools
  return [...pools, { key: bridge.name, table: 'links' }, { key: `${network}/${bridge.mac}`, table: 'macs' }]
}

function ofEndpoint({ addresses, mac, network }: EndpointReserved['data']): readonly Held[] {
  return [
    ...addresses.map((cidr): Held => {
      return { key: `${network}/${ipOf(cidr)}`, place: placeOf(network, cidr), table: 'addresses' }
    }),
    { key: `${network}/${mac}`, table: 'macs' },
  ]
}
