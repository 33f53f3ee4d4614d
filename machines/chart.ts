/**
 * A machine read as data: which commands and facts each state takes, under which guards, and what follows.
 *
 * Reading asserts the rule that everything else rests on: a command's transition has guards and emits, and never
 * moves; a fact's transition has one target and assigns, and nothing that could say no. Since facts carry no guard,
 * the table that evolves (`table.ts`) follows from the chart, and replay cannot depend on what a guard says today.
 */
import type { AnyStateMachine } from 'xstate'
import { assert } from '../events/index.ts'

/** Changes a context for a fact: the function that was given to `assign`. */
export type Assigner = (given: { readonly context: object; readonly event: object }) => object

/** Says yes or no of a context and a command: the function that stands under the guard's name. */
export type Guard = (given: { readonly context: object; readonly event: object }) => boolean

/** Makes a fact of a context and a command: the function that was given to `emit`. */
export type Maker = (given: { readonly context: object; readonly event: object }) => object

/** One way in which a command is taken: the first whose guards all say yes is. */
export type CommandWay = {
  /** Types of the facts, in order. */
  readonly emits: readonly string[]
  readonly guards: readonly { readonly name: string; readonly says: Guard }[]
  /** What makes these facts, in the same order. */
  readonly makers: readonly Maker[]
}

/** What a fact does in a state. */
export type FactWay = { readonly assigners: readonly Assigner[]; readonly target: string }

/** One state of a chart; the maps keep the order of the definition. */
export type StateChart = {
  readonly commands: ReadonlyMap<string, readonly CommandWay[]>
  readonly facts: ReadonlyMap<string, FactWay>
  readonly final: boolean
}

/** A whole machine, its states in life order. */
export type Chart = {
  readonly context: object
  readonly initial: string
  readonly kind: string
  readonly states: ReadonlyMap<string, StateChart>
}

type Node = AnyStateMachine['root']
type Transition = Node extends { transitions: Map<string, (infer T)[]> } ? T : never

/** Commands are dotted, facts are not. */
export const isCommandType = (type: string): boolean => type.includes('.')

const charts = new WeakMap<AnyStateMachine, Chart>()

/** The machine's chart, read once. @throws {Error} a defect: the machine breaks the rule. */
export function chartOf(machine: AnyStateMachine): Chart {
  let chart = charts.get(machine)
  if (chart === undefined) charts.set(machine, (chart = readChart(machine)))
  return chart
}

function readChart(machine: AnyStateMachine): Chart {
  const { context, initial } = machine.config as { context: object; initial: string }
  const states = Object.entries(machine.root.states).map(
    ([name, node]) => [name, readState(machine, node)] as const,
  )
  assert(machine.root.transitions.size === 0, `${machine.id}: transitions stand in states`)
  return { context, initial, kind: machine.id, states: new Map(states) }
}

function readState(machine: AnyStateMachine, node: Node): StateChart {
  const here = `${machine.id} in '${node.key}'`
  assert(node.type === 'atomic' || node.type === 'final', `${here}: states are flat`)
  const quiet = [node.entry, node.exit, node.invoke, node.after, node.always ?? []]
  assert(
    quiet.every((part) => part.length === 0),
    `${here}: no entry, exit, invoke, after or always`,
  )
  const commands = new Map<string, readonly CommandWay[]>()
  const facts = new Map<string, FactWay>()
  for (const [type, ways] of node.transitions) {
    if (isCommandType(type))
      commands.set(
        type,
        ways.map((way) => readCommand(machine, way, `${here}, ${type}`)),
      )
    else facts.set(type, readFact(ways, `${here}, ${type}`))
  }
  return { commands, facts, final: node.type === 'final' }
}

function readCommand(machine: AnyStateMachine, way: Transition, here: string): CommandWay {
  assert(way.target === undefined, `${here}: a command never moves`)
  assert(way.actions.length > 0, `${here}: a command that is taken emits`)
  const makers = way.actions.map((action: unknown) => makerOf(action, here))
  const says = machine.implementations.guards as Readonly<Record<string, Guard | undefined>>
  const guards = guardNames(way.guard, here).map((name) => {
    const guard = says[name]
    assert(guard !== undefined, `${here}: no guard '${name}'`)
    return { name, says: guard }
  })
  return { emits: makers.map((make) => emittedType(machine.id, make)), guards, makers }
}

/** Of one fact's ways there is one. */
function readFact(ways: readonly Transition[], here: string): FactWay {
  const [way, ...others] = ways
  assert(
    way !== undefined && others.length === 0 && way.guard === undefined,
    `${here}: a fact is never refused`,
  )
  const [target, ...more] = way.target ?? []
  assert(target !== undefined && more.length === 0, `${here}: a fact has one target`)
  const assigners = way.actions.map((action: unknown) => {
    const assigner = partOf(action, 'assignment')
    assert(typeof assigner === 'function', `${here}: a fact assigns by functions, and does nothing else`)
    return assigner as Assigner
  })
  return { assigners, target: target.key }
}

/** A guard is a name, or `and` of names. */
function guardNames(guard: unknown, here: string): readonly string[] {
  if (guard === undefined) return []
  if (typeof guard === 'string') return [guard]
  const parts = partOf(guard, 'guards')
  assert(
    Array.isArray(parts) && partOf(guard, 'name') === 'and',
    `${here}: a guard is a name, or and() of names`,
  )
  return parts.flatMap((part: unknown) => guardNames(part, here))
}

function makerOf(action: unknown, here: string): Maker {
  const maker = partOf(action, 'event')
  assert(typeof maker === 'function' && maker.name !== '', `${here}: a command emits by named functions only`)
  return maker as Maker
}

/** The functions given to `emit` are named as the fact they make, without the entity: `joined` of endpoint. */
const emittedType = (kind: string, { name }: Maker): string =>
  [kind, name].map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')

/** xstate hangs an action's and a guard's parts on the function; its types do not show them. */
const partOf = (thing: unknown, part: string): unknown =>
  typeof thing === 'function' ? (thing as unknown as Readonly<Record<string, unknown>>)[part] : undefined
