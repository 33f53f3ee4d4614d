/** The operations of a controller in this process: one command's, or a long-lived engine's that serves others by its socket. */
import type { AnyFact, ClientCommand, Commit, Epoch, Ref, Seq } from '../../events/index.ts'
import type { ClaimsReport } from '../cluster/claims/report.ts'
import type { Kept } from '../cluster/resting.ts'
import type { ClusterStatus } from '../cluster/status.ts'
import type { Controller } from '../controller/controller.ts'
import { differencesIn } from '../engine/differences.ts'
import type { Engine } from '../engine/engine.ts'
import { instant } from '../engine/instant.ts'
import { withInterruption } from './interrupted.ts'
import { nameNow, pictureAsOf, pictureOf, plansIn, statusOf } from './knowledge.ts'
import type { Differences, Done, Given, Happened, Healed, HistoryRange, Known } from './operations.ts'
import type { Moment, Operations, Picture, Preview } from './operations.ts'
import type { Range, Status, Trace, Verified } from './operations.ts'
import { previewOn } from './thinking.ts'
import { inOrder, knownIn, pictureOn, traceOn } from './other-hosts.ts'
import { traceOf } from './trace.ts'

/** @param healed of a controller that was opened in order to heal: all that its epoch wrote is the healing */
export const operationsOf = (
  controller: Controller,
  { healed = false }: { readonly healed?: boolean } = {},
): Operations => new EngineOperations(controller, healed)

/** Takes a command's turn on what is decided, and writes nothing. @throws {RefusedError} as the command itself would */
export async function previewBy(engine: Engine, command: ClientCommand, given: Given): Promise<Preview> {
  const { blocked, context, decided, kernel, life, log, ports } = engine
  if (blocked) throw blocked
  const epoch = life?.epoch ?? ((decided.projections.host.epoch + 1) as Epoch)
  const request = { at: instant(ports.clock.nowMs()), command, given }
  return previewOn(decided, request, {
    ...(engine.claims === undefined ? {} : { claims: engine.claims }),
    context,
    epoch,
    kernel,
    seq: log.nextSeq,
  })
}

class EngineOperations implements Operations {
  readonly #controller: Controller
  readonly #engine: Engine
  readonly #healed: boolean

  constructor(controller: Controller, healed: boolean) {
    this.#controller = controller
    this.#engine = controller.engine
    this.#healed = healed
  }

  close(): Promise<void> {
    return this.#controller.close()
  }

  claims(): Promise<ClaimsReport> {
    return this.#controller.clusterClaims()
  }

  cluster(): Promise<ClusterStatus> {
    return this.#controller.clusterStatus()
  }

  async *commits({ follow = false, from = 1, host, stored, to }: Range = {}): AsyncGenerator<
    Commit<AnyFact>,
    void,
    void
  > {
    if (host !== undefined) {
      yield* this.#controller.peerCommits(host, { from, to })
      return
    }
    const engine = this.#engine
    await engine.log.flush()
    if (!follow) {
      yield* engine.log.read({ from: from as Seq, stored, to: to as Seq | undefined })
      return
    }
    let next = from as Seq
    for (let log = engine.log as typeof engine.log | undefined; log; log = await engine.logAfter(log))
      for await (const commit of log.subscribe({ from: next })) {
        next = (commit.seq + 1) as Seq
        yield commit
        if (to !== undefined && commit.seq >= to) return
      }
  }

  dispatch(command: ClientCommand, { actor, id, reason }: Given): Promise<Done> {
    return this.#controller.dispatch(command, {
      actor,
      ...(id === undefined ? {} : { id }),
      ...(reason === undefined ? {} : { reason }),
    })
  }

  async heal({ actor, reason }: Given): Promise<Healed> {
    const { blocked, log } = this.#engine
    if (blocked) throw blocked
    const before = log.decided.seq
    await this.#controller.audit({ actor, ...(reason === undefined ? {} : { reason }) })
    await this.#engine.log.flush()
    if (!this.#healed) return { commits: await this.#ownCommits(before + 1), orphans: [] }
    const commits = await this.#ownCommits(await this.#beginOfEpoch())
    return { commits, orphans: this.#engine.recovered?.orphans ?? [] }
  }

  /** What the engine itself wrote from a commit on, without the beginnings of epochs. */
  async #ownCommits(from: number): Promise<readonly Commit<AnyFact>[]> {
    const commits: Commit<AnyFact>[] = []
    const plans = new Set<string>()
    for await (const commit of this.#engine.log.read({ from: from as Seq })) {
      const isHealing =
        HEALING.has(commit.command.type) ||
        commit.facts.some((f) => f.type === 'EffectsSettled' && plans.has(f.data.plan))
      if (!isHealing) continue
      for (const fact of commit.facts) if (fact.type === 'EffectsIntended') plans.add(fact.data.plan)
      commits.push(commit)
    }
    return commits
  }

  /** The number of the commit that began this epoch: not far from the end, since this life has done nothing else yet. */
  async #beginOfEpoch(): Promise<Seq> {
    const { log, view } = this.#engine
    const { epoch } = view.projections.host
    for (let seq = log.durable.seq; seq > 0; seq = (seq - 1) as Seq)
      for await (const commit of log.read({ from: seq, to: seq }))
        if (commit.epoch < epoch) return (seq + 1) as Seq
    return 1 as Seq
  }

  async *history({ arrival, ...range }: HistoryRange = {}): AsyncGenerator<Happened, void, void> {
    const engine = this.#engine
    await engine.log.flush()
    if (arrival === true) yield* this.#controller.history(range)
    else yield* inOrder(keptBy(engine), engine.log)
  }

  async known(moment: Moment = 'now'): Promise<Known> {
    const { log, ports } = this.#engine
    await log.flush()
    return knownIn(keptBy(this.#engine), log, moment, ports.clock.nowMs())
  }

  async picture(moment: Moment = 'now', host?: string): Promise<Picture> {
    const { log, ports, snapshots, view } = this.#engine
    if (host !== undefined) return pictureOn(keptBy(this.#engine), host, moment, ports.clock.nowMs())
    return moment === 'now'
      ? pictureOf(view.projections.topology, view.seq, log.decided.at)
      : pictureAsOf(log, snapshots, moment, ports.clock.nowMs())
  }

  async plan(): Promise<Differences> {
    const { context, decided, kernel } = this.#engine
    const { orphans, steps } = await differencesIn(kernel, decided.projections, context)
    return { open: plansIn(decided.projections), orphans: orphans.map(({ label }) => label), steps }
  }

  async preview(command: ClientCommand, given: Given): Promise<Preview> {
    const { decided, kernel } = this.#engine
    const preview = await previewBy(this.#engine, command, given)
    return withInterruption(preview, decided.projections.topology, (ends) => kernel.flows(ends))
  }

  async status(): Promise<Status> {
    const { blocked, disk, log, view } = this.#engine
    // A receipt of pure success may be seen before it is on the disk.
    await log.flush()
    return statusOf(disk, log, view.projections, blocked)
  }

  async trace(ref: Ref, host?: string): Promise<Trace> {
    await this.#engine.log.flush()
    if (host !== undefined) return traceOn(keptBy(this.#engine), host, ref)
    const { log, view } = this.#engine
    return traceOf(log, ref, (id) => nameNow(view.projections.topology, id))
  }

  verify(): Promise<Verified> {
    return this.#controller.verify()
  }
}

/** Where an engine keeps what it has of peers. */
const keptBy = ({ ports: { hash }, store }: Engine): Kept => ({ hash, store })

/** Commands by which the engine mends, and tells what it mended. */
const HEALING: ReadonlySet<string> = new Set(['drift.report', 'host.observe', 'effects.retry'])
