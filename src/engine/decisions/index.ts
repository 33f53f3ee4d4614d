/** Which decision belongs to which command. */
import type { CommandType } from '../../../events/index.ts'
import { evictHost, lendAddress, recordClaims } from './claims.ts'
import { joinCluster, leaveCluster } from './cluster.ts'
import type { Handler } from './decision.ts'
import * as host from './host.ts'
import { connect, deleteEndpoint, disconnect, joinEndpoint, leaveEndpoint } from './join.ts'
import { adoptNetwork, createNetwork, deleteNetwork } from './network.ts'
import { createEndpoint } from './reserve.ts'
import { createSandbox, deleteSandbox } from './sandbox.ts'
import { settle } from './settle.ts'
import { createVip, deleteVip } from './vips.ts'

export type { Decision } from './decision.ts'

export const handlers: { readonly [T in CommandType]: Handler<T> } = {
  'address.lend': lendAddress,
  'claims.record': recordClaims,
  'cluster.evict': evictHost,
  'cluster.join': joinCluster,
  'cluster.leave': leaveCluster,
  connect,
  disconnect,
  'drift.report': host.drift,
  'effects.retry': host.retry,
  'effects.settle': settle,
  'endpoint.create': createEndpoint,
  'endpoint.delete': deleteEndpoint,
  'endpoint.join': joinEndpoint,
  'endpoint.leave': leaveEndpoint,
  'host.observe': host.observe,
  'host.start': host.start,
  'network.adopt': adoptNetwork,
  'network.create': createNetwork,
  'network.delete': deleteNetwork,
  'sandbox.create': createSandbox,
  'sandbox.delete': deleteSandbox,
  'vip.create': createVip,
  'vip.delete': deleteVip,
}
