/**
 * Decide: asks a machine for the facts that a command makes of a state, without an actor.
 *
 * xstate's public `transition()` builds a whole inert actor per call, some fifty times what a decision itself takes. Since
 * a command's transition has guards and emits and nothing else (`chart.ts`), the chart says all there is: the first way
 * whose guards all say yes emits what its functions make. xstate keeps the last word: when a command meets a state for the
 * first time, both are asked, and if they differ, that machine is run by xstate from then on. A property holds them equal.
 */
import type { AnyStateMachine } from 'xstate'
import { transition } from 'xstate'
import type { EndpointFact, FactDraft, NetworkFact, Problem, SandboxFact, Stream } from '../events/index.ts'
import { assert } from '../events/index.ts'
import type { CommandWay } from './chart.ts'
import { chartOf } from './chart.ts'
import type { MachineCommand } from './commands.ts'
import type { CommandOf, DraftOf, EntityMachine, EntityState, StateOf } from './entities.ts'
import { initialState, machineOf } from './entities.ts'
import type { RefusingGuard } from './reasons.ts'
import { notInThisState, REASONS } from './reasons.ts'

/** A fact that some machine emits. */
export type EntityFact = EndpointFact | NetworkFact | SandboxFact

type Action = { readonly params: unknown; readonly type: string }
type Asked = { readonly type: string }
type AnyState = { readonly context: object; readonly value: string }

/** The ways of a command in a state of which xstate has said the same as the chart. */
const agreed = new WeakSet<readonly CommandWay[]>()
/** The machines of which it has not. */
const disputed = new WeakSet<AnyStateMachine>()

/**
 * The facts that a command makes of a state, in order, with keys in the order of the canonical form. None: the
 * machine refuses ({@link problemsOf} says why), or stays silent to a receipt that is not its own.
 */
export function decide<M extends EntityMachine>(
  machine: M,
  state: StateOf<M>,
  command: CommandOf<M>,
): readonly DraftOf<M>[] {
  return run(machine, state, command) as readonly DraftOf<M>[]
}

/** Whether {@link decide} reads this machine's chart. False: xstate was found to say otherwise, and is asked each time. */
export const isQuick = (machine: AnyStateMachine): boolean => !disputed.has(machine)

function run(machine: AnyStateMachine, state: AnyState, command: Asked): readonly unknown[] {
  if (disputed.has(machine)) return runPublicly(machine, state, command)
  const ways = chartOf(machine).states.get(state.value)?.commands.get(command.type)
  if (ways === undefined) return NOTHING
  return agreed.has(ways) ? emittedBy(ways, state, command) : compare(machine, ways, state, command)
}

const NOTHING: readonly unknown[] = []

/** What the chart says. */
function emittedBy(ways: readonly CommandWay[], { context }: AnyState, event: Asked): readonly unknown[] {
  const given = { context, event }
  const way = ways.find(({ guards }) => guards.every((guard) => guard.says(given)))
  return way === undefined ? NOTHING : way.makers.map((make) => make(given))
}

/** Asks both. What xstate says counts, and what it throws is thrown. */
function compare(
  machine: AnyStateMachine,
  ways: readonly CommandWay[],
  state: AnyState,
  command: Asked,
): readonly unknown[] {
  const facts = runPublicly(machine, state, command)
  if (JSON.stringify(emittedBy(ways, state, command)) === JSON.stringify(facts)) agreed.add(ways)
  else disputed.add(machine)
  return facts
}

/** What xstate says. An emit is an action named `xstate.emit` whose parameter is the fact. */
function runPublicly(machine: AnyStateMachine, state: AnyState, command: Asked): readonly unknown[] {
  const [, actions] = transition(machine, machine.resolveState(state), command)
  return (actions as readonly Action[])
    .filter(({ type }) => type === 'xstate.emit')
    .map(({ params }) => (params as { readonly event: unknown }).event)
}

/**
 * Everything that speaks against a command in a state, from the chart and from every guard that says no. Empty: it
 * is allowed, and {@link decide} emits. A receipt is never refused.
 */
export function problemsOf<M extends EntityMachine>(
  machine: M,
  state: StateOf<M>,
  command: CommandOf<M>,
): readonly Problem[] {
  return objections(machine, state, command)
}

/** As {@link decide}, of the machine that the stream says. @throws {Error} a defect: no machine has this stream. */
export function decideStream(
  stream: Stream,
  state: EntityState | undefined,
  command: MachineCommand,
): readonly FactDraft<EntityFact>[] {
  const machine = machineFor(stream)
  return run(machine, state ?? initialState(machine), command) as readonly FactDraft<EntityFact>[]
}

/** As {@link problemsOf}, of the machine that the stream says. @throws {Error} a defect: no machine has this stream. */
export function problemsOfStream(
  stream: Stream,
  state: EntityState | undefined,
  command: MachineCommand,
): readonly Problem[] {
  const machine = machineFor(stream)
  return objections(machine, state ?? initialState(machine), command)
}

function machineFor(stream: Stream): EntityMachine {
  const machine = machineOf(stream)
  assert(machine !== undefined, `no machine decides for stream ${stream}`)
  return machine
}

function objections(machine: EntityMachine, state: EntityState, command: MachineCommand): readonly Problem[] {
  if (command.type === 'effects.settle') return []
  const ways = chartOf(machine).states.get(state.value)?.commands.get(command.type)
  if (ways === undefined) return [notInThisState(machine, state, command.type)]
  const against = ways.map((way) => refusing(way, { context: state.context, event: command }))
  if (against.some((names) => names.length === 0)) return []
  return [...new Set(against.flat())].map((name) => reasonOf(name)(state.context, command))
}

const refusing = (way: CommandWay, given: { readonly context: object; readonly event: object }): string[] =>
  way.guards.filter((guard) => !guard.says(given)).map((guard) => guard.name)

/** Each reason reads the context and the command that its guard reads; the chart has brought them together. */
const reasonOf = (name: string) =>
  REASONS[name as RefusingGuard] as (context: object, command: object) => Problem
