/**
 * The envelope of the language: brands for ids, the fact, the commit that carries facts, and who acted.
 *
 * A fact never is refused and never changes. A commit is what one command wrote: all of it is in the log or
 * none of it. Keys of every object here are emitted in alphabetical order, so that `JSON.stringify` gives the
 * canonical form (RFC 8785) without sorting; `codec.ts` checks it.
 */
import { pathOf } from './path.ts'

declare const brand: unique symbol
type Brand<T, B extends string> = T & { readonly [brand]: B }

/** 64 lowercase hex: sha256 of the command id that made the network, and an ordinal. */
export type NetworkId = Brand<string, 'NetworkId'>
/** 64 lowercase hex, as {@link NetworkId}. */
export type EndpointId = Brand<string, 'EndpointId'>
/** 64 lowercase hex, as {@link NetworkId}. */
export type SandboxId = Brand<string, 'SandboxId'>
/** A uuid v7 from the Ids port, or given by a client. */
export type CommandId = Brand<string, 'CommandId'>
/** The identity of one host's log: 64 lowercase hex, made once with the data directory. */
export type Origin = Brand<string, 'Origin'>
/** Number of a commit in its origin's log: dense, from 1. */
export type Seq = Brand<number, 'Seq'>
/** One life of a host's engine: from 1, raised by each HostStarted. */
export type Epoch = Brand<number, 'Epoch'>
/** A plan of kernel steps, `<epoch>.<seq>`: the epoch that intended it and the commit that carries the intent. */
export type PlanId = Brand<string, 'PlanId'>
/** RFC 3339 UTC with milliseconds, never earlier than the one before in the same log. */
export type Instant = Brand<string, 'Instant'>
/** Address with prefix length: `10.0.3.7/24`, `fd00::7/64`. Canonical text (RFC 5952 for IPv6). */
export type Cidr = Brand<string, 'Cidr'>
/** Address without prefix length. */
export type Ip = Brand<string, 'Ip'>
/** Six lowercase hex pairs with colons. */
export type Mac = Brand<string, 'Mac'>
/** Interface name as the kernel takes it: 1 to 15 bytes, no `/`, no white space (IFNAMSIZ - 1, linux/if.h). */
export type IfName = Brand<string, 'IfName'>

/** Where a fact belongs: one stream per entity, `effects` for plans, `host` for the engine's own life. */
export type Stream = `network/${string}` | `endpoint/${string}` | `sandbox/${string}` | 'effects' | 'host'

/**
 * One thing that happened. `version` is its place in its stream, from 1, and from 1 again if the stream ended and begins anew
 * (docs/decisions/0034); `v` the version of its type's shape.
 */
export type Fact<T extends string = string, V extends number = number, D = object> = {
  readonly data: D
  readonly stream: Stream
  readonly type: T
  readonly v: V
  readonly version: number
}

/** Who asked: what the kernel verified of the peer, and what the peer claimed of itself. */
export type Actor = {
  /** What the client says of itself; nobody checked it. */
  readonly claimed?: { readonly name?: string; readonly sudoUid?: number; readonly sudoUser?: string }
  /** The way in: `library`, `cli`, `socket`; `engine` and `worker` are the engine's own. */
  readonly kind: 'cli' | 'engine' | 'library' | 'socket' | 'worker'
  /** What the kernel said of the process (SO_PEERCRED, /proc/<pid>/loginuid). */
  readonly verified?: { readonly loginUid?: number; readonly pid?: number; readonly uid: number }
}

/** The command as it was given, kept for audit and for deciding again in tests. Replay never feeds it. */
export type RecordedCommand = {
  readonly data: object
  readonly id: CommandId
  readonly type: string
}

/**
 * How far a host had its peers' logs: the newest commit of each, by origin. The first commit of an epoch says all that is known, later
 * ones what has changed since.
 */
export type Knows = Readonly<Record<string, Seq>>

/** What one command wrote: the unit of the log, atomic, numbered, chained to its predecessor by SHA-256. */
export type Commit<F extends Fact = Fact> = {
  readonly actor: Actor
  readonly at: Instant
  readonly command: RecordedCommand
  readonly epoch: Epoch
  readonly facts: readonly F[]
  /** Absent: nothing more than before. Since the first version that knows peers. */
  readonly knows?: Knows
  readonly origin: Origin
  /** SHA-256 (64 hex) of the predecessor's stored bytes; 64 zeros for the first. */
  readonly prev: string
  readonly reason?: string
  readonly seq: Seq
}

/** A commit before the log has given it its number, its chain link and its facts' versions. */
export type CommitDraft<F extends Fact = Fact> = {
  readonly actor: Actor
  readonly at: Instant
  readonly command: RecordedCommand
  readonly epoch: Epoch
  readonly facts: readonly FactDraft<F>[]
  readonly knows?: Knows
  readonly reason?: string
}

/** A fact before the log has given it its version. */
export type FactDraft<F extends Fact = Fact> = F extends Fact ? Omit<F, 'version'> : never

/** A stream's name from an entity's id. */
export const streamOf = {
  network: (id: NetworkId) => pathOf('network', id) as Stream,
  endpoint: (id: EndpointId) => pathOf('endpoint', id) as Stream,
  sandbox: (id: SandboxId) => pathOf('sandbox', id) as Stream,
}

/** `#12`, as people name a commit of this host. */
export const commitName = (seq: Seq): string => `#${seq}`

/** The plan that commit `seq` of `epoch` intends. */
export const planIdOf = (epoch: Epoch, seq: Seq): PlanId => `${epoch}.${seq}` as PlanId
