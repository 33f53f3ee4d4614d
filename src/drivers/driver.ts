/**
 * What a driver is: a translator of wants into specs. Pure: it calls no kernel, keeps no state, and the same wants give
 * the same specs for ever. So one planner, one executor and one drift detector serve all drivers.
 */
import type { CommandData, Family, Problem, Spec } from '../../events/index.ts'
import type { EndpointWant, NetworkWant } from '../../projections/index.ts'

/** What a translation needs to know of the host. */
export type HostContext = {
  /** Name of our nftables table: `tableName(origin)`. */
  readonly table: string
}

/** Arguments of {@link Driver.endpointSpecs}. */
export type EndpointContext = {
  /** The families whose default route, in the sandbox, goes by this endpoint. */
  readonly gatewayOf: readonly Family[]
  readonly network: NetworkWant
}

/** Numbers of networks, both ends included. */
export type VniRange = { readonly first: number; readonly last: number }

/** Translates the networks of one type, and their endpoints. All specs have their keys in alphabetical order. */
export interface Driver {
  /** What a joined endpoint needs. */
  endpointSpecs(want: EndpointWant, context: EndpointContext): readonly Spec[]
  /** What a network needs of the host and shares with other networks; it stays as long as any of them wants it. */
  hostSpecs(want: NetworkWant, host: HostContext): readonly Spec[]
  readonly name: string
  /** What a network needs for itself alone. */
  networkSpecs(want: NetworkWant, host: HostContext): readonly Spec[]
  /** Whose its networks are: `cluster`, the same on all hosts of one, and nowhere else; `host`, of one host. */
  readonly scope: 'cluster' | 'host'
  /**
   * The request with what its options say in its own fields, and what is wrong with them: no option is passed over in silence.
   * One that this version cannot do is ERR_UNSUPPORTED.
   */
  readOptions(request: CommandData['network.create']): {
    readonly problems: readonly Problem[]
    readonly request: CommandData['network.create']
  }
  /** The range out of which each of its networks gets a number of its own in the cluster; absent: they get none. */
  readonly vnis?: VniRange
  /** All that is wrong with a request for a network that only this driver can know; empty: nothing. Its options were read. */
  validate(request: CommandData['network.create']): readonly Problem[]
}
