/** What a turn is given beside the view. */
import type {
  Actor,
  Command,
  CommandId,
  CommandType,
  Epoch,
  Instant,
  Origin,
  Seq,
} from '../../events/index.ts'
import type { Drivers } from '../drivers/index.ts'
import type { Hash } from '../ports.ts'
import { tableName } from '../reconcile/marks.ts'

/** What a turn may know besides the view: all of it is fixed for the life of an engine, and none of it reads the world. */
export type TurnContext = {
  readonly drivers: Drivers
  readonly hash: Hash
  readonly origin: Origin
  /** Our nftables table. */
  readonly table: string
}

/** What follows from the log's origin, and what an engine was given. */
export const contextOf = (drivers: Drivers, hash: Hash, origin: Origin): TurnContext => ({
  drivers,
  hash,
  origin,
  table: tableName(origin),
})

/** A command with what is recorded beside it. */
export type Given<T extends CommandType = CommandType> = {
  readonly actor: Actor
  readonly at: Instant
  /** What the clock said, if it has stepped back behind the log's newest time. */
  readonly clock?: Instant
  readonly command: Command<T>
  readonly epoch: Epoch
  readonly id: CommandId
  readonly reason?: string
  /** The number its commit will have. */
  readonly seq: Seq
}
