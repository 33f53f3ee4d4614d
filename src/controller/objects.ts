/**
 * The objects of the Container Network Model: handles on entities of a live controller. A handle holds an id, nothing
 * else; what it tells is what the log says when it is asked.
 */
import type { ClientCommand, EndpointId, NetworkId, SandboxId } from '../../events/index.ts'
import type { EndpointView, NetworkView, SandboxView } from '../../projections/index.ts'
import type { Answer } from '../engine/answers.ts'
import type { DispatchOptions } from '../engine/dispatch.ts'
import type { Queries } from './queries.ts'

export type EndpointOptions = {
  /** An IPv4 address of the network's subnet; absent: the next free one. */
  readonly address?: string
  /** An IPv6 address of the network's subnet; absent: the next free one. */
  readonly address6?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly mac?: string
}
export type JoinOptions = {
  readonly ifName?: string
  /** What the interface's name begins with; the lowest free number follows. Default: the network's, else `eth`. */
  readonly ifPrefix?: string
  readonly priority?: number
}
export type ConnectOptions = Omit<EndpointOptions, 'labels'> & JoinOptions & { readonly name?: string }

/** What a handle needs of the controller it came from. */
export interface Owner {
  dispatch(command: ClientCommand, how?: DispatchOptions): Promise<Answer>
  netnsPath(sandbox: SandboxId): string
  newEndpoint(
    network: string,
    name: string,
    options: EndpointOptions,
    how?: DispatchOptions,
  ): Promise<Endpoint>
  readonly queries: Queries
}

/** A set of endpoints that reach each other. */
export class Network {
  readonly id: NetworkId
  readonly #controller: Owner

  constructor(controller: Owner, id: NetworkId) {
    this.#controller = controller
    this.id = id
  }

  /** @throws {RefusedError} ERR_NOT_FOUND once it is deleted */
  get info(): NetworkView {
    return this.#controller.queries.network(this.id)
  }

  get name(): string {
    return this.info.name
  }

  get type(): string {
    return this.info.driver
  }

  async createEndpoint(
    name: string,
    options: EndpointOptions = {},
    how?: DispatchOptions,
  ): Promise<Endpoint> {
    return this.#controller.newEndpoint(this.id, name, options, how)
  }

  endpoints(): readonly Endpoint[] {
    return this.#controller.queries.endpoints(this.id).map((view) => new Endpoint(this.#controller, view.id))
  }

  async delete(how?: DispatchOptions): Promise<void> {
    await this.#controller.dispatch({ data: { network: this.id }, type: 'network.delete' }, how)
  }
}

/** What joins one network to one sandbox. */
export class Endpoint {
  readonly id: EndpointId
  readonly #controller: Owner

  constructor(controller: Owner, id: EndpointId) {
    this.#controller = controller
    this.id = id
  }

  /** Its operational data: addresses, MAC, interface, sandbox, state. @throws {RefusedError} ERR_NOT_FOUND once it is released */
  get info(): EndpointView {
    return this.#controller.queries.endpoint(this.id)
  }

  get name(): string {
    return this.info.name
  }

  get network(): Network {
    return new Network(this.#controller, this.info.network)
  }

  /** The sandbox that has its interface, if any. */
  get sandbox(): Sandbox | undefined {
    const { sandbox } = this.info
    return sandbox === undefined ? undefined : new Sandbox(this.#controller, sandbox)
  }

  /** Durable, and the kernel has followed. */
  async join(sandbox: Sandbox | string, options: JoinOptions = {}, how?: DispatchOptions): Promise<Answer> {
    const data = { endpoint: this.id, sandbox: refOf(sandbox), ...options }
    return this.#controller.dispatch({ data, type: 'endpoint.join' }, how)
  }

  async leave(sandbox?: Sandbox | string, how?: DispatchOptions): Promise<Answer> {
    const of = sandbox === undefined ? {} : { sandbox: refOf(sandbox) }
    return this.#controller.dispatch({ data: { endpoint: this.id, ...of }, type: 'endpoint.leave' }, how)
  }

  /** `force` leaves first. */
  async delete(options: { readonly force?: boolean } = {}, how?: DispatchOptions): Promise<void> {
    await this.#controller.dispatch({ data: { endpoint: this.id, ...options }, type: 'endpoint.delete' }, how)
  }
}

/** One container's network stack. */
export class Sandbox {
  readonly id: SandboxId
  readonly #controller: Owner

  constructor(controller: Owner, id: SandboxId) {
    this.#controller = controller
    this.id = id
  }

  /** @throws {RefusedError} ERR_NOT_FOUND once it is deleted */
  get info(): SandboxView {
    return this.#controller.queries.sandbox(this.id)
  }

  get containerId(): string {
    return this.info.name
  }

  /** Path of its namespace: for `nsenter --net=`, `ip netns attach`, OCI runtimes. */
  get key(): string {
    return this.#controller.netnsPath(this.id)
  }

  endpoints(): readonly Endpoint[] {
    return this.info.interfaces.map(({ endpoint }) => new Endpoint(this.#controller, endpoint))
  }

  /** Its endpoints go with it. */
  async delete(how?: DispatchOptions): Promise<void> {
    await this.#controller.dispatch({ data: { sandbox: this.id }, type: 'sandbox.delete' }, how)
  }
}

export const refOf = (thing: Endpoint | Network | Sandbox | string): string =>
  typeof thing === 'string' ? thing : thing.id
