/**
 * The kernel port: specs in, results out. Two implementations, `linux/` and `simulated/`, obey one contract suite
 * (`test/contracts/kernel.ts`).
 *
 * Promised: steps are idempotent and keyed; `ensure` of what is there and equal writes nothing and says `changed: false`;
 * `cut` and `remove` of what is absent succeed; a step whose need failed in the same call fails with class `need`, and a
 * remove runs all the same; nothing without our mark is changed or removed. Not promised: that a call is atomic.
 */
import type {
  HostRoute,
  Ip,
  Origin,
  ResourceKey,
  SandboxId,
  Seen,
  Spec,
  Step,
  StepFailure,
} from '../../events/index.ts'

export type KernelOptions = {
  /** Path of the namespace to take as the host; absent: the process's own. */
  readonly hostNetns?: string
  /** Whose marks to set and to obey. */
  readonly origin: Origin
  /** `<run-dir>/<origin12>`: namespaces are mounted in `netns/` under it. */
  readonly runDir: string
}

/** Where a sandbox's namespace is mounted. @param runDir as in {@link KernelOptions} */
export const netnsPath = (runDir: string, sandbox: string): string => `${runDir}/netns/${sandbox}`

/** What one step came to. */
export type StepResult =
  | { readonly changed: boolean; readonly key: ResourceKey; readonly ok: true; readonly seen?: Seen }
  | { readonly failure: StepFailure; readonly key: ResourceKey; readonly ok: false }

/**
 * A spec as found: the asked one if all is as asked, else its fields as the kernel shows them and `differs`, which says
 * in alphabetical order what is not as asked. A name in it is a top-level field of the spec (`bridge`: not a port of it;
 * `mtu`, `peer`, `via`), or one of two that no field can show: `down` (the link, its peer or `lo` is not up, or its port
 * does not forward) and `swept` (the sweep bit is set). For a firewall they are words for people: `chain forward`, `map to`.
 */
export type FoundSpec = Spec & { readonly differs?: readonly string[] }

/** What stands under a key that was asked for. */
export type Found = {
  /** False: it does not bear our mark, so it is not ours to change. */
  readonly ours: boolean
  readonly seen?: Seen
  /** As it is, in the shape of a spec: equal canonical JSON means no drift. */
  readonly spec: FoundSpec
}

/** Something that bears our mark and was not asked for. */
export type Stray = {
  readonly key: ResourceKey
  /** A few words for people: `link cnv7be2a1c0d3f4 (index 12)`. */
  readonly label: string
  readonly spec: Spec
}

export type Observation = {
  /** By key of the specs asked for; a key not in it: nothing is there. */
  readonly found: ReadonlyMap<ResourceKey, Found>
  /** Complete only when asked with `strays`. */
  readonly strays: readonly Stray[]
}

/** Something may have changed: look. `overrun`: messages were lost, look at all. */
export type Hint = {
  /** The link that it is about, by the name that we gave it: nothing else in the namespace need be looked at. Absent: not known. */
  readonly link?: string
  readonly ns: string
  /** The link, address or table that the message named, if any: for explaining, not for trusting. */
  readonly subject?: string
  readonly what: 'addr' | 'link' | 'nft' | 'overrun' | 'route'
}

/** Where connections end: addresses, and the sandbox whose links have them. */
export type FlowEnd = { readonly addresses: readonly Ip[]; readonly sandbox: SandboxId }

export interface Kernel {
  /** Runs steps in order. Never rejects for what the kernel refuses: that is in the results, one per step. */
  apply(steps: readonly Step[]): Promise<readonly StepResult[]>
  close(): Promise<void>
  /** The cookie of the namespace at a path; undefined: there is none. */
  cookieAt(path: string): Promise<string | undefined>
  /**
   * How many established connections end at one of these addresses, each once: TCP, and what else goes through the host with answers.
   * Undefined: the kernel does not tell, or not to us.
   */
  flows(ends: readonly FlowEnd[]): Promise<number | undefined>
  /** Boot id, and the cookie of the namespace taken as the host (SO_NETNS_COOKIE, decimal text). */
  readonly identity: { readonly bootId: string; readonly cookie: string }
  /** Looks under the keys of `specs`; with `strays`, also for what bears our mark and is not among them. */
  observe(specs: readonly Spec[], options?: { readonly strays?: boolean }): Promise<Observation>
  /** Calls back on every change that is not from this process's own sockets, and on some that are. Returns the end of it. */
  onHint(listener: (hint: Hint) => void): () => void
  /** Where the host's unicast routes lead, and the subnets of its addresses, by links that are not ours; each once. */
  routes(): Promise<readonly HostRoute[]>
}

/** A kernel whose steps go another way: to be counted, timed, or stopped at one of them. */
export const withApply = (kernel: Kernel, apply: Kernel['apply']): Kernel => ({
  apply,
  close: () => kernel.close(),
  cookieAt: (path) => kernel.cookieAt(path),
  flows: (ends) => kernel.flows(ends),
  identity: kernel.identity,
  observe: (specs, how) => kernel.observe(specs, how),
  onHint: (listener) => kernel.onHint(listener),
  routes: () => kernel.routes(),
})
