/**
 * A client's command on its way: asked before? held back? refused, parked or taken? Then the answer, as the settle table
 * says (design §8).
 */
import type {
  Actor,
  AnyFact,
  ClientCommand,
  Command,
  CommandId,
  Commit,
  Expectation,
  Log,
  PlanId,
} from '../../events/index.ts'
import { EngineError, RefusedError, assert } from '../../events/index.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Ports } from '../ports.ts'
import { checkSettled, type Answer } from './answers.ts'
import type { Claims, Prepared } from './claims.ts'
import type { TurnContext } from './context.ts'
import type { Life, Request, Taken } from './life.ts'
import { asAsked, needsObservation, observed } from './observation.ts'
import { Pace } from './pace.ts'
import { againMs, HoldBack, namesIn, PARK_MS_MAX } from './park.ts'
import { resolveNetwork, resolveSandbox } from './resolve.ts'
import type { Settled } from './waiters.ts'

/** How a command is given. */
export type DispatchOptions = {
  /** Who asks. Default: `{ kind: 'library' }`. */
  readonly actor?: Actor & { readonly kind: 'cli' | 'library' | 'socket' }
  /** Streams that must be where the caller saw them. */
  readonly expect?: readonly Expectation[]
  /** The same id for ever gives the same outcome. */
  readonly id?: CommandId
  readonly reason?: string
  /** `durable`: answer when the intent is on disk; `settled` (default): when the kernel has followed. */
  readonly settle?: 'durable' | 'settled'
  /** Ends the waiting, not the command: what is durable goes on. */
  readonly signal?: AbortSignal
}

/** What waits in an engine, by what it waits for. All zero: it is at rest. */
export type Waiting = {
  readonly answers: number
  /** Not on disk yet. */
  readonly commits: number
  readonly names: number
  /** Without a receipt. */
  readonly plans: number
  /** Plans for whose receipt somebody waits. */
  readonly receipts: number
  readonly turns: number
}

export class Dispatcher {
  readonly #claims: () => Claims | undefined
  readonly #holdBack = new HoldBack()
  readonly #inFlight = new Map<
    CommandId,
    { readonly answer: Promise<Answer>; readonly command: ClientCommand; readonly settle: string }
  >()
  readonly #observed: (command: ClientCommand) => Promise<ClientCommand>
  readonly #pace: Pace
  readonly #ports: Ports

  constructor(ports: Ports, kernel: Kernel, context: TurnContext, claims: () => Claims | undefined) {
    this.#claims = claims
    this.#pace = new Pace(ports.timers)
    this.#observed = (command) => observed(command, kernel, context)
    this.#ports = ports
  }

  /** How many commands of a chosen id have no answer yet, how many names are held back, and how many commands wait for a turn. */
  get waiting(): Pick<Waiting, 'answers' | 'names' | 'turns'> {
    return { answers: this.#inFlight.size, names: this.#holdBack.size, turns: this.#pace.waiting }
  }

  /** @throws {RefusedError} with all problems; @throws {EngineError} as the codes say. */
  async dispatch(life: Life, command: ClientCommand, options: DispatchOptions): Promise<Answer> {
    options.signal?.throwIfAborted()
    const room = this.#pace.enter()
    if (room) {
      await room
      options.signal?.throwIfAborted()
    }
    const { id } = options
    if (id === undefined) return this.#once(life, command, this.#ports.ids.commandId(), options)
    return withSignal(this.#shared(life, command, id, options), options.signal)
  }

  /** Who asks for the same at the same time gets the same answer; who gives up does so alone. */
  #shared(life: Life, command: ClientCommand, id: CommandId, options: DispatchOptions): Promise<Answer> {
    const { settle = 'settled', signal: _alone, ...ours } = options
    const now = this.#inFlight.get(id)
    if (now) mustBeSame(id, now.command, command)
    if (now?.settle === settle) return now.answer
    const again = (): Promise<Answer> => this.#again(life, command, id, { ...ours, settle })
    const answer = now ? now.answer.then(again, again) : again()
    this.#inFlight.set(id, { answer, command, settle })
    const forget = (): void => {
      if (this.#inFlight.get(id)?.answer === answer) this.#inFlight.delete(id)
    }
    answer.then(forget, forget)
    return answer
  }

  /** The same id for ever gives the same outcome: a commit that is there is answered from the log. */
  async #again(life: Life, command: ClientCommand, id: CommandId, options: DispatchOptions): Promise<Answer> {
    const names = this.#namesOf(life, command)
    const before = this.#holdBack.before(names)
    // Looking it up takes time: whoever names the same things meanwhile comes after this one.
    const release = this.#holdBack.hold(names)
    let taken: Taken
    try {
      await before
      const earlier = await life.outcomeOf(id)
      if (earlier) return await this.#repeat(life, command, id, earlier, options)
      taken = await this.#fetchAndTake(life, command, id, options)
    } finally {
      release()
    }
    return answered(life, command, id, taken, options)
  }

  async #repeat(
    life: Life,
    command: ClientCommand,
    id: CommandId,
    earlier: Commit<AnyFact>,
    options: DispatchOptions,
  ): Promise<Answer> {
    mustBeSame(id, earlier.command, command)
    const plan = planAwaited(earlier, life)
    if (plan === undefined || options.settle === 'durable') return { commit: earlier }
    const settled = await this.#receiptOf(life, earlier, plan)
    checkSettled(command, earlier, settled, life.heads.decided)
    return { commit: earlier, settled }
  }

  async #receiptOf(life: Life, commit: Commit<AnyFact>, plan: PlanId): Promise<Settled> {
    if (life.heads.decided.projections.applied.open.has(plan)) return life.waiters.wait(plan)
    await life.log.flush()
    for await (const later of life.log.read({ from: commit.seq })) {
      for (const fact of later.facts)
        if (fact.type === 'EffectsSettled' && fact.data.plan === plan)
          return { facts: later.facts, failures: fact.data.failures, plan, seq: later.seq }
    }
    throw new EngineError(
      'ERR_LOG_DAMAGED',
      `plan ${plan} is neither open nor settled in the log; verify the log`,
    )
  }

  async #once(life: Life, command: ClientCommand, id: CommandId, options: DispatchOptions): Promise<Answer> {
    const before = this.#holdBack.free ? undefined : this.#holdBack.before(this.#namesOf(life, command))
    const taken =
      before || needsObservation(command) || this.#claims()?.needs(command) === true
        ? await this.#after(before, life, { command, id }, options)
        : await this.#takeOrPark(life, requestOf(command, id, options), options)
    return withSignal(answered(life, command, id, taken, options), options.signal)
  }

  async #after(
    before: Promise<void> | undefined,
    life: Life,
    { command, id }: { readonly command: ClientCommand; readonly id: CommandId },
    options: DispatchOptions,
  ): Promise<Taken> {
    const release = this.#holdBack.hold(this.#namesOf(life, command))
    try {
      if (before) await withSignal(before, options.signal)
      return await this.#fetchAndTake(life, command, id, options)
    } finally {
      release()
    }
  }

  /** Reads and claims what the turn needs, and takes it. */
  async #fetchAndTake(
    life: Life,
    command: ClientCommand,
    id: CommandId,
    options: DispatchOptions,
  ): Promise<Taken> {
    const fetched = await withSignal(this.#observed(command), options.signal)
    const prepared = await this.#prepared(fetched, id)
    try {
      return await this.#park(life, requestOf(prepared.command, id, options), options)
    } finally {
      prepared.done()
    }
  }

  async #prepared(command: ClientCommand, id: CommandId): Promise<Prepared> {
    const claims = this.#claims()
    if (claims?.needs(command) !== true) return { command, done: () => undefined }
    return claims.prepare(command, id)
  }

  #takeOrPark(life: Life, request: Request, options: DispatchOptions): Taken | Promise<Taken> {
    try {
      const taken = mustWrite(life.take(request))
      if (taken.intended) this.#pace.tookLong()
      return taken
    } catch (error) {
      if (planInTheWay(error) === undefined) throw error
    }
    this.#pace.tookLong()
    const release = this.#holdBack.hold(this.#namesOf(life, request.command))
    return this.#park(life, request, options).finally(release)
  }

  /** Takes the turn again at each receipt that may lift the refusal, for two seconds at most. */
  async #park(life: Life, request: Request, options: DispatchOptions): Promise<Taken> {
    const end = this.#ports.clock.monotonicMs() + PARK_MS_MAX
    let tries = 0
    for (;;) {
      try {
        return mustWrite(life.take(request))
      } catch (error) {
        const plan = planInTheWay(error)
        const leftMs = end - this.#ports.clock.monotonicMs()
        if (plan === undefined || leftMs <= 0) throw error
        const isOpen = life.heads.decided.projections.applied.open.has(plan)
        const lifted = isOpen
          ? this.#untilSettled(life, plan, leftMs)
          : this.#pause(Math.min(againMs(tries++), leftMs))
        await withSignal(lifted, options.signal)
      }
    }
  }

  /** It has settled, and the refusal stands: it failed, or there is another reason that names no plan of its own. */
  #pause(ms: number): Promise<void> {
    return new Promise<void>((resolve) => this.#ports.timers.scheduler.schedule(() => resolve(), ms))
  }

  async #untilSettled(life: Life, plan: PlanId, leftMs: number): Promise<void> {
    life.executor.hurry(plan)
    await new Promise<void>((resolve) => {
      const timer = this.#ports.timers.scheduler.schedule(() => resolve(), leftMs)
      const done = (): void => {
        timer.unsubscribe()
        resolve()
      }
      life.waiters.wait(plan).then(done, done)
    })
  }

  /** The refs as given, and the ids of those that exist: a name and an id of one thing hold each other back. */
  #namesOf(life: Life, command: Command): readonly string[] {
    const names = namesIn(command)
    const { topology } = life.heads.decided.projections
    const ids = names.flatMap((name) => {
      const ref = name.slice(name.indexOf(':') + 1)
      if (name.startsWith('endpoint:')) return []
      const found = name.startsWith('network:')
        ? resolveNetwork(topology, ref)
        : resolveSandbox(topology, ref)
      return 'found' in found ? [found.found.id] : []
    })
    return [...names, ...ids]
  }
}

/** What has no receipt, and what is not on disk. */
export const waitingIn = (
  { durable, nextSeq }: Log<AnyFact>,
  life: Life | undefined,
): Pick<Waiting, 'commits' | 'plans'> => ({
  commits: nextSeq - 1 - durable.seq,
  plans: life?.executor.open ?? 0,
})

const requestOf = (command: ClientCommand, id: CommandId, options: DispatchOptions): Request => ({
  actor: options.actor ?? { kind: 'library' },
  command,
  ...(options.expect ? { expect: options.expect } : {}),
  id,
  ...(options.reason === undefined ? {} : { reason: options.reason }),
})

/** The plan that a commit's asker waits for: its own, or for an end that follows a leave, the leave's. */
function planAwaited(commit: Commit<AnyFact>, life: Life): PlanId | undefined {
  const own = commit.facts.find((fact) => fact.type === 'EffectsIntended')
  if (own) return own.data.plan
  const asked = commit.facts.find((fact) => fact.type === 'EndpointReleaseRequested')
  const state = asked && life.heads.decided.machines.get(asked.stream)
  return (state?.context as { readonly plan?: PlanId } | undefined)?.plan
}

const answered = (
  life: Life,
  command: ClientCommand,
  id: CommandId,
  taken: Taken,
  options: DispatchOptions,
): Promise<Answer> =>
  answer(life, command, taken, options).catch((error: unknown) => {
    throw unknownOutcome(error, id)
  })

/** Waits for what the settle table says, and throws what the asker must hear if that is not "done". */
async function answer(life: Life, command: Command, taken: Taken, options: DispatchOptions): Promise<Answer> {
  await taken.durable
  if (taken.settled === undefined || options.settle === 'durable') {
    await life.heads.covers(taken.commit.seq)
    return { commit: taken.commit }
  }
  const settled = await taken.settled
  checkSettled(command, taken.commit, settled, life.heads.decided)
  // A plan that outlived its life was settled in the next one, whose view has it.
  if (!life.over) await life.heads.covers(settled.seq)
  return { commit: taken.commit, settled }
}

function mustWrite(taken: Taken | undefined): Taken {
  assert(taken !== undefined, 'a client command wrote nothing')
  return taken
}

/** The plan to wait for, if every problem of a refusal names one. */
function planInTheWay(error: unknown): PlanId | undefined {
  if (!(error instanceof RefusedError)) return undefined
  if (error.problems.some((problem) => problem.until === undefined)) return undefined
  return error.problems[0]?.until as PlanId | undefined
}

/** Whoever did not choose the id needs it to repeat the command. */
function unknownOutcome(error: unknown, id: CommandId): unknown {
  if (!(error instanceof EngineError) || error.code !== 'ERR_OUTCOME_UNKNOWN') return error
  const text = `${error.message}; repeat the command with its id (--id ${id}): it is done once`
  return new EngineError('ERR_OUTCOME_UNKNOWN', text, { cause: error, details: { id } })
}

function mustBeSame(id: CommandId, before: Command | Commit['command'], now: ClientCommand): void {
  if (before.type === now.type && sorted(asAsked(before.data)) === sorted(asAsked(now.data))) return
  throw new EngineError(
    'ERR_COMMAND_ID_REUSED',
    `command id ${id} was used for ${before.type} with other data; an id stands for one command for ever, so take a new one`,
    { details: { id } },
  )
}

/** JSON with sorted keys and without undefined: what the log keeps. */
const sorted = (value: unknown): string =>
  JSON.stringify(value, (_key, v: unknown) =>
    v !== null && typeof v === 'object' && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  )

/** The signal ends the waiting, never the command. */
function withSignal<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
