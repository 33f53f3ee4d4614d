/**
 * One seed: a world in which everything goes wrong for some minutes (safety: no invariant breaks), then heals (liveness: all
 * comes to rest in time), then is emptied (nothing is left), and is looked at as a whole.
 */
import { REST_MS, type AnyFact, type Commit, type Spec } from '../../events/index.ts'
import type { NetworkView } from '../../projections/index.ts'
import { drawClimate, type Climate } from './climate.ts'
import type { Act, ActGroup } from './acts/index.ts'
import type { Host } from './host.ts'
import { InvariantError, Ledger } from './invariants/invariant.ts'
import { groupsFor } from './faults.ts'
import { ensureTwice, removeTwice } from './invariants/twice.ts'
import { checkEmpty, checkEnd } from './ending.ts'
import { empty, isOwnShared, lentBy } from './empty.ts'
import { Play } from './play.ts'
import { countsOf, pairsIn, summed, type Statistics } from './statistics.ts'
import { Watch } from './watch.ts'
import { DeadlineError, World, type WorldOptions } from './world.ts'

export type RunOptions = {
  /** Which code runs, for the report of a failure: nothing in a world can know. */
  readonly commit?: string
  /** Groups of faults that may be in the climate. Default: all. */
  readonly faults?: readonly ActGroup[]
  /** See {@link WorldOptions}: an invariant then, D2. */
  readonly forbidGlobals?: NonNullable<WorldOptions['forbidGlobals']>
  /** Default: 1. Several are a cluster. */
  readonly hosts?: number
  /** Commands an hour on each host, containers that are attached and detached. Default: what careless clients ask. */
  readonly load?: number
  /** Of the safety phase. Default: 10. */
  readonly minutes?: number
  readonly onLine?: (line: string) => void
  /** Has its way with the world before any engine runs: what is slow, what lies, who listens. */
  readonly prepare?: (world: World) => void
  readonly seed: number | string
  /** Acts to play instead of drawing them. */
  readonly tape?: readonly Act[]
}

/** An invariant that broke, and where. */
export type Failure = {
  /** As it was given to the run. */
  readonly commit?: string
  /** Of the invariant; `V1`: it did not come to rest in time; `D1`: something threw. */
  readonly id: string
  /** The last lines of the trace. */
  readonly last: readonly string[]
  readonly seed: string
  readonly step: number
  readonly tape: readonly Act[]
  readonly virtualMs: number
  readonly why: string
}

export type RunResult = {
  readonly failure?: Failure
  /** What each host's log had in the end. */
  readonly logs: readonly (readonly Commit<AnyFact>[])[]
  readonly statistics: Statistics
  /** All that befell the world: `tape` of {@link RunOptions} plays it again. */
  readonly tape: readonly Act[]
  /** Of the whole trace: equal for two runs of the same seed and code. */
  readonly traceHash: string
}

/** In which all must be at rest after the world has healed, in milliseconds. */
const REST_MS_MAX = 120_000
/** In which all that is drifted must be healed, and all that failed tried again: the longest pause of both, and an audit. */
const HEAL_MS_MAX = 700_000
/** After which an audit must have found nothing to do: one and a little. */
const STILL_MS = 310_000
/** In which what was given up is known on all hosts: a claim, and a round of who keeps them. */
const GIVE_UP_MS = 5000
/** In which an address that is lent and not used any more has rested, and its owner has looked, which it does every minute. */
const RETURN_MS = 3 * REST_MS
const MINUTE = 60_000

/** Runs a seed. Never rejects for what it finds. */
export async function runSeed(options: RunOptions): Promise<RunResult> {
  const { commit, minutes = 10, seed, tape } = options
  const profile = profileOf(options)
  const world = new World(profile)
  world.time.waitsForTurns = false
  if (options.onLine) world.trace.onLine = options.onLine
  options.prepare?.(world)
  const play = new Play(world)
  const watch = new Watch(world, play)
  const run = new Run(world, play, watch)
  const result = (failure?: Failure): RunResult => ({
    ...(failure ? { failure } : {}),
    logs: run.logs,
    statistics: run.statistics(),
    tape: play.tape,
    traceHash: world.trace.hash,
  })
  try {
    await world.until(Promise.all(world.hosts.map((host) => play.boot(host))))
    if (world.isCluster) await world.until(Promise.all(world.hosts.map((host) => world.join(host))))
    if (tape) play.replay(tape)
    else play.begin(climateOf(world, options))
    await run.safety(minutes * MINUTE)
    await run.liveness()
    await run.emptiness()
    return result()
  } catch (error) {
    const { steps } = world.time
    const code = commit === undefined ? {} : { commit }
    const where = { ...code, seed: String(seed), step: steps, tape: play.tape, virtualMs: world.nowMs }
    // What broke first: the rest may come of it.
    const broken = watch.ledger.failure ?? error
    return result({ ...where, id: idOf(broken), last: world.trace.last(80), why: whyOf(broken) })
  }
}

/** What a seed says of its machines: how fast their disks and kernels are. */
function profileOf({ forbidGlobals = false, hosts = 1, seed }: RunOptions): WorldOptions {
  const draw = [...String(seed)].reduce((sum, each) => (sum * 31 + each.charCodeAt(0)) >>> 0, 7)
  const [stepMs, syncMs] = [[0, 1, 1, 5][draw % 4] ?? 1, [0, 2, 2, 15][(draw >>> 3) % 4] ?? 2]
  return { cluster: hosts > 1, forbidGlobals, hosts, seed, stepMs, syncMs }
}

const climateOf = (
  { chance, hosts }: World,
  { faults = groupsFor(hosts.length), load }: RunOptions,
): Climate => drawClimate(chance.of('climate'), faults, load)

class Run {
  readonly #play: Play
  /** What each engine wanted before all was deleted. */
  readonly #wanted = new Map<Host, readonly Spec[]>()
  readonly #watch: Watch
  readonly #world: World

  constructor(world: World, play: Play, watch: Watch) {
    this.#play = play
    this.#watch = watch
    this.#world = world
  }

  /** Everything goes wrong. */
  async safety(ms: number): Promise<void> {
    const { ledger } = this.#watch
    const { time } = this.#world
    const endMs = time.monotonicMs() + ms
    await time.run(() => ledger.failure !== undefined || (time.nextMs ?? Infinity) > endMs)
    ledger.verdict()
  }

  /** Nothing goes wrong any more, and all comes to rest. */
  async liveness(): Promise<void> {
    this.#play.heal()
    for (const host of this.#world.hosts) this.#watch.lookAround(host)
    for (const host of this.#world.hosts) await this.#restart(host)
    // An engine whose store failed opens it again by itself, some seconds after the disk is well.
    await this.#until(
      () => this.#world.hosts.every(({ controller }) => controller.engine.life !== undefined),
      'every engine has opened its store again',
    )
    await this.#settled()
    await this.#askAgain()
    await this.#rest()
    await this.#agree()
    await this.#still()
    for (const host of this.#world.hosts)
      this.#wanted.set(
        host,
        await this.#until(ensureTwice(host, this.#watch.ledger), 'all is made once more'),
      )
    this.#watch.ledger.verdict()
  }

  /** All is deleted, and nothing is left. */
  async emptiness(): Promise<void> {
    const { cluster, ledger } = this.#watch
    const { hosts } = this.#world
    const all = (host: Host): string => `all is deleted on ${host.name}`
    const stopped = await this.#until(
      cluster?.putOutStopped() ?? Promise.resolve([]),
      'who is stopped for good is put out',
    )
    for (const host of hosts)
      await this.#until(
        empty(host.controller, () => false),
        all(host),
      )
    // No network ends before what was lent of it is back.
    if (cluster) await this.#returned()
    // To who is stopped for good nothing comes back.
    const kept = new Map(stopped.map((host) => [host, lentBy(host)]))
    const goes = (host: Host, { id }: Pick<NetworkView, 'id'>): boolean => kept.get(host)?.has(id) !== true
    for (const host of hosts) {
      const isOwn = isOwnShared(host.controller)
      await this.#until(
        empty(host.controller, (network) => !isOwn(network) && goes(host, network)),
        all(host),
      )
    }
    // Who made a network must hear that the others have left it.
    if (cluster) await this.#world.advance(GIVE_UP_MS)
    for (const host of hosts)
      await this.#until(
        empty(host.controller, (network) => goes(host, network)),
        all(host),
      )
    await this.#world.advance(GIVE_UP_MS)
    if (cluster) ledger.check('C7', cluster.shared.leftovers()[0])
    for (const host of hosts) {
      await this.#world.advance(3000)
      await this.#rest([host])
      checkEmpty(host, this.#watch.ledger)
      const gone = removeTwice(host, this.#wanted.get(host) ?? [], this.#watch.ledger)
      await this.#until(gone, 'all is removed once more')
      await this.#end(host)
    }
    this.#watch.ledger.verdict()
  }

  get logs(): readonly (readonly Commit<AnyFact>[])[] {
    return this.#world.hosts.map((host) => this.#watch.logOf(host))
  }

  statistics(): Statistics {
    const { acts, ledger } = this.#watch
    const { logs } = this
    return {
      acts: countsOf(acts),
      checks: countsOf(ledger.checked),
      commits: logs.reduce((sum, log) => sum + log.length, 0),
      kernelSteps: this.#world.hosts.reduce((sum, host) => sum + this.#watch.witness(host).steps, 0),
      messages: countsOf(this.#watch.cluster?.histories.outcomes ?? new Map()),
      outcomes: countsOf(this.#play.clients.outcomes),
      pairs: logs.map(pairsIn).reduce(summed, {}),
      runs: 1,
      steps: this.#world.time.steps,
      virtualMs: this.#world.nowMs,
    }
  }

  /** Half of the seeds go on with the engines that were there: healing must not need a restart. */
  async #restart(host: Host): Promise<void> {
    const isSound =
      host.isUp && host.controller.blocked === undefined && host.controller.engine.log.damage === undefined
    const isWell = isSound && !host.isClosing
    if (isWell && this.#world.chance.of(`${host.name} heal`).oneIn(2)) return
    if (host.isAlive && isSound) await this.#until(host.close(), `${host.name} is closed`)
    host.crash()
    await this.#boot(host)
    if (host.controller.blocked === undefined) return
    // A backup was put back and nobody decided: now somebody does.
    host.crash()
    await this.#boot(host, { acceptLogBehind: true })
    this.#watch.ledger.check('V1', blockedOn(host))
  }

  async #boot(host: Host, how: { readonly acceptLogBehind?: boolean } = {}): Promise<void> {
    await this.#until(this.#play.boot(host, how), `an engine runs on ${host.name}`)
  }

  /** Every client that asked and does not know asks again, with the same id. */
  async #askAgain(): Promise<void> {
    const { clients } = this.#play
    for (const host of this.#world.hosts)
      for (const { command, id } of clients.unknown(host)) clients.ask(host, { command, id })
    await this.#settled()
    const left = this.#world.hosts.flatMap((host) => clients.unknown(host))
    this.#watch.ledger.check(
      'L5',
      left[0] && `${left[0].id} (${left[0].command.type}) asked again is still unknown`,
    )
    this.#watch.ledger.verdict()
  }

  async #settled(): Promise<void> {
    const { clients } = this.#play
    await this.#until(() => clients.waiting === 0, 'every command is answered')
    await this.#world.advance(5000)
    this.#watch.ledger.verdict()
  }

  /** Sweeps that failed, quarrels and healings rest for a while before they are tried again: all of that must be over in time. */
  async #rest(hosts = this.#world.hosts): Promise<void> {
    for (const host of hosts) {
      const endMs = this.#world.nowMs + HEAL_MS_MAX
      while (this.#world.nowMs < endMs && !(await this.#isAtRest(host))) await this.#world.advance(10_000)
      await this.#watch.checkRest(host)
      this.#watch.ledger.verdict()
    }
  }

  async #isAtRest(host: Host): Promise<boolean> {
    const look = new Ledger()
    await this.#watch.checkRest(host, look)
    return look.failure === undefined
  }

  /** C1, C4, C6: hosts of a cluster have the same of each other, in time. */
  async #agree(): Promise<void> {
    const { cluster, ledger } = this.#watch
    if (cluster === undefined) return
    await this.#until(cluster.joinAll(), 'every host is in the cluster')
    const endMs = this.#world.nowMs + REST_MS_MAX
    while (this.#world.nowMs < endMs && !(await cluster.agrees())) await this.#world.advance(1000)
    await this.#returned()
    await cluster.check()
    ledger.verdict()
  }

  /** What hosts lent each other, and nobody uses any more, comes back when it has rested by the clocks of both. */
  async #returned(): Promise<void> {
    await this.#world.advance(RETURN_MS)
    const isOut = this.#world.hosts.some((host) => lentBy(host).size > 0)
    if (isOut) await this.#world.advance(this.#world.clocksApartMs)
  }

  /** K10: at rest nothing is written and no step is taken, audits included. */
  async #still(): Promise<void> {
    const heads = (): string[] =>
      this.#world.hosts.map(
        (host) => `#${this.#watch.witness(host).head}, ${this.#watch.witness(host).steps} steps`,
      )
    const before = heads().join('; ')
    await this.#world.advance(STILL_MS)
    const after = heads().join('; ')
    this.#watch.ledger.check(
      'K10',
      before === after ? undefined : `at rest, and yet: ${before}, then ${after}`,
    )
    this.#watch.ledger.verdict()
  }

  /** The engine is closed; its log is read as a whole. */
  async #end(host: Host): Promise<void> {
    const { ledger } = this.#watch
    const { damage } = await this.#until(host.controller.verify(), 'the log is verified')
    ledger.check('L2', damage && `the log does not verify: ${damage.message}`)
    await checkEnd(this.#world, this.#watch, host, (closing) =>
      this.#until(closing, `${host.name} is closed`),
    )
    await host.close()
  }

  /** V1. @param until what must have come to pass in time, in words */
  async #until<T>(what: (() => boolean) | Promise<T>, until: string): Promise<T> {
    try {
      return await this.#world.until(what, REST_MS_MAX)
    } catch (error) {
      if (error instanceof DeadlineError) throw new InvariantError('V1', this.#waited(until))
      throw error
    }
  }

  #waited(until: string): string {
    const open = [...this.#play.clients.asked.values()].filter(({ open: count }) => count > 0)
    const names = open.slice(0, 3).map(({ command, id }) => `${command.type} ${id}`)
    const waiting = open.length === 0 ? '' : `; ${open.length} commands wait: ${names.join(', ')}`
    return `${REST_MS_MAX / 1000} s were not enough until ${until}${waiting}`
  }
}

function blockedOn({ controller, name }: Host): string | undefined {
  return controller.blocked && `${name} is blocked: ${String(controller.blocked)}`
}

const idOf = (error: unknown): string => (error instanceof InvariantError ? error.id : 'D1')
const whyOf = (error: unknown): string => {
  if (error instanceof InvariantError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
