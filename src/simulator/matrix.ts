/**
 * The crash matrix: a scenario is played once to count the port calls that its engine makes (disk, kernel steps, looks at the
 * kernel); then once for each call and each side of it, with an engine that dies there and another that is started after it; and, if
 * asked for, once for each call of that start, with an engine that dies there again. However it dies, the scenario must come out, all
 * invariants hold at rest, and nothing be left when all is deleted.
 */
import type { View } from '../engine/empty-view.ts'
import { checkEmpty, checkEnd } from './ending.ts'
import { empty } from './empty.ts'
import type { Host } from './host.ts'
import { InvariantError } from './invariants/invariant.ts'
import { strangersIn } from './invariants/strangers.ts'
import { Play } from './play.ts'
import type { RunOptions } from './run.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { Watch } from './watch.ts'
import { World } from './world.ts'

/** A port call, and a side of it. */
type CallSide = { readonly call: number; readonly when: 'after' | 'before' }

/** Where an engine dies: at which call after its first start, and on which side of it. */
export type CrashPoint = CallSide & {
  /** Where the next one dies: at which call after the first death. */
  readonly again?: CallSide
}

export type MatrixFailure = {
  /** Absent: it fails without a crash. */
  readonly at?: CrashPoint & { readonly name: string }
  /** As it was given. */
  readonly commit?: string
  /** Of the invariant; `S1`: the scenario's own expectation, or something threw. */
  readonly id: string
  /** The last lines of the trace. */
  readonly last: readonly string[]
  readonly scenario: string
  readonly seed: string
  readonly why: string
}

export type PointResult = {
  /** Port calls after the first start, up to the scenario's end. */
  readonly calls: number
  readonly failure?: MatrixFailure
  /** Port calls from the first death until an engine took commands again. 0: none died. */
  readonly recovery: number
}

export type PointOptions = Pick<RunOptions, 'commit' | 'forbidGlobals'> & {
  /** Hears every line of the trace. */
  readonly onLine?: (line: string) => void
  /** Default: `matrix`. */
  readonly seed?: string
}

/** What runs of one seed have in common need not be checked for each: see `checkDecisions`. */
type Common = Map<string, View>

export type MatrixOptions = PointOptions & {
  /** Every so-manieth point only, all points over so many runs. Default: 1, all. */
  readonly every?: number
  readonly onResult?: (result: PointResult) => void
  /** After each of those points a second one, in the start that follows: every so-manieth. Default: 0, none. */
  readonly pairs?: number
}

export type MatrixResult = {
  readonly calls: Readonly<Record<string, number>>
  readonly failures: readonly MatrixFailure[]
  readonly runs: number
}

/** Time enough for sweeps that failed to be tried again, in milliseconds. */
const CALM_MS = 65_000
/** Within this all must be deleted that can be, in milliseconds. */
const EMPTY_MS = 120_000

/** Plays scenarios without a crash, and with one at each point. Never rejects for what it finds. */
export async function crashMatrix(
  scenarios: readonly Scenario[],
  { every = 1, onResult, pairs = 0, ...options }: MatrixOptions = {},
): Promise<MatrixResult> {
  const calls: Record<string, number> = {}
  const failures: MatrixFailure[] = []
  let runs = 0
  const note = (result: PointResult): void => {
    runs++
    if (result.failure) failures.push(result.failure)
    onResult?.(result)
  }
  let [nth, nthPair] = [0, 0]
  for (const scenario of scenarios) {
    const common: Common = new Map()
    const clean = await playPoint(scenario, undefined, options, common)
    calls[scenario.name] = clean.calls
    note(clean)
    if (clean.failure) continue
    for (const point of pointsOf(clean.calls)) {
      if (nth++ % every !== 0) continue
      const once = await playPoint(scenario, point, options, common)
      note(once)
      for (const again of pairs > 0 ? pointsOf(once.recovery) : [])
        if (nthPair++ % pairs === 0) note(await playPoint(scenario, { ...point, again }, options, common))
    }
  }
  return { calls, failures, runs }
}

/** Before and after each of so many calls. */
export const pointsOf = (calls: number): readonly CallSide[] =>
  Array.from({ length: calls }, (_, i) => i + 1).flatMap((call) => [
    { call, when: 'before' as const },
    { call, when: 'after' as const },
  ])

/** Plays one scenario in a fresh world, with a crash at a point or without. */
export async function playPoint(
  scenario: Scenario,
  point?: CrashPoint,
  { commit, forbidGlobals = false, onLine, seed = 'matrix' }: PointOptions = {},
  common: Common = new Map(),
): Promise<PointResult> {
  const { hosts = 1 } = scenario
  const world = new World({ cluster: hosts > 1, forbidGlobals, hosts, seed })
  world.time.waitsForTurns = false
  if (onLine) world.trace.onLine = onLine
  const run = new PointRun(world, common)
  try {
    await run.boot(point)
    await scenario.run(world)
    run.watch.ledger.verdict()
    await run.finish()
    return { calls: run.calls, recovery: run.recovery }
  } catch (error) {
    const name = run.deaths.join(', then ') || 'nothing'
    const at = point === undefined ? {} : { at: { ...point, name } }
    const code = commit === undefined ? {} : { commit }
    const broken = run.watch.ledger.failure ?? error
    const id = broken instanceof InvariantError ? broken.id : 'S1'
    const why = broken instanceof Error ? broken.message : String(broken)
    return {
      calls: run.calls,
      recovery: run.recovery,
      failure: { ...at, ...code, id, last: world.trace.last(60), scenario: scenario.name, seed, why },
    }
  }
}

class PointRun {
  calls = 0
  /** At which calls engines died as they were told to. */
  readonly deaths: string[] = []
  recovery = 0
  readonly watch: Watch
  readonly #common: Common
  readonly #play: Play
  readonly #world: World

  constructor(world: World, common: Common) {
    this.#common = common
    this.#world = world
    this.#play = new Play(world)
    this.watch = new Watch(world, this.#play)
  }

  async boot(point: CrashPoint | undefined): Promise<void> {
    const { gate } = this.#host
    const { hosts, isCluster } = this.#world
    await this.#world.until(Promise.all(hosts.map((host) => this.#play.boot(host))))
    if (isCluster) await this.#world.until(Promise.all(hosts.map((host) => this.#world.join(host))))
    gate.calls = 0
    if (point) this.#doom(point)
  }

  #doom({ again, call, when }: CrashPoint): void {
    const [host, play] = [this.#host, this.#play]
    const { onDeath } = host
    const { onUp } = play
    let begun: number | undefined
    host.crashAt(call, when)
    host.onDeath = () => {
      const { calls, diedAt } = host.gate
      // The scenario kills engines, too.
      if (diedAt !== undefined) {
        host.gate.diedAt = undefined
        this.deaths.push(diedAt)
        begun ??= calls
        if (again && this.deaths.length === 1) host.crashAt(again.call, again.when)
      }
      onDeath?.()
    }
    play.onUp = (which) => {
      if (begun !== undefined && this.recovery === 0) this.recovery = host.gate.calls - begun
      onUp?.(which)
    }
  }

  /** Nothing fails any more; all comes to rest, is looked at, and goes. */
  async finish(): Promise<void> {
    this.calls = this.#host.gate.calls
    const { hosts } = this.#world
    await this.#world.until(() => hosts.every(({ isUp }) => isUp))
    this.#play.heal()
    await this.#world.advance(CALM_MS)
    for (const host of hosts) await this.#check(host)
    await this.watch.cluster?.check()
    const strangers = new Map(hosts.map((host) => [host, strangersIn(host.kernel.world, host.origin)]))
    await this.#world.until(Promise.all(hosts.map((host) => empty(host.controller))), EMPTY_MS)
    await this.#world.advance(CALM_MS)
    for (const host of hosts) await this.#end(host, strangers.get(host) ?? '')
    this.watch.ledger.verdict()
  }

  /** All was deleted: nothing is left, and the log is looked at as a whole. */
  async #end(host: Host, strangers: string): Promise<void> {
    const world = this.#world
    await this.#check(host)
    const { ledger } = this.watch
    checkEmpty(host, ledger)
    const now = strangersIn(host.kernel.world, host.origin)
    ledger.check('K3', now === strangers ? undefined : `of strangers there was\n${strangers}\nand is\n${now}`)
    await checkEnd(world, this.watch, host, (closing) => world.until(closing, EMPTY_MS), this.#common)
  }

  /** The one that dies. */
  get #host(): Host {
    return this.#world.host(0)
  }

  async #check(host: Host): Promise<void> {
    await this.watch.checkRest(host)
    this.watch.ledger.verdict()
  }
}
