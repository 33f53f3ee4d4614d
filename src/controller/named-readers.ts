/**
 * Readers of facts that have a name: how far one has come is kept in the store beside the log, so that whoever keeps no state of his
 * own goes on after a crash where he was. At least once: facts of the last commits may come again, and none is left out.
 */
import type { AnyFact, Log, Seq } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'

const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/

export class NamedReaders {
  readonly #busy = new Set<string>()
  readonly #mayWrite: () => boolean

  constructor(mayWrite: () => boolean) {
    this.#mayWrite = mayWrite
  }

  /** @throws {RangeError} the name is none. */
  check(name: string): void {
    if (!NAME.test(name))
      throw new RangeError(
        `a consumer's name is 1 to 64 of A-Z a-z 0-9 _ . -, the first a letter or digit: ${name}`,
      )
  }

  /**
   * The name is this reader's until the returned function is called.
   * @throws {EngineError} ERR_IN_USE: two of one name would each pass over what the other has not done.
   */
  take(name: string): () => void {
    if (this.#busy.has(name))
      throw new EngineError(
        'ERR_IN_USE',
        `consumer ${name} has a reader already; end that one, or take another name`,
      )
    this.#busy.add(name)
    return () => void this.#busy.delete(name)
  }

  /** The first commit that the reader has not done. One that begins starts at `from`, and from then on that is kept. */
  async next(log: Log<AnyFact>, name: string, from: () => Seq): Promise<Seq> {
    const done = await log.checkpointOf(name)
    if (done !== undefined) return (done + 1) as Seq
    const first = Math.min(from(), log.durable.seq + 1) as Seq
    await this.done(log, name, (first - 1) as Seq)
    return first
  }

  /** All up to that commit is done. That it cannot be kept now harms nobody: the next is tried, and the facts come again. */
  async done(log: Log<AnyFact>, name: string, seq: Seq): Promise<void> {
    if (this.#mayWrite()) await log.saveCheckpoint(name, seq).catch(() => undefined)
  }
}

/**
 * Whoever asks from a later commit than the next has seen more than this log has: he would wait, and then miss what others get.
 * @returns from
 * @throws {EngineError} ERR_LOG_BEHIND, with the head
 */
export function checkFollowable({ decided }: Pick<Log<AnyFact>, 'decided'>, from: Seq): Seq {
  // What is no number is a wrong call, and told as one when the log is read.
  if (!(from > decided.seq + 1)) return from
  throw new EngineError(
    'ERR_LOG_BEHIND',
    `facts are asked for from #${from} on, and the log ends at #${decided.seq}: is it an older copy? Ask from #${decided.seq + 1} at most`,
    { details: { from, head: decided.seq } },
  )
}
