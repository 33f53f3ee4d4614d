/** Beneath the trie: that keys are spread over its places, and that equal contents have equal shape, whatever their history. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Branch, emptyBranch, hashOf, Leaf, withEntry, withoutEntry } from '../../projections/trie-nodes.ts'
import { Trie } from '../../projections/trie.ts'

const many = <T>(count: number, make: (n: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, n) => make(n))
const id = (n: number): string => n.toString(16).padStart(8, '0')
const same = 'f'.repeat(56)

describe('the hash of a key', () => {
  it.each([
    ['ids that differ at their front', many(10_000, (n) => id(n) + same)],
    ['ids that differ at their end', many(10_000, (n) => same + id(n))],
    ['paths that differ in their middle', many(10_000, (n) => `addr/${same}/eth${n}/10.0.0.1/24`)],
    ['numbers', many(10_000, String)],
    ['addresses', many(10_000, (n) => `10.0.${n >> 8}.${n & 255}`)],
  ])('spreads %s over all places of each level, and no two meet', (_what, keys) => {
    const hashes = keys.map(hashOf)
    expect(new Set(hashes).size).toBe(keys.length)
    for (const shift of [0, 5, 10, 15, 20, 25]) {
      const places = Array<number>(32).fill(0)
      for (const hash of hashes) places[(hash >>> shift) & 31] = (places[(hash >>> shift) & 31] ?? 0) + 1
      // Chance alone would put 312 into each, give or take 17 two times out of three.
      expect([Math.min(...places) > 220, Math.max(...places) < 410]).toEqual([true, true])
    }
  })

  it('hangs on every character and its place, in texts of any length', () => {
    const texts = ['', ...many(40, (n) => 'a'.repeat(n + 1))]
    const changed = texts.flatMap((text) =>
      [...text].flatMap((_, i) =>
        ['b', 'c', 'q'].map((other) => text.slice(0, i) + other + text.slice(i + 1)),
      ),
    )
    const all = [...texts, ...changed, ...['abcd', 'bacd', 'acbd', 'abdc', 'dabc', 'cdab']]
    expect(new Set(all.map(hashOf)).size).toBe(new Set(all).size)
  })
})

describe('a root', () => {
  /** Hashes that agree in their first places, so that branches grow deep, or altogether, so that leaves are chained. */
  const hash = fc.tuple(fc.nat(2), fc.nat(2), fc.nat(1)).map(([a, b, c]) => a | (b << 5) | (c << 25))
  const leaf = fc.tuple(hash, fc.nat(1)).map(([h, n]) => new Leaf(h, `${h}/${n}`, n))
  const leaves = fc.uniqueArray(leaf, { maxLength: 14, selector: ({ key }) => key })

  const withAll = (root: Branch<number>, all: readonly Leaf<number>[]): Branch<number> =>
    all.reduce((now, each) => withEntry(now, each, undefined), root)
  const withoutAll = (root: Branch<number>, all: readonly Leaf<number>[]): Branch<number> =>
    all.reduce((now, each) => withoutEntry(now, each, undefined), root)
  const shape = (node: unknown): unknown => {
    if (!(node instanceof Branch)) return chainOf(node as Leaf<number>)
    const places = (node.taken >>> 0).toString(2).replaceAll('0', '')
    expect(node.nodes).toHaveLength(places.length)
    return [node.taken, ...node.nodes.map(shape)]
  }
  /** Leaves of one hash, and of no other, stand in the order in which they came. */
  const chainOf = (first: Leaf<number>): readonly string[] => {
    const keys: string[] = []
    for (let at: Leaf<number> | undefined = first; at !== undefined; at = at.next) {
      expect(at.hash).toBe(first.hash)
      keys.push(at.key)
    }
    return keys.sort()
  }

  it('from which entries went has the shape of one that never had them', () => {
    fc.assert(
      fc.property(leaves, leaves, (stay, come) => {
        const others = come.filter((each) => stay.every(({ key }) => key !== each.key))
        const root = withAll(emptyBranch(undefined), stay)
        expect(shape(withoutAll(withAll(root, others), others))).toEqual(shape(root))
        expect(shape(withAll(emptyBranch(undefined), [...stay].reverse()))).toEqual(shape(root))
      }),
    )
  })
})

describe('an edit', () => {
  it('can be looked into while it is open: as it will be when it is sealed', () => {
    const base = Trie.of(many(5, (n) => [`k${n}`, n] as const))
    const open = base.begin().set('k0', 10).delete('k1').set('new', 7)
    open.update('k2', () => undefined)
    open.set('gone', 1).delete('gone')
    const expected = [
      ['k0', 10],
      ['k3', 3],
      ['k4', 4],
      ['new', 7],
    ]
    expect([...open.entries()].sort()).toEqual(expected)
    expect([...open.keys()].sort()).toEqual(expected.map(([key]) => key))
    expect([open.size, open.get('k1'), open.has('k2')]).toEqual([4, undefined, false])
    expect([...open.seal().entries()].sort()).toEqual(expected)
  })

  it('can be the beginning of another, and neither sees what the other does', () => {
    const first = Trie.of<number>([['a', 1]])
      .begin()
      .set('b', 2)
    const second = first.begin()
    expect([...second.entries()].sort()).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    first.set('b', 20)
    second.set('a', 10)
    expect([first.get('a'), first.get('b'), second.get('a'), second.get('b')]).toEqual([1, 20, 10, 2])
  })

  it('is no edit any more once it is sealed', () => {
    const sealed = Trie.of<number>([['a', 1]])
    expect(sealed.seal()).toBe(sealed)
    expect(sealed.update('a', (value) => value)).toBe(sealed)
    expect(sealed.update('b', (value) => value)).toBe(sealed)
    expect(sealed.update('b', () => 2).size).toBe(2)
  })
})
