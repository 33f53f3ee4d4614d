/** A scene in which a killed process is gone: it has a link of its own to the servers, which is cut for good with it. */
import type { OpenBus } from '../../../src/bus/bus.ts'
import type { Controller, ControllerOptions } from '../../../src/index.ts'
import type { Ports } from '../../../src/ports.ts'
import { simulatedBus } from '../../../src/simulator/bus.ts'
import { Scene } from '../scene.ts'

export class ClaimScene extends Scene {
  readonly #lives = new Map<string, number>()

  override open(
    host: string,
    ports: Partial<Ports> = {},
    options: Partial<ControllerOptions> = {},
  ): Promise<Controller> {
    const openBus = simulatedBus(this.arbiter, { host: this.#linkOf(host), timers: this.lab.ports.timers })
    return super.open(host, { openBus: this.careful(openBus), ...ports }, options)
  }

  /** The bus as hosts of this scene use it. */
  protected careful(openBus: OpenBus): OpenBus {
    return openBus
  }

  override kill(host: string): void {
    super.kill(host)
    this.cut(host)
    this.#lives.set(host, (this.#lives.get(host) ?? 0) + 1)
  }

  cut(host: string): void {
    this.arbiter.cut(this.#linkOf(host))
  }

  heal(host: string): void {
    this.arbiter.heal(this.#linkOf(host))
  }

  #linkOf(host: string): string {
    return `${host} ${this.#lives.get(host) ?? 0}`
  }
}

/** The code of what a promise came to; `done` if it did. */
export const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error as { readonly code?: unknown }).code ?? error,
  )

/** Addresses of a host's endpoints on a network. */
export const addressesOn = (controller: Controller, network: string): readonly string[] => {
  const { id } = controller.queries.network(network)
  return controller.queries
    .endpoints()
    .filter((e) => e.network === id)
    .flatMap((e) => e.addresses)
}

/** What a host's log says that it has: `block 10.0.0.0/27`, `network`. Numbers of networks are left out: each has one. */
export const grantsOf = (controller: Controller): readonly string[] =>
  [...controller.engine.decided.projections.claims.grants.values()]
    .filter(({ kind }) => kind !== 'vni')
    .map(({ cidr, kind, lost }) => `${kind} ${cidr ?? ''}${lost ? ' lost' : ''}`.trim())
    .sort()

/** Hosts of one cluster, connected. */
export async function cluster(
  ...hosts: readonly string[]
): Promise<{ readonly scene: ClaimScene; readonly members: readonly Controller[] }> {
  const scene = new ClaimScene()
  const members: Controller[] = []
  for (const host of hosts) members.push(await scene.member(host))
  await scene.pass()
  return { members, scene }
}

/** Two hosts of one cluster. */
export const two = async () => {
  const { members, scene } = await cluster('east', 'west')
  const [east, west] = members as [Controller, Controller]
  return { east, scene, west }
}
