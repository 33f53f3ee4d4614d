/**
 * The nodes of a trie: 32-way branches and leaves, and the functions that find, put and take away among them.
 *
 * Whoever makes many changes in a row passes an owner: nodes that carry it were made by this very run of changes, so
 * nobody else sees them and they change in place.
 */

const BITS = 5
const WIDTH = 1 << BITS
const MASK = WIDTH - 1

/** Identity of one run of changes. */
export type Owner = object
export type Node<V> = Branch<V> | Leaf<V>

/** An inner node. */
export class Branch<V> {
  readonly owner: Owner | undefined
  /** Exactly {@link WIDTH} places. */
  readonly slots: (Node<V> | undefined)[]
  constructor(owner: Owner | undefined, slots: (Node<V> | undefined)[]) {
    this.owner = owner
    this.slots = slots
  }
}

/** What a comparison tells of one key. `before` absent: added; `after` absent: removed. */
export type Change<V> = { readonly after?: V; readonly before?: V; readonly key: string }

/** An entry, chained to those whose keys have the very same hash. It never changes. */
export class Leaf<V> {
  readonly hash: number
  readonly key: string
  readonly next: Leaf<V> | undefined
  readonly value: V
  constructor(hash: number, key: string, value: V, next?: Leaf<V>) {
    this.hash = hash
    this.key = key
    this.next = next
    this.value = value
  }
}

/**
 * MurmurHash3 (32 bits) over the whole key, four characters at a time: ids are random from their first character on, but
 * composite keys may differ in one character anywhere.
 */
export function hashOf(key: string): number {
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

/** A branch with nothing in it. */
export function emptyBranch<V>(owner: Owner | undefined): Branch<V> {
  return new Branch<V>(owner, new Array<Node<V> | undefined>(WIDTH).fill(undefined))
}

const placeOf = (hash: number, shift: number): number => (hash >>> shift) & MASK

/** The leaf of a key. @param hash of the key */
export function find<V>(root: Branch<V>, hash: number, key: string): Leaf<V> | undefined {
  let node: Node<V> | undefined = root
  for (let shift = 0; node instanceof Branch; shift += BITS) node = node.slots[placeOf(hash, shift)]
  while (node !== undefined && node.key !== key) node = node.next
  return node
}

/** The root with an entry. */
export const withEntry = <V>(root: Branch<V>, leaf: Leaf<V>, owner: Owner | undefined): Branch<V> =>
  entered(root, 0, leaf, owner)

/** The root without an entry that it has. It stays a branch even when one entry is left, or none. */
export function withoutEntry<V>(root: Branch<V>, leaf: Leaf<V>, owner: Owner | undefined): Branch<V> {
  const rest = left(root, 0, leaf, owner)
  if (rest instanceof Branch) return rest
  const branch = emptyBranch<V>(owner)
  if (rest !== undefined) branch.slots[rest.hash & MASK] = rest
  return branch
}

function entered<V>(branch: Branch<V>, shift: number, leaf: Leaf<V>, owner: Owner | undefined): Branch<V> {
  const place = placeOf(leaf.hash, shift)
  const there = branch.slots[place]
  if (there === undefined) return replaced(branch, place, leaf, owner)
  if (there instanceof Branch)
    return replaced(branch, place, entered(there, shift + BITS, leaf, owner), owner)
  if (there.hash !== leaf.hash) return replaced(branch, place, fork(there, leaf, shift + BITS, owner), owner)
  const others = unchained(there, leaf.key)
  return replaced(branch, place, new Leaf(leaf.hash, leaf.key, leaf.value, others), owner)
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
function left<V>(
  branch: Branch<V>,
  shift: number,
  leaf: Leaf<V>,
  owner: Owner | undefined,
): Node<V> | undefined {
  const place = placeOf(leaf.hash, shift)
  const there = branch.slots[place]
  const rest = there instanceof Branch ? left(there, shift + BITS, leaf, owner) : unchained(there, leaf.key)
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
function unchained<V>(leaf: Leaf<V> | undefined, key: string): Leaf<V> | undefined {
  if (leaf === undefined) return undefined
  if (leaf.key === key) return leaf.next
  const next = unchained(leaf.next, key)
  return next === leaf.next ? leaf : new Leaf(leaf.hash, leaf.key, leaf.value, next)
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

/** In the order of hashes. */
export function* leavesOf<V>(root: Node<V> | undefined): Generator<Leaf<V>, void> {
  const open: (Node<V> | undefined)[] = [root]
  while (open.length > 0) {
    const node = open.pop()
    if (node instanceof Branch) for (const child of node.slots) open.push(child)
    else for (let leaf = node; leaf !== undefined; leaf = leaf.next) yield leaf
  }
}

/** Calls back for each key whose value differs, skipping whatever the two share. */
export function compareNodes<V>(
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
