/**
 * The hand that one engine has on a simulated machine: which namespace it takes as the host, where its sandboxes are
 * mounted, and which links bear its mark.
 */
import type { BridgeSpec, NsRef, Origin, SandboxId, VethSpec } from '../../../events/index.ts'
import type { Hash } from '../../ports.ts'
import { groupOf, isMacOf, sweptGroupOf } from '../../reconcile/marks.ts'
import { netnsPath, type KernelOptions } from '../kernel.ts'
import { linkNamed } from './links.ts'
import { type Link, type Namespace, Refusal, type KernelWorld } from './world.ts'

export type Hand = {
  /** Group of living links. */
  readonly group: number
  readonly hash: Hash
  readonly host: Namespace
  readonly origin: Origin
  readonly runDir: string
  readonly sweptGroup: number
  readonly world: KernelWorld
}

/** @throws Refusal ENOENT: nothing is mounted at `hostNetns`. */
export function handOf(world: KernelWorld, options: KernelOptions & { readonly hash: Hash }): Hand {
  const { hash, hostNetns, origin, runDir } = options
  const host = hostNetns === undefined ? world.host : world.mounts.get(hostNetns)
  if (host === undefined) throw new Refusal('ENOENT', `no namespace is mounted at ${String(hostNetns)}`)
  const group = groupOf(hash, origin)
  return { group, hash, host, origin, runDir, sweptGroup: sweptGroupOf(group), world }
}

/** Where a sandbox's namespace is mounted. */
export const pathOf = (hand: Hand, sandbox: SandboxId): string => netnsPath(hand.runDir, sandbox)

/** The namespace of that name, if there is one. */
export const namespaceOf = (hand: Hand, ns: NsRef): Namespace | undefined =>
  ns === 'host' ? hand.host : hand.world.mounts.get(pathOf(hand, ns))

/** The name under which this engine knows a namespace: undefined for strangers'. */
export function refOf(hand: Hand, ns: Namespace): NsRef | undefined {
  if (ns === hand.host) return 'host'
  const directory = pathOf(hand, '' as SandboxId)
  const path = [ns.path, ...ns.binds].find((each) => each?.startsWith(directory) === true)
  return path === undefined ? undefined : (path.slice(directory.length) as SandboxId)
}

/** What is mounted in this engine's directory. */
export const sandboxesOf = (hand: Hand): readonly (readonly [SandboxId, Namespace])[] =>
  [...hand.world.mounts]
    .filter(([path]) => path.startsWith(pathOf(hand, '' as SandboxId)))
    .map(([path, ns]) => [path.slice(path.lastIndexOf('/') + 1) as SandboxId, ns] as const)

/** Is it in our group, living or swept? */
const hasOurGroup = (hand: Hand, link: Link): boolean =>
  link.group === hand.group || link.group === hand.sweptGroup

/** Group, MAC, and the name or the one it was born with agree (`src/reconcile/marks.ts`). Of links on the host's side that no spec speaks of. */
export const isOurs = (hand: Hand, link: Link): boolean =>
  hasOurGroup(hand, link) && isMacOf(hand.hash, hand.origin, link)

/** Is it the link that a spec speaks of, whatever its name is now? */
export const isOf = (hand: Hand, link: Link, spec: BridgeSpec | VethSpec): boolean =>
  hasOurGroup(hand, link) && link.mac === spec.mac && link.kind === spec.kind

/** The link that a spec speaks of, also under a name that somebody gave it. Undefined: it is not there, or a stranger's is. */
export function ownLink(hand: Hand, spec: BridgeSpec | VethSpec): Link | undefined {
  const link = linkNamed(hand.host, spec.name)
  if (link !== undefined && isOf(hand, link, spec)) return link
  return [...hand.host.links.values()].find((each) => isOf(hand, each, spec))
}

/** May this engine put addresses and routes on the link? In its sandboxes on all of them, on the host on its own. */
export const mayUse = (hand: Hand, link: Link): boolean => link.ns !== hand.host || isOurs(hand, link)
