/**
 * The ids of the latest commands, so that a repetition is noticed in the turn itself, before the store could answer.
 *
 * Two maps, the older one dropped whole: deleting the oldest key of one map costs a scan over those deleted before it.
 */
import type { CommandId, Seq } from './fact.ts'

/** Remembers at least the latest `count` commands, at most twice as many. */
export class RecentCommands {
  readonly #count: number
  #newer = new Map<CommandId, Seq>()
  #older: ReadonlyMap<CommandId, Seq> = new Map()

  constructor(count: number) {
    this.#count = count
  }

  add(command: CommandId, seq: Seq): void {
    if (this.#newer.size >= this.#count) {
      this.#older = this.#newer
      this.#newer = new Map()
    }
    this.#newer.set(command, seq)
  }

  /** The commit that the command became, if it is one of the latest. */
  seqOf(command: CommandId): Seq | undefined {
    return this.#newer.get(command) ?? this.#older.get(command)
  }
}
