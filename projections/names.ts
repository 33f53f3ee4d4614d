/**
 * Names: what a resolver answers on a network. Each endpoint that carries is found there by its own name, by its sandbox's
 * name and by its sandbox's host name, in lower case (RFC 4343: case does not count).
 *
 * A name leaves with the request to leave, not with the receipt: nobody should be sent to an interface that is going.
 */
import type { EndpointId, Ip, NetworkId, SandboxId } from '../events/index.ts'
import { ipOf, pathOf } from '../events/index.ts'
import { defineProjection } from './define.ts'
import { withTable } from './tables.ts'
import { Table } from './table.ts'

/** What an endpoint brings to a name: one address a family. */
export type Named = { readonly addresses: readonly Ip[]; readonly endpoint: EndpointId }

type Endpoint = {
  readonly addresses: readonly Ip[]
  readonly name: string
  readonly network: NetworkId
  /** Names it is found by at present; none unless joined. */
  readonly told: readonly string[]
}

export type Names = {
  /** By endpoint id, from reserved to released. */
  readonly endpoints: Table<Endpoint>
  /** By `<network id>/<name>`, oldest first. */
  readonly records: Table<readonly Named[]>
  /** Names of each sandbox, by id, until its end is asked for. */
  readonly sandboxes: Table<readonly string[]>
}

/** What a resolver answers. */
export const names = defineProjection({
  name: 'names',
  version: 1,
  init: {
    endpoints: Table.empty<Endpoint>(),
    records: Table.empty<readonly Named[]>(),
    sandboxes: Table.empty<readonly string[]>(),
  } satisfies Names,
  on: {
    SandboxCreateRequested: (state, { data: { hostname, name, sandbox } }) =>
      withTable(state, 'sandboxes', state.sandboxes.set(sandbox, distinct([name, hostname]))),
    SandboxDeleteRequested: (state, { data }) =>
      withTable(state, 'sandboxes', state.sandboxes.delete(data.sandbox)),
    EndpointReserved: (state, { data: { addresses, endpoint, name, network } }) => {
      const known = { addresses: addresses.map(ipOf), name, network, told: NONE }
      return withTable(state, 'endpoints', state.endpoints.set(endpoint, known))
    },
    EndpointJoined: (state, { data }) => tell(state, data.endpoint, data.sandbox),
    EndpointLeaveRequested: (state, { data }) => fallSilent(state, data.endpoint),
    EndpointReleased: (state, { data }) => {
      const silent = fallSilent(state, data.endpoint)
      return withTable(silent, 'endpoints', silent.endpoints.delete(data.endpoint))
    },
  },
})

/** Addresses that a name has on a network, of all endpoints that bear it; none: no such name. */
export const resolve = (state: Names, network: NetworkId, name: string): readonly Ip[] =>
  state.records.get(pathOf(network, name.toLowerCase()))?.flatMap((named) => named.addresses) ?? []

function tell(state: Names, id: EndpointId, sandbox: SandboxId): Names {
  const known = state.endpoints.get(id)
  if (known === undefined) return state
  const told = distinct([known.name, ...(state.sandboxes.get(sandbox) ?? [])])
  const named: Named = { addresses: known.addresses, endpoint: id }
  const records = told.reduce((all, name) => {
    return all.update(pathOf(known.network, name), (others = []) => without(others, id).concat(named))
  }, state.records)
  const endpoints = state.endpoints.set(id, { ...known, told })
  return withTable(withTable(state, 'records', records), 'endpoints', endpoints)
}

function fallSilent(state: Names, id: EndpointId): Names {
  const known = state.endpoints.get(id)
  if (known === undefined || known.told.length === 0) return state
  const records = known.told.reduce((all, name) => {
    return all.update(pathOf(known.network, name), (others = []) => {
      const rest = without(others, id)
      return rest.length === 0 ? undefined : rest
    })
  }, state.records)
  const endpoints = state.endpoints.set(id, { ...known, told: NONE })
  return withTable(withTable(state, 'records', records), 'endpoints', endpoints)
}

const NONE: readonly string[] = []

const without = (all: readonly Named[], id: EndpointId): readonly Named[] =>
  all.filter((named) => named.endpoint !== id)

const distinct = (all: readonly string[]): readonly string[] => [
  ...new Set(all.filter((name) => name.length > 0).map((name) => name.toLowerCase())),
]
