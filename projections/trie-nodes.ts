/**
 * The nodes of a trie: 32-way branches and leaves, and the functions that find, put and take away among them. A branch holds
 * only those of its places that are taken: most branches are the lowest ones, which have two or three, and every change
 * copies one of them.
 *
 * Whoever makes many changes in a row passes an owner: nodes that carry it were made by this very run of changes, so
 * nobody else sees them and they change in place.
 */

const BITS = 5
const MASK = (1 << BITS) - 1

/** Identity of one run of changes. */
export type Owner = object
export type Node<V> = Branch<V> | Leaf<V>

/** An inner node. */
export class Branch<V> {
  /** What stands in the places that are taken, in their order. */
  readonly nodes: Node<V>[]
  readonly owner: Owner | undefined
  /** A bit for each place that is taken. */
  taken: number
  constructor(owner: Owner | undefined, taken: number, nodes: Node<V>[]) {
    this.nodes = nodes
    this.owner = owner
    this.taken = taken
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
export const emptyBranch = <V>(owner: Owner | undefined): Branch<V> => new Branch<V>(owner, 0, [])

/** The bit of the place that a hash has at a level. */
const bitOf = (hash: number, shift: number): number => 1 << ((hash >>> shift) & MASK)

/** How many places are taken before that of a bit: where its node stands, or would. */
function indexOf(taken: number, bit: number): number {
  let bits = taken & (bit - 1)
  bits -= (bits >>> 1) & 0x5555_5555
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}

/** What stands in the place of a bit. */
const nodeAt = <V>({ nodes, taken }: Branch<V>, bit: number): Node<V> | undefined =>
  (taken & bit) === 0 ? undefined : nodes[indexOf(taken, bit)]

/** The leaf of a key. @param hash of the key */
export function find<V>(root: Branch<V>, hash: number, key: string): Leaf<V> | undefined {
  let node: Node<V> | undefined = root
  for (let shift = 0; node instanceof Branch; shift += BITS) node = nodeAt(node, bitOf(hash, shift))
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
  return rest === undefined ? emptyBranch(owner) : new Branch(owner, bitOf(rest.hash, 0), [rest])
}

function entered<V>(branch: Branch<V>, shift: number, leaf: Leaf<V>, owner: Owner | undefined): Branch<V> {
  const bit = bitOf(leaf.hash, shift)
  const there = nodeAt(branch, bit)
  if (there === undefined) return withNode(branch, bit, leaf, owner)
  if (there instanceof Branch) return replaced(branch, bit, entered(there, shift + BITS, leaf, owner), owner)
  if (there.hash !== leaf.hash) return replaced(branch, bit, fork(there, leaf, shift + BITS, owner), owner)
  const others = unchained(there, leaf.key)
  return replaced(branch, bit, new Leaf(leaf.hash, leaf.key, leaf.value, others), owner)
}

/** Two leaves of different hash where one was: a branch for each place that they have in common, and one that parts them. */
function fork<V>(a: Leaf<V>, b: Leaf<V>, shift: number, owner: Owner | undefined): Branch<V> {
  const bit = bitOf(a.hash, shift)
  const other = bitOf(b.hash, shift)
  if (bit === other) return new Branch(owner, bit, [fork(a, b, shift + BITS, owner)])
  // The place of the sign bit is the last.
  return new Branch(owner, bit | other, bit >>> 0 < other >>> 0 ? [a, b] : [b, a])
}

/** What is left of a branch without an entry that it has. A lone leaf moves up, so that equal contents have equal shape. */
function left<V>(
  branch: Branch<V>,
  shift: number,
  leaf: Leaf<V>,
  owner: Owner | undefined,
): Node<V> | undefined {
  const bit = bitOf(leaf.hash, shift)
  const there = nodeAt(branch, bit)
  const rest = there instanceof Branch ? left(there, shift + BITS, leaf, owner) : unchained(there, leaf.key)
  if (rest instanceof Branch) return replaced(branch, bit, rest, owner)
  if (rest !== undefined) return branch.nodes.length === 1 ? rest : replaced(branch, bit, rest, owner)
  if (branch.nodes.length > 2) return withoutNode(branch, bit, owner)
  const [beside] = branch.nodes.filter((node) => node !== there)
  return beside instanceof Branch ? withoutNode(branch, bit, owner) : beside
}

/** A chain without a key. Its other leaves are made anew, save those behind it. */
function unchained<V>(leaf: Leaf<V> | undefined, key: string): Leaf<V> | undefined {
  if (leaf === undefined) return undefined
  if (leaf.key === key) return leaf.next
  const next = unchained(leaf.next, key)
  return next === leaf.next ? leaf : new Leaf(leaf.hash, leaf.key, leaf.value, next)
}

// A branch that this edit owns is changed in place, and any other is copied: the copy is owned.

/** The branch with another node in a place that is taken. */
function replaced<V>(branch: Branch<V>, bit: number, node: Node<V>, owner: Owner | undefined): Branch<V> {
  const own = owned(branch, owner)
  own.nodes[indexOf(own.taken, bit)] = node
  return own
}

/** The branch with a node in a place that is free. */
function withNode<V>(branch: Branch<V>, bit: number, node: Node<V>, owner: Owner | undefined): Branch<V> {
  const { nodes, taken } = branch
  const at = indexOf(taken, bit)
  if (owner !== undefined && branch.owner === owner) {
    nodes.splice(at, 0, node)
    branch.taken |= bit
    return branch
  }
  const more = new Array<Node<V>>(nodes.length + 1)
  for (let i = 0; i < at; i++) more[i] = nodes[i] as Node<V>
  more[at] = node
  for (let i = at; i < nodes.length; i++) more[i + 1] = nodes[i] as Node<V>
  return new Branch(owner, taken | bit, more)
}

/** The branch with a place set free. */
function withoutNode<V>(branch: Branch<V>, bit: number, owner: Owner | undefined): Branch<V> {
  const own = owned(branch, owner)
  own.nodes.splice(indexOf(own.taken, bit), 1)
  own.taken &= ~bit
  return own
}

const owned = <V>(branch: Branch<V>, owner: Owner | undefined): Branch<V> =>
  owner !== undefined && branch.owner === owner
    ? branch
    : new Branch(owner, branch.taken, branch.nodes.slice())

/** In the order of hashes. */
export function* leavesOf<V>(root: Node<V> | undefined): Generator<Leaf<V>, void> {
  const open: (Node<V> | undefined)[] = [root]
  while (open.length > 0) {
    const node = open.pop()
    if (node instanceof Branch) for (const child of node.nodes) open.push(child)
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
  if (before instanceof Branch && after instanceof Branch) compareBranches(before, after, tell)
  else if (isLone(before) && isLone(after)) compareLeaves(before, after, tell)
  else compareAll(before, after, tell)
}

function compareBranches<V>(before: Branch<V>, after: Branch<V>, tell: (change: Change<V>) => void): void {
  for (let bits = before.taken | after.taken; bits !== 0; bits &= bits - 1) {
    const bit = bits & -bits
    compareNodes(nodeAt(before, bit), nodeAt(after, bit), tell)
  }
}

/** At most one entry. */
const isLone = <V>(node: Node<V> | undefined): node is Leaf<V> | undefined =>
  !(node instanceof Branch) && node?.next === undefined

function compareLeaves<V>(
  before: Leaf<V> | undefined,
  after: Leaf<V> | undefined,
  tell: (change: Change<V>) => void,
): void {
  const isSame = before !== undefined && after?.key === before.key
  if (isSame && Object.is(before.value, after.value)) return
  if (isSame) return tell({ after: after.value, before: before.value, key: after.key })
  if (before !== undefined) tell({ before: before.value, key: before.key })
  if (after !== undefined) tell({ after: after.value, key: after.key })
}

/** Where one side has more than the other has places for: by what is in them. */
function compareAll<V>(
  before: Node<V> | undefined,
  after: Node<V> | undefined,
  tell: (change: Change<V>) => void,
): void {
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
