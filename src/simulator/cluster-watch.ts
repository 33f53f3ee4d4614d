/** Who watches a cluster: what the servers are told, what hosts keep of each other, and whether all agree at rest. */
import type { Origin } from '../../events/index.ts'
import { LOG_STREAM } from '../cluster/message.ts'
import type { Host } from './host.ts'
import type { Bodies } from './invariants/bodies.ts'
import { Copies } from './invariants/copies.ts'
import { Histories } from './invariants/histories.ts'
import type { Ledger } from './invariants/invariant.ts'
import { Shared } from './invariants/shared.ts'
import type { Witness } from './invariants/witness.ts'
import type { Play } from './play.ts'
import type { World } from './world.ts'

/** What makes a host stop for good: somebody must do something first. */
const FENCED: ReadonlySet<unknown> = new Set(['ERR_FENCED', 'ERR_LOG_BEHIND', 'ERR_LOG_FORKED'])

/** An invariant, and what is wrong. */
type Difference = readonly [id: (typeof AT_REST)[number], why: string]

const AT_REST = ['C1', 'C4', 'C6', 'C7'] as const

/** Who has seen all that landed on a host's disk. */
export type WitnessOf = (host: Host) => Witness

export class ClusterWatch {
  readonly histories: Histories
  readonly #copies: ReadonlyMap<Host, Copies>
  readonly shared: Shared
  readonly #ledger: Ledger
  readonly #play: Play
  /** Whom the cluster does not take back: it has more of their log. */
  readonly #refused = new Set<Host>()
  readonly #witnessOf: WitnessOf
  readonly #world: World

  constructor(
    world: World,
    play: Play,
    { bodies, ledger }: { readonly bodies: Bodies; readonly ledger: Ledger },
    witnessOf: WitnessOf,
  ) {
    this.#ledger = ledger
    this.#play = play
    this.#witnessOf = witnessOf
    this.#world = world
    const isJudged = (origin: Origin): boolean => this.#isJudged(origin)
    this.histories = new Histories(world, ledger, bodies, isJudged)
    this.#copies = new Map(
      world.hosts.map((host) => [
        host,
        new Copies(host, { bodies, ledger }, (origin, seq) => this.histories.hashAt(origin, seq), isJudged),
      ]),
    )
    this.shared = new Shared({
      isJudged: (host) => this.#isSure(host),
      ledger,
      modelOf: (host) => witnessOf(host).grants,
      world,
    })
    for (const host of world.hosts) {
      this.#listen(host)
      this.#lendEar(host)
    }
    world.onCopy = (copy) => this.#listen(copy)
    world.servers.onPublish = (message, outcome, from, { stored, unread }) => {
      this.histories.hear(message, outcome, from)
      if (stored) this.shared.history.hear(message, stored, unread)
    }
    world.servers.onLoss = (stream) => {
      world.trace.add('bus', `lost what it had of ${stream}`)
      if (stream === LOG_STREAM.name) this.histories.lose()
      else this.shared.history.lose()
    }
  }

  /** C1, C4, C6, C7, into the watch's ledger. */
  async check(): Promise<void> {
    const found = await this.differences()
    for (const id of AT_REST) this.#ledger.check(id, found.find(([each]) => each === id)?.[1])
  }

  async agrees(): Promise<boolean> {
    return (await this.differences()).length === 0
  }

  /** Who left, or whose log forgot that it is a member, joins again: but not one whose log somebody else has continued. */
  async joinAll(): Promise<void> {
    for (const host of this.#world.hosts) {
      if (host.controller.engine.view.projections.host.cluster !== null) continue
      try {
        await this.#world.join(host)
      } catch (error) {
        if (!this.#mayStop(host) || !FENCED.has((error as { readonly code?: unknown }).code)) throw error
        this.#refused.add(host)
      }
    }
  }

  /** Whose log somebody else has continued claims nothing and gives up nothing: the others go on without it. @returns who that is */
  async putOutStopped(): Promise<readonly Host[]> {
    const stopped: Host[] = []
    let well: Host | undefined
    for (const host of this.#world.hosts) {
      const { state } = await host.controller.clusterStatus()
      if (state === 'connected') well ??= host
      if (state === 'stopped') stopped.push(host)
    }
    for (const { name } of well === undefined ? [] : stopped)
      for (const dead of [false, true])
        await well?.controller.dispatch({ data: { dead, host: name }, type: 'cluster.evict' })
    return stopped
  }

  /** What is still to come until all agree. */
  async differences(): Promise<readonly Difference[]> {
    const all: Difference[] = []
    const stopped = new Set(this.#refused)
    for (const host of this.#world.hosts) {
      const { problem, state } = await this.#world.until(host.controller.clusterStatus())
      if (state === 'stopped' && this.#mayStop(host)) stopped.add(host)
      else if (state !== 'connected' && !stopped.has(host))
        all.push(['C1', `${host.name} is ${state}${problem ? `: ${problem.code}` : ''}`])
    }
    for (const host of this.#world.hosts) {
      if (!stopped.has(host) && this.#mayBeJudged(host)) all.push(...this.#unpublished(host))
      if (!stopped.has(host)) all.push(...(await this.#missing(host)))
    }
    return [...all, ...this.shared.differences().map((why) => ['C7', why] as const)]
  }

  #mayStop(host: Host): boolean {
    return this.#play.excuses.has(host) || this.#play.copied.has(host)
  }

  #listen(host: Host): void {
    const onProblem = host.onProblem?.bind(host)
    host.onProblem = (problem) => {
      onProblem?.(problem)
      const { code } = problem as { readonly code?: unknown }
      if (FENCED.has(code)) this.histories.fence(host.life.name)
    }
  }

  #lendEar(host: Host): void {
    const witness = this.#witnessOf(host)
    witness.wasTold = (seq, hash) =>
      host.origin !== undefined && this.histories.hashAt(host.origin, seq) === hash
    witness.ear = {
      ledger: this.#ledger,
      nowMs: () => this.#world.time.nowMs(),
      onGiven: (held, seq) => this.shared.given(host, held, seq),
      onGranted: (granted, seq) => this.shared.granted(host, granted, seq),
      onNumbered: (numbered, seq) => this.shared.numbered(host, numbered, seq),
      origin: () => host.origin,
    }
  }

  /** Whether it is known what a host has in its cluster: its log is one, and no clock says that a rest is over which is not. */
  #isSure(host: Host): boolean {
    const { copied, excuses } = this.#play
    return (
      !excuses.has(host) && !copied.has(host) && !this.#world.hosts.some(({ clockIsRight }) => !clockIsRight)
    )
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
    const { hash, seq } = this.#witnessOf(host).last
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
