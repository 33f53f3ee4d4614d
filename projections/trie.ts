/**
 * A persistent map from text to values: what projections hold, so that a change costs what changed and an old version
 * costs nothing to keep. (At 10,000 entries a spread or `new Map` takes milliseconds for one set.)
 *
 * It is a 32-way hash trie. A set copies the path to its leaf and shares all else, so two versions can be compared by
 * skipping what they share ({@link diff}). For many changes in a row there are transients: between `begin()` and
 * `seal()` an edit changes in place what it has made itself, told by an owner token, and never what others see.
 *
 * Iteration follows hashes, that is no order at all: sort in queries.
 */

const BITS = 5
const WIDTH = 1 << BITS
const MASK = WIDTH - 1

/** Identity of one edit: branches and leaves that carry it may be changed in place. */
type Owner = object
type Node<V> = Branch<V> | Leaf<V>

class Branch<V> {
  readonly owner: Owner | undefined
  /** Exactly {@link WIDTH} places. */
  readonly slots: (Node<V> | undefined)[]
  constructor(owner: Owner | undefined, slots: (Node<V> | undefined)[]) {
    this.owner = owner
    this.slots = slots
  }
}

/** An entry, chained to those whose keys have the very same hash. */
class Leaf<V> {
  readonly hash: number
  readonly key: string
  readonly next: Leaf<V> | undefined
  readonly owner: Owner | undefined
  value: V
  constructor(hash: number, key: string, value: V, owner: Owner | undefined, next?: Leaf<V>) {
    this.hash = hash
    this.key = key
    this.next = next
    this.owner = owner
    this.value = value
  }
}

/** What {@link diff} tells of one key. `before` absent: added; `after` absent: removed. */
export type Change<V> = { readonly after?: V; readonly before?: V; readonly key: string }

/** @typeParam V what it holds; `undefined` is no value: it means absent. */
export class Trie<V> {
  /** Made when first asked for: tsc 6.0.3 emits a static initialiser that names its own class before the name is there. */
  static #empty: Trie<unknown> | undefined

  #owner: Owner | undefined
  #root: Branch<V>
  #size: number

  private constructor(root: Branch<V>, size: number, owner: Owner | undefined) {
    this.#root = root
    this.#size = size
    this.#owner = owner
  }

  /** Every empty trie is this one object. */
  static empty<V>(): Trie<V> {
    return (Trie.#empty ??= new Trie<unknown>(emptyBranch(undefined), 0, undefined)) as Trie<V>
  }

  /** The trie of these entries; of two with one key the later counts. */
  static of<V>(entries: Iterable<readonly [string, V]>): Trie<V> {
    const trie = Trie.empty<V>().begin()
    for (const [key, value] of entries) trie.set(key, value)
    return trie.seal()
  }

  get size(): number {
    return this.#size
  }

  get(key: string): V | undefined {
    return find(this.#root, hashOf(key), key)?.value
  }

  has(key: string): boolean {
    return find(this.#root, hashOf(key), key) !== undefined
  }

  /** The trie with the entry; itself if it has the identical value already, and within an edit always itself. */
  set(key: string, value: V): Trie<V> {
    const hash = hashOf(key)
    const old = find(this.#root, hash, key)
    if (old !== undefined && Object.is(old.value, value)) return this
    return this.#put(hash, key, value, old)
  }

  /** The trie without the entry; itself if there is none, and within an edit always itself. */
  delete(key: string): Trie<V> {
    const leaf = find(this.#root, hashOf(key), key)
    return leaf === undefined ? this : this.#remove(leaf)
  }

  /** {@link set} of what `change` makes of the value there is, or {@link delete} if that is nothing; at the price of one. */
  update(key: string, change: (value: V | undefined) => V | undefined): Trie<V> {
    const hash = hashOf(key)
    const old = find(this.#root, hash, key)
    const value = change(old?.value)
    if (Object.is(old?.value, value)) return this
    if (value !== undefined) return this.#put(hash, key, value, old)
    return old === undefined ? this : this.#remove(old)
  }

  /** An edit of this trie: its `set` and `delete` change it in place. This trie stays as it is. */
  begin(): Trie<V> {
    return new Trie(this.#root, this.#size, {})
  }

  /** What the edit came to, as an unchanging trie. The edit is over: it must not be used again. */
  seal(): Trie<V> {
    this.#owner = undefined
    return this.#size === 0 ? Trie.empty() : new Trie(this.#root, this.#size, undefined)
  }

  /** In the order of hashes. */
  *entries(): Generator<readonly [key: string, value: V]> {
    for (const leaf of leavesOf<V>(this.#root)) yield [leaf.key, leaf.value]
  }

  *keys(): Generator<string> {
    for (const leaf of leavesOf<V>(this.#root)) yield leaf.key
  }

  *values(): Generator<V> {
    for (const leaf of leavesOf<V>(this.#root)) yield leaf.value
  }

  /** Calls back for each key whose value differs, skipping whatever the two share. */
  static compare<V>(before: Trie<V>, after: Trie<V>, tell: (change: Change<V>) => void): void {
    compareNodes(before.#root, after.#root, tell)
  }

  #put(hash: number, key: string, value: V, old: Leaf<V> | undefined): Trie<V> {
    const owner = this.#owner
    if (old !== undefined && owner !== undefined && old.owner === owner) {
      old.value = value
      return this
    }
    const root = withEntry(this.#root, 0, new Leaf(hash, key, value, owner), owner)
    return this.#become(root, old === undefined ? this.#size + 1 : this.#size)
  }

  #remove(leaf: Leaf<V>): Trie<V> {
    const rest = withoutEntry(this.#root, 0, leaf, this.#owner)
    const root = rest instanceof Branch ? rest : emptyBranch<V>(this.#owner)
    // The root is a branch even when one entry is left.
    if (rest instanceof Leaf) root.slots[rest.hash & MASK] = rest
    return this.#become(root, this.#size - 1)
  }

  #become(root: Branch<V>, size: number): Trie<V> {
    if (this.#owner === undefined) return size === 0 ? Trie.empty() : new Trie(root, size, undefined)
    this.#root = root
    this.#size = size
    return this
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

/**
 * MurmurHash3 (32 bits) over the whole key, four characters at a time: ids are random from their first character on, but
 * composite keys may differ in one character anywhere.
 */
function hashOf(key: string): number {
  const { length } = key
  let hash = length
  let i = 0
  for (; i + 3 < length; i += 4) {
    const four =
      key.charCodeAt(i) ^
      (key.charCodeAt(i + 1) << 8) ^
      (key.charCodeAt(i + 2) << 16) ^
      (key.charCodeAt(i + 3) << 24)
    hash ^= scatter(four)
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  let rest = 0
  for (; i < length; i++) rest = (rest << 8) ^ key.charCodeAt(i)
  hash ^= scatter(rest)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function scatter(bits: number): number {
  const product = Math.imul(bits, 0xcc9e2d51)
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593)
}

function emptyBranch<V>(owner: Owner | undefined): Branch<V> {
  return new Branch<V>(owner, new Array<Node<V> | undefined>(WIDTH).fill(undefined))
}

const placeOf = (hash: number, shift: number): number => (hash >>> shift) & MASK

function find<V>(root: Branch<V>, hash: number, key: string): Leaf<V> | undefined {
  let node: Node<V> | undefined = root
  for (let shift = 0; node instanceof Branch; shift += BITS) node = node.slots[placeOf(hash, shift)]
  while (node !== undefined && node.key !== key) node = node.next
  return node
}

function withEntry<V>(branch: Branch<V>, shift: number, leaf: Leaf<V>, owner: Owner | undefined): Branch<V> {
  const place = placeOf(leaf.hash, shift)
  const there = branch.slots[place]
  if (there === undefined) return replaced(branch, place, leaf, owner)
  if (there instanceof Branch)
    return replaced(branch, place, withEntry(there, shift + BITS, leaf, owner), owner)
  if (there.hash !== leaf.hash) return replaced(branch, place, fork(there, leaf, shift + BITS, owner), owner)
  const others = unchained(there, leaf.key, owner)
  return replaced(branch, place, new Leaf(leaf.hash, leaf.key, leaf.value, owner, others), owner)
}

/** Two leaves of different hash where one was: a branch for each nibble that they have in common, and one that parts them. */
function fork<V>(a: Leaf<V>, b: Leaf<V>, shift: number, owner: Owner | undefined): Branch<V> {
  const branch = emptyBranch<V>(owner)
  const place = placeOf(a.hash, shift)
  if (place === placeOf(b.hash, shift)) {
    branch.slots[place] = fork(a, b, shift + BITS, owner)
  } else {
    branch.slots[place] = a
    branch.slots[placeOf(b.hash, shift)] = b
  }
  return branch
}

/** What is left of a branch without an entry that it has. A lone leaf moves up, so that equal contents have equal shape. */
function withoutEntry<V>(
  branch: Branch<V>,
  shift: number,
  leaf: { readonly hash: number; readonly key: string },
  owner: Owner | undefined,
): Node<V> | undefined {
  const place = placeOf(leaf.hash, shift)
  const there = branch.slots[place]
  const rest =
    there instanceof Branch
      ? withoutEntry(there, shift + BITS, leaf, owner)
      : unchained(there, leaf.key, owner)
  if (rest instanceof Branch) return replaced(branch, place, rest, owner)
  const beside = loneBeside(branch, place)
  if (rest === undefined && !(beside instanceof Branch)) return beside
  if (rest !== undefined && beside === undefined) return rest
  return replaced(branch, place, rest, owner)
}

/** The one node beside a place; nothing, if there is none; and the branch itself, if there are more. */
function loneBeside<V>(branch: Branch<V>, place: number): Node<V> | undefined {
  let lone: Node<V> | undefined
  for (let i = 0; i < WIDTH; i++) {
    const node = branch.slots[i]
    if (node === undefined || i === place) continue
    if (lone !== undefined) return branch
    lone = node
  }
  return lone
}

/** A chain without a key. Its other leaves are made anew, save those behind it. */
function unchained<V>(leaf: Leaf<V> | undefined, key: string, owner: Owner | undefined): Leaf<V> | undefined {
  if (leaf === undefined) return undefined
  if (leaf.key === key) return leaf.next
  const next = unchained(leaf.next, key, owner)
  return next === leaf.next ? leaf : new Leaf(leaf.hash, leaf.key, leaf.value, owner, next)
}

/** The branch with one place changed: the same one if this edit owns it, else a copy that it does own. */
function replaced<V>(
  branch: Branch<V>,
  place: number,
  node: Node<V> | undefined,
  owner: Owner | undefined,
): Branch<V> {
  if (owner !== undefined && branch.owner === owner) {
    branch.slots[place] = node
    return branch
  }
  const slots = branch.slots.slice()
  slots[place] = node
  return new Branch(owner, slots)
}

function* leavesOf<V>(root: Node<V> | undefined): Generator<Leaf<V>, void> {
  const open: (Node<V> | undefined)[] = [root]
  while (open.length > 0) {
    const node = open.pop()
    if (node instanceof Branch) for (const child of node.slots) open.push(child)
    else for (let leaf = node; leaf !== undefined; leaf = leaf.next) yield leaf
  }
}

function compareNodes<V>(
  before: Node<V> | undefined,
  after: Node<V> | undefined,
  tell: (change: Change<V>) => void,
): void {
  if (before === after) return
  if (before instanceof Branch && after instanceof Branch) {
    for (let place = 0; place < WIDTH; place++) compareNodes(before.slots[place], after.slots[place], tell)
    return
  }
  const old = new Map<string, V>()
  for (const { key, value } of leavesOf(before)) old.set(key, value)
  for (const { key, value } of leavesOf(after)) {
    const was = old.get(key)
    old.delete(key)
    if (was === undefined) tell({ after: value, key })
    else if (!Object.is(was, value)) tell({ after: value, before: was, key })
  }
  for (const [key, value] of old) tell({ before: value, key })
}
