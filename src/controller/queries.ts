/**
 * What can be asked of a view, now or as of any moment: the same questions, plain data for answers.
 */
import type { Instant, Ref, Seq } from '../../events/index.ts'
import { RefusedError } from '../../events/index.ts'
import {
  endpointsOf,
  type Topology,
  type EndpointView,
  type NetworkView,
  type SandboxView,
} from '../../projections/index.ts'
import { resolveEndpoint, resolveNetwork, resolveSandbox, type Resolved } from '../engine/resolve.ts'

/** Says stop by returning true; whatever else it returns goes on. */
export type Walker<T> = (one: T) => unknown

/** What queries see: an engine's view, or a part of one. */
export type Seen = { readonly projections: { readonly topology: Topology }; readonly seq: Seq }

export class Queries {
  readonly #view: () => Seen

  constructor(view: () => Seen) {
    this.#view = view
  }

  /** The newest commit that the answers know of; 0: none. */
  get seq(): Seq {
    return this.#view().seq
  }

  /** By name. */
  networks(): readonly NetworkView[] {
    return sortedByName(this.#topology.networks.values())
  }

  sandboxes(): readonly SandboxView[] {
    return sortedByName(this.#topology.sandboxes.values())
  }

  /** Of one network, or of all. By name. */
  endpoints(network?: Ref): readonly EndpointView[] {
    if (network === undefined) return sortedByName(this.#topology.endpoints.values())
    return sortedByName(endpointsOf(this.#topology, this.network(network).id))
  }

  /** By id, name, or unique prefix of an id (4 characters or more). @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS with the candidates */
  network(ref: Ref): NetworkView {
    return found(resolveNetwork(this.#topology, ref))
  }

  sandbox(ref: Ref): SandboxView {
    return found(resolveSandbox(this.#topology, ref))
  }

  /** `network` narrows a name, which is unique only within its network. */
  endpoint(ref: Ref, network?: Ref): EndpointView {
    return found(
      resolveEndpoint(this.#topology, ref, network === undefined ? undefined : this.network(network)),
    )
  }

  walkNetworks(walker: Walker<NetworkView>): void {
    walk(this.networks(), walker)
  }

  walkSandboxes(walker: Walker<SandboxView>): void {
    walk(this.sandboxes(), walker)
  }

  walkEndpoints(walker: Walker<EndpointView>, network?: Ref): void {
    walk(this.endpoints(network), walker)
  }

  get #topology(): Topology {
    return this.#view().projections.topology
  }
}

/** The same questions about the past. */
export class Past extends Queries {
  /** The time of the newest commit in it; absent: before the first. */
  readonly at: Instant | undefined

  constructor(view: Seen, at: Instant | undefined) {
    super(() => view)
    this.at = at
  }
}

function found<T>(resolved: Resolved<T>): T {
  if ('problem' in resolved) throw new RefusedError([resolved.problem])
  return resolved.found
}

function walk<T>(all: readonly T[], walker: Walker<T>): void {
  for (const one of all) if (walker(one) === true) return
}

const sortedByName = <T extends { readonly id: string; readonly name: string }>(
  all: Iterable<T>,
): readonly T[] =>
  [...all].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1))
