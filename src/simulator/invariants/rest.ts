/** What must hold when an engine is at rest (Q): the kernel is what the log wants, and nothing is open. */
import { ipOf, LOG_LIMITS, streamOf, type Origin, type ResourceKey } from '../../../events/index.ts'
import { unswept, type EndpointView } from '../../../projections/index.ts'
import { builtinDrivers } from '../../drivers/index.ts'
import { contextOf } from '../../engine/context.ts'
import type { View } from '../../engine/empty-view.ts'
import { WAITING_MAX } from '../../engine/pace.ts'
import { openSimulatedKernel } from '../../kernel/simulated/index.ts'
import { canReach } from '../../kernel/simulated/reach.ts'
import { equalSpecs } from '../../reconcile/diff.ts'
import { specsOf } from '../../reconcile/specs.ts'
import { sha256 } from '../../system/hash.ts'
import { RUN_DIR, type Host } from '../host.ts'
import type { VirtualTime } from '../time.ts'
import type { Ledger } from './invariant.ts'
import type { Witness } from './witness.ts'

/** An engine at rest, and whoever watched it. */
export type AtRest = { readonly host: Host; readonly time: VirtualTime; readonly witness: Witness }

const first = (all: readonly string[]): string | undefined =>
  all.length === 0
    ? undefined
    : `${all.slice(0, 3).join('; ')}${all.length > 3 ? `; and ${all.length - 3} more` : ''}`

/** V2: of an engine that works. */
export function checkBounds(host: Host, ledger: Ledger): void {
  if (!host.isUp) return
  const { commits, turns } = host.controller.engine.waiting
  const isWithin = commits <= LOG_LIMITS.queueCommits && turns <= WAITING_MAX
  ledger.check(
    'V2',
    isWithin ? undefined : `${turns} commands wait for a turn, and ${commits} commits for the disk`,
  )
}

/** K1, K2, K5, K9, A10, P2, P8, V2. */
export async function checkRest(at: AtRest, ledger: Ledger): Promise<void> {
  const { host, witness } = at
  const { wrong, strays } = await lookAt(at)
  ledger.check('K1', first(wrong))
  ledger.check('K2', first(strays))
  ledger.check('K5', first(witness.open.map((plan) => `plan ${plan} has no receipt`)))
  ledger.check('K9', first(leaksOf(at)))
  ledger.check('A10', first(unownedIn(at)))
  const { decided, view, waiting } = host.controller.engine
  const open = Object.entries(waiting).filter(([, count]) => count > 0)
  ledger.check('V2', first(open.map(([what, count]) => `${count} ${what} are waited for at rest`)))
  ledger.check('P8', first(disagreementsIn(view)))
  const heads = [decided.seq, view.seq, witness.head]
  ledger.check(
    'P2',
    new Set(heads).size === 1 ? undefined : `decided, visible and disk are at #${heads.join(', #')}`,
  )
}

async function lookAt(at: AtRest): Promise<{ readonly strays: string[]; readonly wrong: string[] }> {
  const { host, time } = at
  const { engine } = host.controller
  const origin = host.controller.id as Origin
  const wanted = specsOf(engine.view.projections.desired, contextOf(builtinDrivers, sha256, origin))
  const runDir = `${RUN_DIR}/${origin.slice(0, 12)}`
  // An eye of its own: the engine's may be the one that is wrong.
  const kernel = await openSimulatedKernel(host.kernel.world, { hash: sha256, origin, runDir, timers: time })
  const { found, strays } = await kernel.observe([...wanted.values()], { strays: true })
  await kernel.close()
  const wrong = [...wanted].flatMap(([key, spec]) => {
    const there = found.get(key)
    if (there?.ours === true && equalSpecs(there.spec, spec)) return []
    return [`${key}: ${there === undefined ? 'missing' : (there.spec.differs?.join(' ') ?? 'not ours')}`]
  })
  const marked = new Set([...wanted.keys(), ...strays.map(({ key }) => key)])
  const unmarked = host.kernel
    .links()
    .filter(
      ({ kind, name, stranger }) => !stranger && kind !== 'loopback' && !marked.has(`link/host/${name}`),
    )
    .map(({ name }) => `link ${name}, which an engine has made and has not marked`)
  const left = strays.filter(({ key }) => !isOwned(at, key)).map(({ label }) => label)
  return { strays: [...left, ...unmarked], wrong }
}

/** A leave or a delete that was refused leaves what it was to remove, until somebody asks again: the log knows of it. */
const isOwned = ({ host: { controller }, witness }: AtRest, key: ResourceKey): boolean => {
  const { applied, topology } = controller.engine.view.projections
  if ((applied.resources.get(key)?.state ?? 'absent') === 'absent') return false
  const [, place] = key.split('/')
  const hasFailed = (stream: string): boolean => {
    const [kind, id = ''] = stream.split('/')
    const table =
      { endpoint: topology.endpoints, network: topology.networks }[kind ?? ''] ?? topology.sandboxes
    return table.get(id)?.state === 'failed'
  }
  // A route of a sandbox passes from one of its endpoints to the next.
  const neighbours = [...topology.endpoints.values()].filter(({ sandbox }) => sandbox === place)
  return [...witness.streamsOf(key), ...neighbours.map(({ id }) => streamOf.endpoint(id))].some(hasFailed)
}

/** Sandboxes that have no network in common and reach each other; or have one, and do not. */
function leaksOf({ host }: AtRest): readonly string[] {
  const { queries } = host.controller
  // A network of the cluster has no data plane yet: nobody reaches anybody by it.
  const shared = new Set<string>(
    queries.networks().flatMap(({ claim, id }) => (claim === undefined ? [] : [id])),
  )
  const endpoints = queries.endpoints().filter(({ network }) => !shared.has(network))
  const joined = endpoints.filter(({ state }) => state === 'joined')
  // One whose leave was refused has no port in service any more, or still has: nobody may count on either.
  const networksOf = (sandbox: string): ReadonlySet<string> =>
    new Set(endpoints.filter((each) => each.sandbox === sandbox).map(({ network }) => network))
  // Of two interfaces on one network the kernel takes the first, and that one may be the one without a port.
  const isSure = ({ network, sandbox }: EndpointView): boolean =>
    endpoints.every((each) => each.sandbox !== sandbox || each.network !== network || each.state === 'joined')
  const wrong: string[] = []
  for (const from of joined)
    for (const to of joined) {
      if (from.sandbox === undefined || from.sandbox === to.sandbox) continue
      const isShared = networksOf(from.sandbox).has(to.network)
      for (const cidr of to.addresses) {
        const ip = ipOf(cidr)
        const { reached, why } = canReach(host.kernel.world, from.sandbox, ip)
        if (reached && !isShared) wrong.push(`${from.name} reaches ${to.name}, on another network`)
        if (!reached && from.network === to.network && isSure(from) && isSure(to))
          wrong.push(`${from.name} does not reach ${to.name}: ${why}`)
      }
    }
  return wrong
}

/** Entities whose state is one thing to their machine and another to the topology. */
function disagreementsIn({ machines, projections: { topology } }: View): readonly string[] {
  const shown = new Map([
    ...[...topology.endpoints.values()].map(
      ({ id, state }) => [streamOf.endpoint(id) as string, state] as const,
    ),
    ...[...topology.networks.values()].map(
      ({ id, state }) => [streamOf.network(id) as string, state] as const,
    ),
    ...[...topology.sandboxes.values()].map(
      ({ id, state }) => [streamOf.sandbox(id) as string, state] as const,
    ),
  ])
  const kept = new Map([...machines.entries()].map(([stream, { value }]) => [stream, value]))
  return [...new Set([...shown.keys(), ...kept.keys()])]
    .filter((stream) => shown.get(stream) !== kept.get(stream))
    .map(
      (stream) =>
        `${stream} is ${kept.get(stream) ?? 'over'} to its machine and ${shown.get(stream) ?? 'not'} in the topology`,
    )
}

/** Addresses that are held by nobody who exists, or for a sweep that is still to come; and endpoints whose address is not held. */
function unownedIn({ host, witness }: AtRest): readonly string[] {
  const { allocations, claims, topology } = host.controller.engine.view.projections
  const exists = (stream: string): boolean => {
    const [kind, id = ''] = stream.split('/')
    if (kind === 'host') return [...claims.lent.values()].some(({ to }) => to === id)
    return kind === 'network' ? topology.networks.has(id) : topology.endpoints.has(id)
  }
  const held = [...allocations.addresses.entries()]
  const lost = [...topology.endpoints.entries()].flatMap(([, { addresses, id, network }]) =>
    addresses
      .filter(
        (cidr) => allocations.addresses.get(`${network}/${ipOf(cidr)}`)?.holder !== streamOf.endpoint(id),
      )
      .map((cidr) => `${cidr} of endpoint ${id} is not held by it`),
  )
  return [
    ...held
      .filter(([, { holder }]) => !exists(holder))
      .map(([key, { holder }]) => `${key} is held by ${holder}, which is no more`),
    ...lost,
    ...witness.waiting.map((plan) => `sweep ${plan} failed, and was not tried again`),
    ...unswept(allocations).map(
      (owner) => `what ${owner} left is not swept, and no plan is under way that would`,
    ),
  ]
}
