/** `Operations` by the socket of an engine that runs: each method is a call of the same name there, with the same arguments. */
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
  Preview,
  Range,
  Status,
  Trace,
  Verified,
} from '../operations/operations.ts'
import { type Link, LinkLost } from './link.ts'
import type { Greeting } from './protocol.ts'

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
      const text = `the engine went away before it answered; repeat the command with its id (--id ${id}): it is done once`
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
