/**
 * Who holds what: addresses, MACs, interface names, host links and subnets, each with its holder; and for each pool which
 * addresses are given, so that the next free one is found in a few steps.
 *
 * Nothing is counted. A thing is held while its owner has it, **and** while a sweep is pending that removes a link on
 * which it lay. A sweep is pending until its receipt names no failure; one that failed is intended again, for the same
 * streams, and the holds then name that plan.
 */
import type {
  EndpointJoinFailed,
  EndpointLeft,
  EndpointReserved,
  Instant,
  NetworkCreateRequested,
} from '../events/index.ts'
import { ipOf, streamOf } from '../events/index.ts'
import { defineProjection } from './define.ts'
import {
  forgetFailed,
  noHolds,
  setEstate,
  settleSweep,
  sweepAgain,
  type Allocations,
  type Held,
} from './holds.ts'
import { gatewayPlace, placeOf, poolKey } from './pools.ts'

/** Who holds what. */
export const allocations = defineProjection({
  name: 'allocations',
  version: 1,
  init: noHolds,
  on: {
    NetworkCreateRequested: (state, { data }, { at }) =>
      setEstate(state, streamOf.network(data.network), { joined: [], own: ofNetwork(data) }, { at }),
    // A failed network keeps what it has until it is deleted, whatever becomes of its sweep.
    NetworkCreateFailed: (state, { data: { network, sweep } }, { at }) => {
      const owner = streamOf.network(network)
      return setEstate(state, owner, state.estates.get(owner), { at, sweep })
    },
    NetworkDeleted: (state, { data: { network, sweep } }, { at }) =>
      setEstate(state, streamOf.network(network), undefined, { at, sweep }),

    EndpointReserved: (state, { data }, { at }) =>
      setEstate(state, streamOf.endpoint(data.endpoint), { joined: [], own: ofEndpoint(data) }, { at }),
    // The commit has SandboxInterfaceAdded too, which says the same of the interface name.
    EndpointJoinRequested: (state, { data: { endpoint, ifName, link, sandbox } }, { at }) => {
      const owner = streamOf.endpoint(endpoint)
      const joined: readonly Held[] = [
        { key: `${sandbox}/${ifName}`, table: 'ifNames' },
        { key: link.name, table: 'links' },
      ]
      return setEstate(state, owner, { joined, own: state.estates.get(owner)?.own ?? [] }, { at })
    },
    EndpointJoinFailed: (state, { data }, { at }) => endJoin(state, data, at),
    EndpointLeft: (state, { data }, { at }) => endJoin(state, data, at),
    EndpointReleased: (state, { data }, { at }) =>
      setEstate(state, streamOf.endpoint(data.endpoint), undefined, { at }),

    EffectsIntended: (state, { data }, { at }) =>
      data.purpose === 'sweep' ? sweepAgain(state, data.plan, data.for, at) : state,
    EffectsSettled: (state, { data }, { at }) => settleSweep(state, data.plan, data.failures.length > 0, at),
    HostStarted: (state, { data }, { at }) => (data.fresh ? forgetFailed(state, at) : state),
  },
})

/** Interface name and host link go, now or with the sweep; addresses and MAC stay with the endpoint. */
function endJoin(
  state: Allocations,
  { endpoint, sweep }: EndpointJoinFailed['data'] | EndpointLeft['data'],
  at: Instant,
): Allocations {
  const owner = streamOf.endpoint(endpoint)
  const estate = state.estates.get(owner)
  return estate ? setEstate(state, owner, { joined: [], own: estate.own }, { at, sweep }) : state
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
