/**
 * What every kernel port must do: one suite for the real and the simulated one. A claim that only one of them could keep
 * is no claim of the port.
 *
 * Each test has a machine of its own, with a namespace for the host. `Human` is what somebody else does to it: by `ip`
 * and `nft` on the real one.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keyOf, type NsRef, type Spec, type Step } from '../../events/index.ts'
import type { Hint, Kernel, StepResult } from '../../src/kernel/kernel.ts'
import {
  addr,
  addr6,
  attached,
  bridge,
  bridgeName,
  cut,
  defaultRoute,
  type Endpoint,
  ensure,
  firewall,
  firewallNetwork,
  gatewayAddr,
  ifName,
  netns,
  remove,
  sandboxId,
  TABLE,
  veth,
  vethName,
} from './universe.ts'

/** Somebody else on the machine. Every function is one command, done when its promise settles. */
export interface Human {
  addForeignBridge(name: string): Promise<void>
  deleteAddress(ns: NsRef, link: string, cidr: string): Promise<void>
  deleteLink(ns: NsRef, link: string): Promise<void>
  deleteRoute(ns: NsRef, dst: string): Promise<void>
  deleteTable(table: string): Promise<void>
  downLink(ns: NsRef, link: string): Promise<void>
  /** Takes all elements out of our verdict maps. */
  flushMaps(table: string): Promise<void>
  flushTable(table: string): Promise<void>
  linkExists(ns: NsRef, link: string): Promise<boolean>
  renameLink(ns: NsRef, link: string, to: string): Promise<void>
  setMtu(ns: NsRef, link: string, mtu: number): Promise<void>
  unplug(link: string): Promise<void>
}

/** One machine, with one engine's kernel port on it, of origin `ORIGIN`. */
export interface Machine {
  readonly human: Human
  readonly kernel: Kernel
  /** Closes the port and opens it again, as an engine that starts anew does. */
  reopen(): Promise<Kernel>
  tearDown(): Promise<void>
}

const ENDPOINT: Endpoint = { n: 1, network: 1, sandbox: 1 }
const ALL = attached(ENDPOINT)
/** How long a notification may take. */
const HINT_MS_MAX = 2000

/** The suite. `makeMachine` gives a fresh one each time. */
export function kernelContract(name: string, makeMachine: () => Promise<Machine>): void {
  describe(`${name} kernel`, () => {
    let machine: Machine
    beforeEach(async () => {
      machine = await makeMachine()
    })
    afterEach(() => machine.tearDown())

    const apply = (...steps: readonly Step[]): Promise<readonly StepResult[]> => machine.kernel.apply(steps)
    const make = async (...specs: readonly Spec[]): Promise<readonly StepResult[]> => {
      const results = await apply(...specs.map(ensure))
      expect(results.filter((result) => !result.ok)).toEqual([])
      return results
    }
    const changes = (results: readonly StepResult[]): readonly string[] =>
      results.flatMap((result) => (result.ok && !result.changed ? [] : [result.key]))
    /** What each spec shows: `absent`, `equal`, or what differs. */
    const look = async (...specs: readonly Spec[]): Promise<readonly (readonly string[] | string)[]> => {
      const { found } = await machine.kernel.observe(specs)
      return specs.map((spec) => {
        const there = found.get(keyOf(spec))
        if (there === undefined) return 'absent'
        if (!there.ours) return 'foreign'
        if (JSON.stringify(there.spec) === JSON.stringify(spec)) return 'equal'
        const differs = there.spec.differs ?? []
        // A port says in its own words what is wrong with a firewall.
        return spec.kind.startsWith('firewall') && differs.length > 0 ? 'differs' : differs
      })
    }
    const failureOf = (result: StepResult | undefined): { class: string; code: string } | undefined =>
      result?.ok === false ? { class: result.failure.class, code: result.failure.code } : undefined
    const equal = (specs: readonly Spec[]): string[] => specs.map(() => 'equal')

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
        const { found } = await machine.kernel.observe(specs)
        expect(specs.map((spec) => found.get(keyOf(spec))?.seen)).toEqual(seen)
      })

      it('makes a veth of the MTU asked for, at both ends', async () => {
        const spec = veth({ ...ENDPOINT, mtu: 1400 })
        await make(netns(1), bridge(1, 1400), spec)
        expect(await look(bridge(1, 1400), spec)).toEqual(['equal', 'equal'])
      })

      it('makes IPv6 addresses where the family is on', async () => {
        const specs = [netns(1, true), bridge(1), veth(ENDPOINT), addr6(ENDPOINT)]
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
        await machine.human.addForeignBridge(bridgeName(1))
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
        await machine.human.addForeignBridge(bridgeName(1))
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
        await machine.human.addForeignBridge(bridgeName(1))
        const [made] = await apply(ensure(bridge(1)))
        expect(failureOf(made)).toEqual({ class: 'conflict', code: 'EEXIST' })
        expect(await look(bridge(1))).toEqual(['foreign'])
        const results = await apply(cut(bridge(1)), remove(gatewayAddr(1)), remove(bridge(1)))
        expect(changes(results)).toEqual([])
        expect(await machine.human.linkExists('host', bridgeName(1))).toBe(true)
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
        await machine.human.addForeignBridge(bridgeName(1))
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

    describe('healing', () => {
      /** Makes all, lets somebody do something, and expects what is seen, then that the same steps put it right. */
      const heals = async (
        damage: () => Promise<void>,
        expected: ReadonlyMap<Spec, readonly string[] | string>,
      ): Promise<void> => {
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
        await machine.human.setMtu('host', bridgeName(1), 1400)
        expect(await look(spec)).toEqual([['mtu']])
        expect(changes(await make(spec))).toEqual([keyOf(spec)])
        expect(await look(spec)).toEqual(['equal'])
      })

      it('takes up a downed bridge', () =>
        heals(() => machine.human.downLink('host', bridgeName(1)), new Map([[bridge(1), ['down']]])))

      it('takes up a downed host end', () =>
        heals(() => machine.human.downLink('host', vethName(1)), new Map([[veth(ENDPOINT), ['down']]])))

      it('takes up a downed interface in the sandbox, and puts back the route that went with it', () =>
        heals(
          () => machine.human.downLink(sandboxId(1), ifName(1)),
          new Map<Spec, readonly string[] | string>([
            [veth(ENDPOINT), ['down']],
            [defaultRoute(ENDPOINT), 'absent'],
          ]),
        ))

      it('plugs a port in again', () =>
        heals(() => machine.human.unplug(vethName(1)), new Map([[veth(ENDPOINT), ['bridge']]])))

      it('makes a deleted veth again, with all that stood on it', () =>
        heals(
          () => machine.human.deleteLink('host', vethName(1)),
          new Map([veth(ENDPOINT), addr(ENDPOINT), defaultRoute(ENDPOINT)].map((spec) => [spec, 'absent'])),
        ))

      it('makes a bridge deleted under its ports again', () =>
        heals(
          () => machine.human.deleteLink('host', bridgeName(1)),
          new Map<Spec, readonly string[] | string>([
            [bridge(1), 'absent'],
            [gatewayAddr(1), 'absent'],
            [veth(ENDPOINT), ['bridge']],
          ]),
        ))

      it('puts back an address', () =>
        heals(
          () => machine.human.deleteAddress('host', bridgeName(1), gatewayAddr(1).address),
          new Map([[gatewayAddr(1), 'absent']]),
        ))

      it('puts back a route', () =>
        heals(
          () => machine.human.deleteRoute(sandboxId(1), '0.0.0.0/0'),
          new Map([[defaultRoute(ENDPOINT), 'absent']]),
        ))

      it('gives a renamed interface its name back', async () => {
        await make(...ALL)
        await machine.human.downLink(sandboxId(1), ifName(1))
        await machine.human.renameLink(sandboxId(1), ifName(1), 'other0')
        expect(await look(veth(ENDPOINT), addr(ENDPOINT))).toEqual([['down', 'peer'], 'absent'])
        expect(changes(await make(...ALL))).toContain(keyOf(veth(ENDPOINT)))
        expect(await look(...ALL)).toEqual(equal(ALL))
      })

      it('gives a renamed host end its name back', async () => {
        await make(...ALL)
        await machine.human.downLink('host', vethName(1))
        await machine.human.renameLink('host', vethName(1), 'other0')
        expect(await look(veth(ENDPOINT))).toEqual(['absent'])
        const [result] = await make(veth(ENDPOINT))
        expect(result).toMatchObject({ changed: true, ok: true })
        expect(await look(...ALL)).toEqual(equal(ALL))
        expect(await machine.human.linkExists('host', 'other0')).toBe(false)
      })

      it('puts back a deleted table', () =>
        heals(
          () => machine.human.deleteTable(TABLE),
          new Map<Spec, string>([
            [firewall, 'absent'],
            [firewallNetwork(1), 'absent'],
          ]),
        ))

      it('puts back rules that were flushed', () =>
        heals(() => machine.human.flushTable(TABLE), new Map([[firewall, 'differs']])))

      it('puts back elements that were flushed', () =>
        heals(() => machine.human.flushMaps(TABLE), new Map([[firewallNetwork(1), 'differs']])))

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
        await machine.human.addForeignBridge('stranger0')
        const keys = async (...asked: readonly Spec[]): Promise<readonly string[]> => {
          const { strays } = await machine.kernel.observe(asked, { strays: true })
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

      it('gives strays as specs that a remove step takes', async () => {
        await make(...ALL)
        const { strays } = await machine.kernel.observe([], { strays: true })
        const results = await apply(...strays.map(({ spec }) => remove(spec)))
        expect(results.filter((result) => !result.ok)).toEqual([])
        await eventually(async () => {
          const left = await machine.kernel.observe([], { strays: true })
          expect(left.strays).toEqual([])
        })
      })

      it('adopts all after it was opened anew, and changes nothing', async () => {
        const before = await make(...ALL)
        const kernel = await machine.reopen()
        const after = await kernel.apply(ALL.map(ensure))
        expect(changes(after)).toEqual([])
        expect(after.map((result) => (result.ok ? result.seen : result))).toEqual(
          before.map((result) => (result.ok ? result.seen : result)),
        )
      })

      it('has the same identity after it was opened anew', async () => {
        const { identity } = machine.kernel
        expect((await machine.reopen()).identity).toEqual(identity)
        expect(identity.cookie).toMatch(/^[0-9]+$/)
      })
    })

    describe('hints', () => {
      it('tells of what somebody else did, until it is told to stop', async () => {
        await make(...ALL)
        const hints: Hint[] = []
        const end = machine.kernel.onHint((hint) => hints.push(hint))
        await machine.human.deleteLink('host', vethName(1))
        await eventually(async () =>
          expect(hints).toContainEqual({ ns: 'host', subject: vethName(1), what: 'link' }),
        )
        await machine.human.deleteTable(TABLE)
        await eventually(async () => expect(hints.map((hint) => hint.what)).toContain('nft'))
        end()
        const before = hints.length
        await machine.human.addForeignBridge('stranger0')
        await machine.kernel.observe([], { strays: true })
        expect(hints.length).toBe(before)
      })

      it('tells of what somebody did inside a sandbox', async () => {
        await make(...ALL)
        const hints: Hint[] = []
        machine.kernel.onHint((hint) => hints.push(hint))
        await machine.human.deleteAddress(sandboxId(1), ifName(1), addr(ENDPOINT).address)
        await eventually(async () =>
          expect(hints).toContainEqual(expect.objectContaining({ ns: sandboxId(1), what: 'addr' })),
        )
      })
    })
  })
}

/** Tries until it holds or the time is up. */
async function eventually(claim: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + HINT_MS_MAX
  for (;;) {
    try {
      await claim()
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}
