/** Blocks of a pool: apart from each other, all within, and every address that is given in order lies in just one. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressAt, cidrFrom, contains, overlaps, type Cidr } from '../../events/index.ts'
import { blockAt, blockCount, blockOf, placesOf } from '../../src/ipam/blocks.ts'
import { orderOf } from '../../src/ipam/parts.ts'

const POOLS = [
  { subnet: '10.9.0.0/20' },
  { subnet: '10.9.0.0/28' },
  { subnet: '10.9.0.0/31' },
  { ipRange: '10.9.4.0/24', subnet: '10.9.0.0/16' },
  { ipRange: '10.9.4.16/28', subnet: '10.9.0.0/16' },
  { subnet: 'fd00:9::/64' },
  { subnet: 'fd00:9::/126' },
] as unknown as readonly { readonly ipRange?: Cidr; readonly subnet: Cidr }[]

const pool = fc.constantFrom(...POOLS)
const place = fc.nat({ max: 4095 })

describe('blocks of a pool', () => {
  it('are apart, and lie in the range out of which addresses are chosen', () => {
    fc.assert(
      fc.property(pool, place, place, (of, i, j) => {
        const [a, b] = [i % blockCount(of), j % blockCount(of)]
        const [one, other] = [blockAt(of, a), blockAt(of, b)]
        if (one === undefined || other === undefined) throw new Error('a block is missing')
        expect(overlaps(cidrFrom(one), cidrFrom(other))).toBe(a === b)
        expect(contains(cidrFrom(of.ipRange ?? of.subnet), cidrFrom(one).address)).toBe(true)
      }),
    )
    for (const of of POOLS) expect(blockAt(of, blockCount(of))).toBeUndefined()
  })

  it('have each address that is given in order in one of them, at its place', () => {
    fc.assert(
      fc.property(pool, place, (of, n) => {
        const { first, last, range } = orderOf(of)
        const offset = first + (n % Math.min(last - first + 1, 4096))
        const block = blockOf(of, addressAt(range, offset))
        if (block === undefined) throw new Error('an address lies in no block')
        const places = placesOf(of, block)
        expect(places.first <= offset && offset <= places.last).toBe(true)
        expect(cidrFrom(block).length).toBe(Math.max(range.length, range.address.family === 4 ? 27 : 120))
      }),
    )
    expect(
      blockOf(
        { ipRange: '10.9.4.0/24' as Cidr, subnet: '10.9.0.0/16' as Cidr },
        cidrFrom('10.9.5.1/32' as Cidr).address,
      ),
    ).toBeUndefined()
  })
})
