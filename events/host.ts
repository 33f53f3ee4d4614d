/**
 * Facts of the engine's own life on its host, and of the kernel as it was found: stream `host`.
 */
import type { Epoch, Fact, Instant } from './fact.ts'
import type { ResourceKey, Spec } from './specs.ts'

/** An epoch began: an engine opened the log to change something. By: engine. Since v1. */
export type HostStarted = Fact<
  'HostStarted',
  1,
  {
    /** /proc/sys/kernel/random/boot_id. */
    readonly bootId: string
    /** chronet's version. */
    readonly code: string
    /** SO_NETNS_COOKIE of the namespace taken as the host, decimal text. */
    readonly cookie: string
    readonly epoch: Epoch
    /** What can be lost with the kernel was lost: another boot, or the first start here. `applied` starts empty. */
    readonly fresh: boolean
  }
>

/** The kernel differs from what the receipts say: somebody else changed it. Since v1. */
export type DriftObserved = Fact<
  'DriftObserved',
  1,
  {
    readonly differences: readonly {
      /** What it was like; absent: missing. Fields of the spec that differ. */
      readonly fields: readonly string[]
      readonly found: 'changed' | 'missing'
      readonly key: ResourceKey
      readonly spec: Spec
    }[]
  }
>

/** Somebody takes back what we heal; healing of the key rests. Since v1. */
export type Contention = Fact<
  'Contention',
  1,
  {
    /** The opposing change, as a sentence. */
    readonly change: string
    /** How often within the window. */
    readonly heals: number
    readonly key: ResourceKey
    readonly restMs: number
  }
>

/** Where a cluster's servers are, and how they know us: files are named, never what is in them. */
export type ClusterAccess = {
  /** Servers that are too old to say for certain who came first are used all the same. */
  readonly allowLegacyServer: boolean
  /** PEM file of the authority that servers' certificates come from. */
  readonly ca?: string
  /** PEM file of our certificate. */
  readonly certificate?: string
  /** File of NATS credentials. */
  readonly credentials?: string
  /** PEM file of our certificate's key. */
  readonly key?: string
  /** `nats://host:port`. */
  readonly servers: readonly string[]
}

/** The host's log is published from its first commit on, and those of others are kept. Another one takes its place. Since v1. */
export type ClusterJoined = Fact<
  'ClusterJoined',
  1,
  ClusterAccess & {
    /** What the host is called among its peers. */
    readonly host: string
  }
>

/** Nothing is published any more, nor read. What was is kept. Since v1. */
export type ClusterLeft = Fact<'ClusterLeft', 1, { readonly host: string }>

/** Things with our mark that no fact speaks of were found, and removed. Since v1. */
export type OrphansRemoved = Fact<'OrphansRemoved', 1, { readonly orphans: readonly string[] }>

/** The wall clock stepped back; times in the log stay at the last one until it catches up. Since v1. */
export type ClockSteppedBack = Fact<'ClockSteppedBack', 1, { readonly clock: Instant; readonly log: Instant }>

export type HostFact =
  ClockSteppedBack | ClusterJoined | ClusterLeft | Contention | DriftObserved | HostStarted | OrphansRemoved
