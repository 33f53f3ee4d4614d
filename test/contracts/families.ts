/** Claims about IPv6 beside IPv4: networks of either and of both, interfaces that speak it and such that are silent. */
import { describe, expect, it } from 'vitest'
import { keyOf, type Family, type Spec } from '../../events/index.ts'
import { type Bench, changes, ENDPOINT, equal, failureOf } from './bench.ts'
import {
  addr,
  addr6,
  attachedWith,
  bridge,
  bridgeName,
  cut,
  defaultRoute6,
  ensure,
  gatewayAddrs6,
  ifName,
  netns,
  remove,
  sandboxId,
  subnet6,
  veth,
} from './universe.ts'

const [GATEWAY6, LINK_LOCAL] = gatewayAddrs6(1)
const DUAL = attachedWith([4, 6], ENDPOINT)
const SPEAKING = { ...ENDPOINT, ipv6: true }

/** Part of the kernel contract. */
export function familyClaims({ apply, look, machine, make }: Bench): void {
  describe.each<[string, readonly Family[]]>([
    ['of IPv6', [6]],
    ['of both families', [4, 6]],
  ])('a network %s', (_, families) => {
    const all = attachedWith(families, ENDPOINT)

    it('is made in one call and shown as asked, and nothing is changed the second time', async () => {
      expect(changes(await make(...all))).toEqual(all.map(keyOf))
      expect(await look(...all)).toEqual(equal(all))
      expect(changes(await make(...all))).toEqual([])
    })

    it('is adopted after a restart without a write', async () => {
      await make(...all)
      await machine().reopen()
      expect(await look(...all)).toEqual(equal(all))
      expect(changes(await make(...all))).toEqual([])
    })

    it('is taken away, link by link, and can be made again', async () => {
      await make(...all)
      await apply(cut(veth(SPEAKING)), remove(veth(SPEAKING)))
      expect(await look(veth(SPEAKING), addr6(ENDPOINT), defaultRoute6(ENDPOINT))).toEqual([
        'absent',
        'absent',
        'absent',
      ])
      await make(...all)
      expect(await look(...all)).toEqual(equal(all))
    })
  })

  describe('IPv6 on a link', () => {
    it('is put back where somebody disabled it, with what went with it', async () => {
      await make(...DUAL)
      await machine().human.disableIpv6(sandboxId(1), ifName(1))
      expect(await look(veth(SPEAKING), addr(ENDPOINT), addr6(ENDPOINT), defaultRoute6(ENDPOINT))).toEqual([
        ['peer'],
        'equal',
        'absent',
        'absent',
      ])
      expect([...changes(await make(...DUAL))].sort()).toEqual(
        [veth(SPEAKING), addr6(ENDPOINT), defaultRoute6(ENDPOINT)].map(keyOf).sort(),
      )
      expect(await look(...DUAL)).toEqual(equal(DUAL))
    })

    it('has its routes to its subnet back where somebody deleted them', async () => {
      await make(...DUAL)
      await machine().human.deleteRoute('host', subnet6(1))
      await machine().human.deleteRoute(sandboxId(1), subnet6(1))
      expect(await look(GATEWAY6, addr6(ENDPOINT))).toEqual([['route'], ['route']])
      expect([...changes(await make(...DUAL))].sort()).toEqual([GATEWAY6, addr6(ENDPOINT)].map(keyOf).sort())
      expect(await look(...DUAL)).toEqual(equal(DUAL))
      // They are the kernel's own again, and go with the address.
      await apply(remove(GATEWAY6))
      await expect(machine().human.deleteRoute('host', subnet6(1))).rejects.toThrow()
    })

    it("is put back on a sandbox's loopback", async () => {
      await make(...DUAL)
      await machine().human.disableIpv6(sandboxId(1), 'lo')
      expect(await look(veth(SPEAKING))).toEqual([['peer']])
      expect(changes(await make(veth(SPEAKING)))).toEqual([keyOf(veth(SPEAKING))])
      expect(await look(...DUAL)).toEqual(equal(DUAL))
    })

    it('is put back on a bridge', async () => {
      await make(...DUAL)
      await machine().human.disableIpv6('host', bridgeName(1))
      expect(await look(bridge(1, 0, true), GATEWAY6, LINK_LOCAL)).toEqual([['ipv6'], 'absent', 'absent'])
      await make(...DUAL)
      expect(await look(...DUAL)).toEqual(equal(DUAL))
    })

    it('is put back as an address that somebody deleted', async () => {
      await make(...DUAL)
      await machine().human.deleteAddress(sandboxId(1), ifName(1), addr6(ENDPOINT).address)
      await machine().human.deleteAddress('host', bridgeName(1), LINK_LOCAL.address)
      expect(await look(addr6(ENDPOINT), LINK_LOCAL)).toEqual(['absent', 'absent'])
      await make(...DUAL)
      expect(await look(...DUAL)).toEqual(equal(DUAL))
    })

    it('comes and goes as asked', async () => {
      await make(netns(1), bridge(1), veth(ENDPOINT))
      for (const ipv6 of [true, false, true]) {
        const specs = [bridge(1, 0, ipv6), veth({ ...ENDPOINT, ipv6 })]
        expect(await look(...specs)).toEqual([['ipv6'], ['peer']])
        expect(changes(await make(...specs))).toEqual(specs.map(keyOf))
        expect(await look(...specs)).toEqual(['equal', 'equal'])
      }
    })

    it('is that of this interface alone', async () => {
      const silent = { n: 2, network: 2, sandbox: 1 }
      const specs: Spec[] = [netns(1), bridge(1, 0, true), bridge(2), veth(SPEAKING), veth(silent)]
      await make(...specs)
      expect(await look(...specs)).toEqual(equal(specs))
      const results = await apply(ensure(addr6(silent)), ensure(addr6(ENDPOINT)))
      expect(results.map((result) => failureOf(result)?.code)).toEqual(['EACCES', undefined])
    })

    it('has no gateway that the link does not reach', async () => {
      await make(netns(1), bridge(1, 0, true), veth(SPEAKING))
      const [result] = await apply(ensure(defaultRoute6(ENDPOINT)))
      expect(failureOf(result)).toEqual({ class: 'retry', code: 'EHOSTUNREACH' })
    })
  })
}
