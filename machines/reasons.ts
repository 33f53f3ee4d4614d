/**
 * Why a machine says no: one reason per guard, under the guard's name, and one that follows from the chart.
 *
 * xstate is silent about both (a guard that says no and an unknown command look the same), so the sentence is made
 * here. Guards of `effects.settle` have no reason: a receipt is never refused.
 */
import type { EndpointId, PlanId, Problem, SandboxId } from '../events/index.ts'
import { chartOf } from './chart.ts'
import type {
  EndpointJoin,
  EndpointRelease,
  MachineCommand,
  SandboxAddInterface,
  SandboxRemoveInterface,
  SandboxVanish,
} from './commands.ts'
import type { EndpointContext } from './endpoint.ts'
import type { EntityKind, EntityMachine, EntityState } from './entities.ts'
import { MACHINES } from './entities.ts'
import type { SandboxContext } from './sandbox.ts'

/** What a guard's no means, as clients know the command: one reason per guard that may refuse. */
export const REASONS = {
  /** The turn read another life of the endpoint than this one. */
  attemptIsNext: (context: EndpointContext, command: EndpointJoin): Problem => ({
    code: 'ERR_EXPECTED_VERSION',
    field: 'attempt',
    message: `${endpointName(context)}: join refused: attempt ${command.attempt} was asked for, but it was joined ${context.attempts} times, so the next is ${context.attempts + 1}; read its state again and repeat`,
  }),
  endpointIsHere: (context: SandboxContext, command: SandboxRemoveInterface): Problem => ({
    code: 'ERR_NOT_FOUND',
    field: 'endpoint',
    message: `${sandboxName(context)}: leave refused: endpoint ${short(command.endpoint)} has no interface here; ${listOf(context)}`,
  }),
  endpointIsNew: (context: SandboxContext, command: SandboxAddInterface): Problem => ({
    code: 'ERR_STATE',
    field: 'endpoint',
    holder: context.sandbox,
    message: `${sandboxName(context)}: join refused: endpoint ${short(command.endpoint)} has interface ${ifNameOf(context, command.endpoint)} here already; let it leave first`,
  }),
  ifNameIsFree: (context: SandboxContext, command: SandboxAddInterface): Problem => {
    const holder = context.interfaces.find((one) => one.ifName === command.ifName)?.endpoint
    return {
      code: 'ERR_EXISTS',
      field: 'ifName',
      ...(holder === undefined ? {} : { holder }),
      message: `${sandboxName(context)}: join refused: endpoint ${short(holder)} has the interface name '${command.ifName}'; choose another, or none to get the next free one`,
    }
  },
  namespaceIsForeign: (context: SandboxContext, _command: SandboxVanish): Problem => ({
    code: 'ERR_STATE',
    message: `${sandboxName(context)}: end refused: it has a namespace of its own, which is made again where it is gone`,
  }),
  newGatewayStays: (context: SandboxContext, command: SandboxRemoveInterface): Problem => ({
    code: 'ERR_NOT_FOUND',
    field: 'gateway',
    message: `${sandboxName(context)}: leave refused: the default route cannot go by endpoint ${short(whoGoes(context, command))}, which has no interface here afterwards; ${listOf(context)}`,
  }),
  releaseIsNew: (context: EndpointContext, _command: EndpointRelease): Problem => ({
    code: 'ERR_STATE',
    message: `${endpointName(context)}: delete refused: it was asked for already, and follows its leave${underWay(context.plan)}; wait for that receipt`,
  }),
  sandboxGaveItUp: (context: EndpointContext, _command: EndpointRelease): Problem => ({
    code: 'ERR_IN_USE',
    ...(context.sandbox === undefined ? {} : { holder: context.sandbox }),
    message: `${endpointName(context)}: delete refused: its leave failed, so sandbox ${short(context.sandbox)} may still have its interface and address; leave again, then delete`,
  }),
}

/** Guards that may refuse a command. */
export type RefusingGuard = keyof typeof REASONS

/** A receipt is never refused. */
type Refusable = Exclude<MachineCommand['type'], 'effects.settle'>

/** Commands as clients say them, with the entity they are about in front. */
const VERBS: Readonly<Record<Refusable, string>> = {
  'endpoint.join': 'join',
  'endpoint.leave': 'leave',
  'endpoint.release': 'delete',
  'endpoint.reserve': 'create',
  'network.create': 'create',
  'network.delete': 'delete',
  'sandbox.addInterface': 'join',
  'sandbox.create': 'create',
  'sandbox.delete': 'delete',
  'sandbox.removeInterface': 'leave',
  'sandbox.vanish': 'end',
}

/** What only the engine says. */
const OWN: ReadonlySet<string> = new Set<MachineCommand['type']>(['effects.settle', 'sandbox.vanish'])

/** The reason that follows from the chart alone: no way for this command leads out of this state. */
export function notInThisState(machine: EntityMachine, state: EntityState, type: Refusable): Problem {
  const chart = chartOf(machine)
  const kind = machine.id as EntityKind
  if (state.value === chart.initial)
    return {
      code: 'ERR_NOT_FOUND',
      message: `${kind}: ${VERBS[type]} refused: there is none yet; create it first`,
    }
  const takenIn = [...chart.states].filter(([, one]) => one.commands.has(type)).map(([name]) => `'${name}'`)
  const holder = 'sandbox' in state.context && kind === 'endpoint' ? state.context.sandbox : undefined
  const by = holder === undefined ? '' : ` (sandbox ${short(holder)})`
  const until = underWay(state.context.plan)
  return {
    code: 'ERR_STATE',
    ...(holder === undefined ? {} : { holder }),
    message: `${entityName(kind, state)}: ${VERBS[type]} refused in state '${state.value}'${by}: it is taken in ${takenIn.join(', ')}; ${wayOut(kind, state, until)}`,
  }
}

function wayOut(kind: EntityKind, state: EntityState, until: string): string {
  const here = chartOf(MACHINES[kind]).states.get(state.value)
  if (here?.final === true) return `create a new ${kind}`
  const verbs = [...(here?.commands.keys() ?? [])]
    .filter((type) => !OWN.has(type))
    .map((type) => VERBS[type as Refusable])
  const now = [...new Set(verbs)].join(' or ')
  if (until === '') return `what can be done now: ${now}`
  return `wait for the receipt${until}${now === '' ? '' : `, or ${now}`}`
}

const short = (id: EndpointId | SandboxId | string | undefined): string => (id ?? 'unknown').slice(0, 12)
const underWay = (plan: PlanId | undefined): string => (plan === undefined ? '' : ` (plan ${plan})`)
const endpointName = (context: EndpointContext): string =>
  `endpoint '${context.name}' (${short(context.endpoint)})`
const sandboxName = (context: SandboxContext): string =>
  `sandbox '${context.name}' (${short(context.sandbox)})`
/** Of the gateways that a removal names, one that is not here afterwards. */
const whoGoes = (
  { interfaces }: SandboxContext,
  { endpoint, gateway, gateway6 }: SandboxRemoveInterface,
): EndpointId | undefined =>
  [gateway, gateway6].find((id) => id === endpoint || !interfaces.some((one) => one.endpoint === id))
const ifNameOf = (context: SandboxContext, endpoint: EndpointId): string =>
  context.interfaces.find((one) => one.endpoint === endpoint)?.ifName ?? 'unknown'
const listOf = (context: SandboxContext): string => {
  const all = context.interfaces.map((one) => `${one.ifName} (${short(one.endpoint)})`)
  return all.length === 0 ? 'it has none' : `it has ${all.join(', ')}`
}

function entityName(kind: EntityKind, state: EntityState): string {
  const ids = state.context as { readonly [K in EntityKind]?: string }
  return `${kind} '${state.context.name}' (${short(ids[kind])})`
}
