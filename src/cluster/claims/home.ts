/** What claims need of the engine, and no more: so that they can be tried without one. */
import type {
  AnyFact,
  ClientCommand,
  CommandData,
  CommandId,
  CommandType,
  Epoch,
  FactDraft,
  Origin,
} from '../../../events/index.ts'
import type { Projections } from '../../../projections/index.ts'
import type { Drivers } from '../../drivers/index.ts'
import type { Ports } from '../../ports.ts'
import type { PeerRecord } from '../peer-logs.ts'

export type ClaimHome = {
  /** All that is decided. */
  readonly decided: () => Projections
  readonly drivers: Drivers
  readonly epoch: () => Epoch
  /** Settles when all that is decided is on disk. */
  readonly flush: () => Promise<void>
  /** Whether it is this host's log that the cluster has, and no newer one of the same name: who is fenced off claims nothing. */
  readonly isFirst: () => boolean
  /** Whether the log is known to its end: not after a write that failed, of which nobody knows yet whether it landed. */
  readonly isKnown: () => boolean
  readonly origin: Origin
  /** Has one of the engine's own commands written; settles when it is durable, and done. */
  readonly own: <T extends CommandType>(type: T, data: CommandData[T]) => Promise<void>
  readonly peers: () => Promise<readonly PeerRecord[]>
  readonly ports: Ports
  readonly report: (problem: unknown) => void
  /** What a command's turn would write. @throws {RefusedError} */
  readonly trial: (command: ClientCommand, id: CommandId) => readonly FactDraft<AnyFact>[]
}
