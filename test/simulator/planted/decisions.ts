/** Bugs of deciding, planning and folding. A log that is decided again is decided with the same bug: only other invariants can tell. */
import type { Stream } from '../../../events/index.ts'
import type { EntityState } from '../../../machines/index.ts'
import { Table, type Allocations, type Applied } from '../../../projections/index.ts'
import { settleSweep } from '../../../projections/holds.ts'
import { takeTurn } from '../../../src/engine/turn.ts'
import type { View } from '../../../src/engine/view.ts'
import { inEngine, inOutcome, inView, withProjections, type Bug } from './bug.ts'

/** As if every sweep were done. */
const withoutQuarantine = (allocations: Allocations): Allocations =>
  [...allocations.sweeping.keys()].reduce((all, plan) => settleSweep(all, plan as never, false), allocations)

/** As the receipts say, whatever is under way. */
const withoutIntents = (applied: Applied): Applied => {
  let { resources } = applied
  for (const [key, resource] of [...resources.entries()])
    if (resource.intents.length > 0)
      resources = resources.update(key, () =>
        resource.state === 'absent' ? undefined : { ...resource, intents: [] },
      )
  return { ...applied, resources }
}

/** Everybody for whom a plan was made waits for it now. */
const waitingFor = (view: View, plan: string, streams: readonly Stream[]): View['machines'] =>
  streams.reduce(
    (all, stream) =>
      all.update(stream, (state) => {
        if (state === undefined || !('plan' in state.context)) return state
        return { ...state, context: { ...state.context, plan } } as EntityState
      }),
    view.machines,
  )

const heldBy = (kind: 'endpoint' | 'network', holds: Allocations['addresses']): Allocations['addresses'] =>
  Table.of([...holds.entries()].filter(([, { holder }]) => holder.startsWith(`${kind}/`)))

/** Addresses and MACs that one kind of holder has. */
const heldOnlyBy = (view: View, kind: 'endpoint' | 'network'): View => {
  const { addresses, macs } = view.projections.allocations
  return withHeld(view, { addresses: heldBy(kind, addresses), macs: heldBy(kind, macs) })
}

const withHeld = (view: View, change: Partial<Allocations>): View =>
  withProjections(view, { allocations: { ...view.projections.allocations, ...change } })

export const planBugs: readonly Bug[] = [
  {
    foundBy: ['A11'],
    means: 'An address is given again while the link that it lay on is still there.',
    name: 'reuse-without-quarantine',
    plant: inView((view) =>
      withProjections(view, { allocations: withoutQuarantine(view.projections.allocations) }),
    ),
  },
  {
    foundBy: ['K1', 'K2', 'V5'],
    means: 'The planner looks at receipts alone, and not at what is under way.',
    name: 'open-intents-ignored',
    plant: inView((view) => withProjections(view, { applied: withoutIntents(view.projections.applied) })),
  },
  {
    foundBy: ['K1', 'K2', 'K9', 'L13', 'V5'],
    means: 'A late receipt is taken for that of the plan which overtook it.',
    name: 'late-receipt-as-current',
    plant: inView((view, { data, type }) => {
      if (type !== 'effects.settle') return view
      const streams = view.projections.applied.open.get(data.plan)?.for ?? []
      return { ...view, machines: waitingFor(view, data.plan, streams) }
    }),
  },
  {
    foundBy: ['A10', 'K2'],
    means: 'A sweep that failed is not tried again.',
    name: 'sweep-forgotten',
    plant: inEngine({
      turn: (context, before, given) => {
        const outcome = takeTurn(context, before, given)
        if (given.command.type !== 'effects.retry') return outcome
        return { draft: { ...outcome.draft, facts: [] }, expectations: [], soft: false, view: before }
      },
    }),
  },
]

export const decisionBugs: readonly Bug[] = [
  {
    foundBy: ['A1', 'A7'],
    means: 'Whether somebody has an address is not looked up where one is asked for.',
    name: 'taken-address-given',
    plant: inView((view, { type }) =>
      type === 'connect' || type === 'endpoint.create' ? heldOnlyBy(view, 'network') : view,
    ),
  },
  {
    foundBy: ['A2'],
    means: 'The gateway is an address like any other.',
    name: 'gateway-given',
    plant: inView((view, { type }) =>
      type === 'connect' || type === 'endpoint.create' ? heldOnlyBy(view, 'endpoint') : view,
    ),
  },
  {
    foundBy: ['A3'],
    means: 'Pools of networks are not compared with each other.',
    name: 'overlap-unchecked',
    plant: inView((view, { type }) =>
      type === 'network.create' ? withHeld(view, { subnets: Table.empty() }) : view,
    ),
  },
  {
    foundBy: ['A10', 'D1', 'K1', 'K9', 'L11'],
    means: 'A network is deleted though endpoints are on it.',
    name: 'used-network-deleted',
    plant: inView((view, { type }) =>
      type === 'network.delete'
        ? withProjections(view, { topology: { ...view.projections.topology, members: Table.empty() } })
        : view,
    ),
  },
  {
    foundBy: ['A10', 'P1'],
    means: 'The fold of holds forgets that an endpoint was released.',
    name: 'fold-forgets-a-fact',
    plant: inOutcome((outcome, before) =>
      outcome.draft.facts.some(({ type }) => type === 'EndpointReleased')
        ? {
            ...outcome,
            view: withProjections(outcome.view, { allocations: before.projections.allocations }),
          }
        : outcome,
    ),
  },
  {
    foundBy: ['P6'],
    means: 'A decision depends on something that is not in the log: how many there were before.',
    name: 'decided-by-chance',
    plant: (host, world) => {
      let nth = 0
      inView((view) => {
        const { pools } = view.projections.allocations
        const fromStart = [...pools.entries()].map(([key, pool]) => [key, { ...pool, cursor: -1 }] as const)
        return nth++ % 2 === 0 ? view : withHeld(view, { pools: Table.of(fromStart) })
      })(host, world)
    },
  },
]
