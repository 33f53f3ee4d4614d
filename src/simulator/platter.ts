/**
 * The rows of one data directory, as a disk keeps them: what was written, what of it was synced, and what went wrong. It
 * outlives the processes that write to it, and can be asked to fail as disks do.
 */
import { Rows, type Range, type Row } from './rows.ts'

export type { Range, Row } from './rows.ts'
export type Op = { readonly key: string; readonly type: 'del' | 'put'; readonly value?: string }

/** What the next write comes to. `landed` and `lost` both fail; only the first is on disk. `lie`: success, not synced. */
export type WriteFault = 'full' | 'landed' | 'lie' | 'lost'

/** What becomes of a write that is under way when its process dies. `torn`: its last rows are broken or missing. */
export type Fate = 'landed' | 'lost' | 'torn'

/** All of a platter's rows at one moment. */
export type Backup = ReadonlyMap<string, string>

export class Platter {
  /** Each write takes the first one. `full` stays until it is taken out. */
  readonly faults: WriteFault[] = []
  /** Raised when the process that wrote dies: its later writes land nowhere. */
  incarnation = 1
  /** So many commits that are read come out wrong, though they lie there as they should. */
  misreads = 0
  /** Hears of rows that landed. */
  onWrite: ((ops: readonly Op[]) => void) | undefined
  /** Hears of a copy that was put in the place of all rows. */
  onRestore: (() => void) | undefined
  /** Hears of a synced write that begins. */
  onBegin: ((ops: readonly Op[]) => void) | undefined
  /** Called once, within the next synced write: its process may die there. */
  whenBegun: (() => void) | undefined
  /** Virtual milliseconds that a synced write takes. */
  syncMs = 0
  writes = 0
  /** What rows were before they were damaged; undefined: they were not there. */
  readonly #before = new Map<string, string | undefined>()
  #lied = false
  #rows = new Rows()
  #synced = new Map<string, string>()
  /** Synced writes that have begun. */
  readonly #underway = new Set<readonly Op[]>()
  #unsynced: Op[] = []

  get(key: string): string | undefined {
    return this.#rows.get(key)
  }

  /** As a process reads it. */
  read(key: string): string | undefined {
    const value = this.#rows.get(key)
    return value === undefined ? undefined : this.seen(key, value)
  }

  /** The value of a row as it comes out. */
  seen(key: string, value: string): string {
    if (this.misreads === 0 || !key.startsWith('c')) return value
    this.misreads--
    return garbled(value)
  }

  /** Rows in a range, in order of keys, as they are now. */
  range(options: Range): readonly Row[] {
    return this.#rows.range(options)
  }

  /** A synced write is under way from here on. */
  begin(ops: readonly Op[]): void {
    this.#underway.add(ops)
    this.onBegin?.(ops)
    const { whenBegun } = this
    this.whenBegun = undefined
    whenBegun?.()
  }

  /** All or nothing. Throws as LevelDB does, with the errno in the text. */
  write(ops: readonly Op[], sync: boolean): void {
    if (!this.#underway.delete(ops)) this.onBegin?.(ops)
    this.writes += 1
    const fault = this.faults[0]
    if (fault !== undefined && fault !== 'full') this.faults.shift()
    if (fault === 'full') throw ioError('No space left on device')
    if (fault === 'lost') throw ioError('Input/output error')
    this.#apply(ops)
    if (sync && fault === 'lie') this.#lied = true
    else if (sync) this.#sync()
    if (fault === 'landed') throw ioError('Input/output error')
  }

  /** The process that writes dies. What it had written stays. */
  kill(fate: Fate = 'lost'): void {
    this.incarnation += 1
    const underway = [...this.#underway]
    this.#underway.clear()
    if (fate === 'lost') return
    for (const ops of underway) this.#apply(fate === 'torn' ? tornOf(ops) : ops)
  }

  /**
   * The power goes: what was not synced is lost. The process with it. Rows are written one behind the other, so what is left of
   * a write that was under way has all before it in front of it.
   */
  crash(fate: Fate = 'lost'): void {
    if (fate === 'lost' || this.#underway.size === 0) this.#rows = new Rows(this.#synced)
    this.#unsynced = []
    this.#lied = false
    this.kill(fate)
    this.#synced = this.#rows.toMap()
    this.#unsynced = []
  }

  /** A sync lied, and no honest one came after: a power cut takes what somebody was told of. */
  get hasLied(): boolean {
    return this.#lied
  }

  /** Damage that LevelDB would not notice: a row that reads otherwise, or (undefined) is not there any more. */
  damage(key: string, value: string | undefined): void {
    if (!this.#before.has(key)) this.#before.set(key, this.#rows.get(key))
    this.#put(key, value)
  }

  /** As {@link damage}: a row comes to read otherwise. */
  garble(key: string): void {
    this.damage(key, garbled(this.#rows.get(key) ?? ''))
  }

  get isDamaged(): boolean {
    return this.#before.size > 0
  }

  /** Somebody repairs what was damaged, from a copy that was good. */
  mend(): void {
    for (const [key, value] of this.#before) this.#put(key, value)
    this.#before.clear()
  }

  /** A copy of all that is there now. */
  backup(): Backup {
    return this.#rows.toMap()
  }

  /** A copy is put in the place of what is there. No process may be running. */
  restore(rows: Backup): void {
    this.#rows = new Rows(rows)
    this.#synced = new Map(rows)
    this.#unsynced = []
    this.onRestore?.()
  }

  #apply(ops: readonly Op[]): void {
    for (const { key, value } of ops) this.#rows.put(key, value)
    this.#unsynced.push(...ops)
    if (ops.length > 0) this.onWrite?.(ops)
  }

  /** On the disk, and for good. */
  #put(key: string, value: string | undefined): void {
    this.#rows.put(key, value)
    put(this.#synced, key, value)
  }

  #sync(): void {
    for (const { key, value } of this.#unsynced) put(this.#synced, key, value)
    this.#unsynced = []
    this.#lied = false
  }
}

function put(rows: Map<string, string>, key: string, value: string | undefined): void {
  if (value === undefined) rows.delete(key)
  else rows.set(key, value)
}

/**
 * The first half of a write, up to a commit that is broken. A row that finds a command is there whole if its commit is: LevelDB keeps
 * of a batch all or nothing, and what is broken here is what the log itself must notice.
 */
function tornOf(ops: readonly Op[]): readonly Op[] {
  const half = ops.slice(0, (ops.length + 1) >> 1)
  const last = half.findLastIndex(({ key }) => key.startsWith('c'))
  return half
    .slice(0, last + 1)
    .map((op, i) => (i < last || op.value === undefined ? op : { ...op, value: garbled(op.value) }))
}

/** The same with one character changed, somewhere in the middle. */
const garbled = (value: string): string => {
  const at = value.length >> 1
  return `${value.slice(0, at)}${value[at] === '0' ? '1' : '0'}${value.slice(at + 1)}`
}

const ioError = (text: string): Error =>
  Object.assign(new Error(`IO error: ${text}`), { code: 'LEVEL_IO_ERROR' })
