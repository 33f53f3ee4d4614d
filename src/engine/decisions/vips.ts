/** Addresses for services: claimed before the turn, and held from it on. */
import type { Problem } from '../../../events/index.ts'
import { RefusedError, REST_MS } from '../../../events/index.ts'
import { refuseIf } from '../../../events/refuse.ts'
import type { Vip } from '../../../projections/index.ts'
import { checkName } from '../../ipam/index.ts'
import { instant } from '../instant.ts'
import { resolveNetwork } from '../resolve.ts'
import type { Handler } from './decision.ts'
import { networkIsUp, orRefuse } from './refuse.ts'

export const createVip: Handler<'vip.create'> = (draft, { grant, name, network: ref }) => {
  const network = orRefuse(resolveNetwork(draft.view.projections.topology, ref))
  const { claim, id, vips = [] } = network
  refuseIf([
    ...checkName('service', name),
    ...networkIsUp(network),
    ...(claim === undefined ? [notShared(network.name)] : []),
    ...vips.filter((vip) => vip.name === name).map((vip) => exists(network.name, vip)),
  ])
  if (grant?.kind !== 'vip' || grant.network !== id || grant.name !== name)
    throw new RefusedError([notClaimed(network.name)])
  draft.add({ data: grant, stream: 'host', type: 'ClaimGranted', v: 2 })
  return { purpose: 'none' }
}

/** It is told to the cluster behind the turn, now or when the servers are back. */
export const deleteVip: Handler<'vip.delete'> = (draft, { network: ref, vip: name }, { given }) => {
  const network = orRefuse(resolveNetwork(draft.view.projections.topology, ref))
  const vip = network.vips?.find((each) => each.name === name)
  if (vip === undefined)
    throw new RefusedError([
      {
        code: 'ERR_NOT_FOUND',
        field: 'vip',
        holder: network.id,
        message: `network '${network.name}' has no address for a service '${name}' here; 'chronet cluster claims' shows which host has it`,
      },
    ])
  const restsUntil = instant(Date.parse(given.at) + REST_MS)
  draft.add({ data: { key: vip.key, restsUntil }, stream: 'host', type: 'ClaimReleased', v: 1 })
  return { purpose: 'none' }
}

const notShared = (network: string): Problem => ({
  code: 'ERR_UNSUPPORTED',
  field: 'network',
  message: `network '${network}' is this host's alone: addresses for services are of networks of a cluster`,
})

const exists = (network: string, { address, name }: Vip): Problem => ({
  code: 'ERR_EXISTS',
  field: 'name',
  message: `service '${name}' has ${address} on network '${network}' already; take another name, or give that up first ('chronet vip rm ${network} ${name}')`,
})

const notClaimed = (network: string): Problem => ({
  code: 'ERR_CLUSTER_UNAVAILABLE',
  field: 'network',
  message: `network '${network}': an address for a service is claimed in the cluster, and no engine runs here that is in it; start one (chronet engine)`,
})
