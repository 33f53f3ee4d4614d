/**
 * What needs the machines and the planner: a turn taken for nothing but to see what comes of it, and the comparison with the kernel.
 * Loaded only by those who ask for it, for it brings xstate.
 */
import { randomUUID } from 'node:crypto'
import type {
  AnyFact,
  ClientCommand,
  Command,
  CommandId,
  Epoch,
  FactDraft,
  Instant,
  Log,
  Origin,
  Seq,
  Snapshots,
} from '../../events/index.ts'
import { EngineError, parseCommand, RefusedError } from '../../events/index.ts'
import { viewAsOf } from '../controller/view-as-of.ts'
import { builtinDrivers } from '../drivers/index.ts'
import type { Claims } from '../engine/claims.ts'
import { contextOf as contextBy, type TurnContext } from '../engine/context.ts'
import { emptyView, type View } from '../engine/empty-view.ts'
import { needsObservation, observed } from '../engine/observation.ts'
import { takeTurn } from '../engine/turn.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Hash } from '../ports.ts'
import type { Given, Preview } from './operations.ts'

export { differencesIn } from '../engine/differences.ts'
export { needsObservation } from '../engine/observation.ts'

export type Request = { readonly at: Instant; readonly command: ClientCommand; readonly given: Given }

type Source = {
  readonly log: Log<AnyFact>
  readonly origin: Origin
  readonly snapshots: Snapshots
}

/** Of a log that no engine has, with all the drivers that there are. */
export const contextOf = (hash: Hash, origin: Origin): TurnContext => contextBy(builtinDrivers, hash, origin)

/** Takes the turn that a command would take in the next epoch; without a log, on nothing. */
export async function previewOnLog(
  source: Source | undefined,
  request: Request,
  hash: Hash,
  kernel: Kernel | undefined,
): Promise<Preview> {
  const context = contextOf(hash, source?.origin ?? NOBODY)
  const view = source === undefined ? emptyView : await viewNow(source)
  // The short life that would take it begins with a commit of its own.
  const place = { epoch: (view.projections.host.epoch + 1) as Epoch, seq: (view.seq + 2) as Seq }
  return previewOn(view, request, { context, kernel, ...place })
}

/** The origin of a log that is not there yet: names that come of it are examples. */
export const NOBODY = '0'.repeat(64) as Origin

const viewNow = ({ log, snapshots }: Source): Promise<View> =>
  viewAsOf(log, snapshots, { seq: log.durable.seq })

/** @throws {RefusedError} as the command itself would */
export async function previewOn(
  view: View,
  { at, command, given }: Request,
  {
    claims,
    context,
    epoch,
    kernel,
    seq,
  }: {
    readonly claims?: Pick<Claims, 'ahead' | 'forTrial'>
    readonly context: TurnContext
    readonly epoch: Epoch
    readonly kernel: Kernel | undefined
    readonly seq: Seq
  },
): Promise<Preview> {
  const parsed = parseCommand(command.type, command.data)
  if ('problems' in parsed) throw new RefusedError(parsed.problems)
  const { fetched, unknown } = await fetch(parsed.command, kernel, context)
  const ahead = claims?.ahead(fetched) ?? { commands: [] }
  const before = takeAhead(context, view, ahead.commands, { at, epoch, seq })
  const { draft } = takeTurn(context, before.view, {
    actor: given.actor,
    at,
    command: claims?.forTrial(fetched) ?? fetched,
    epoch,
    id: given.id ?? (randomUUID() as CommandId),
    ...(given.reason === undefined ? {} : { reason: given.reason }),
    seq: before.seq,
  })
  const unsaid = [unknown, ahead.unknown].filter((each) => each !== undefined).join('; ')
  return { facts: [...before.facts, ...draft.facts], ...(unsaid === '' ? {} : { unknown: unsaid }) }
}

/** Turns that would be taken before, as if what they intend were done; what of it is about effects is left out. */
function takeAhead(
  context: TurnContext,
  view: View,
  commands: readonly Command[],
  { at, epoch, seq: first }: { readonly at: Instant; readonly epoch: Epoch; readonly seq: Seq },
): { readonly facts: readonly FactDraft<AnyFact>[]; readonly seq: Seq; readonly view: View } {
  const facts: FactDraft<AnyFact>[] = []
  let [now, seq] = [view, first]
  const take = (command: Command): ReturnType<typeof takeTurn> => {
    const id = randomUUID() as CommandId
    const turn = takeTurn(context, now, { actor: { kind: 'engine' }, at, command, epoch, id, seq })
    facts.push(...turn.draft.facts.filter(({ stream }) => stream !== 'effects'))
    now = turn.view
    seq = (seq + 1) as Seq
    return turn
  }
  for (const command of commands) {
    const { intended } = take(command)
    if (intended !== undefined)
      take({ data: { failures: [], late: false, plan: intended.plan, seen: [] }, type: 'effects.settle' })
  }
  return { facts, seq, view: now }
}

/** What the turn would have to know of the world; where the kernel cannot be read, what of it is not known. */
async function fetch(
  command: ClientCommand,
  kernel: Kernel | undefined,
  context: TurnContext,
): Promise<{ readonly fetched: ClientCommand; readonly unknown?: string }> {
  if (!needsObservation(command)) return { fetched: command }
  if (kernel === undefined) return unseen(command)
  try {
    return { fetched: await observed(command, kernel, context) }
  } catch (error) {
    if (error instanceof EngineError && error.code === 'ERR_EFFECT_FAILED')
      return { fetched: command, unknown: ROUTES }
    throw error
  }
}

/** What can be said without a look: whether a namespace is there cannot. */
function unseen(command: ClientCommand): { readonly fetched: ClientCommand; readonly unknown: string } {
  if (command.type !== 'sandbox.create') return { fetched: command, unknown: ROUTES }
  const { netns = '', ...data } = command.data
  return {
    fetched: { ...command, data },
    unknown: `the namespace at ${netns} was not looked at: it is taken as it is, and nothing is made, or it is refused`,
  }
}

const ROUTES = "the host's routes were not read: another subnet may be chosen, or this one refused"
