/**
 * The root of all errors that chronet gives on purpose: a stable code, a sentence, details for programs.
 *
 * Codes are stable API, messages are not: never match on message text. Each code has a page in `docs/errors/`.
 * A wrong call of the library (a programmer's mistake) is a bare TypeError or RangeError instead.
 */

/** `ERR_` and words: see {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES

/** Every code with what it means in one line; `docs/errors/` is made from this table. */
export const ERROR_CODES = {
  ERR_ADDRESS_EXHAUSTED: 'no free address is left in the pool',
  ERR_ADDRESS_INVALID: 'an address or pool is malformed, or lies outside the network',
  ERR_ADDRESS_TAKEN: 'somebody holds the address',
  ERR_AMBIGUOUS: 'an id prefix or name fits more than one',
  ERR_BACKPRESSURE: 'more is queued than the engine takes; wait for an answer, then go on',
  ERR_CLAIM_CONFLICT: 'another host of the cluster has what this one believed to have',
  ERR_CLOSED: 'the controller or log is closed',
  ERR_CLUSTER_UNAVAILABLE: "the cluster's servers do not answer; what is local goes on",
  ERR_COMMAND_ID_REUSED: 'the same command id came with other data',
  ERR_COMMIT_INVALID: 'a commit is malformed or too large',
  ERR_DRIVER_UNKNOWN: 'no driver of that name',
  ERR_EFFECT_FAILED: 'the kernel refused; what was asked for did not happen',
  ERR_EXISTS: 'the name is taken',
  ERR_EXPECTED_VERSION: 'a stream is not where the caller expected it',
  ERR_IN_USE: 'others still use it',
  ERR_FENCED: 'another incarnation of this host publishes its log',
  ERR_INVALID: 'the request has problems; all of them are listed',
  ERR_KERNEL_UNSUPPORTED: 'this kernel lacks something that is needed',
  ERR_LOG_BEHIND: 'the log is older than what ran here in this boot (a backup was restored?)',
  ERR_LOG_DAMAGED: 'the log on disk is damaged',
  ERR_LOG_FORKED: 'the cluster has another history of this host',
  ERR_LOG_NEWER: 'a newer chronet has written facts in the log that this one does not know',
  ERR_NOT_FOUND: 'there is no such thing',
  ERR_NOT_PERMITTED: 'the rights for it are missing',
  ERR_NOT_RESTORED: 'the cluster has not all that is missing of a log',
  ERR_OTHER_HOST: 'the log belongs to another network namespace of this boot',
  ERR_OUTCOME_UNKNOWN: 'it is not known whether the command was written; repeat it with the same id',
  ERR_OVERLAP: 'the pool overlaps another',
  ERR_OVERLAP_HOST: 'the pool overlaps a route of the host',
  ERR_RUN_DIR: 'the run directory belongs to somebody else',
  ERR_SERVER_UNSUPPORTED: 'the nats-server is too old, or has no JetStream',
  ERR_STATE: 'not in this state',
  ERR_STORE_LOCKED: 'another engine has the data directory',
  ERR_STORE_UNWRITABLE: 'the store cannot be written',
  ERR_SUBSCRIBER_SLOW: 'a subscriber did not keep up and was dropped',
  ERR_SUPERSEDED: 'a later command overtook this one',
  ERR_UNSUPPORTED: 'this version cannot do that yet',
  ERR_USAGE: 'the command line is malformed',
  ERR_VNI_EXHAUSTED: 'every number that a network of the cluster could have is held',
} as const

/** One problem of a request. A refusal carries all of them. */
export type Problem = {
  readonly code: ErrorCode
  /** The field of the command it is about. */
  readonly field?: string
  /** Who holds the thing: an entity's id, a process. */
  readonly holder?: string
  /** Where many hold the things of a kind, some of them: entities' ids. */
  readonly holders?: readonly string[]
  /** What failed, on what, why, who holds it, what to do. */
  readonly message: string
  /** The plan whose receipt may lift the problem: the command is parked until then. */
  readonly until?: string
}

export class EngineError extends Error {
  override readonly name: string = 'EngineError'
  readonly code: ErrorCode
  /** For programs: what {@link ErrorCode} documents. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
  }
}

/** A command was refused: all its problems at once; `code` is the first one's. Nothing changed. */
export class RefusedError extends EngineError {
  override readonly name = 'RefusedError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly [Problem, ...Problem[]]) {
    const [first] = problems
    const text =
      problems.length === 1
        ? first.message
        : `${problems.length} problems:\n${problems.map((p, i) => `  ${i + 1}. ${p.code} ${p.message}`).join('\n')}`
    super(first.code, text, { details: { problems } })
    this.problems = problems
  }
}

/** A mistake of ours, kept in production: the engine stops rather than guess. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`chronet defect: ${message}`)
}

/** For exhaustive switches. */
export function assertNever(value: never): never {
  throw new Error(`chronet defect: unexpected ${JSON.stringify(value)}`)
}
