/** Addresses over random lives: against a model that is a list. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Cidr, EndpointId, Ip, Subnet } from '../../events/index.ts'
import { checkAddress, chooseAddress } from '../../src/ipam/index.ts'
import { Facts } from './facts.ts'

describe('addresses', () => {
  it('are given after the last given, then from the start, and never twice', () => {
    const life = fc.array(fc.option(fc.nat(20), { nil: undefined }), { maxLength: 60 })
    fc.assert(
      fc.property(fc.integer({ max: 29, min: 27 }), life, (length, turns) => {
        const facts = new Facts()
        const network = facts.network('web', `10.0.3.0/${length}`)
        const [subnet = NONE] = network.subnets
        const last = 2 ** (32 - length) - 2
        const held = new Map<number, EndpointId>()
        let cursor = 0
        turns.forEach((freed, turn) => {
          if (freed !== undefined) {
            const [place, endpoint] = [...held][freed] ?? []
            if (place === undefined || endpoint === undefined) return
            facts.release(endpoint)
            held.delete(place)
            return
          }
          const order = [...range(cursor + 1, last), ...range(2, last)]
          const expected = order.find((place) => place > 1 && !held.has(place))
          const chosen = chooseAddress(facts.allocations, network, subnet)
          if (expected === undefined) {
            expect(chosen).toMatchObject({ problem: { code: 'ERR_ADDRESS_EXHAUSTED' } })
            return
          }
          expect(chosen).toEqual({ address: `10.0.3.${expected}/${length}` })
          held.set(expected, facts.reserve(network, `e${turn}x`, `10.0.3.${expected}/${length}` as Cidr))
          cursor = expected
        })
      }),
    )
  })

  it('that were chosen are those that can be asked for', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ max: 254, min: 2 }), { maxLength: 250 }), (places) => {
        const facts = new Facts()
        const network = facts.network('web', '10.0.3.0/24')
        for (const place of places) facts.reserve(network, `e${place}x`, `10.0.3.${place}/24` as Cidr)
        const chosen = chooseAddress(facts.allocations, network, network.subnets[0] ?? NONE)
        if ('address' in chosen)
          expect(checkAddress(facts.allocations, network, chosen.address, 4)).toMatchObject(chosen)
        else expect(places).toHaveLength(253)
      }),
    )
  })
})

const NONE: Subnet = { gateway: '' as Ip, subnet: '' as Cidr }

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
