/**
 * One epoch of an engine: a log that is open, the heads folded from it, the executor that follows it, and `take`, the only
 * door by which anything is written.
 *
 * A life ends when the engine closes, or when the store fails: then all that is queued falls, and the next life folds anew
 * what the disk really has.
 */
import type { Subscription } from 'rxjs'
import type {
  Actor,
  AnyFact,
  Appended,
  Command,
  CommandData,
  CommandId,
  CommandType,
  Commit,
  EffectsIntended,
  Epoch,
  Expectation,
  Instant,
  Log,
  PlanId,
} from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Ports } from '../ports.ts'
import { Executor, type Receipt } from '../reconcile/execute.ts'
import type { TurnContext } from './context.ts'
import type { KnownPeers } from './known-peers.ts'
import { Heads } from './heads.ts'
import { instant } from './instant.ts'
import { plantedIn } from './planted.ts'
import { takeTurn, type TurnOutcome } from './turn.ts'
import type { View } from './view.ts'
import type { Settled, Waiters } from './waiters.ts'

/** A command on its way into a turn. */
export type Request<T extends CommandType = CommandType> = {
  readonly actor: Actor
  readonly command: Command<T>
  /** Streams that must be where the asker saw them. */
  readonly expect?: readonly Expectation[]
  readonly id: CommandId
  readonly reason?: string
}

/** What a turn wrote. */
export type Taken = {
  readonly commit: Commit<AnyFact>
  readonly durable: Promise<void>
  readonly intended?: EffectsIntended['data']
  /** The receipt of the plan that the asker waits for. */
  readonly settled?: Promise<Settled>
}

export type LifeParts = {
  readonly context: TurnContext
  readonly epoch: Epoch
  readonly kernel: Kernel
  readonly known: KnownPeers
  readonly log: Log<AnyFact>
  /** The newest time in the log, in milliseconds. */
  readonly newestMs: number
  /** Somebody read and met damage: the log takes nothing any more. */
  readonly onDamage: (damage: EngineError) => void
  /** A defect, told to whoever watches the engine. */
  readonly onProblem: (problem: unknown) => void
  readonly onSettled: (settled: Settled, intended: EffectsIntended['data']) => void
  /** The store failed; `ended` settles when this life does nothing any more. */
  readonly onStoreFailed: (ended: Promise<void>) => void
  readonly onTaken: (taken: Taken, view: View) => void
  readonly ports: Ports
  readonly view: View
  /** Outlives this life: a plan that is durable is settled, and answered, in the next one. */
  readonly waiters: Waiters
}

/** Who has one of the engine's own commands written, and what for. */
export type By = Pick<Request, 'actor' | 'reason'>

/** The engine's own hand, in commands that no client gave. */
export const ENGINE: By = { actor: { kind: 'engine' } }

export class Life {
  readonly executor: Executor
  readonly heads: Heads
  readonly #parts: LifeParts
  readonly #receipts: Subscription
  readonly #takeTurn: typeof takeTurn
  #over = false
  /** What whoever comes too late hears. */
  #why: unknown
  #tellEnd: (why: unknown) => void = () => undefined
  /** Settles, with the reason, when this life is over. */
  readonly whenOver = new Promise<unknown>((resolve) => (this.#tellEnd = resolve))
  #settledMs = -Infinity
  #newestMs: number
  /** The clock is behind the log, and the log says so. */
  #steppedBack = false

  constructor(parts: LifeParts) {
    this.#parts = parts
    this.#newestMs = parts.newestMs
    this.heads = new Heads(parts.view)
    this.executor = new Executor(parts.kernel, parts.ports.timers)
    this.#receipts = this.executor.receipts.subscribe((r) => this.#settle(r))
    parts.log.onDurable(({ head }) => this.heads.markDurable(head.seq))
    const planted = plantedIn(parts.ports)
    this.#takeTurn = planted.turn ?? takeTurn
    planted.life?.(this)
  }

  /** What is known of peers, for the next commits to say. */
  get known(): KnownPeers {
    return this.#parts.known
  }

  get waiters(): Waiters {
    return this.#parts.waiters
  }

  get epoch(): Epoch {
    return this.#parts.epoch
  }

  get log(): Log<AnyFact> {
    return this.#parts.log
  }

  /**
   * One turn: decides on the decided head, queues the commit, and hands its plan to the executor. Synchronous.
   * @returns undefined if the command changed nothing.
   * @throws {RefusedError} with all problems; nothing was queued.
   */
  take(request: Request): Taken | undefined {
    if (this.#over) throw this.#notTaken()
    const { context, epoch, log } = this.#parts
    const before = this.heads.decided
    const { at, clock } = this.#now()
    const { actor, command, id, reason } = request
    // Named one by one: a spread of what comes in many shapes takes longer than all else here.
    const outcome = this.#takeTurn(context, before, {
      actor,
      at,
      command,
      epoch,
      id,
      seq: log.nextSeq,
      ...(clock === undefined ? undefined : { clock }),
      ...(reason === undefined ? undefined : { reason }),
    })
    if (outcome.draft.facts.length === 0) return undefined
    const { commit, durable, submitted } = this.#append(outcome, request.expect ?? [])
    durable.catch((error: unknown) => this.#fail(error))
    if (clock !== undefined) this.#steppedBack = true
    this.heads.push(outcome.view, outcome.soft)
    const settled = outcome.waitsFor === undefined ? undefined : this.waiters.wait(outcome.waitsFor)
    const taken: Taken = {
      commit,
      durable,
      ...(outcome.intended ? { intended: outcome.intended } : {}),
      ...(settled ? { settled } : {}),
    }
    if (outcome.intended) {
      const begin = onlyAdds(outcome, outcome.intended, before) ? submitted : durable
      this.executor.submit({ begin, intended: outcome.intended })
    }
    this.#parts.onTaken(taken, outcome.view)
    return taken
  }

  /** The commit that a client's command became. @throws {EngineError} this life ended, and its store may be closed */
  async outcomeOf(id: CommandId): Promise<Commit<AnyFact> | undefined> {
    if (this.#over) throw this.#notTaken()
    try {
      return await this.log.outcomeOf(id)
    } catch (error) {
      if (this.log.damage && error instanceof EngineError) this.#parts.onDamage(error)
      else if (this.over) throw this.#notTaken()
      throw error
    }
  }

  /** A command of the engine itself. */
  own<T extends CommandType>(type: T, data: CommandData[T], by: By = ENGINE): Taken | undefined {
    const command = { data, type } as unknown as Command
    return this.take({ ...by, command, id: this.#parts.ports.ids.commandId() })
  }

  /** As {@link own}, as soon as the log has room for it. */
  ownLater<T extends CommandType>(type: T, data: CommandData[T]): void {
    this.#persist(() => this.own(type, data))
  }

  /** Settles a plan from what a run of it, or a look at the kernel, showed. */
  settle(receipt: Receipt, late: boolean): Taken | undefined {
    const intended = this.heads.decided.projections.applied.open.get(receipt.plan)
    this.#settledMs = this.#parts.ports.clock.monotonicMs()
    const { failures, plan, seen, skipped } = receipt
    // Keys in order, or the whole commit would have to be sorted.
    const data = { failures, late, plan, seen, ...(skipped ? { skipped } : {}) }
    const taken = this.own('effects.settle', data, { actor: { kind: 'worker' } })
    if (taken === undefined || intended === undefined) return taken
    const settled: Settled = {
      facts: taken.commit.facts,
      failures: receipt.failures,
      plan: receipt.plan,
      seq: taken.commit.seq,
    }
    const tell = (): void => this.waiters.tell(settled)
    // A success is told at once; a failure when it is durable.
    if (receipt.failures.length === 0) tell()
    else taken.durable.then(tell, () => undefined)
    this.#parts.onSettled(settled, intended)
    return taken
  }

  /** No more turns, no more receipts. Settles when the kernel does nothing for this life any more. */
  async end(why: unknown): Promise<void> {
    this.#over = true
    this.#why = why
    this.#tellEnd(why)
    this.heads.fail(why)
    this.#receipts.unsubscribe()
    await this.executor.close()
  }

  /** No plan is open, and none was settled within the last milliseconds. */
  isQuiet(forMs: number): boolean {
    return this.executor.open === 0 && this.#parts.ports.clock.monotonicMs() - this.#settledMs >= forMs
  }

  get over(): boolean {
    return this.#over
  }

  /** A receipt is never refused: if the log has no room for it now, it waits until there is some. */
  #settle(receipt: Receipt): void {
    this.#persist(
      () => this.settle(receipt, false),
      (error) => this.waiters.fail(error, (plan) => plan === receipt.plan),
    )
  }

  /** What is no failure of the store is a defect of ours: it is told, and whoever waits hears it. */
  #persist(write: () => void, giveUp: (error: unknown) => void = () => undefined): void {
    if (this.#over) return
    try {
      write()
    } catch (error) {
      if (isBackpressure(error)) void this.log.flush().then(() => this.#persist(write, giveUp))
      else if (this.log.failure) this.#fail(this.log.failure)
      else {
        this.#parts.onProblem(error)
        giveUp(error)
      }
    }
  }

  /** A command that came too late: it was not written, so it may simply be given again. */
  #notTaken(): EngineError {
    if (this.#why instanceof EngineError && this.#why.code === 'ERR_CLOSED') return this.#why
    return new EngineError(
      'ERR_STORE_UNWRITABLE',
      'the store failed before this command was taken; nothing of it was written, so give it again',
      { cause: this.#why },
    )
  }

  #append(outcome: TurnOutcome, expect: readonly Expectation[]): Appended<AnyFact> {
    const { known, log } = this.#parts
    const knows = known.news()
    try {
      const draft = knows === undefined ? outcome.draft : { ...outcome.draft, knows }
      const appended = log.append(draft, [...outcome.expectations, ...expect], {
        flush: outcome.soft && !outcome.intended ? 'group' : 'now',
      })
      if (knows !== undefined) known.wereTold()
      return appended
    } catch (error) {
      // The store did not even take it, and no promise will tell of that.
      if (log.failure) this.#fail(log.failure)
      else if (log.damage && error instanceof EngineError) this.#parts.onDamage(error)
      throw error
    }
  }

  /** The store failed. Plans whose commits fell will never be settled; those that are durable, in the next life. */
  #fail(error: unknown): void {
    if (this.#over) return
    const ended = this.end(error)
    const durable = this.log.durable.seq
    this.waiters.fail(error, (plan) => seqOfPlan(plan) > durable)
    this.#parts.onStoreFailed(ended)
  }

  /** Never earlier than the newest in the log; `clock` is what the clock said, if it stepped back and no fact says so yet. */
  #now(): { at: Instant; clock?: Instant } {
    const nowMs = this.#parts.ports.clock.nowMs()
    if (nowMs >= this.#newestMs) {
      this.#newestMs = nowMs
      this.#steppedBack = false
      return { at: instant(nowMs) }
    }
    const at = instant(this.#newestMs)
    return this.#steppedBack ? { at } : { at, clock: instant(nowMs) }
  }
}

/** The log has too much queued: the same again, later, may go well. */
const isBackpressure = (error: unknown): boolean =>
  error instanceof EngineError && error.code === 'ERR_BACKPRESSURE'

/** Kinds of resources that bear our mark from birth, or lie on something that does. */
const ADDED: ReadonlySet<string> = new Set(['addr', 'bridge', 'netns', 'route', 'veth'])

/** Whether a plan may begin while its commit is still being synced: it only adds what nobody else can have (design, rule 1). */
function onlyAdds({ draft }: TurnOutcome, intended: EffectsIntended['data'], before: View): boolean {
  const { resources } = before.projections.applied
  // What others might have is used only once it is on disk here that it was granted.
  if (draft.facts.some(({ type }) => type === 'ClaimGranted')) return false
  return intended.steps.every(
    (step) => step.op === 'ensure' && ADDED.has(step.spec.kind) && !resources.has(step.key),
  )
}

/** The number of the commit that intends a plan. */
const seqOfPlan = (plan: PlanId): number => Number(plan.slice(plan.indexOf('.') + 1))

/** That commit as people call it: `#12`. */
export const planCommit = (plan: PlanId): string => `#${seqOfPlan(plan)}`
