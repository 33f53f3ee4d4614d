/** How a host stands among others, as plain data. */
import type { ClusterAccess, Origin, Problem, Seq } from '../../events/index.ts'
import type { BusServer, StreamState } from '../bus/bus.ts'
import type { PeerRecord } from './peer-logs.ts'

/**
 * `alone`: in no cluster. `resting`: in one, and no engine runs that would follow it. `stopped`: somebody must do something first;
 * `problem` says what.
 */
export type ClusterState = 'alone' | 'connected' | 'connecting' | 'resting' | 'stopped'

/** A peer, and `behind`: its commits that are in the stream and not here; absent while that cannot be known. */
export type PeerStatus = PeerRecord & { readonly behind?: number }

export type ClusterStatus = {
  readonly access?: ClusterAccess
  /** What it is called among its peers. */
  readonly host?: string
  readonly origin: Origin
  readonly peers: readonly PeerStatus[]
  /** What stands in the way. */
  readonly problem?: Problem
  /** Our last commit that is in the stream, and the last there is. */
  readonly published?: { readonly of: Seq; readonly seq: number }
  readonly server?: BusServer
  readonly state: ClusterState
  /** `read`: the last message that was read here. */
  readonly stream?: StreamState & { readonly read: number }
}
