/** Claims about steps: what they make, take away and refuse. */
import { describe, expect, it } from 'vitest'
import { keyOf, type Spec } from '../../events/index.ts'
import { ALL, type Bench, changes, ENDPOINT, equal, eventually, failureOf } from './bench.ts'
import {
  addr,
  addr6,
  bridge,
  bridgeName,
  cut,
  defaultRoute,
  ensure,
  firewall,
  firewallNetwork,
  gatewayAddr,
  netns,
  remove,
  veth,
} from './universe.ts'

/** Part of the kernel contract. */
export function stepClaims({ apply, look, machine, make }: Bench): void {
  describe('making', () => {
    it('makes what was asked for, in one call, and shows it as asked', async () => {
      const results = await make(...ALL)
      expect(changes(results)).toEqual(ALL.map(keyOf))
      expect(await look(...ALL)).toEqual(equal(ALL))
    })

    it('changes nothing the second time', async () => {
      await make(...ALL)
      expect(changes(await make(...ALL))).toEqual([])
    })

    it('says the index of a link and the cookie of a namespace, the same again and on looking', async () => {
      const specs = [netns(1), bridge(1), veth(ENDPOINT)]
      const first = await make(...specs)
      const again = await make(...specs)
      const seen = first.map((result) => (result.ok ? result.seen : undefined))
      expect(seen.map((each) => each?.key)).toEqual(specs.map(keyOf))
      expect(seen[0]?.netnsCookie).toMatch(/^[0-9]+$/)
      expect(seen[1]?.ifindex).toBeGreaterThan(1)
      expect(again.map((result) => (result.ok ? result.seen : undefined))).toEqual(seen)
      const { found } = await machine().kernel.observe(specs)
      expect(specs.map((spec) => found.get(keyOf(spec))?.seen)).toEqual(seen)
    })

    it('makes a veth of the MTU asked for, at both ends', async () => {
      const spec = veth({ ...ENDPOINT, mtu: 1400 })
      await make(netns(1), bridge(1, 1400), spec)
      expect(await look(bridge(1, 1400), spec)).toEqual(['equal', 'equal'])
    })

    it('makes IPv6 addresses where the family is on', async () => {
      const specs = [netns(1), bridge(1), veth({ ...ENDPOINT, ipv6: true }), addr6(ENDPOINT)]
      await make(...specs)
      expect(await look(...specs)).toEqual(equal(specs))
    })

    it('sets a sysctl and sees it', async () => {
      const spec: Spec = { kind: 'sysctl', name: 'net.ipv4.ip_forward', ns: 'host', value: '1' }
      expect(changes(await make(spec))).toEqual([keyOf(spec)])
      expect(changes(await make(spec))).toEqual([])
      expect(await look(spec)).toEqual(['equal'])
    })

    it('shows nothing where nothing is', async () => {
      expect(await look(...ALL)).toEqual(ALL.map(() => 'absent'))
    })
  })

  describe('taking away', () => {
    it('cuts a veth: its port forwards no more, and it is marked as being swept', async () => {
      await make(...ALL)
      expect(changes(await apply(cut(veth(ENDPOINT))))).toEqual([keyOf(veth(ENDPOINT))])
      expect(await look(veth(ENDPOINT))).toEqual([['down', 'swept']])
      expect(changes(await apply(cut(veth(ENDPOINT))))).toEqual([])
    })

    it('cuts a bridge', async () => {
      await make(bridge(1))
      expect(changes(await apply(cut(bridge(1))))).toEqual([keyOf(bridge(1))])
      expect(await look(bridge(1))).toEqual([['down', 'swept']])
      expect(changes(await apply(cut(bridge(1))))).toEqual([])
    })

    it('takes back into service what was cut', async () => {
      await make(...ALL)
      await apply(cut(veth(ENDPOINT)))
      expect(changes(await make(veth(ENDPOINT)))).toEqual([keyOf(veth(ENDPOINT))])
      expect(await look(veth(ENDPOINT))).toEqual(['equal'])
    })

    it('removes a cut veth, and what stood on it is gone too', async () => {
      await make(...ALL)
      await apply(cut(veth(ENDPOINT)))
      expect(changes(await apply(remove(veth(ENDPOINT))))).toEqual([keyOf(veth(ENDPOINT))])
      expect(await look(veth(ENDPOINT), addr(ENDPOINT), defaultRoute(ENDPOINT), bridge(1))).toEqual([
        'absent',
        'absent',
        'absent',
        'equal',
      ])
    })

    it('removes many veths in one call, and no others', async () => {
      const endpoints = [1, 2, 3].map((n) => ({ n, network: 1, sandbox: n }))
      await make(bridge(1), ...endpoints.flatMap((each) => [netns(each.sandbox), veth(each)]))
      const [one, two, three] = endpoints.map(veth)
      if (one === undefined || two === undefined || three === undefined) throw new Error('three were made')
      await apply(cut(one), cut(two))
      await apply(remove(one), remove(two))
      expect(await look(one, two, three)).toEqual(['absent', 'absent', 'equal'])
    })

    it('removes a bridge; its ports live on without one', async () => {
      await make(...ALL)
      await apply(remove(bridge(1)))
      expect(await look(bridge(1), gatewayAddr(1))).toEqual(['absent', 'absent'])
      expect((await look(veth(ENDPOINT)))[0]).toContain('bridge')
    })

    it('removes addresses, routes and firewall parts on what lives on', async () => {
      await make(...ALL)
      const parts = [defaultRoute(ENDPOINT), addr(ENDPOINT), firewallNetwork(1)]
      expect(changes(await apply(...parts.map(remove)))).toEqual(parts.map(keyOf))
      expect(await look(...parts, veth(ENDPOINT), firewall)).toEqual([
        'absent',
        'absent',
        'absent',
        'equal',
        'equal',
      ])
    })

    it('removes the firewall with all networks in it', async () => {
      await make(bridge(1), firewall, firewallNetwork(1))
      await apply(remove(firewall))
      expect(await look(firewall, firewallNetwork(1))).toEqual(['absent', 'absent'])
    })

    it('removes a namespace', async () => {
      await make(...ALL)
      expect(changes(await apply(remove(netns(1))))).toEqual([keyOf(netns(1))])
      expect(await look(netns(1), addr(ENDPOINT))).toEqual(['absent', 'absent'])
      await eventually(async () => expect(await look(veth(ENDPOINT))).toEqual(['absent']))
    })

    it('succeeds in cutting and removing what is absent, and changes nothing', async () => {
      const steps = [cut(veth(ENDPOINT)), cut(bridge(1)), ...[...ALL].reverse().map(remove)]
      const results = await apply(...steps)
      expect(results.filter((result) => !result.ok)).toEqual([])
      expect(changes(results)).toEqual([])
    })

    it('never puts a sysctl back', async () => {
      const spec: Spec = { kind: 'sysctl', name: 'net.ipv4.ip_forward', ns: 'host', value: '1' }
      await make(spec)
      await apply(remove(spec))
      expect(await look(spec)).toEqual(['equal'])
    })

    it('makes again what was removed', async () => {
      await make(...ALL)
      await apply(cut(veth(ENDPOINT)), remove(veth(ENDPOINT)), remove(firewallNetwork(1)))
      await make(...ALL)
      expect(await look(...ALL)).toEqual(equal(ALL))
    })
  })

  describe('refusals', () => {
    it('fails what needs a failed step with class need, and all that needs that', async () => {
      await machine().human.addForeignBridge(bridgeName(1))
      const results = await apply(...ALL.map(ensure))
      const classes = Object.fromEntries(results.map((result) => [result.key, failureOf(result)?.class]))
      expect(classes).toEqual({
        [keyOf(firewall)]: undefined,
        [keyOf(netns(1))]: undefined,
        [keyOf(bridge(1))]: 'conflict',
        [keyOf(gatewayAddr(1))]: 'need',
        [keyOf(firewallNetwork(1))]: undefined,
        [keyOf(veth(ENDPOINT))]: 'need',
        [keyOf(addr(ENDPOINT))]: 'need',
        [keyOf(defaultRoute(ENDPOINT))]: 'need',
      })
    })

    it('runs a remove whatever failed before it', async () => {
      await make(netns(1))
      await machine().human.addForeignBridge(bridgeName(1))
      const results = await apply(ensure(bridge(1)), ensure(veth(ENDPOINT)), remove(netns(1)))
      expect(results.map((result) => failureOf(result)?.class)).toEqual(['conflict', 'need', undefined])
      expect(await look(netns(1))).toEqual(['absent'])
    })

    it('says what is missing when the need is not in the call', async () => {
      const results = await apply(
        ensure(veth(ENDPOINT)),
        ensure(gatewayAddr(1)),
        ensure(firewallNetwork(1)),
        ensure(addr({ n: 2, network: 2, sandbox: 2 })),
      )
      expect(results.map((result) => failureOf(result)?.code)).toEqual([
        'ENODEV',
        'ENODEV',
        'ENOENT',
        'ENOENT',
      ])
    })

    it('refuses a name that a stranger has, and leaves the stranger alone', async () => {
      await machine().human.addForeignBridge(bridgeName(1))
      const [made] = await apply(ensure(bridge(1)))
      expect(failureOf(made)).toEqual({ class: 'conflict', code: 'EEXIST' })
      expect(await look(bridge(1))).toEqual(['foreign'])
      const results = await apply(cut(bridge(1)), remove(gatewayAddr(1)), remove(bridge(1)))
      expect(changes(results)).toEqual([])
      expect(await machine().human.linkExists('host', bridgeName(1))).toBe(true)
    })

    it('refuses an interface name that the sandbox has already, and makes no half of a veth', async () => {
      await make(netns(1), bridge(1), veth(ENDPOINT))
      const other = veth({ n: 2, network: 1, sandbox: 1 })
      const [result] = await apply(ensure(other))
      expect(failureOf(result)).toEqual({ class: 'conflict', code: 'EEXIST' })
      expect(await look(other, veth(ENDPOINT))).toEqual(['absent', 'equal'])
    })

    it('plugs nothing into a bridge that a stranger has, and puts no address on it', async () => {
      await make(netns(1))
      await machine().human.addForeignBridge(bridgeName(1))
      const results = await apply(ensure(veth(ENDPOINT)), ensure(gatewayAddr(1)))
      expect(results.map((result) => failureOf(result)?.class)).toEqual(['conflict', 'conflict'])
      expect(await look(veth(ENDPOINT), gatewayAddr(1))).toEqual(['absent', 'absent'])
    })

    it('refuses a gateway that the link does not reach', async () => {
      await make(netns(1), bridge(1), veth(ENDPOINT))
      const [result] = await apply(ensure(defaultRoute(ENDPOINT)))
      expect(failureOf(result)).toEqual({ class: 'retry', code: 'ENETUNREACH' })
    })
  })
}
