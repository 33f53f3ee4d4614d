/**
 * A persistent map from text to values: what projections hold, so that a change costs what changed and an old version
 * costs nothing to keep. (At 10,000 entries a spread or `new Map` takes milliseconds for one set.)
 *
 * It is a 32-way hash trie (`trie-nodes.ts`). A set copies the path to its leaf and shares all else, so two versions can
 * be compared by skipping what they share ({@link diff}).
 *
 * For many changes in a row there are edits: between `begin()` and `seal()` what changes is kept in a native map over the
 * trie it began from, and each key enters the trie once, however often it changed. Replay folds that way.
 *
 * Iteration follows hashes, that is no order at all: sort in queries.
 */
import {
  compareNodes,
  emptyBranch,
  find,
  hashOf,
  Leaf,
  leavesOf,
  withEntry,
  withoutEntry,
  type Branch,
  type Change,
  type Owner,
} from './trie-nodes.ts'

export type { Change } from './trie-nodes.ts'

/** In an edit: the key was deleted, and the trie below has it. */
const GONE = Symbol('gone')

/** What an edit changed, by key. */
type Changes<V> = Map<string, V | typeof GONE>

/** @typeParam V what it holds; `undefined` is no value: it means absent. */
export class Trie<V> {
  /** Made when first asked for: tsc 6.0.3 emits a static initialiser that names its own class before the name is there. */
  static #empty: Trie<unknown> | undefined

  /** In an edit: what was changed. */
  readonly #changes: Changes<V> | undefined
  /** The same in an edit that began from nothing: all there is, and no deletions, so that what comes and goes leaves no trace. */
  readonly #all: Map<string, V> | undefined
  readonly #root: Branch<V>
  #size: number

  private constructor(root: Branch<V>, size: number, changes?: Changes<V>) {
    this.#root = root
    this.#size = size
    this.#changes = changes
    const beganEmpty = changes !== undefined && root === Trie.empty<V>().#root
    this.#all = beganEmpty ? (changes as Map<string, V>) : undefined
  }

  /** Every empty trie is this one object. */
  static empty<V>(): Trie<V> {
    return (Trie.#empty ??= new Trie<unknown>(emptyBranch(undefined), 0)) as Trie<V>
  }

  /** The trie of these entries; of two with one key the later counts. */
  static of<V>(entries: Iterable<readonly [string, V]>): Trie<V> {
    const trie = Trie.empty<V>().begin()
    for (const [key, value] of entries) trie.set(key, value)
    return trie.seal()
  }

  get size(): number {
    return this.#all === undefined ? this.#size : this.#all.size
  }

  get(key: string): V | undefined {
    if (this.#all !== undefined) return this.#all.get(key)
    const change = this.#changes?.get(key)
    if (change === undefined) return find(this.#root, hashOf(key), key)?.value
    return change === GONE ? undefined : change
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  /** The trie with the entry; itself if it has the identical value already, and within an edit always itself. */
  set(key: string, value: V): Trie<V> {
    if (this.#all !== undefined) {
      this.#all.set(key, value)
      return this
    }
    if (this.#changes !== undefined) return this.#write(this.#changes, key, this.get(key), value)
    const hash = hashOf(key)
    const old = find(this.#root, hash, key)
    if (old !== undefined && Object.is(old.value, value)) return this
    return this.#put(hash, key, value, old)
  }

  /** The trie without the entry; itself if there is none, and within an edit always itself. */
  delete(key: string): Trie<V> {
    if (this.#all !== undefined) {
      this.#all.delete(key)
      return this
    }
    if (this.#changes !== undefined) return this.#write(this.#changes, key, this.get(key), undefined)
    const leaf = find(this.#root, hashOf(key), key)
    return leaf === undefined ? this : this.#remove(leaf)
  }

  /** {@link set} of what `change` makes of the value there is, or {@link delete} if that is nothing; at the price of one. */
  update(key: string, change: (value: V | undefined) => V | undefined): Trie<V> {
    if (this.#changes !== undefined) {
      const before = this.get(key)
      return this.#write(this.#changes, key, before, change(before))
    }
    const hash = hashOf(key)
    const old = find(this.#root, hash, key)
    const value = change(old?.value)
    if (Object.is(old?.value, value)) return this
    if (value !== undefined) return this.#put(hash, key, value, old)
    return old === undefined ? this : this.#remove(old)
  }

  /** An edit of this trie: its `set` and `delete` change it in place. This trie stays as it is. */
  begin(): Trie<V> {
    return new Trie(this.#root, this.#size, new Map(this.#changes))
  }

  /** What the edit came to, as an unchanging trie. The edit stays open. */
  seal(): Trie<V> {
    if (this.#changes === undefined) return this
    if (this.size === 0) return Trie.empty()
    const owner: Owner = {}
    let root = this.#root
    for (const [key, value] of this.#changes) {
      const hash = hashOf(key)
      const old = value === GONE ? find(root, hash, key) : undefined
      if (value !== GONE) root = withEntry(root, new Leaf(hash, key, value), owner)
      else if (old !== undefined) root = withoutEntry(root, old, owner)
    }
    return new Trie(root, this.size)
  }

  /** In no order. */
  *entries(): Generator<readonly [key: string, value: V]> {
    const changes = this.#changes
    for (const { key, value } of leavesOf<V>(this.#root)) if (changes?.has(key) !== true) yield [key, value]
    for (const [key, value] of changes ?? []) if (value !== GONE) yield [key, value]
  }

  *keys(): Generator<string> {
    for (const [key] of this.entries()) yield key
  }

  *values(): Generator<V> {
    for (const [, value] of this.entries()) yield value
  }

  /** Calls back for each key whose value differs, skipping whatever the two share. Of sealed tries only. */
  static compare<V>(before: Trie<V>, after: Trie<V>, tell: (change: Change<V>) => void): void {
    compareNodes(before.#root, after.#root, tell)
  }

  /** One change in an edit. */
  #write(changes: Changes<V>, key: string, before: V | undefined, after: V | undefined): this {
    if (Object.is(before, after)) return this
    if (before === undefined) this.#size++
    else if (after === undefined) this.#size--
    if (after !== undefined) changes.set(key, after)
    else if (this.#all === undefined) changes.set(key, GONE)
    else changes.delete(key)
    return this
  }

  #put(hash: number, key: string, value: V, old: Leaf<V> | undefined): Trie<V> {
    const root = withEntry(this.#root, new Leaf(hash, key, value), undefined)
    return new Trie(root, old === undefined ? this.#size + 1 : this.#size)
  }

  #remove(leaf: Leaf<V>): Trie<V> {
    if (this.#size === 1) return Trie.empty()
    return new Trie(withoutEntry(this.#root, leaf, undefined), this.#size - 1)
  }
}

/**
 * The keys whose values differ between two versions, in no order. Costs what changed if one was made from the other;
 * values are compared by identity.
 */
export function diff<V>(before: Trie<V>, after: Trie<V>): readonly Change<V>[] {
  const changes: Change<V>[] = []
  Trie.compare(before, after, (change) => changes.push(change))
  return changes
}
