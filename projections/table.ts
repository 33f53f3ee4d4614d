/**
 * A persistent map from text to values: what projections hold, so that a change costs what changed and an old version
 * costs little to keep. (At 10,000 entries a spread or `new Map` takes milliseconds for one set.)
 *
 * The newest version has a native map with all entries. A set changes that map and hands it on to the version it makes, and
 * the one before remembers what is otherwise in the newer: one key and its value (Baker's trick, "Shallow binding makes
 * functional arrays fast", 1991). So the newest answers as a map does, an older one looks through what came after it, and the
 * difference of two is what lies between them. Whoever makes something of an older version takes the map back to it.
 *
 * What an older version must look through is bounded: one that has come far from the newest gets a map of its own when it is
 * asked, and after many changes a map is left behind for a copy, so that whoever keeps a version keeps no whole history.
 *
 * For many changes in a row there are edits: between `begin()` and `seal()` nothing is remembered. Replay folds that way.
 *
 * Iteration follows the order in which keys came, in this process: for whoever reads, that is no order at all. Sort in
 * queries. What is iterated is the version as it was at the first step.
 */

/** One key that two versions disagree about; undefined: absent there. */
export type Change<V> = { readonly after?: V; readonly before?: V; readonly key: string }

/** Changes that an older version looks through at each question, beside an eighth of its size, before it gets a map. */
const NEAR = 64
/** Changes after which a map is left for a copy: so many, and as many again for each entry it has. */
const CHANGES_MIN = 1024
const CHANGES_PER_ENTRY = 16

/** @typeParam V what it holds; `undefined` is no value: it means absent. */
export class Table<V> {
  /** Made when first asked for: tsc 6.0.3 emits a static initialiser that names its own class before the name is there. */
  static #empty: Table<unknown> | undefined

  /** All entries, of this version alone; undefined while `#next` has them. */
  #map: Map<string, V> | undefined
  /** All is there as it is here, but what `#key` has. In an edit that changed nothing yet: what it began from. */
  #next: Table<V> | undefined
  /** Of an edit none. */
  #key: string | undefined
  #value: V | undefined
  /** How many entries, once the map went on to another. */
  #count: number
  /** How many versions ago the map was made. */
  readonly #age: number
  /** An edit: set and delete change it in place. */
  readonly #isOpen: boolean

  private constructor(map: Map<string, V> | undefined, age: number, base?: Table<V>) {
    this.#map = map
    this.#next = base
    this.#key = undefined
    this.#value = undefined
    this.#count = base === undefined ? 0 : base.size
    this.#age = age
    this.#isOpen = base !== undefined
  }

  /** Every empty table is this one object. */
  static empty<V>(): Table<V> {
    return (Table.#empty ??= new Table<unknown>(new Map(), 0)) as Table<V>
  }

  /** The table of these entries; of two with one key the later counts. */
  static of<V>(entries: Iterable<readonly [string, V]>): Table<V> {
    const map = new Map(entries)
    return map.size === 0 ? Table.empty() : new Table(map, 0)
  }

  get size(): number {
    return this.#map === undefined ? this.#count : this.#map.size
  }

  get(key: string): V | undefined {
    const map = this.#map
    return map === undefined ? Table.#find(this, key) : map.get(key)
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  /** The table with the entry; itself if it has the identical value already, and within an edit always itself. */
  set(key: string, value: V): Table<V> {
    const before = this.get(key)
    return Object.is(before, value) ? this : this.#with(key, before, value)
  }

  /** The table without the entry; itself if there is none, and within an edit always itself. */
  delete(key: string): Table<V> {
    const before = this.get(key)
    return before === undefined ? this : this.#with(key, before, undefined)
  }

  /** {@link set} of what `change` makes of the value there is, or {@link delete} if that is nothing; at the price of one. */
  update(key: string, change: (value: V | undefined) => V | undefined): Table<V> {
    const before = this.get(key)
    const after = change(before)
    return Object.is(before, after) ? this : this.#with(key, before, after)
  }

  /** An edit of this table: its `set` and `delete` change it in place. This table stays as it is. Copies at the first change. */
  begin(): Table<V> {
    return new Table(undefined, 0, this.#isOpen ? this.seal() : this)
  }

  /** What the edit came to, as an unchanging table. The edit stays open, and begins from that. */
  seal(): Table<V> {
    if (!this.#isOpen) return this
    const map = this.#map
    if (map !== undefined) {
      this.#next = map.size === 0 ? Table.empty<V>() : new Table(map, 0)
      this.#count = map.size
      this.#map = undefined
    }
    return this.#next ?? Table.empty()
  }

  /** In no order. */
  entries(): IterableIterator<readonly [key: string, value: V]> {
    return [...(this.#map ?? this.#copy())].values()
  }

  keys(): IterableIterator<string> {
    return [...(this.#map ?? this.#copy()).keys()].values()
  }

  values(): IterableIterator<V> {
    return [...(this.#map ?? this.#copy()).values()].values()
  }

  /** As {@link diff}. */
  static compare<V>(before: Table<V>, after: Table<V>): readonly Change<V>[] {
    if (before === after) return []
    const [old, young] = [Table.#since(before), Table.#since(after)]
    const isOneFamily = old.newest === young.newest
    const keys = isOneFamily
      ? [...old.changes.keys(), ...young.changes.keys()]
      : [...before.keys(), ...after.keys()]
    const changes: Change<V>[] = []
    for (const key of new Set(keys)) {
      const [was, is] = [valueAt(old, key), valueAt(young, key)]
      if (!Object.is(was, is)) changes.push(changeOf(key, was, is))
    }
    return changes
  }

  /** Looks through the newer ones, up to the newest. */
  static #find<V>(from: Table<V>, key: string): V | undefined {
    let at = from
    let steps = 0
    while (at.#map === undefined && at.#next !== undefined) {
      if (at.#key === key) return at.#value
      at = at.#next
      steps++
    }
    if (isFar(steps, from.#count)) from.#settle()
    return at.#map?.get(key)
  }

  /** The newest version that came of one, and what is otherwise in that one. */
  static #since<V>(from: Table<V>): Since<V> {
    const changes = new Map<string, V | undefined>()
    let at = from
    while (at.#map === undefined && at.#next !== undefined) {
      if (at.#key !== undefined && !changes.has(at.#key)) changes.set(at.#key, at.#value)
      at = at.#next
    }
    return { changes, newest: at }
  }

  /** All entries, in a map that nobody else has. */
  #copy(): Map<string, V> {
    const { changes, newest } = Table.#since(this)
    const map = new Map(newest.#map)
    for (const [key, value] of changes) put(map, key, value)
    return map
  }

  /** Gets a map of its own, and needs the newer ones no longer. */
  #settle(): Map<string, V> {
    const map = this.#copy()
    this.#map = map
    this.#next = this.#key = this.#value = undefined
    return map
  }

  #with(key: string, before: V | undefined, after: V | undefined): Table<V> {
    const map = this.#map ?? Table.#own(this)
    if (this.#isOpen) {
      put(map, key, after)
      return this
    }
    if (after === undefined && map.size === 1) return Table.empty()
    const isOld = this.#age > CHANGES_MIN + CHANGES_PER_ENTRY * map.size
    if (isOld || map.size === 0) {
      const copy = new Map(map)
      put(copy, key, after)
      return new Table(copy, 0)
    }
    const next = new Table(map, this.#age + 1)
    this.#handOn(map, next, key, before)
    put(map, key, after)
    return next
  }

  /** Leaves its map, as it is now, to a version that differs by a key. */
  #handOn(map: Map<string, V>, next: Table<V>, key: string, value: V | undefined): void {
    this.#count = map.size
    this.#map = undefined
    this.#next = next
    this.#key = key
    this.#value = value
  }

  /** The map, brought back from the newest, which from then on remembers how it differs; a copy if that is too far. */
  static #own<V>(version: Table<V>): Map<string, V> {
    const older: Table<V>[] = []
    let newer = version
    while (newer.#map === undefined && newer.#next !== undefined) {
      older.push(newer)
      newer = newer.#next
    }
    const map = newer.#map
    if (map === undefined || version.#isOpen || isFar(older.length, version.#count)) return version.#settle()
    for (const each of older.reverse()) {
      const { key, value } = each.#takeBack(map)
      newer.#handOn(map, each, key, map.get(key))
      put(map, key, value)
      newer = each
    }
    return map
  }

  /** Has the map again, as soon as what it remembered is put there. */
  #takeBack(map: Map<string, V>): { readonly key: string; readonly value: V | undefined } {
    const remembered = { key: this.#key as string, value: this.#value }
    this.#map = map
    this.#next = this.#key = this.#value = undefined
    return remembered
  }
}

/** A version as the newest of its family, and what is otherwise in it; undefined: absent. */
type Since<V> = { readonly changes: ReadonlyMap<string, V | undefined>; readonly newest: Table<V> }

const valueAt = <V>({ changes, newest }: Since<V>, key: string): V | undefined =>
  changes.has(key) ? changes.get(key) : newest.get(key)

/** Whether looking through so many changes costs as much as a good part of a copy. */
const isFar = (steps: number, size: number): boolean => steps > NEAR + (size >> 3)

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}

function changeOf<V>(key: string, before: V | undefined, after: V | undefined): Change<V> {
  const change: { after?: V; before?: V; key: string } = { key }
  if (after !== undefined) change.after = after
  if (before !== undefined) change.before = before
  return change
}

/**
 * The keys whose values differ between two versions, in no order. Costs what lies between them if one was made from the
 * other; values are compared by identity.
 */
export const diff = <V>(before: Table<V>, after: Table<V>): readonly Change<V>[] =>
  Table.compare(before, after)
