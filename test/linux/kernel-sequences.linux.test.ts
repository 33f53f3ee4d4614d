/**
 * The simulated kernel and the real one, asked the same things in the same order: every step must come to the same, and in
 * the end both must show the same. What the planner can emit is drawn: any step of a small universe, in any order, with the
 * links of a namespace removed before it; and, in between, what people do.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyOf, type Spec, type Step } from '../../events/index.ts'
import type { Kernel, Observation, StepResult } from '../../src/kernel/kernel.ts'
import type { Human, Machine } from '../contracts/kernel.ts'
import { simulatedMachine } from '../contracts/simulated.ts'
import {
  addr,
  addr6,
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
} from '../contracts/universe.ts'
import { LinuxMachine } from './machine.ts'

const RUNS = 40
/** How long the real one may take to show it: carriers come from a work queue. */
const SETTLE_MS_MAX = 1000

const NETWORKS = [1, 2]
const SANDBOXES = [1, 2, 3]
const ENDPOINTS: readonly Endpoint[] = [
  { n: 1, network: 1, sandbox: 1 },
  { mtu: 1400, n: 2, network: 1, sandbox: 2 },
  { ipv6: true, n: 3, network: 2, sandbox: 2 },
  { ipv6: true, n: 4, network: 2, sandbox: 3 },
]
const LINKS = [...ENDPOINTS.map(veth), ...NETWORKS.map((n) => bridge(n))]
const SPECS: readonly Spec[] = [
  firewall,
  ...SANDBOXES.map((n) => netns(n)),
  ...NETWORKS.flatMap((n) => [bridge(n), gatewayAddr(n), firewallNetwork(n)]),
  ...ENDPOINTS.flatMap((each) => [veth(each), addr(each), defaultRoute(each)]),
  ...ENDPOINTS.filter((each) => each.ipv6).map(addr6),
]
/** The rest is to be shown as stray. */
const ASKED = SPECS.filter((spec) => spec.kind !== 'route' && spec.kind !== 'firewall')
const EMPTYING = [...LINKS, ...SPECS].map(remove)

/** Everything that one endpoint needs, in order: without it, random steps would hardly ever make one. */
const attach = (each: Endpoint): readonly Step[] =>
  [
    netns(each.sandbox),
    bridge(each.network),
    gatewayAddr(each.network),
    veth(each),
    addr(each),
    defaultRoute(each),
  ].map(ensure)

const removeSandbox = (n: number): readonly Step[] => [
  ...ENDPOINTS.filter((each) => each.sandbox === n).map((each) => remove(veth(each))),
  remove(netns(n)),
]

/** What somebody else does; it may fail, for instance because there is no such link. */
type Deed = { readonly name: string; readonly run: (human: Human) => Promise<void> }
const deed = (name: string, run: Deed['run']): Deed => ({ name, run })
const DEEDS: readonly Deed[] = [
  ...NETWORKS.flatMap((n) => [
    deed(`down bridge ${n}`, (human) => human.downLink('host', bridgeName(n))),
    deed(`delete bridge ${n}`, (human) => human.deleteLink('host', bridgeName(n))),
    deed(`delete gateway ${n}`, (human) =>
      human.deleteAddress('host', bridgeName(n), gatewayAddr(n).address),
    ),
  ]),
  ...ENDPOINTS.flatMap((each) => {
    const [name, inside, ns] = [vethName(each.n), ifName(each.network), sandboxId(each.sandbox)] as const
    return [
      deed(`delete veth ${each.n}`, (human) => human.deleteLink('host', name)),
      deed(`down veth ${each.n}`, (human) => human.downLink('host', name)),
      deed(`down interface of ${each.n}`, (human) => human.downLink(ns, inside)),
      deed(`unplug veth ${each.n}`, (human) => human.unplug(name)),
      deed(`set mtu of ${each.n}`, (human) => human.setMtu(ns, inside, 1300)),
      deed(`delete address of ${each.n}`, (human) => human.deleteAddress(ns, inside, addr(each).address)),
      deed(`delete route of ${each.n}`, (human) => human.deleteRoute(ns, '0.0.0.0/0')),
    ]
  }),
  deed('delete table', (human) => human.deleteTable(TABLE)),
  deed('flush table', (human) => human.flushTable(TABLE)),
]
const removals = SPECS.filter((spec) => spec.kind !== 'netns')
const call: fc.Arbitrary<Deed | readonly Step[]> = fc.oneof(
  { arbitrary: fc.constantFrom(...DEEDS), weight: 3 },
  { arbitrary: fc.constantFrom(...ENDPOINTS).map(attach), weight: 3 },
  { arbitrary: fc.constantFrom(...SPECS).map((spec) => [ensure(spec)]), weight: 4 },
  { arbitrary: fc.subarray([...SPECS], { maxLength: 5 }).map((specs) => specs.map(ensure)), weight: 2 },
  { arbitrary: fc.constantFrom(...LINKS).map((spec) => [cut(spec)]), weight: 2 },
  { arbitrary: fc.constantFrom(...removals).map((spec) => [remove(spec)]), weight: 3 },
  { arbitrary: fc.constantFrom(...SANDBOXES).map(removeSandbox), weight: 1 },
)

const didIt = async ({ run }: Deed, human: Human): Promise<boolean> => {
  try {
    await run(human)
    return true
  } catch {
    return false
  }
}

const outcomeOf = (result: StepResult): string => {
  if (result.ok) return `${result.key}: ${result.changed ? 'changed' : 'unchanged'}`
  return `${result.key}: ${result.failure.class}`
}

const shown = ({ found, strays }: Observation): readonly string[] => [
  ...[...found]
    .map(([key, { ours, spec }]) => `${key}: ${ours ? (spec.differs ?? 'equal').toString() : 'foreign'}`)
    .sort(),
  ...strays.map((stray) => `stray ${stray.key}`).sort(),
]
const look = async (kernel: Kernel): Promise<readonly string[]> =>
  shown(await kernel.observe(ASKED, { strays: true }))

async function showsSame(real: Kernel, simulated: Kernel): Promise<void> {
  const deadline = performance.now() + SETTLE_MS_MAX
  const expected = await look(simulated)
  let actual = await look(real)
  while (performance.now() < deadline && actual.join() !== expected.join()) actual = await look(real)
  expect(actual).toEqual(expected)
}

describe('the simulated kernel', () => {
  let machine: Machine
  beforeAll(async () => {
    machine = await LinuxMachine.make()
  })
  afterAll(() => machine.tearDown())

  it(
    'answers as the real one does, and shows the same in the end',
    () =>
      fc.assert(
        fc.asyncProperty(fc.array(call, { maxLength: 14, minLength: 3 }), async (calls) => {
          const { human, kernel: simulated } = await simulatedMachine()
          const real = machine.kernel
          await real.apply(EMPTYING)
          await showsSame(real, simulated)
          for (const steps of calls) {
            if ('run' in steps) {
              const did = await didIt(steps, human)
              expect([steps.name, await didIt(steps, machine.human)]).toEqual([steps.name, did])
              continue
            }
            const expected = (await simulated.apply(steps)).map(outcomeOf)
            expect((await real.apply(steps)).map(outcomeOf)).toEqual(expected)
          }
          await showsSame(real, simulated)
        }),
        { numRuns: RUNS, seed: 20260101 },
      ),
    300_000,
  )
})

/** A guard for the universe itself: what is drawn must name each resource once. */
it('draws from specs with keys of their own', () => {
  const keys = SPECS.map(keyOf)
  // The default routes of two endpoints in one sandbox are one resource.
  expect(keys.length - new Set(keys).size).toBe(1)
})
