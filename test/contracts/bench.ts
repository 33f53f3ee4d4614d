/**
 * What the contract suite works with: a machine, people on it, and a few words for what is asked and seen.
 */
import { expect } from 'vitest'
import { keyOf, type NsRef, type Spec, type Step } from '../../events/index.ts'
import type { Kernel, StepResult } from '../../src/kernel/kernel.ts'
import { attached, type Endpoint, ensure } from './universe.ts'

/** Somebody else on the machine. Every function is one command, done when its promise settles. */
export interface Human {
  addAddress(ns: NsRef, link: string, cidr: string): Promise<void>
  addForeignBridge(name: string): Promise<void>
  addRoute(ns: NsRef, dst: string, link: string): Promise<void>
  /** A TCP connection from a namespace to an address of another, established; the function ends it. */
  converse(from: NsRef, to: NsRef, ip: string): Promise<() => Promise<void>>
  deleteAddress(ns: NsRef, link: string, cidr: string): Promise<void>
  deleteLink(ns: NsRef, link: string): Promise<void>
  deleteRoute(ns: NsRef, dst: string): Promise<void>
  deleteTable(table: string): Promise<void>
  disableIpv6(ns: NsRef, link: string): Promise<void>
  downLink(ns: NsRef, link: string): Promise<void>
  /** Takes away a namespace of his own. */
  endNamespace(path: string): Promise<void>
  /** Takes all elements out of our verdict maps. */
  flushMaps(table: string): Promise<void>
  flushTable(table: string): Promise<void>
  linkExists(ns: NsRef, link: string): Promise<boolean>
  /** Names of the links in a namespace of his own, in alphabetical order, and whether its loopback is up. */
  linksAt(path: string): Promise<{ readonly names: readonly string[]; readonly up: boolean }>
  /** A namespace of his own; its path. */
  makeNamespace(): Promise<string>
  renameLink(ns: NsRef, link: string, to: string): Promise<void>
  setMtu(ns: NsRef, link: string, mtu: number): Promise<void>
  unplug(link: string): Promise<void>
  upLink(ns: NsRef, link: string): Promise<void>
}

/** One machine, with one engine's kernel port on it, of origin `ORIGIN`. */
export interface Machine {
  readonly human: Human
  readonly kernel: Kernel
  /** Closes the port and opens it again, as an engine that starts anew does. */
  reopen(): Promise<Kernel>
  tearDown(): Promise<void>
}

/** The endpoint that most claims are about, and all that it stands on. */
export const ENDPOINT: Endpoint = { n: 1, network: 1, sandbox: 1 }
export const ALL = attached(ENDPOINT)

/** What a spec shows: `absent`, `equal`, `foreign`, or the names of what differs. */
export type Sight = readonly string[] | string

export type Bench = ReturnType<typeof benchOn>

/** Words for claims about the machine that a test has at that moment. */
export function benchOn(machine: () => Machine) {
  const apply = (...steps: readonly Step[]): Promise<readonly StepResult[]> => machine().kernel.apply(steps)
  return {
    apply,
    /** Looks at each spec. */
    look: async (...specs: readonly Spec[]): Promise<readonly Sight[]> => {
      const { found } = await machine().kernel.observe(specs)
      return specs.map((spec) => {
        const there = found.get(keyOf(spec))
        if (there === undefined) return 'absent'
        if (!there.ours) return 'foreign'
        if (JSON.stringify(there.spec) === JSON.stringify(spec)) return 'equal'
        const differs = there.spec.differs ?? []
        // A port says in its own words what is wrong with a firewall.
        return spec.kind.startsWith('firewall') && differs.length > 0 ? 'differs' : differs
      })
    },
    machine,
    /** Ensures specs, and expects that nothing fails. */
    make: async (...specs: readonly Spec[]): Promise<readonly StepResult[]> => {
      const results = await apply(...specs.map(ensure))
      expect(results.filter((result) => !result.ok)).toEqual([])
      return results
    },
  }
}

/** Keys of what was changed or failed. */
export const changes = (results: readonly StepResult[]): readonly string[] =>
  results.flatMap((result) => (result.ok && !result.changed ? [] : [result.key]))

export const failureOf = (result: StepResult | undefined): { class: string; code: string } | undefined =>
  result?.ok === false ? { class: result.failure.class, code: result.failure.code } : undefined

export const equal = (specs: readonly Spec[]): string[] => specs.map(() => 'equal')

/** How long a notification, or the end of a namespace, may take. */
const HINT_MS_MAX = 2000

/** Tries until it holds or the time is up. */
export async function eventually(claim: () => Promise<void>): Promise<void> {
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
