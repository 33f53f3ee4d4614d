/**
 * A store in memory with LevelDB's promises and no more: what was written without sync may be lost in a power cut, a
 * synced write takes all before it along, an iterator sees the store as it was when it was made.
 *
 * Rows live on a `Platter`, which outlives the store that writes to it, as a disk outlives a process.
 */
import { AbstractIterator, AbstractLevel } from 'abstract-level'
import type { AbstractIteratorOptions } from 'abstract-level'

type Row = [key: string, value: string]
type Op = { readonly key: string; readonly type: 'del' | 'put'; readonly value?: string }
type Range = Pick<AbstractIteratorOptions<string, string>, 'gt' | 'gte' | 'limit' | 'lt' | 'lte' | 'reverse'>
type Format = Buffer | Uint8Array | string

/** What the next write comes to. `landed` and `lost` both fail; only the first is on disk. `lie`: success, not synced. */
export type WriteFault = 'full' | 'landed' | 'lie' | 'lost'

/** The rows of one data directory. */
export class Platter {
  /** Each write takes the first one. `full` stays until it is taken out. */
  readonly faults: WriteFault[] = []
  /** Raised when the process that wrote dies: its later writes land nowhere. */
  incarnation = 1
  /** Virtual milliseconds that a synced write takes. */
  syncMs = 0
  writes = 0
  /** In order; undefined: to be sorted again when somebody asks. */
  #keys: readonly string[] | undefined
  #rows = new Map<string, string>()
  #synced = new Map<string, string>()
  #unsynced: Op[] = []

  get(key: string): string | undefined {
    return this.#rows.get(key)
  }

  /** Rows in a range, in order of keys (ASCII, so UTF-16 order is byte order), as they are now. */
  range(options: Range): readonly Row[] {
    const { gt, gte, limit = -1, lt, lte, reverse = false } = options
    const isIn = (key: string): boolean =>
      !(gte !== undefined && key < gte) &&
      !(gt !== undefined && key <= gt) &&
      !(lt !== undefined && key >= lt) &&
      !(lte !== undefined && key > lte)
    this.#keys ??= [...this.#rows.keys()].sort()
    const keys = this.#keys.filter(isIn)
    if (reverse) keys.reverse()
    return (limit < 0 ? keys : keys.slice(0, limit)).map((key) => [key, this.#rows.get(key) ?? ''])
  }

  /** All or nothing. Throws as LevelDB does, with the errno in the text. */
  write(ops: readonly Op[], sync: boolean): void {
    this.writes += 1
    const fault = this.faults[0]
    if (fault !== undefined && fault !== 'full') this.faults.shift()
    if (fault === 'full') throw ioError('No space left on device')
    if (fault === 'lost') throw ioError('Input/output error')
    for (const op of ops) set(this.#rows, op)
    this.#unsynced.push(...ops)
    this.#keys = undefined
    if (sync && fault !== 'lie') this.#sync()
    if (fault === 'landed') throw ioError('Input/output error')
  }

  /** The power goes: what was not synced is lost. The process with it. */
  crash(): void {
    this.incarnation += 1
    this.#unsynced = []
    this.#rows = new Map(this.#synced)
    this.#keys = undefined
  }

  /** Damage that LevelDB would not notice: a row that reads otherwise, or (undefined) is not there any more. */
  damage(key: string, value: string | undefined): void {
    for (const rows of [this.#rows, this.#synced])
      set(rows, value === undefined ? { key, type: 'del' } : { key, type: 'put', value })
    this.#keys = undefined
  }

  #sync(): void {
    for (const op of this.#unsynced) set(this.#synced, op)
    this.#unsynced = []
  }
}

/** How a store's writes wait, and for whom it writes. */
export type Wait = (ms: number) => Promise<void>

/** An abstract-level store on a platter. Writes of a process that died never settle. */
export class SimulatedStore extends AbstractLevel<Format, string, string> {
  readonly #incarnation: number
  readonly #platter: Platter
  readonly #wait: Wait

  constructor(platter: Platter, wait: Wait) {
    super({ encodings: { utf8: true }, implicitSnapshots: true, permanence: true, seek: false })
    this.#platter = platter
    this.#wait = wait
    this.#incarnation = platter.incarnation
  }

  async _get(key: string): Promise<string | undefined> {
    return this.#platter.get(key)
  }

  async _getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    return keys.map((key) => this.#platter.get(key))
  }

  async _has(key: string): Promise<boolean> {
    return this.#platter.get(key) !== undefined
  }

  _put(key: string, value: string, options: { readonly sync?: boolean }): Promise<void> {
    return this._batch([{ key, type: 'put', value }], options)
  }

  _del(key: string, options: { readonly sync?: boolean }): Promise<void> {
    return this._batch([{ key, type: 'del' }], options)
  }

  /** Chained batches come here too. A write lands when its time is over, unless its process died meanwhile. */
  async _batch(ops: readonly Op[], { sync = false }: { readonly sync?: boolean }): Promise<void> {
    if (sync && this.#platter.syncMs > 0) await this.#wait(this.#platter.syncMs)
    if (this.#platter.incarnation !== this.#incarnation) return new Promise(() => undefined)
    this.#platter.write(ops, sync)
  }

  async _clear(options: Range): Promise<void> {
    const ops = this.#platter.range(options).map(([key]): Op => ({ key, type: 'del' }))
    if (ops.length > 0) this.#platter.write(ops, false)
  }

  _iterator(options: AbstractIteratorOptions<string, string>): AbstractIterator<this, string, string> {
    return new RowsIterator(this, options, this.#platter.range(options))
  }
}

class RowsIterator<D extends SimulatedStore> extends AbstractIterator<D, string, string> {
  readonly #rows: readonly Row[]
  #next = 0

  constructor(db: D, options: AbstractIteratorOptions<string, string>, rows: readonly Row[]) {
    super(db, options)
    this.#rows = rows
  }

  async _next(): Promise<Row | undefined> {
    return (await this._nextv(1))[0]
  }

  /** A copy of each row, since abstract-level decodes in place. */
  async _nextv(size: number): Promise<Row[]> {
    const rows = this.#rows.slice(this.#next, this.#next + size)
    this.#next += rows.length
    return rows.map(([key, value]) => [key, value])
  }
}

function set(rows: Map<string, string>, op: Op): void {
  if (op.type === 'del') rows.delete(op.key)
  else rows.set(op.key, op.value ?? '')
}

const ioError = (text: string): Error =>
  Object.assign(new Error(`IO error: ${text}`), { code: 'LEVEL_IO_ERROR' })
