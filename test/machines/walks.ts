/**
 * Random walks: streams of commands that machines take or refuse, some of them of the plan that is waited for and some
 * not. What a walk gives is the same for the same seed.
 */
import fc from 'fast-check'
import type { EndpointId, IfName, PlanId } from '../../events/index.ts'
import type { EntityKind, EntityState, MachineCommand } from '../../machines/index.ts'
import { COMMANDS, ENDPOINT, FAILURE, NETWORK, OTHER, SANDBOX, SWEEP } from './samples.ts'

/** What a walk's step asks for; the command is made of it and of the state that it meets. */
export type Step = {
  readonly current: boolean
  readonly endpoint: EndpointId
  readonly fails: boolean
  readonly flag: boolean
  readonly ifName: IfName
  readonly pick: number
  readonly plan: PlanId
  readonly sweeps: boolean
}

/** One random step. */
export const anyStep: fc.Arbitrary<Step> = fc.record({
  current: fc.boolean(),
  endpoint: fc.constantFrom(ENDPOINT, OTHER, 'e'.repeat(64) as EndpointId),
  fails: fc.boolean(),
  flag: fc.boolean(),
  ifName: fc.constantFrom('eth0', 'eth1', 'lan').map((name) => name as IfName),
  pick: fc.nat(99),
  plan: fc.integer({ min: 4, max: 9 }).map((seq) => `1.${seq}` as PlanId),
  sweeps: fc.boolean(),
})

/** The stream of the one entity of a kind that walks. */
export const STREAM = {
  endpoint: `endpoint/${ENDPOINT}`,
  network: `network/${NETWORK}`,
  sandbox: `sandbox/${SANDBOX}`,
} as const

/** The command that a step asks of a state. */
export function commandOf(kind: EntityKind, state: EntityState, step: Step): MachineCommand {
  const all = Object.values(COMMANDS[kind])
  const command = all[step.pick % all.length]
  if (command === undefined) throw new RangeError(`no command ${step.pick}`)
  switch (command.type) {
    case 'effects.settle':
      return {
        failures: step.fails ? [FAILURE] : [],
        plan: step.current ? (state.context.plan ?? step.plan) : step.plan,
        ...(step.sweeps ? { sweep: SWEEP } : {}),
        type: 'effects.settle',
      }
    case 'endpoint.join': {
      const before = 'attempts' in state.context ? state.context.attempts : 0
      return {
        ...command,
        attempt: before + (step.current ? 1 : 2),
        plan: step.plan,
        releaseOnFailure: step.flag,
      }
    }
    case 'sandbox.addInterface':
      return {
        ...command,
        endpoint: step.endpoint,
        gateway: step.flag,
        gateway6: step.fails,
        ifName: step.ifName,
      }
    case 'sandbox.removeInterface':
      return step.flag
        ? { ...command, endpoint: step.endpoint, [step.fails ? 'gateway6' : 'gateway']: OTHER }
        : { endpoint: step.endpoint, type: command.type }
    case 'endpoint.leave':
    case 'network.create':
    case 'network.delete':
    case 'sandbox.create':
    case 'sandbox.delete':
      return { ...command, plan: step.plan }
    case 'endpoint.release':
    case 'endpoint.reserve':
    case 'sandbox.vanish':
      return command
  }
}
