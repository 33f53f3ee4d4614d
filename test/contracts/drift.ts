/** Claims about what others do: it is seen, told of and put right; what is ours is found again. */
import { describe, expect, it } from 'vitest'
import { keyOf, type Spec } from '../../events/index.ts'
import type { Hint } from '../../src/kernel/kernel.ts'
import { ALL, type Bench, changes, ENDPOINT, equal, eventually, type Sight } from './bench.ts'
import {
  addr,
  bridge,
  bridgeName,
  defaultRoute,
  ensure,
  firewall,
  firewallNetwork,
  gatewayAddr,
  ifName,
  netns,
  remove,
  sandboxId,
  subnet,
  TABLE,
  veth,
  vethName,
} from './universe.ts'

/** Part of the kernel contract. */
export function driftClaims({ apply, look, machine, make }: Bench): void {
  describe('healing', () => {
    /** Makes all, lets somebody do something, and expects what is seen, then that the same steps put it right. */
    const heals = async (damage: () => Promise<void>, expected: ReadonlyMap<Spec, Sight>): Promise<void> => {
      await make(...ALL)
      await damage()
      expect(await look(...expected.keys())).toEqual([...expected.values()])
      const changed = changes(await make(...ALL))
      for (const spec of expected.keys()) expect(changed).toContain(keyOf(spec))
      expect(await look(...ALL)).toEqual(equal(ALL))
    }

    it('puts back an MTU', async () => {
      const spec = bridge(1, 1450)
      await make(spec)
      await machine().human.setMtu('host', bridgeName(1), 1400)
      expect(await look(spec)).toEqual([['mtu']])
      expect(changes(await make(spec))).toEqual([keyOf(spec)])
      expect(await look(spec)).toEqual(['equal'])
    })

    it('takes up a downed bridge', () =>
      heals(() => machine().human.downLink('host', bridgeName(1)), new Map([[bridge(1), ['down']]])))

    it('takes up a downed host end', () =>
      heals(() => machine().human.downLink('host', vethName(1)), new Map([[veth(ENDPOINT), ['down']]])))

    it('takes up a downed interface in the sandbox, and puts back the route that went with it', () =>
      heals(
        () => machine().human.downLink(sandboxId(1), ifName(1)),
        new Map<Spec, Sight>([
          [veth(ENDPOINT), ['down']],
          [defaultRoute(ENDPOINT), 'absent'],
        ]),
      ))

    it('plugs a port in again', () =>
      heals(() => machine().human.unplug(vethName(1)), new Map([[veth(ENDPOINT), ['bridge']]])))

    it('makes a deleted veth again, with all that stood on it', () =>
      heals(
        () => machine().human.deleteLink('host', vethName(1)),
        new Map([veth(ENDPOINT), addr(ENDPOINT), defaultRoute(ENDPOINT)].map((spec) => [spec, 'absent'])),
      ))

    it('makes a bridge deleted under its ports again', () =>
      heals(
        () => machine().human.deleteLink('host', bridgeName(1)),
        new Map<Spec, Sight>([
          [bridge(1), 'absent'],
          [gatewayAddr(1), 'absent'],
          [veth(ENDPOINT), ['bridge']],
        ]),
      ))

    it('puts back an address', () =>
      heals(
        () => machine().human.deleteAddress('host', bridgeName(1), gatewayAddr(1).address),
        new Map([[gatewayAddr(1), 'absent']]),
      ))

    it('puts back a route', () =>
      heals(
        () => machine().human.deleteRoute(sandboxId(1), '0.0.0.0/0'),
        new Map([[defaultRoute(ENDPOINT), 'absent']]),
      ))

    it('puts back the route that came with an address of a bridge', () =>
      heals(() => machine().human.deleteRoute('host', subnet(1)), new Map([[gatewayAddr(1), ['route']]])))

    it('puts back the route that came with an address in a sandbox', () =>
      heals(
        () => machine().human.deleteRoute(sandboxId(1), subnet(1)),
        new Map([[addr(ENDPOINT), ['route']]]),
      ))

    it('leaves no route behind where an address goes whose route was put back', async () => {
      await make(...ALL)
      await machine().human.deleteRoute('host', subnet(1))
      await make(gatewayAddr(1))
      await apply(remove(gatewayAddr(1)))
      await expect(machine().human.deleteRoute('host', subnet(1))).rejects.toThrow()
    })

    it('gives a renamed interface its name back', async () => {
      await make(...ALL)
      await machine().human.downLink(sandboxId(1), ifName(1))
      await machine().human.renameLink(sandboxId(1), ifName(1), 'other0')
      expect(await look(veth(ENDPOINT), addr(ENDPOINT))).toEqual([['down', 'peer'], 'absent'])
      expect(changes(await make(...ALL))).toContain(keyOf(veth(ENDPOINT)))
      expect(await look(...ALL)).toEqual(equal(ALL))
    })

    it('gives a renamed host end its name back', async () => {
      await make(...ALL)
      await machine().human.downLink('host', vethName(1))
      await machine().human.renameLink('host', vethName(1), 'other0')
      expect(await look(veth(ENDPOINT))).toEqual(['absent'])
      const [result] = await make(veth(ENDPOINT))
      expect(result).toMatchObject({ changed: true, ok: true })
      expect(await look(...ALL)).toEqual(equal(ALL))
      expect(await machine().human.linkExists('host', 'other0')).toBe(false)
    })

    it.each([
      ['host end', veth(ENDPOINT), vethName(1)],
      ['bridge', bridge(1), bridgeName(1)],
    ])('cuts and removes a renamed %s', async (_what, spec, name) => {
      await make(...ALL)
      await machine().human.downLink('host', name)
      await machine().human.renameLink('host', name, 'other0')
      const results = await apply({ ...remove(spec), op: 'cut' }, remove(spec))
      expect(results.filter((result) => !result.ok)).toEqual([])
      await eventually(async () => expect(await machine().human.linkExists('host', 'other0')).toBe(false))
    })

    it('puts back a deleted table', () =>
      heals(
        () => machine().human.deleteTable(TABLE),
        new Map<Spec, string>([
          [firewall, 'absent'],
          [firewallNetwork(1), 'absent'],
        ]),
      ))

    it('puts back rules that were flushed', () =>
      heals(() => machine().human.flushTable(TABLE), new Map([[firewall, 'differs']])))

    it('puts back elements that were flushed', () =>
      heals(() => machine().human.flushMaps(TABLE), new Map([[firewallNetwork(1), 'differs']])))

    it('makes a network internal, and open again', async () => {
      await make(bridge(1), firewall, firewallNetwork(1))
      expect(await look(firewallNetwork(1, true))).toEqual(['differs'])
      expect(changes(await make(firewallNetwork(1, true)))).toHaveLength(1)
      expect(await look(firewallNetwork(1, true))).toEqual(['equal'])
      expect(changes(await make(firewallNetwork(1)))).toHaveLength(1)
    })
  })

  describe('strays and adoption', () => {
    it('shows what bears our mark and was not asked for, and no stranger', async () => {
      await make(...ALL)
      await machine().human.addForeignBridge('stranger0')
      const keys = async (...asked: readonly Spec[]): Promise<readonly string[]> => {
        const { strays } = await machine().kernel.observe(asked, { strays: true })
        return strays.map((stray) => stray.key).sort()
      }
      // Addresses bear no mark, and a stray table stands for all that is in it.
      const known = ALL.filter((spec) => spec.kind !== 'addr' && spec.kind !== 'firewall-network')
      expect(await keys()).toEqual(known.map(keyOf).sort())
      expect(await keys(bridge(1), netns(1), firewall)).toEqual(
        [veth(ENDPOINT), defaultRoute(ENDPOINT), firewallNetwork(1)].map(keyOf).sort(),
      )
      expect(await keys(...ALL)).toEqual([])
    })

    it('shows what was renamed before it looked as a stray, unless it was asked for', async () => {
      await make(...ALL)
      await machine().human.downLink('host', bridgeName(1))
      await machine().human.renameLink('host', bridgeName(1), 'other0')
      const kernel = await machine().reopen()
      const links = async (...asked: readonly Spec[]): Promise<readonly string[]> => {
        const { strays } = await kernel.observe(asked, { strays: true })
        return strays.filter(({ spec }) => spec.kind === 'bridge').map(({ key }) => key)
      }
      expect(await links(...ALL)).toEqual([])
      expect(await links()).toEqual(['link/host/other0'])
      const { strays } = await kernel.observe([], { strays: true })
      const stray = strays.find(({ key }) => key === 'link/host/other0')
      if (stray === undefined) expect.fail('the renamed bridge is no stray')
      await kernel.apply([remove(stray.spec)])
      await eventually(async () => expect(await machine().human.linkExists('host', 'other0')).toBe(false))
    })

    it('gives strays as specs that a remove step takes', async () => {
      await make(...ALL)
      const { strays } = await machine().kernel.observe([], { strays: true })
      const results = await apply(...strays.map(({ spec }) => remove(spec)))
      expect(results.filter((result) => !result.ok)).toEqual([])
      await eventually(async () => {
        const left = await machine().kernel.observe([], { strays: true })
        expect(left.strays).toEqual([])
      })
    })

    it('adopts all after it was opened anew, and changes nothing', async () => {
      const before = await make(...ALL)
      const kernel = await machine().reopen()
      const after = await kernel.apply(ALL.map(ensure))
      expect(changes(after)).toEqual([])
      expect(after.map((result) => (result.ok ? result.seen : result))).toEqual(
        before.map((result) => (result.ok ? result.seen : result)),
      )
    })

    it('has the same identity after it was opened anew', async () => {
      const { identity } = machine().kernel
      expect((await machine().reopen()).identity).toEqual(identity)
      expect(identity.cookie).toMatch(/^[0-9]+$/)
    })
  })

  describe('hints', () => {
    it('tells of what somebody else did, until it is told to stop', async () => {
      await make(...ALL)
      const hints: Hint[] = []
      const end = machine().kernel.onHint((hint) => hints.push(hint))
      await machine().human.deleteLink('host', vethName(1))
      await eventually(async () =>
        expect(hints).toContainEqual(
          expect.objectContaining({ ns: 'host', subject: vethName(1), what: 'link' }),
        ),
      )
      await machine().human.deleteTable(TABLE)
      await eventually(async () => expect(hints.map((hint) => hint.what)).toContain('nft'))
      end()
      const before = hints.length
      await machine().human.addForeignBridge('stranger0')
      await machine().kernel.observe([], { strays: true })
      expect(hints.length).toBe(before)
    })

    it('tells of what somebody did inside a sandbox', async () => {
      await make(...ALL)
      const hints: Hint[] = []
      machine().kernel.onHint((hint) => hints.push(hint))
      await machine().human.deleteAddress(sandboxId(1), ifName(1), addr(ENDPOINT).address)
      await eventually(async () =>
        expect(hints).toContainEqual(expect.objectContaining({ ns: sandboxId(1), what: 'addr' })),
      )
    })
  })
}
