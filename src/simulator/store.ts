/**
 * A store in memory with LevelDB's promises and no more: what was written without sync may be lost in a power cut, a
 * synced write takes all before it along, an iterator sees the store as it was when it was made.
 *
 * Rows live on a platter (`platter.ts`), which outlives the store that writes to it, as a disk outlives a process.
 */
import { AbstractIterator, AbstractLevel } from 'abstract-level'
import type { AbstractIteratorOptions } from 'abstract-level'
import type { Platter, Op, Range, Row } from './platter.ts'

type Format = Buffer | Uint8Array | string

/** How a store's writes wait. */
export type Wait = (ms: number) => Promise<void>

/** What stands between a process and its disk: it may write down what is asked, and may never answer. */
export type Via = <T>(what: string, work: () => Promise<T>, told?: (value: T) => string) => Promise<T>

export const directly: Via = (_what, work) => work()

/** An abstract-level store on a platter. Writes of a process that died never settle. */
export class SimulatedStore extends AbstractLevel<Format, string, string> {
  readonly #incarnation: number
  readonly #platter: Platter
  readonly #via: Via
  readonly #wait: Wait

  constructor(platter: Platter, wait: Wait, via: Via = directly) {
    // As LevelDB says of itself, though texts are all that comes: what a store does not say that it takes, each one begins by trying.
    const encodings = { buffer: true, utf8: true, view: true }
    super({ encodings, implicitSnapshots: true, permanence: true, seek: false })
    this.#platter = platter
    this.#via = via
    this.#wait = wait
    this.#incarnation = platter.incarnation
  }

  _get(key: string): Promise<string | undefined> {
    return this.#via(`get ${key}`, async () => this.#platter.read(key), told)
  }

  _getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    return this.#via(`get ${keys.join(' ')}`, async () => keys.map((key) => this.#platter.read(key)))
  }

  _has(key: string): Promise<boolean> {
    return this.#via(`has ${key}`, async () => this.#platter.get(key) !== undefined, String)
  }

  _put(key: string, value: string, options: { readonly sync?: boolean }): Promise<void> {
    return this._batch([{ key, type: 'put', value }], options)
  }

  _del(key: string, options: { readonly sync?: boolean }): Promise<void> {
    return this._batch([{ key, type: 'del' }], options)
  }

  /** Chained batches come here too. A write lands when its time is over, or, if its process dies meanwhile, as fate has it. */
  _batch(ops: readonly Op[], { sync = false }: { readonly sync?: boolean }): Promise<void> {
    const write = async (): Promise<void> => {
      if (sync) this.#platter.begin(ops)
      if (sync && this.#platter.syncMs > 0) await this.#wait(this.#platter.syncMs)
      if (this.#platter.incarnation !== this.#incarnation) return new Promise(() => undefined)
      this.#platter.write(ops, sync)
    }
    return this.#via(`write ${ops.map(named).join(' ')}`, write)
  }

  async _clear(options: Range): Promise<void> {
    const ops = this.#platter.range(options).map(([key]): Op => ({ key, type: 'del' }))
    if (ops.length === 0) return
    await this.#via(`clear ${ops.length} rows`, async () => {
      if (this.#platter.incarnation === this.#incarnation) this.#platter.write(ops, false)
    })
  }

  _iterator(options: AbstractIteratorOptions<string, string>): AbstractIterator<this, string, string> {
    return new RowsIterator(this, options, this.#platter.range(options), {
      platter: this.#platter,
      via: this.#via,
    })
  }
}

/** Rows of commits by their hash too: that is what two runs must agree on. */
const named = ({ key, value }: Op): string =>
  key.startsWith('c') ? `${key}=${value?.slice(0, 8) ?? ''}` : key

const told = (value: string | undefined): string =>
  value === undefined ? 'nothing' : `${value.length} characters`

class RowsIterator<D extends SimulatedStore> extends AbstractIterator<D, string, string> {
  readonly #rows: readonly Row[]
  readonly #behind: { readonly platter: Platter; readonly via: Via }
  #next = 0

  constructor(
    db: D,
    options: AbstractIteratorOptions<string, string>,
    rows: readonly Row[],
    behind: { readonly platter: Platter; readonly via: Via },
  ) {
    super(db, options)
    this.#rows = rows
    this.#behind = behind
  }

  async _next(): Promise<Row | undefined> {
    return (await this._nextv(1))[0]
  }

  /** A copy of each row, since abstract-level decodes in place. */
  _nextv(size: number): Promise<Row[]> {
    const { platter, via } = this.#behind
    return via(
      `read ${this.#rows[this.#next]?.[0] ?? 'to the end'}`,
      async () => {
        const rows = this.#rows.slice(this.#next, this.#next + size)
        this.#next += rows.length
        return rows.map(([key, value]): Row => [key, platter.seen(key, value)])
      },
      (rows) => `${rows.length} rows`,
    )
  }
}

export { Platter, type WriteFault } from './platter.ts'
