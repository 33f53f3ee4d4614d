/**
 * What can be asked of a chronet, whoever asks and whatever answers: a controller opened in this process, a log opened for reading
 * only, a data directory opened for one change, or the socket of an engine that runs. Whoever asks does not know which.
 *
 * All that goes in and comes out is plain data (JSON and back gives the same; what is absent is left out), so that a socket
 * can carry it: a call is a method's name and its arguments, an answer is one value, and `commits` is a stream of values.
 * Errors are `EngineError` and `RefusedError`: a client makes them anew from `code`, `message`, `details` and `problems`.
 */
import type {
  Actor,
  AnyFact,
  ClientCommand,
  CommandId,
  Commit,
  EndpointId,
  Epoch,
  FactDraft,
  Instant,
  Origin,
  PlanId,
  Problem,
  Purpose,
  Ref,
  Seq,
  Step,
  StepFailure,
  Stream,
} from '../../events/index.ts'
import type { EndpointView, NetworkView, SandboxView } from '../../projections/index.ts'
import type { ClaimsReport } from '../cluster/claims/report.ts'
import type { ClusterStatus } from '../cluster/status.ts'
import type { Moment } from '../controller/moment.ts'
import type { Verified } from '../engine/verify-log.ts'

export type { Moment } from '../controller/moment.ts'
export type { Verified } from '../engine/verify-log.ts'

/** The two directories of a log. */
export type Place = {
  /** Where the log lies. */
  readonly dataDir: string
  /** Where lies what does not outlive the boot. */
  readonly runDir: string
}

/** How a command is given. */
export type Given = {
  /**
   * Who asks. A server takes `claimed` from it and nothing else: what is `verified` it asks the kernel about the peer
   * (SO_PEERCRED, /proc/<pid>/loginuid).
   */
  readonly actor: Actor & { readonly kind: 'cli' | 'socket' }
  /** The same id for ever gives the same outcome; absent: a new one. */
  readonly id?: CommandId
  readonly reason?: string
}

/** What a command came to: what it wrote, and the receipt that it waited for, if it waited for one. */
export type Done = {
  readonly commit: Commit<AnyFact>
  readonly settled?: {
    readonly facts: readonly AnyFact[]
    readonly failures: readonly StepFailure[]
    readonly plan: PlanId
    readonly seq: Seq
  }
}

/** What a command would do, if it were given now. */
export type Preview = {
  /** What would be written, in order, EffectsIntended with its steps the last of it, if there is something to do. */
  readonly facts: readonly FactDraft<AnyFact>[]
  /** Absent: it takes no joined endpoint away. */
  readonly interrupts?: Interruption
  /** Something that the turn would look at could not be read: the real command may choose otherwise, or be refused. */
  readonly unknown?: string
}

/** What people notice of a change. */
export type Interruption = {
  /** Those that would be out of their sandboxes. */
  readonly endpoints: readonly EndpointId[]
  /** Established connections of their addresses, each once. `unknown`: the kernel does not tell, or not to who asks. */
  readonly flows: number | 'unknown'
}

/** Who exists at a moment, and who is on what: lists by name, then by id. */
export type Picture = {
  /** Time of the newest commit in it; absent: before the first. */
  readonly at?: Instant
  readonly endpoints: readonly EndpointView[]
  readonly networks: readonly NetworkView[]
  readonly sandboxes: readonly SandboxView[]
  /** The newest commit in it; 0: before the first. */
  readonly seq: Seq
}

/** Something that is or was, by its stream. */
export type Subject = {
  readonly kind: 'endpoint' | 'network' | 'sandbox'
  readonly name: string
  readonly stream: Stream
}

/** A thing's past: every commit that speaks of it, oldest first, with the receipts of the plans that were for it. */
export type Trace = {
  readonly commits: readonly Commit<AnyFact>[]
  /** Names of all that those commits name, by id; of what is gone too. */
  readonly names: Readonly<Record<string, string>>
  /** What else has had that name or address: later is newer. */
  readonly others: readonly Subject[]
  readonly subject: Subject
}

/** A plan that has no receipt. */
export type OpenPlan = {
  readonly for: readonly Stream[]
  readonly plan: PlanId
  readonly purpose: Purpose
  readonly steps: number
}

/** What is known of the log, and of who has it. */
export type Status = {
  /** Why nothing may be changed; absent: it may. */
  readonly blocked?: Problem
  readonly dataDir: string
  readonly epoch: Epoch
  readonly head: { readonly at?: Instant; readonly hash: string; readonly seq: Seq }
  /** A long-lived engine that has it; absent: none runs, the log was opened for this command. */
  readonly holder?: { readonly pid: number; readonly since?: Instant; readonly version: string }
  readonly open: readonly OpenPlan[]
  /** Absent: there is no log yet; everything else then is as before the first commit. */
  readonly origin?: Origin
  /** `<run-dir>/<origin, 12 hex>`: namespaces are in `netns/<sandbox id>` under it. */
  readonly runDir: string
  /** Streams whose links could not be swept yet. */
  readonly unswept: readonly Stream[]
}

/** How the kernel differs from what the log wants. Nothing was changed. */
export type Differences = {
  /** Plans without receipt: the next epoch settles them. */
  readonly open: readonly OpenPlan[]
  /** What bears our mark and no fact speaks of, in words for people. */
  readonly orphans: readonly string[]
  /** What `heal` would do, in order. */
  readonly steps: readonly Step[]
}

/** What healing did: nothing, if the kernel was as wanted. */
export type Healed = {
  /** The commits that were written for it, oldest first. */
  readonly commits: readonly Commit<AnyFact>[]
  readonly orphans: readonly string[]
}

/**
 * Numbers of commits, both included. Default: from the first to the newest. `stored`: as they were written, facts of old versions
 * too, so that a commit encodes to the bytes that the chain covers; not with `follow`.
 */
export type Range = {
  readonly follow?: boolean
  readonly from?: number
  /** A peer's log, as far as it is here, by the peer's name or id. Not with `follow` or `stored`. */
  readonly host?: string
  readonly stored?: boolean
  readonly to?: number
}

/**
 * Which of all hosts' commits, and in which order. By default in one order of all, by time, as far as all are here. With `arrival`, as
 * they came here, each with its position: there `from` begins, and only there `follow` goes on.
 */
export type HistoryRange = {
  readonly arrival?: boolean
  readonly follow?: boolean
  readonly from?: number
}

/** A commit of some host. `position`: where it stands in what came here. */
export type Happened = { readonly commit: Commit<AnyFact>; readonly position?: number }

/** How far this host had its peers' logs at a commit of its own. */
export type Known = {
  readonly peers: readonly { readonly host?: string; readonly origin: Origin; readonly seq: Seq }[]
  /** The own commit that is meant; 0: before the first. */
  readonly seq: Seq
}

/** What can be asked of a chronet, here or by the socket of an engine. */
export interface Operations {
  /** Lets go. An engine that runs goes on. */
  close(): Promise<void>
  /** How claims stand: of the whole cluster, or where nobody follows it, of this host as its log has it. */
  claims(): Promise<ClaimsReport>
  /** How this host stands among others. */
  cluster(): Promise<ClusterStatus>
  /**
   * Durable commits, oldest first, verified on the way; with `follow` then live ones, without a gap, until the iteration is
   * ended (`return`) or the engine closes. A commit of the answer to a command that was given here before is in it.
   * @throws {EngineError} ERR_SUBSCRIBER_SLOW, ERR_LOG_DAMAGED while iterating; ERR_LOG_BEHIND: `from` lies beyond the next one
   */
  commits(range?: Range): AsyncIterable<Commit<AnyFact>>
  /**
   * Gives a command and waits, as the settle table says (design §8).
   * @throws {RefusedError} with all problems; @throws {EngineError} as its code says
   */
  dispatch(command: ClientCommand, given: Given): Promise<Done>
  /**
   * The commits of all hosts whose logs are here, the own one included. What a host says that it knew stands before its commit.
   * @throws {EngineError} ERR_LOG_DAMAGED while iterating; ERR_LOG_BEHIND: `from` lies beyond the next one
   */
  history(range?: HistoryRange): AsyncIterable<Happened>
  /** What was known here of other hosts at a moment. @throws {EngineError} ERR_INVALID: no such moment */
  known(moment?: Moment): Promise<Known>
  /** Looks at the whole kernel, and answers when what differed is put back, in the name of who asks. @throws {EngineError} as its code says */
  heal(given: Given): Promise<Healed>
  /**
   * Who was there at a moment, that commit included.
   * @param host another one, as far as its log is here; numbers and times are its own
   * @throws {EngineError} ERR_INVALID: no such moment @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS: the host
   */
  picture(moment?: Moment, host?: string): Promise<Picture>
  /** Compares the whole kernel with what the log wants. Writes nothing. */
  plan(): Promise<Differences>
  /** Takes the turn on the view of now and writes nothing. @throws {RefusedError} as `dispatch` would */
  preview(command: ClientCommand, given: Given): Promise<Preview>
  status(): Promise<Status>
  /**
   * By id, id prefix (4 characters or more), name, address or MAC; what is there now before what is gone, newer before
   * older. `network/<name>`, `endpoint/<name>`, `sandbox/<name>` narrow it.
   * @param host in another one's log, as far as it is here
   * @throws {RefusedError} ERR_NOT_FOUND: nothing has or had it
   */
  trace(ref: Ref, host?: string): Promise<Trace>
  /** Reads the whole log and checks its chain. */
  verify(): Promise<Verified>
}

/** The same operations but for some. */
export const withOthers = (operations: Operations, others: Partial<Operations>): Operations => ({
  claims: () => operations.claims(),
  close: () => operations.close(),
  cluster: () => operations.cluster(),
  commits: (range) => operations.commits(range),
  dispatch: (command, given) => operations.dispatch(command, given),
  heal: (given) => operations.heal(given),
  history: (range) => operations.history(range),
  known: (moment) => operations.known(moment),
  picture: (moment, host) => operations.picture(moment, host),
  plan: () => operations.plan(),
  preview: (command, given) => operations.preview(command, given),
  status: () => operations.status(),
  trace: (ref, host) => operations.trace(ref, host),
  verify: () => operations.verify(),
  ...others,
})
