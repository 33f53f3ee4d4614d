/**
 * Runs steps in order. What adds is a synchronous message on this thread; births of namespaces and deletions go to the
 * worker. Steps of the firewall that stand together go to it together, and so do deletions of links.
 */
import {
  type AddrSpec,
  assertNever,
  type BridgeSpec,
  type FirewallNetworkSpec,
  type FirewallSpec,
  keyOf,
  needsOf,
  providesOf,
  type ResourceKey,
  type RouteSpec,
  type Seen,
  type Spec,
  type Step,
  type StepFailure,
  type SysctlSpec,
  type VethSpec,
} from '../../../events/index.ts'
import type { StepResult } from '../kernel.ts'
import { type Context, type Done, namespaceOf, UNCHANGED } from './context.ts'
import { addAll, ensureAddress, ensureRoute, removeAddress, removeRoute } from './ensure-inet.ts'
import { ensureBridge, ensureVeth } from './ensure-links.ts'
import type { Firewall } from './firewall.ts'
import { failureOf, Refusal } from './refusal.ts'
import { cut, removeLinks } from './remove-links.ts'

type Failures = Map<ResourceKey, StepFailure>

/** One result per step, in order. */
export async function apply(
  context: Context,
  firewall: Firewall,
  steps: readonly Step[],
): Promise<readonly StepResult[]> {
  const failed: Failures = new Map()
  const results: StepResult[] = []
  for (const run of runsOf(steps)) {
    const done = await applyRun(context, firewall, run, failed)
    for (const [index, result] of done.entries()) {
      const step = run[index]
      if (!result.ok && step?.op === 'ensure')
        for (const key of providesOf(step.spec)) failed.set(key, result.failure)
    }
    results.push(...done)
  }
  return results
}

type RunKind = 'firewall' | 'inet' | 'link removal' | 'one'

function kindOf({ op, spec }: Step): RunKind {
  if (isFirewall(spec)) return 'firewall'
  if (op === 'ensure' && isInet(spec)) return 'inet'
  return op === 'remove' && isLink(spec) ? 'link removal' : 'one'
}

/** Neighbours that are done together. */
function runsOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const runs: Step[][] = []
  let last: RunKind = 'one'
  for (const step of steps) {
    const kind = kindOf(step)
    if (kind === last && kind !== 'one') runs.at(-1)?.push(step)
    else runs.push([step])
    last = kind
  }
  return runs
}

async function applyRun(
  context: Context,
  firewall: Firewall,
  run: readonly Step[],
  failed: Failures,
): Promise<readonly StepResult[]> {
  const [step] = run
  if (step === undefined) return []
  const kind = kindOf(step)
  if (kind === 'firewall') return applyFirewall(firewall, run, failed)
  if (kind === 'link removal') return applyRemovals(context, run)
  if (kind === 'inet') return applyInet(context, run, failed)
  return [await applyAlone(context, step, failed)]
}

async function applyAlone(context: Context, step: Step, failed: Failures): Promise<StepResult> {
  const lacks = needOf(step, failed)
  if (lacks !== undefined) return lacks
  try {
    return resultOf(step.key, await applyOne(context, step))
  } catch (error) {
    return { failure: failureOf(step.key, error), key: step.key, ok: false }
  }
}

/** Addresses and routes: all in one send if they are new, as nearly always; whatever is not is looked at alone. */
async function applyInet(
  context: Context,
  run: readonly Step[],
  failed: Failures,
): Promise<readonly StepResult[]> {
  const specs = failed.size === 0 ? run.map(({ spec }) => spec).filter(isInet) : []
  // What cannot be sent together fails in its own words when it is tried alone.
  const added = await addAll(context, specs).catch(() => [])
  const results: StepResult[] = []
  for (const [index, step] of run.entries())
    results.push(
      added[index] === true
        ? { changed: true, key: step.key, ok: true }
        : await applyAlone(context, step, failed),
    )
  return results
}

/** The failure of a step whose need failed before it in the same call. */
function needOf({ key, op, spec }: Step, failed: Failures): StepResult | undefined {
  if (op !== 'ensure' || failed.size === 0) return undefined
  const cause = needsOf(spec)
    .map((need) => failed.get(need))
    .find((failure) => failure !== undefined)
  if (cause === undefined) return undefined
  const message = `${key} needs ${cause.key}, which failed: ${cause.message}`
  return { failure: { class: 'need', code: cause.code, key, message }, key, ok: false }
}

/** Steps whose table failed in an earlier run fail here; needs among these steps are the firewall's to obey. */
async function applyFirewall(
  firewall: Firewall,
  run: readonly Step[],
  failed: Failures,
): Promise<readonly StepResult[]> {
  const lacking = run.map((step) => needOf(step, failed))
  const able = run.filter((_, index) => lacking[index] === undefined)
  const done = [...(await firewall.apply(able))]
  return lacking.map((lack) => lack ?? done.shift()).filter((result) => result !== undefined)
}

async function applyRemovals(context: Context, run: readonly Step[]): Promise<readonly StepResult[]> {
  const specs = run.map(({ spec }) => spec).filter(isLink)
  try {
    const all = await removeLinks(context, specs)
    return run.map(({ key }, index) => {
      const done = all[index] ?? UNCHANGED
      return done instanceof Refusal ? { failure: failureOf(key, done), key, ok: false } : resultOf(key, done)
    })
  } catch (error) {
    return run.map(({ key }) => ({ failure: failureOf(key, error), key, ok: false }))
  }
}

function resultOf(key: ResourceKey, { changed, ifindex, netnsCookie }: Done): StepResult {
  if (ifindex === undefined && netnsCookie === undefined) return { changed, key, ok: true }
  return { changed, key, ok: true, seen: seenOf(key, { ifindex, netnsCookie }) }
}

/** What facts tell of a resource; without what is not known. */
export const seenOf = (
  key: ResourceKey,
  {
    ifindex,
    netnsCookie,
  }: { readonly ifindex?: number | undefined; readonly netnsCookie?: string | undefined },
): Seen => ({
  ...(ifindex === undefined ? {} : { ifindex }),
  key,
  ...(netnsCookie === undefined ? {} : { netnsCookie }),
})

const isLink = (spec: Spec): spec is BridgeSpec | VethSpec => spec.kind === 'bridge' || spec.kind === 'veth'

const isInet = (spec: Spec): spec is AddrSpec | RouteSpec => spec.kind === 'addr' || spec.kind === 'route'

/** Whether a spec is the firewall's. */
export const isFirewall = (spec: Spec): spec is FirewallNetworkSpec | FirewallSpec =>
  spec.kind === 'firewall' || spec.kind === 'firewall-network'

function applyOne(context: Context, { op, spec }: Step): Done | Promise<Done> {
  if (op === 'ensure') return ensure(context, spec)
  if (op === 'remove') return remove(context, spec)
  if (isLink(spec)) return cut(context, spec)
  throw new Refusal('EOPNOTSUPP', `only links are cut, not ${keyOf(spec)}`)
}

function ensure(context: Context, spec: Spec): Done | Promise<Done> {
  switch (spec.kind) {
    case 'netns':
      return ensureNetns(context, spec)
    case 'bridge':
      return ensureBridge(context, spec)
    case 'veth':
      return ensureVeth(context, spec)
    case 'addr':
      return ensureAddress(context, spec)
    case 'route':
      return ensureRoute(context, spec)
    case 'sysctl':
      return ensureSysctl(context, spec)
    case 'firewall':
    case 'firewall-network':
      throw new Error('chronet defect: steps of the firewall are its own')
    default:
      return assertNever(spec)
  }
}

function remove(context: Context, spec: Spec): Done | Promise<Done> {
  if (spec.kind === 'netns') return removeNetns(context, spec.sandbox)
  if (spec.kind === 'addr') return removeAddress(context, spec)
  if (spec.kind === 'route') return removeRoute(context, spec)
  // A sysctl is shared with the whole host, and never put back.
  return UNCHANGED
}

async function ensureNetns({ namespaces }: Context, spec: Spec & { kind: 'netns' }): Promise<Done> {
  const { changed, ns } = await namespaces.ensure(spec)
  return { changed, netnsCookie: ns.cookie }
}

async function removeNetns(
  { namespaces }: Context,
  sandbox: (Spec & { kind: 'netns' })['sandbox'],
): Promise<Done> {
  return { changed: await namespaces.remove(sandbox) }
}

async function ensureSysctl(context: Context, { name, ns, value }: SysctlSpec): Promise<Done> {
  const { fd } = await namespaceOf(context, ns)
  return { changed: await context.namespaces.worker.call('sysctlSet', { fd, name, value }) }
}
