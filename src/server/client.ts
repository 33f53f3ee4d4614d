/**
 * `Operations` by the socket of an engine that runs, and the way to one or the other: a command speaks to the engine that holds
 * the data directory, or takes its lock, whichever is to be had first.
 */
import { realpath } from 'node:fs/promises'
import type { AnyFact, ClientCommand, CommandId, Commit, Ref } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import type { ClaimsReport } from '../cluster/claims/report.ts'
import type { ClusterStatus } from '../cluster/status.ts'
import type {
  Differences,
  Done,
  Given,
  Happened,
  Healed,
  HistoryRange,
  Known,
  Moment,
  Operations,
  Picture,
  Place,
  Preview,
  Range,
  Status,
  Trace,
  Verified,
} from '../operations/operations.ts'
import { GREETING_MS, Link, LinkLost } from './link.ts'
import { meetingOf } from './place.ts'
import type { Greeting } from './protocol.ts'

/** Between two attempts, in milliseconds. */
const PAUSE_MS = 50
/** How long a command waits for whoever has the data directory, in milliseconds. */
export const WAIT_MS = 10_000

/**
 * A client of the engine that serves a data directory, in whatever process of this machine; to be closed. Undefined: none serves it.
 * @param greetingMs how long it may take to greet
 * @throws {EngineError} ERR_NOT_PERMITTED, ERR_RUN_DIR, ERR_UNSUPPORTED, ERR_BACKPRESSURE: it will not serve us, or must not be believed
 */
export async function connectEngine(
  place: Place,
  greetingMs = GREETING_MS,
): Promise<RemoteOperations | undefined> {
  const meeting = await meetingOf(place)
  if (meeting === undefined) return undefined
  const link = await Link.connect(meeting.socket, greetingMs)
  if (link === undefined) return undefined
  const here = await realpath(place.dataDir)
  const { dataDir, origin, pid } = link.greeting
  if (dataDir === here && origin === meeting.origin) return new RemoteOperations(link)
  await link.close()
  throw new EngineError(
    'ERR_RUN_DIR',
    `the engine at ${meeting.socket} (pid ${pid}) serves ${dataDir}, not ${here}: is one a copy of the other? Give the copy a run directory of its own`,
    { details: { dataDir, path: meeting.socket, pid } },
  )
}

/**
 * The engine that runs, or what `open` makes of the data directory under its lock: both are tried in turn, until one can be had.
 * @param open opens it in this process; rejects with ERR_STORE_LOCKED while somebody has it
 * @throws {EngineError} ERR_STORE_LOCKED, with its holder: `waitMs` passed, and neither could be had; whatever else `open` rejects with
 */
export async function openOperations(
  place: Place,
  open: () => Promise<Operations>,
  waitMs = WAIT_MS,
): Promise<Operations> {
  const end = performance.now() + waitMs
  for (;;) {
    const remote = await connectEngine(place, Math.min(GREETING_MS, waitMs))
    if (remote !== undefined) return remote
    try {
      return await open()
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'ERR_STORE_LOCKED') throw error
      if (performance.now() + PAUSE_MS > end) throw waited(error, waitMs)
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

function waited(error: EngineError, waitMs: number): EngineError {
  const text = `${error.message} and answers at no socket; after ${waitMs / 1000} s nobody waits any longer: give the command again, or end that process`
  return new EngineError('ERR_STORE_LOCKED', text, { cause: error, details: error.details })
}

/** Who claims nothing: the kernel tells the engine who it is. */
const SOMEBODY: Given = { actor: { kind: 'socket' } }

/** A client of an engine that runs. Each method is a call of the same name at the engine, with the same arguments. */
export class RemoteOperations implements Operations {
  readonly #link: Link

  constructor(link: Link) {
    this.#link = link
  }

  /** What the engine said of itself. */
  get greeting(): Greeting {
    return this.#link.greeting
  }

  claims(): Promise<ClaimsReport> {
    return this.#link.call('claims') as Promise<ClaimsReport>
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  cluster(): Promise<ClusterStatus> {
    return this.#link.call('cluster') as Promise<ClusterStatus>
  }

  commits(range: Range = {}): AsyncIterable<Commit<AnyFact>> {
    return this.#link.stream('commits', range) as AsyncIterable<Commit<AnyFact>>
  }

  /** With an id, always: so that a command whose answer was lost can be given again. @throws {EngineError} ERR_OUTCOME_UNKNOWN: it was */
  async dispatch(command: ClientCommand, given: Given = SOMEBODY): Promise<Done> {
    // Loaded when it is needed: whoever only reads starts the sooner.
    const id = given.id ?? ((await import('uuid')).v7() as CommandId)
    try {
      return (await this.#link.call('dispatch', command, { ...given, id })) as Done
    } catch (error) {
      if (!(error instanceof LinkLost)) throw error
      const text = `the engine went away before it answered; repeat the command with its id, ${id}: it is done once`
      throw new EngineError('ERR_OUTCOME_UNKNOWN', text, { cause: error, details: { id } })
    }
  }

  heal(given: Given): Promise<Healed> {
    return this.#link.call('heal', given) as Promise<Healed>
  }

  history(range: HistoryRange = {}): AsyncIterable<Happened> {
    return this.#link.stream('history', range) as AsyncIterable<Happened>
  }

  known(moment: Moment = 'now'): Promise<Known> {
    return this.#link.call('known', moment) as Promise<Known>
  }

  picture(moment: Moment = 'now', host?: string): Promise<Picture> {
    return this.#link.call('picture', moment, ...(host === undefined ? [] : [host])) as Promise<Picture>
  }

  plan(): Promise<Differences> {
    return this.#link.call('plan') as Promise<Differences>
  }

  preview(command: ClientCommand, given: Given = SOMEBODY): Promise<Preview> {
    return this.#link.call('preview', command, given) as Promise<Preview>
  }

  status(): Promise<Status> {
    return this.#link.call('status') as Promise<Status>
  }

  trace(ref: Ref, host?: string): Promise<Trace> {
    return this.#link.call('trace', ref, ...(host === undefined ? [] : [host])) as Promise<Trace>
  }

  verify(): Promise<Verified> {
    return this.#link.call('verify') as Promise<Verified>
  }
}
