/** Who watches a cluster: what the servers are told, what hosts keep of each other, and whether all agree at rest. */
import type { Origin } from '../../events/index.ts'
import type { Host } from './host.ts'
import { Copies } from './invariants/copies.ts'
import { Histories } from './invariants/histories.ts'
import type { Ledger } from './invariants/invariant.ts'
import type { Play } from './play.ts'
import type { World } from './world.ts'

/** What makes a host stop for good: somebody must do something first. */
const FENCED: ReadonlySet<unknown> = new Set(['ERR_FENCED', 'ERR_LOG_BEHIND', 'ERR_LOG_FORKED'])

/** An invariant, and what is wrong. */
type Difference = readonly [id: 'C1' | 'C4' | 'C6', why: string]

/** How a host's log stands on its disk. */
export type HeadOf = (host: Host) => { readonly hash: string; readonly seq: number }

export class ClusterWatch {
  readonly histories: Histories
  readonly #copies: ReadonlyMap<Host, Copies>
  readonly #headOf: HeadOf
  readonly #ledger: Ledger
  readonly #play: Play
  readonly #world: World

  constructor(world: World, play: Play, ledger: Ledger, headOf: HeadOf) {
    this.#headOf = headOf
    this.#ledger = ledger
    this.#play = play
    this.#world = world
    const isJudged = (origin: Origin): boolean => this.#isJudged(origin)
    this.histories = new Histories(world, ledger, isJudged)
    this.#copies = new Map(
      world.hosts.map((host) => [
        host,
        new Copies(host, ledger, (origin, seq) => this.histories.hashAt(origin, seq), isJudged),
      ]),
    )
    for (const host of world.hosts) this.#listen(host)
    world.onCopy = (copy) => this.#listen(copy)
  }

  /** C1, C4, C6, into the watch's ledger. */
  async check(): Promise<void> {
    const found = await this.differences()
    for (const id of ['C1', 'C4', 'C6'] as const)
      this.#ledger.check(id, found.find(([each]) => each === id)?.[1])
  }

  async agrees(): Promise<boolean> {
    return (await this.differences()).length === 0
  }

  /** Who left, or whose log forgot that it is a member, joins again. */
  async joinAll(): Promise<void> {
    for (const host of this.#world.hosts)
      if (host.controller.engine.view.projections.host.cluster === null) await this.#world.join(host)
  }

  /** What is still to come until all agree. */
  async differences(): Promise<readonly Difference[]> {
    const all: Difference[] = []
    const stopped = new Set<Host>()
    for (const host of this.#world.hosts) {
      const { problem, state } = await this.#world.until(host.controller.clusterStatus())
      const mayStop = this.#play.excuses.has(host) || this.#play.copied.has(host)
      if (state === 'stopped' && mayStop) stopped.add(host)
      else if (state !== 'connected')
        all.push(['C1', `${host.name} is ${state}${problem ? `: ${problem.code}` : ''}`])
    }
    for (const host of this.#world.hosts) {
      if (!stopped.has(host) && this.#mayBeJudged(host)) all.push(...this.#unpublished(host))
      if (!stopped.has(host)) all.push(...(await this.#missing(host)))
    }
    return all
  }

  #listen(host: Host): void {
    const onProblem = host.onProblem?.bind(host)
    host.onProblem = (problem) => {
      onProblem?.(problem)
      const { code } = problem as { readonly code?: unknown }
      if (FENCED.has(code)) this.histories.fence(host.life.name)
    }
  }

  /** Whether a host's history can only be one: not, where an older disk came back, or where servers forgot which of two was first. */
  #mayBeJudged(host: Host): boolean {
    return !this.#play.excuses.has(host) && !(this.#play.copied.has(host) && this.histories.hasLost)
  }

  #isJudged(origin: Origin): boolean {
    const host = this.#world.hosts.find((each) => each.origin === origin)
    return host !== undefined && this.#mayBeJudged(host)
  }

  #unpublished(host: Host): readonly Difference[] {
    const origin = host.origin as Origin
    const told = this.histories.headOf(origin)
    const { hash, seq } = this.#headOf(host)
    const wrong = this.histories.wrongIn(origin)
    return [
      ...(told.hash === hash
        ? []
        : [['C4', `${host.name} is at #${seq}, and told of #${told.seq}`] as const]),
      ...(wrong === undefined ? [] : [['C6', `of ${host.name}, ${wrong}`] as const]),
    ]
  }

  async #missing(reader: Host): Promise<readonly Difference[]> {
    const { peers } = await this.#world.until(reader.controller.clusterStatus())
    return this.#world.hosts.flatMap((host) => {
      if (host === reader || !this.#mayBeJudged(host)) return []
      const origin = host.origin as Origin
      const [there, here] = [this.histories.headOf(origin), this.#copies.get(reader)?.headOf(origin)]
      const { broken } = peers.find((peer) => peer.origin === origin) ?? {}
      if (broken === undefined && there.hash === here?.hash) return []
      const why = broken === undefined ? '' : ` (${broken})`
      return [
        [
          'C1',
          `${reader.name} has #${here?.seq} of ${host.name}, which told of #${there.seq}${why}`,
        ] as const,
      ]
    })
  }
}
