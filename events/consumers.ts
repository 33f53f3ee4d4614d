/**
 * Durable consumers: how far somebody who keeps no state of his own has come in the log, by his name.
 *
 * A checkpoint is written without a sync: after a loss of power it may be an older one, never one ahead of the log, so
 * a consumer sees a commit at least once. One that cannot be read is damage and no fresh start.
 */
import { damageError, seal, unseal } from './chain.ts'
import type { ChainSource } from './chain.ts'
import type { Seq } from './fact.ts'
import { keys } from './store.ts'

/** Reads and writes the checkpoints of one log. */
export class Consumers {
  readonly #source: ChainSource

  constructor(source: ChainSource) {
    this.#source = source
  }

  /** @throws {EngineError} ERR_LOG_DAMAGED: the row is not what was written. */
  async load(name: string): Promise<Seq | undefined> {
    const value = await this.#source.store.get(keys.consumer(name))
    if (value === undefined) return undefined
    const body = unseal(this.#source.hash, value)
    if (body === undefined) throw damageError(0, `the checkpoint of consumer ${name} is broken; save it anew`)
    return Number(body) as Seq
  }

  async save(name: string, seq: Seq): Promise<void> {
    const value = seal(this.#source.hash, String(seq))
    await this.#source.store.batch().put(keys.consumer(name), value).write()
  }
}
