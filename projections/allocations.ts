/**
 * Who holds what: addresses, MACs, interface names and subnets, each with its holder; and for each pool which
 * addresses are given, so that the next free one is found in a few steps.
 *
 * Nothing is counted. A thing is held while its owner has it, **and** while a sweep is pending that removes a link on
 * which it lay. A sweep is pending until its receipt names no failure; one that failed is intended again, for the same
 * streams, and the holds then name that plan.
 */
import type {
  Cidr,
  NetworkId,
  EndpointJoinFailed,
  EndpointLeft,
  EndpointReserved,
  Instant,
  Ip,
  NetworkCreateRequested,
  Origin,
  Stream,
} from '../events/index.ts'
import {
  cidrFrom,
  familyOf,
  formatCidr,
  ipOf,
  networkOf,
  pathOf,
  prefixLengthOf,
  streamOf,
} from '../events/index.ts'
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
import { placeIn, poolKey } from './pools.ts'

/** Who holds what. */
export const allocations = defineProjection({
  name: 'allocations',
  version: 4,
  init: noHolds,
  on: {
    NetworkCreateRequested: (state, { data, stream }, { at }) =>
      setEstate(state, stream, () => ({ joined: [], own: ofNetwork(data) }), { at }),
    // A failed network keeps what it has until it is deleted, whatever becomes of its sweep.
    NetworkCreateFailed: (state, { data: { sweep }, stream }, { at }) =>
      setEstate(state, stream, (estate) => estate, { at, sweep }),
    NetworkDeleted: (state, { data: { sweep }, stream }, { at }) =>
      setEstate(state, stream, () => undefined, { at, sweep }),

    EndpointReserved: (state, { data, stream }, { at }) =>
      setEstate(state, stream, () => ({ joined: [], own: ofEndpoint(state, data) }), { at }),
    // The commit has SandboxInterfaceAdded too, which says the same of the interface name.
    EndpointJoinRequested: (state, { data: { ifName, sandbox }, stream }, { at }) => {
      const joined: readonly Held[] = [{ key: pathOf(sandbox, ifName), table: 'ifNames' }]
      return setEstate(state, stream, (estate) => ({ joined, own: estate?.own ?? NONE }), { at })
    },
    EndpointJoinFailed: (state, fact, { at }) => endJoin(state, fact, at),
    EndpointLeft: (state, fact, { at }) => endJoin(state, fact, at),
    EndpointReleased: (state, { stream }, { at }) => setEstate(state, stream, () => undefined, { at }),

    // What is lent to a host is held by that host.
    AddressLent: (state, { data: { address, network, to } }, { at }) => {
      const pools = state.estates.get(streamOf.network(network))?.own ?? NONE
      const lent = ofAddress(pools, network, address)
      return changeLent(state, to, (own) => own.concat(lent), at)
    },
    AddressReturned: (state, { data: { address, network, to } }, { at }) => {
      const key = pathOf(network, ipOf(address))
      return changeLent(state, to, (own) => own.filter((held) => held.key !== key), at)
    },

    EffectsIntended: (state, { data }) =>
      data.purpose === 'sweep' ? sweepAgain(state, data.plan, data.for) : state,
    EffectsSettled: (state, { data }) => settleSweep(state, data.plan, data.failures.length > 0),
    HostStarted: (state, { data }) => (data.fresh ? forgetFailed(state) : state),
  },
})

const NONE: readonly Held[] = []

/** Another host is an owner as entities of this one are, though no stream of this log is its. */
const changeLent = (
  state: Allocations,
  to: Origin,
  change: (own: readonly Held[]) => readonly Held[],
  at: Instant,
): Allocations =>
  setEstate(
    state,
    pathOf('host', to) as Stream,
    (estate) => {
      const own = change(estate?.own ?? NONE)
      return own.length === 0 ? undefined : { joined: NONE, own }
    },
    { at },
  )

/** The interface name goes, now or with the sweep; addresses and MAC stay with the endpoint. */
function endJoin(
  state: Allocations,
  { data: { sweep }, stream }: EndpointJoinFailed | EndpointLeft,
  at: Instant,
): Allocations {
  return setEstate(state, stream, (estate) => estate && { joined: NONE, own: estate.own }, { at, sweep })
}

function ofNetwork({ bridge, network, subnets }: NetworkCreateRequested['data']): readonly Held[] {
  const pools = subnets.flatMap(({ auxAddresses = {}, gateway, ipRange, subnet }): readonly Held[] => {
    const pool = poolKey(network, subnet)
    const address = (ip: Ip): Held => {
      const cidr = `${ip}/${prefixLengthOf(subnet)}` as Cidr
      return { key: pathOf(network, ip), place: placeIn(pool, cidr, ipRange), table: 'addresses' }
    }
    return [
      { key: subnet, pool, ...(ipRange === undefined ? {} : { range: ipRange }), table: 'subnets' },
      address(gateway),
      ...Object.values(auxAddresses).map(address),
    ]
  })
  // Drivers without a bridge leave its name empty.
  if (bridge.name.length === 0) return pools
  return [
    ...pools,
    { key: pathOf(network, bridge.mac), table: 'macs' },
    { key: `host/${bridge.name}`, table: 'ifNames' },
  ]
}

function ofEndpoint(
  { estates }: Allocations,
  { addresses, mac, network }: EndpointReserved['data'],
): readonly Held[] {
  const pools = estates.get(streamOf.network(network))?.own ?? []
  const held = addresses.map((cidr) => ofAddress(pools, network, cidr))
  return held.concat({ key: pathOf(network, mac), table: 'macs' })
}

function ofAddress(pools: readonly Held[], network: NetworkId, cidr: Cidr): Held {
  const { pool, range } = poolOf(pools, network, cidr)
  return { key: pathOf(network, ipOf(cidr)), place: placeIn(pool, cidr, range), table: 'addresses' }
}

type Pool = { readonly pool: string; readonly range?: Cidr }

/** The pool that an address lies in. Mostly its prefix length tells, without a look at its bits. */
function poolOf(pools: readonly Held[], network: NetworkId, cidr: Cidr): Pool {
  const suffix = cidr.slice(cidr.indexOf('/'))
  const fit = pools.filter(
    (held) =>
      held.table === 'subnets' && held.key.endsWith(suffix) && familyOf(held.key as Cidr) === familyOf(cidr),
  ) as readonly Pool[]
  const [only] = fit
  if (only !== undefined && fit.length === 1) return only
  const pool = poolKey(network, formatCidr(networkOf(cidrFrom(cidr))))
  return fit.find((each) => each.pool === pool) ?? { pool }
}
