/**
 * From wants to specs: all of them, for the start and for audits, or those that may differ between two versions, for a
 * turn. The second costs what changed, never what exists, and a property holds the two equal.
 *
 * The incremental one leans on one thing that the machines guarantee: a network is wanted before any endpoint on it is.
 */
import {
  assert,
  keyOf,
  type EndpointId,
  type Family,
  type ResourceKey,
  type Spec,
} from '../../events/index.ts'
import {
  diff,
  type Change,
  type Desired,
  type EndpointWant,
  type NetworkWant,
  type SandboxWant,
} from '../../projections/index.ts'
import type { Driver, Drivers, HostContext } from '../drivers/index.ts'

/** What a translation takes besides wants; fixed for the life of an engine. */
export type SpecContext = HostContext & { readonly drivers: Drivers }

/** Specs by their keys. */
export type Specs = ReadonlyMap<ResourceKey, Spec>

/** What was and what is wanted, of the entities that a change touched: the rest is equal on both sides, and left out. */
export type SpecChange = { readonly after: Specs; readonly before: Specs }

/** Everything that should exist. Costs what exists. */
export function specsOf(desired: Desired, context: SpecContext): Specs {
  const specs = new Map<ResourceKey, Spec>()
  for (const want of desired.networks.values()) {
    put(specs, hostSpecs(want, context))
    put(specs, networkSpecs(want, context))
  }
  for (const want of desired.sandboxes.values()) put(specs, sandboxSpecs(want))
  for (const want of desired.endpoints.values()) put(specs, endpointSpecs(want, desired, context))
  return specs
}

/** What may differ between two versions of the wants. Costs what changed. */
export function changedSpecs(before: Desired, after: Desired, context: SpecContext): SpecChange {
  const was = new Map<ResourceKey, Spec>()
  const is = new Map<ResourceKey, Spec>()
  const networks = diff(before.networks, after.networks)
  const sandboxes = diff(before.sandboxes, after.sandboxes)
  const shared = new Set<ResourceKey>()
  for (const change of networks) {
    if (change.before) put(was, networkSpecs(change.before, context))
    if (change.after) put(is, networkSpecs(change.after, context))
    for (const want of [change.before, change.after])
      if (want) for (const spec of hostSpecs(want, context)) shared.add(keyOf(spec))
  }
  putShared(was, before, shared, context)
  putShared(is, after, shared, context)
  for (const change of sandboxes) {
    // Mostly it is a gateway that changed, which is the endpoints' affair.
    if (change.before && change.after) continue
    if (change.before) put(was, sandboxSpecs(change.before))
    if (change.after) put(is, sandboxSpecs(change.after))
  }
  for (const id of touchedEndpoints(before, after, networks, sandboxes)) {
    putEndpoint(was, id, before, context)
    putEndpoint(is, id, after, context)
  }
  return { after: is, before: was }
}

/**
 * The wants with these put back, an endpoint as its sandbox's gateway of both families. When an end was asked for and failed, its wants are
 * gone, and no difference would say what is still to be removed: asking again plans from this version to the real one.
 */
export function withWants(
  desired: Desired,
  wants: {
    readonly endpoints?: readonly EndpointWant[]
    readonly networks?: readonly NetworkWant[]
    readonly sandboxes?: readonly SandboxWant[]
  },
): Desired {
  let { endpoints, networks, sandboxes } = desired
  for (const want of wants.networks ?? []) networks = networks.set(want.id, want)
  for (const want of wants.sandboxes ?? []) sandboxes = sandboxes.set(want.id, want)
  for (const want of wants.endpoints ?? []) {
    endpoints = endpoints.set(want.id, want)
    const sandbox = sandboxes.get(want.sandbox)
    if (sandbox) sandboxes = sandboxes.set(sandbox.id, { ...sandbox, gateway: want.id, gateway6: want.id })
  }
  return { ...desired, endpoints, networks, sandboxes }
}

/** Endpoints whose own want changed, or something that their translation looks at. */
function touchedEndpoints(
  before: Desired,
  after: Desired,
  networks: readonly Change<NetworkWant>[],
  sandboxes: readonly Change<SandboxWant>[],
): ReadonlySet<string> {
  const touched = new Set(diff(before.endpoints, after.endpoints).map((change) => change.key))
  for (const change of sandboxes) {
    // A default route moves from one endpoint to another, though neither's own want changed.
    for (const want of [change.before, change.after])
      for (const id of [want?.gateway, want?.gateway6]) if (id) touched.add(id)
  }
  // A network that goes mostly has no endpoints. One that the kernel refused may have some that came sooner than its receipt.
  const ended = new Set(networks.filter((change) => change.before).map((change) => change.key))
  if (ended.size > 0)
    for (const want of before.endpoints.values()) if (ended.has(want.network)) touched.add(want.id)
  return touched
}

function put(specs: Map<ResourceKey, Spec>, more: readonly Spec[]): void {
  for (const spec of more) specs.set(keyOf(spec), spec)
}

function putEndpoint(
  specs: Map<ResourceKey, Spec>,
  id: string,
  desired: Desired,
  context: SpecContext,
): void {
  const want = desired.endpoints.get(id)
  if (want) put(specs, endpointSpecs(want, desired, context))
}

/** Of the keys that networks share, those that some network wants. Ends with the first that want them: mostly one. */
function putShared(
  specs: Map<ResourceKey, Spec>,
  desired: Desired,
  keys: ReadonlySet<ResourceKey>,
  context: SpecContext,
): void {
  const missing = new Set(keys)
  if (missing.size === 0) return
  for (const want of desired.networks.values()) {
    for (const spec of hostSpecs(want, context)) if (missing.delete(keyOf(spec))) put(specs, [spec])
    if (missing.size === 0) return
  }
}

const hostSpecs = (want: NetworkWant, context: SpecContext): readonly Spec[] =>
  driverOf(want, context).hostSpecs(want, context)

const networkSpecs = (want: NetworkWant, context: SpecContext): readonly Spec[] =>
  driverOf(want, context).networkSpecs(want, context)

const sandboxSpecs = ({ adopts, id }: SandboxWant): readonly Spec[] => [
  { ...(adopts === undefined ? {} : { adopts }), kind: 'netns', sandbox: id },
]

type Translated = {
  readonly gatewayOf: readonly Family[]
  readonly network: NetworkWant
  readonly specs: readonly Spec[]
}

/**
 * The last translation of each want. A cache that the collector empties: an answer from it is the object that a new
 * translation would only be equal to, so nothing depends on whether it is there. What it buys is that comparing the specs
 * of an unchanged want with those of its receipt is comparing identities.
 */
const translations = new WeakMap<EndpointWant, Translated>()

/** An endpoint whose network is not wanted has no specs: there is nothing it could stand on. */
function endpointSpecs(want: EndpointWant, desired: Desired, context: SpecContext): readonly Spec[] {
  const network = desired.networks.get(want.network)
  if (!network) return []
  const gatewayOf = familiesBy(want.id, desired.sandboxes.get(want.sandbox))
  const known = translations.get(want)
  if (known?.network === network && known.gatewayOf === gatewayOf) return known.specs
  const specs = driverOf(network, context).endpointSpecs(want, { gatewayOf, network })
  translations.set(want, { gatewayOf, network, specs })
  return specs
}

// One object each, so that the same families are the same thing.
const NONE: readonly Family[] = []
const V4: readonly Family[] = [4]
const V6: readonly Family[] = [6]
const BOTH: readonly Family[] = [4, 6]

/** The families whose default route goes by an endpoint. */
function familiesBy(id: EndpointId, sandbox: SandboxWant | undefined): readonly Family[] {
  if (sandbox?.gateway === id) return sandbox.gateway6 === id ? BOTH : V4
  return sandbox?.gateway6 === id ? V6 : NONE
}

/** A network of a driver that this engine lacks was refused when it was asked for. */
function driverOf(want: NetworkWant, { drivers }: SpecContext): Driver {
  const driver = drivers.get(want.driver)
  assert(driver, `network ${want.id} is of driver ${want.driver}, which is not there`)
  return driver
}
