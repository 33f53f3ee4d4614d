/**
 * The world in a seed: machines with the real engine on them, on one virtual time, with one source of chance. The same seed
 * and the same calls give the same logs, kernels and trace, whoever runs it and however often.
 *
 *     const world = await createWorld({ seed: '1' })
 *     const { controller } = world.host(0)
 *     await world.until(controller.newNetwork('bridge', 'web'))
 *     world.host(0).crash()
 */
import type { CommandId, Ip, SandboxId } from '../../events/index.ts'
import type { ControllerOptions } from '../controller/controller-options.ts'
import type { Controller } from '../controller/controller.ts'
import { canReach, type Place, type Probe, type Reach } from '../kernel/simulated/reach.ts'
import type { Clock, Timers } from '../ports.ts'
import { sha256 } from '../system/hash.ts'
import { SERVERS, SimulatedArbiter } from './arbiter.ts'
import { Chance } from './chance.ts'
import { Clients } from './clients.ts'
import { Guard, type AlsoForbidden, type ForbiddenGlobalError } from './forbidden.ts'
import { Host, type HostParts } from './host.ts'
import { seededIds } from './ids.ts'
import { clockOf, Trace } from './trace.ts'
import { VirtualTime } from './time.ts'

export type WorldOptions = {
  /** The hosts reach servers, {@link World.servers}, and {@link createWorld} brings them into their cluster. Default: no. */
  readonly cluster?: boolean
  /** For every engine. */
  readonly engine?: ControllerOptions
  /**
   * Engine code that calls a clock, chance or a timer of the process, and not its ports', is refused with a
   * {@link ForbiddenGlobalError}; with a function, the files for which it says so, too. While the world runs, and only then, those
   * globals are others, which pass on what everybody else calls. Default: false, they are not touched.
   */
  readonly forbidGlobals?: AlsoForbidden | boolean
  /** Default: 1. Several know nothing of each other, unless they are a cluster. */
  readonly hosts?: number
  readonly seed: number | string
  /** Virtual milliseconds that a step of the kernel and a synced write take. Default: 1 and 2. */
  readonly stepMs?: number
  readonly syncMs?: number
}

/** The world's ways out for a service of the user's own: virtual, and from the seed. */
export type ServicePorts = {
  readonly chance: Chance
  readonly clock: Clock
  readonly ids: { commandId(): CommandId }
  /** Settles after so many virtual milliseconds. */
  readonly sleep: (ms: number) => Promise<void>
  readonly timers: Timers
}

/** Makes a world and boots its engines; those of a cluster join it. */
export async function createWorld(options: WorldOptions): Promise<World> {
  const world = new World(options)
  await world.until(Promise.all(world.hosts.map((host) => host.boot())))
  if (world.isCluster) await world.until(Promise.all(world.hosts.map((host) => world.join(host))))
  return world
}

/** How long {@link World.until} waits unless told otherwise. */
const UNTIL_MS = 600_000

export class World {
  /** The seed's chance; take a stream of your own: `chance.of('my concern')`. */
  readonly chance: Chance
  /** Who asks by commands, and remembers what became of each: see `insist.ts`. */
  readonly clients: Clients
  readonly hosts: readonly Host[]
  readonly isCluster: boolean
  /** Hears of every machine that {@link copyOf} makes. */
  onCopy: ((copy: Host) => void) | undefined
  /** Hears of globals that were called though `forbidGlobals` says that they must not be. */
  onForbidden: ((error: ForbiddenGlobalError) => void) | undefined
  readonly ports: ServicePorts
  readonly seed: string
  /** The servers of the cluster: they can be made to refuse, to be slow, to forget. Nobody reaches them where there is none. */
  readonly servers: SimulatedArbiter
  readonly time = new VirtualTime()
  readonly trace: Trace

  #copies = 0
  readonly #machines: Omit<HostParts, 'index'>

  constructor({
    cluster = false,
    engine = {},
    forbidGlobals = false,
    hosts = 1,
    seed,
    stepMs = 1,
    syncMs = 2,
  }: WorldOptions) {
    this.seed = String(seed)
    this.isCluster = cluster
    this.chance = new Chance(sha256, this.seed)
    this.servers = serversOf(this.chance.of('servers'), this.time)
    this.clients = new Clients(this.time)
    this.trace = new Trace(sha256, () => this.time.monotonicMs())
    this.#machines = {
      ...(cluster ? { arbiter: this.servers } : {}),
      options: engine,
      seed: this.seed,
      time: this.time,
      trace: this.trace,
    }
    this.hosts = Array.from({ length: hosts }, (_, index) => {
      const host = new Host({ ...this.#machines, index })
      host.kernel.slow(stepMs)
      host.disk.platter.syncMs = syncMs
      return host
    })
    this.ports = this.#servicePorts()
    if (forbidGlobals !== false) this.time.guard = this.#guard(forbidGlobals)
  }

  /** @throws {RangeError} there is none of that number */
  host(index: number): Host {
    const host = this.hosts[index]
    if (host === undefined) throw new RangeError(`there are ${this.hosts.length} hosts, and no host ${index}`)
    return host
  }

  /** Brings a host into the cluster, as people do it. @throws what the command does */
  async join({ controller, name }: Host, as = name): Promise<void> {
    await controller.dispatch({ data: { host: as, servers: SERVERS }, type: 'cluster.join' })
  }

  /** Cuts hosts off from the servers, until {@link heal}. */
  partition(...indexes: readonly number[]): void {
    for (const index of indexes) this.servers.cut(this.host(index).name)
  }

  /** Every host reaches the servers, and they work. */
  heal(): void {
    this.servers.mend()
  }

  /**
   * A machine of its own with a copy of a host's data directory as it is now, in no list of hosts: somebody cloned a disk. Nothing
   * runs on it yet.
   */
  copyOf(host: Host): Host {
    const index = this.hosts.length + this.#copies++
    const copy = new Host({ ...this.#machines, copyOf: host, index })
    this.onCopy?.(copy)
    return copy
  }

  /** The engine of the first host: most worlds have no other. */
  get controller(): Controller {
    return this.host(0).controller
  }

  /** Milliseconds since the world began. */
  get nowMs(): number {
    return this.time.monotonicMs()
  }

  /** How far apart the clocks of hosts ever were, in milliseconds: so much longer what one says may seem to another. */
  get clocksApartMs(): number {
    return (
      Math.max(...this.hosts.map(({ clockMsMax }) => clockMsMax)) -
      Math.min(...this.hosts.map(({ clockMsMin }) => clockMsMin))
    )
  }

  /** Lets virtual time pass. */
  advance(ms: number): Promise<void> {
    return this.time.runFor(ms)
  }

  /**
   * Lets virtual time pass until a promise settles, and gives what it came to; or until a predicate holds.
   * @throws {DeadlineError} it did not come to that; what the promise rejects with
   */
  async until<T>(what: (() => boolean) | Promise<T>, deadlineMs = UNTIL_MS): Promise<T> {
    const endMs = this.nowMs + deadlineMs
    let isDone = false
    const holds = typeof what === 'function' ? what : (): boolean => isDone
    const mark = (): void => void (isDone = true)
    if (typeof what !== 'function') what.then(mark, mark)
    await this.time.run(() => holds() || (this.time.nextMs ?? Infinity) > endMs)
    if (!holds()) throw new DeadlineError(deadlineMs, this)
    return typeof what === 'function' ? (undefined as T) : what
  }

  /**
   * Whether a packet gets from one place to another, and the answer back. A place: a sandbox by name or id, `host`, an
   * address as target; with `1/` before it, of host 1. Between hosts there is no cable.
   */
  canReach(from: string, to: string, what: Probe = 'icmp'): boolean {
    return this.reach(from, to, what).reached
  }

  /** As {@link canReach}, with the reason. */
  reach(from: string, to: string, what: Probe = 'icmp'): Reach {
    const [here, there] = [this.#place(from), this.#place(to)]
    if (here.host !== there.host) return { reached: false, why: `there is no cable to ${there.host.name}` }
    return canReach(here.host.kernel.world, here.place as Place, there.place as Ip | SandboxId, what)
  }

  /** Closes the engines that run. Crashes that were still to come do not come. */
  async close(): Promise<void> {
    for (const host of this.hosts) host.gate.doom = undefined
    await this.until(Promise.all(this.hosts.map((host) => host.close())))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #place(text: string): { readonly host: Host; readonly place: string } {
    const [, index, name = text] = /^(\d+)\/(.+)$/.exec(text) ?? []
    const host = this.host(Number(index ?? 0))
    if (name === 'host' || /[.:/]/.test(name) || !host.isUp) return { host, place: name }
    const found = host.controller.queries.sandboxes().find((each) => each.id === name || each.name === name)
    return { host, place: found?.id ?? name }
  }

  #guard(forbids: AlsoForbidden | true): Guard {
    const onBreach = (error: ForbiddenGlobalError): void => this.onForbidden?.(error)
    return forbids === true ? new Guard(onBreach) : new Guard(onBreach, forbids)
  }

  #servicePorts(): ServicePorts {
    const { time } = this
    return {
      chance: this.chance.of('service'),
      clock: time,
      ids: seededIds(`${this.seed} service`, time, sha256),
      sleep: (ms) => time.sleep(ms),
      timers: time,
    }
  }
}

/** As one server, or as three that have elected a leader: they look at different things first. */
const serversOf = (chance: Chance, time: VirtualTime): SimulatedArbiter =>
  new SimulatedArbiter(time, {
    latencyMs: () => chance.between(1, 3),
    looksFirstAt: chance.pick(['duplicates', 'expectation'] as const),
  })

/** What was waited for did not come. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'

  constructor(deadlineMs: number, { seed, time, trace }: World) {
    const rest = time.nextMs === undefined ? ', and nothing is left to happen' : ''
    super(
      `${deadlineMs} virtual ms passed without what was waited for (seed ${seed}, ${clockOf(time.monotonicMs())}${rest}); ` +
        `last:\n${trace.last(12).join('\n')}`,
    )
  }
}
