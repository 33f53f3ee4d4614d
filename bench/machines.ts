/**
 * What one decision and one fold cost: `npx tsx bench/machines.ts`. Median of rounds, so that one stall does not count.
 *
 * A walk of one endpoint (reserve, join, settle, leave, settle, …) is decided and folded over and over.
 */
import { performance } from 'node:perf_hooks'
import type {
  EndpointId,
  EndpointJoinRequested,
  EndpointReserved,
  IfName,
  Mac,
  NetworkId,
  PlanId,
  SandboxId,
} from 'chronet/events'
import type { EndpointState, MachineCommand } from 'chronet/machines'
import { decide, endpointMachine, evolve, isQuick, problemsOf } from 'chronet/machines'

const ROUNDS = 15
const WALKS_PER_ROUND = 400

const endpoint = 'b'.repeat(64) as EndpointId
const network = 'a'.repeat(64) as NetworkId
const mac = '02:00:00:00:00:01' as Mac
const plan = '1.2' as PlanId

const reserve: EndpointReserved['data'] = { addresses: [], endpoint, labels: {}, mac, name: 'web', network }
const join: EndpointJoinRequested['data'] = {
  attempt: 1,
  endpoint,
  ifName: 'eth0' as IfName,
  link: { mac, name: 'cnv000000000000' as IfName },
  network,
  plan,
  priority: 0,
  releaseOnFailure: true,
  sandbox: 'd'.repeat(64) as SandboxId,
}
const commands = [
  { ...reserve, type: 'endpoint.reserve' },
  { ...join, type: 'endpoint.join' },
  { failures: [], plan, type: 'effects.settle' },
  { plan, type: 'endpoint.leave' },
  { type: 'endpoint.release' },
  { failures: [], plan, sweep: '1.3' as PlanId, type: 'effects.settle' },
] as const satisfies readonly MachineCommand[]

type Command = (typeof commands)[number]
type Fact = Parameters<typeof evolve>[2]

/** The walk, with the state that each command meets and the facts that it makes. */
function walk(): {
  readonly facts: readonly Fact[]
  readonly met: readonly (readonly [EndpointState, Command])[]
} {
  let state = evolve('endpoint', undefined, {
    data: nothing,
    stream: 'effects',
    type: 'EffectsSettled',
    v: 1,
  })
  const facts: Fact[] = []
  const met = commands.map((command) => {
    const before = state
    for (const fact of decide(endpointMachine, state, command)) {
      facts.push(fact)
      state = evolve('endpoint', state, fact)
    }
    return [before, command] as const
  })
  return { facts, met }
}
const nothing = { failures: [], late: false, plan, seen: [] }

/** Microseconds per call, the median of the rounds. */
function measure(name: string, callsPerWalk: number, run: () => void): void {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const from = performance.now()
    for (let time = 0; time < WALKS_PER_ROUND; time++) run()
    return ((performance.now() - from) * 1000) / (WALKS_PER_ROUND * callsPerWalk)
  }).sort((a, b) => a - b)
  const median = rounds[ROUNDS >> 1] ?? NaN
  console.log(`${name.padEnd(44)} ${median.toFixed(2).padStart(8)} µs`)
}

const { facts, met } = walk()
measure('decide, per command', met.length, () => {
  for (const [state, command] of met) decide(endpointMachine, state, command)
})
measure('problemsOf (allowed), per command', met.length, () => {
  for (const [state, command] of met) problemsOf(endpointMachine, state, command)
})
measure('evolve, per fact', facts.length, () => {
  let state: EndpointState | undefined
  for (const fact of facts) state = evolve('endpoint', state, fact)
})
console.log(isQuick(endpointMachine) ? 'the quick way was taken' : 'the public way was taken')
