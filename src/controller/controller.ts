/**
 * The controller: what a program that embeds chronet holds. It owns one data directory and the networks in it, heals what
 * others change, and is a good guest: it prints nothing, exits nothing, and leaves the process as it was when closed.
 */
import type {
  AnyFact,
  ClientCommand,
  CommandId,
  Commit,
  EndpointId,
  FactType,
  Log,
  NetworkId,
  SandboxId,
  SeqRange,
  Stream,
  SubnetRequest,
} from '../../events/index.ts'
import { parseCommand, RefusedError } from '../../events/index.ts'
import type { ClaimsReport } from '../cluster/claims/report.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Happened } from '../cluster/arrivals.ts'
import type { HistoryRange } from '../cluster/follow-all.ts'
import type { PeerRange } from '../cluster/resting.ts'
import type { ClusterStatus } from '../cluster/status.ts'
import type { EndpointView, NetworkView, SandboxView } from '../../projections/index.ts'
import type { Answer } from '../engine/answers.ts'
import type { DispatchOptions } from '../engine/dispatch.ts'
import { Engine } from '../engine/engine.ts'
import { Healer } from '../engine/heal.ts'
import type { Recovered } from '../engine/recover.ts'
import { verifyLog, type Verified } from '../engine/verify-log.ts'
import { permittedKernel, systemPorts } from '../system/ports.ts'
import { VERSION } from '../version.ts'
import { driversOf } from './chosen-drivers.ts'
import { claimsStanding } from './claims.ts'
import { joiningAs, type ClusterOptions } from './cluster-options.ts'
import type { ControllerOptions, HealOptions } from './controller-options.ts'
import { followingCluster } from './membership.ts'
import { Actors, inspectEngine, type EntityActor } from './actor.ts'
import { factsOf, type Facts, type FactsOptions } from './facts.ts'
import { NamedReaders } from './named-readers.ts'
import {
  Endpoint,
  Network,
  refOf,
  Sandbox,
  type ConnectOptions,
  type EndpointOptions,
  type Owner,
} from './objects.ts'
import type { NetworkOptions, SandboxOptions } from './made-with.ts'
import { momentIn, type Moment, type Until } from './moment.ts'
import { entityAsOf, topologyAsOf } from './past.ts'
import { Past, Queries } from './queries.ts'
import { knownAsOf, peerAsOf } from './peers.ts'
import { byOf, idIn, streamNamed } from './references.ts'

/**
 * Opens a data directory (or makes it), recovers, and gives the controller of it.
 * @throws {EngineError} ERR_STORE_LOCKED names the holder; ERR_NOT_PERMITTED, ERR_RUN_DIR, ERR_STORE_UNWRITABLE, ERR_DRIVER_UNKNOWN;
 *   with `cluster`, while it is not joined yet, as {@link Controller.joinCluster}
 */
export async function createController(options: ControllerOptions = {}): Promise<Controller> {
  const openKernel = options.ports?.openKernel ?? (await permittedKernel(options.hostNetns))
  const ports = { ...systemPorts(), ...options.ports, openKernel }
  const engine = await Engine.open({
    ...(options.acceptLogBehind === undefined ? {} : { acceptLogBehind: options.acceptLogBehind }),
    ...(options.admits === undefined ? {} : { admits: options.admits }),
    code: VERSION,
    dataDir: options.dataDir ?? '/var/lib/chronet',
    drivers: driversOf(options.drivers),
    ...(options.healedBy === undefined ? {} : { healedBy: byOf(options.healedBy) }),
    ...(options.hostNetns === undefined ? {} : { hostNetns: options.hostNetns }),
    ...(options.leavesDrift === undefined ? {} : { leavesDrift: options.leavesDrift }),
    ...(options.onProblem ? { onProblem: options.onProblem } : {}),
    ports,
    runDir: options.runDir ?? '/run/chronet',
    scrub: options.scrub ?? options.leavesDrift !== true,
  })
  const controller = new Controller(engine, options)
  try {
    if (options.cluster && !engine.blocked) await controller.joinCluster(options.cluster)
  } catch (error) {
    await controller.close()
    throw error
  }
  return controller
}

export class Controller implements Owner {
  /** What can be asked, of the log as it is now. */
  readonly queries: Queries
  readonly #actors: Actors
  readonly #cluster: Cluster
  readonly #engine: Engine
  readonly #readers: NamedReaders
  readonly #healer: Healer | undefined

  constructor(engine: Engine, options: ControllerOptions) {
    this.#engine = engine
    this.#readers = new NamedReaders(() => engine.blocked === undefined)
    this.#cluster = followingCluster(engine, options)
    this.queries = new Queries(() => engine.view)
    this.#actors = new Actors(
      engine,
      (command) => this.dispatch(command),
      options.onRefused ?? (() => undefined),
    )
    const { context, kernel, ports } = engine
    if (options.heal !== false && !engine.blocked)
      this.#healer = new Healer({ context, kernel, life: () => engine.life, onProblem: engine.report, ports })
    if (options.inspect) inspectEngine(engine, this.#actors, options.inspect)
  }

  /** This host's identity: 64 hex, in every commit. */
  get id(): string {
    return this.#engine.context.origin
  }

  /** What stands behind it, for the ways in that are part of chronet. */
  get engine(): Engine {
    return this.#engine
  }

  /** Who has which name, pool, number, block and address: of the whole cluster where it is followed, else of this host. */
  clusterClaims(): Promise<ClaimsReport> {
    return claimsStanding(this.#engine)
  }

  /** How this host stands among others. */
  clusterStatus(): Promise<ClusterStatus> {
    return this.#cluster.status(this.#engine.view.projections.host.cluster)
  }

  /**
   * Publishes this host's log and keeps those of others, from now on and after every start. Told again, nothing is written.
   * @throws {EngineError} ERR_CLUSTER_UNAVAILABLE, ERR_NOT_PERMITTED, ERR_SERVER_UNSUPPORTED: nothing was written
   */
  async joinCluster(options: ClusterOptions, how?: DispatchOptions): Promise<void> {
    const command = joiningAs(options, this.#engine.view.projections.host.cluster)
    if (command !== undefined) await this.dispatch(command, how)
  }

  /**
   * Gives up what this host has in the cluster, ends its networks of the cluster, and publishes and reads no more; what was, stays.
   * @param options.keep gives nothing up and ends nothing: it stays claimed
   * @throws {RefusedError} ERR_STATE: it is in none; ERR_IN_USE: such a network has endpoints
   * @throws {EngineError} ERR_CLUSTER_UNAVAILABLE: not all was given up, and it is in the cluster still; ask again
   */
  async leaveCluster({ keep, ...how }: DispatchOptions & { readonly keep?: boolean } = {}): Promise<void> {
    await this.dispatch({ data: keep === undefined ? {} : { keep }, type: 'cluster.leave' }, how)
  }

  /** A peer's durable commits as far as they are here. @param host its name, its id, or the beginning of that @throws {RefusedError} ERR_NOT_FOUND */
  peerCommits(host: string, range: PeerRange = {}): AsyncIterable<Commit<AnyFact>> {
    return this.#cluster.commits(host, range)
  }

  /**
   * The commits of all hosts whose logs are here, the own one's too, as they came: each with its position, from which to go on. With
   * `follow`, then live ones, without a gap, until the controller is closed.
   * @throws {EngineError} ERR_LOG_BEHIND: `from` lies beyond the next one; ERR_LOG_DAMAGED while iterating
   */
  history(range: HistoryRange = {}): AsyncIterable<Happened> {
    return this.#cluster.history(range, (log) => this.#engine.logAfter(log))
  }

  /** The same questions as {@link asOf}, to another host's log as far as it is here; numbers and times are its own. @throws {RefusedError} ERR_NOT_FOUND */
  async peerAsOf(host: string, moment: Moment): Promise<Past> {
    return peerAsOf(this.#cluster.kept, host, moment, this.#engine.ports.clock.nowMs())
  }

  /** How far each peer's log was here when a commit of this host was decided, by the peer's id: what it could know. */
  async knownAsOf(moment: Moment): Promise<ReadonlyMap<string, number>> {
    return knownAsOf(this.#engine.log, await this.#until(moment))
  }

  /** What the start found and mended. */
  get recovered(): Recovered | undefined {
    return this.#engine.recovered
  }

  /** Why nothing may be changed: a damaged log, one that is older than the kernel, another host's. */
  get blocked(): Error | undefined {
    return this.#engine.blocked
  }

  /** Gives any command. @throws {RefusedError} with all problems; @throws {EngineError} as its code says */
  async dispatch(command: ClientCommand, how: DispatchOptions = {}): Promise<Answer> {
    const parsed = parseCommand(command.type, command.data)
    if ('problems' in parsed) throw new RefusedError(parsed.problems)
    if (parsed.command.type === 'cluster.join')
      await this.#cluster.check(parsed.command.data, this.#engine.view.projections.host.cluster?.host)
    return this.#engine.dispatch(parsed.command, how)
  }

  async newNetwork(
    driver: string,
    name: string,
    options: NetworkOptions = {},
    how?: DispatchOptions,
  ): Promise<Network> {
    const { ipam, ...rest } = options
    const subnets =
      ipam === undefined ? {} : { subnets: Array.isArray(ipam) ? ipam : [ipam as SubnetRequest] }
    const answer = await this.dispatch(
      { data: { driver, name, ...rest, ...subnets }, type: 'network.create' },
      how,
    )
    return new Network(this, idIn(answer, 'network') as NetworkId)
  }

  async newSandbox(
    containerId: string,
    options: SandboxOptions = {},
    how?: DispatchOptions,
  ): Promise<Sandbox> {
    const answer = await this.dispatch(
      { data: { name: containerId, ...options }, type: 'sandbox.create' },
      how,
    )
    return new Sandbox(this, idIn(answer, 'sandbox') as SandboxId)
  }

  async newEndpoint(
    network: Network | string,
    name: string,
    options: EndpointOptions = {},
    how?: DispatchOptions,
  ): Promise<Endpoint> {
    const data = { name, network: refOf(network), ...options }
    return new Endpoint(
      this,
      idIn(await this.dispatch({ data, type: 'endpoint.create' }, how), 'endpoint') as EndpointId,
    )
  }

  /** Reserves and joins in one commit: one sync. */
  async connect(
    network: Network | string,
    sandbox: Sandbox | string,
    options: ConnectOptions = {},
    how?: DispatchOptions,
  ): Promise<Endpoint> {
    const data = { network: refOf(network), sandbox: refOf(sandbox), ...options }
    return new Endpoint(
      this,
      idIn(await this.dispatch({ data, type: 'connect' }, how), 'endpoint') as EndpointId,
    )
  }

  /** Leaves and releases in one commit. */
  async disconnect(
    network: Network | string,
    sandbox: Sandbox | string,
    how?: DispatchOptions,
  ): Promise<void> {
    await this.dispatch(
      { data: { network: refOf(network), sandbox: refOf(sandbox) }, type: 'disconnect' },
      how,
    )
  }

  /** A handle, by id, name, or unique id prefix. @throws {RefusedError} ERR_NOT_FOUND, ERR_AMBIGUOUS */
  network(ref: string): Network {
    return new Network(this, this.queries.network(ref).id)
  }

  sandbox(ref: string): Sandbox {
    return new Sandbox(this, this.queries.sandbox(ref).id)
  }

  endpoint(ref: string, network?: string): Endpoint {
    return new Endpoint(this, this.queries.endpoint(ref, network).id)
  }

  networks(): readonly Network[] {
    return this.queries.networks().map((view) => new Network(this, view.id))
  }

  sandboxes(): readonly Sandbox[] {
    return this.queries.sandboxes().map((view) => new Sandbox(this, view.id))
  }

  /** Durable commits, oldest first, the chain checked on the way. @throws {EngineError} ERR_LOG_DAMAGED while iterating */
  commits(range: { readonly from?: number; readonly to?: number } = {}): AsyncIterable<Commit<AnyFact>> {
    return this.#engine.log.read(range as SeqRange)
  }

  /** The entity of an id (or `network/…`, `endpoint/…`, `sandbox/…`) as xstate's users know an actor. */
  actor(id: string): EntityActor {
    return this.#actors.of(streamNamed(this.queries, id))
  }

  /** Looks at the whole kernel now, and settles when what differed is healed: the log says for whom, and why. */
  async audit(how: HealOptions = {}): Promise<void> {
    await this.#healer?.audit(byOf(how))
  }

  /** Durable facts, from the next one on unless told otherwise. */
  facts<T extends FactType = FactType>(options: FactsOptions<T> = {}): Facts<T> {
    const engine = this.#engine
    const source = { after: (log: Log<AnyFact>) => engine.logAfter(log), now: () => engine.log }
    return factsOf({ ...source, readers: this.#readers }, options)
  }

  /** The same questions, the past: a commit (`'#12'`, 12), a time, or how long ago (`'24h'`). */
  async asOf(moment: Moment): Promise<Past> {
    const { log, snapshots } = this.#engine
    const { at, seq, topology } = await topologyAsOf(log, snapshots, await this.#until(moment))
    return new Past({ projections: { topology }, seq }, at)
  }

  /** One network, endpoint or sandbox (its whole id) as it was; undefined: it was not there. Several times as fast as {@link asOf}. */
  async entityAsOf(
    id: string,
    moment: Moment,
  ): Promise<EndpointView | NetworkView | SandboxView | undefined> {
    const { log, snapshots } = this.#engine
    return entityAsOf(log, snapshots, await this.#until(moment), id)
  }

  #until(moment: Moment): Promise<Until> {
    const { log, ports } = this.#engine
    return momentIn(log, moment, ports.clock.nowMs())
  }

  /**
   * Reads the whole log and checks its chain, and what finds a command by its id. `damage`: the first thing that is wrong;
   * absent: nothing. Once damage was met, nothing is written any more.
   */
  async verify(): Promise<Verified> {
    const { blocked, log } = this.#engine
    return verifyLog(log, blocked, (damage) => this.#engine.block(damage))
  }

  /** An id for a command that may have to be repeated: the same id is done once. */
  newCommandId(): CommandId {
    return this.#engine.ports.ids.commandId()
  }

  /** How many facts a stream has (`network/<id>`, …), for `expect`. 0: none. */
  versionOf(stream: Stream): number {
    return this.#engine.log.versionOf(stream)
  }

  /** Path of a sandbox's namespace. */
  netnsPath(sandbox: SandboxId): string {
    return this.#engine.netnsPath(sandbox)
  }

  /** Finishes what is under way and lets go. What stays in the kernel is what the log says. */
  async close(): Promise<void> {
    await this.#engine.close(
      Promise.all([this.#cluster.close(), this.#healer?.close()]).then(() => undefined),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
