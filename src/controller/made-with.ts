/** What networks and sandboxes are made with. */
import type { SubnetRequest } from '../../events/index.ts'

export type NetworkOptions = {
  /** Takes the subnets of `ipam` even where they hide a route of the host. */
  readonly allowOverlap?: boolean
  /** Name of the link that carries it. Default: one that follows from the network's id. */
  readonly bridge?: string
  /** What names of interfaces on it begin with, inside sandboxes. Default: `eth`. */
  readonly ifPrefix?: string
  readonly internal?: boolean
  /** Default: true. */
  readonly ipv4?: boolean
  /** Default: whether `ipam` has a subnet of it. Without one, a unique local /64 is taken. */
  readonly ipv6?: boolean
  /** Subnets; of a family that has none among them, the first free default pool is taken. */
  readonly ipam?: SubnetRequest | readonly SubnetRequest[]
  readonly labels?: Readonly<Record<string, string>>
  readonly masquerade?: boolean
  /** Bytes. */
  readonly mtu?: number
  /** Options under their names in Docker, as `com.docker.network.bridge.name`; what cannot be done is refused. */
  readonly options?: Readonly<Record<string, string>>
}

export type SandboxOptions = {
  readonly domain?: string
  readonly hostname?: string
  readonly labels?: Readonly<Record<string, string>>
  /**
   * Path of a namespace that somebody else made, as `/proc/4711/ns/net`: it is taken as it is, and stays theirs. Default: one is made.
   * When it is gone (a reboot), the sandbox is `vanished`, and its endpoints are out of it with what they hold.
   */
  readonly netns?: string
}
