/**
 * What a turn must have of the cluster: claimed before it, since a turn asks nobody. Alone, a host has none of this; the cluster
 * gives it (`src/cluster/claims`), and the engine only knows when to ask.
 */
import type { ClientCommand, Command, CommandId } from '../../events/index.ts'
import type { ClaimsReport } from '../cluster/claims/report.ts'

/** A command for which all is claimed that it needs. */
export type Prepared = {
  readonly command: ClientCommand
  /** To be called when its turn was taken, or never will be: what it did not use is given up again. */
  readonly done: () => void
}

/** What would be written before a command's turn, to be tried before it; and what cannot be known by trying. */
export type Ahead = { readonly commands: readonly Command[]; readonly unknown?: string }

export interface Claims {
  /** What a command that is only tried would have claimed before. @throws as {@link prepare} */
  ahead(command: ClientCommand): Ahead
  /** Whether something has to be claimed, or asked, before the command's turn. Costs next to nothing where nothing has to be. */
  needs(command: ClientCommand): boolean
  /**
   * Claims it: what is granted stands in the command, or is durable in a commit of its own.
   * @throws {RefusedError} somebody else has it; @throws {EngineError} ERR_CLUSTER_UNAVAILABLE: nobody can be asked, told at once
   */
  prepare(command: ClientCommand, id: CommandId): Promise<Prepared>
  /** How claims stand. */
  report(): Promise<ClaimsReport>
  /** The command as a turn takes it that is to be seen and not to be written. */
  forTrial(command: ClientCommand): ClientCommand
}
