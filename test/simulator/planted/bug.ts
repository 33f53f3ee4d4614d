/** What a planted bug is, and the places where one can be put: ports that lie, a log, an epoch, decisions. */
import type { AnyFact, FactDraft, Log } from '../../../events/index.ts'
import type { Bus } from '../../../src/bus/bus.ts'
import { LOG_STREAM } from '../../../src/cluster/message.ts'
import type { Planted } from '../../../src/engine/planted.ts'
import { takeTurn, type TurnOutcome } from '../../../src/engine/turn.ts'
import { evolveView, type View } from '../../../src/engine/view.ts'
import type { Given } from '../../../src/engine/context.ts'
import type { Kernel } from '../../../src/kernel/kernel.ts'
import type { Host } from '../../../src/simulator/host.ts'
import type { Incarnation } from '../../../src/simulator/incarnation.ts'
import type { World } from '../../../src/simulator/world.ts'

export type Bug = {
  /** Ids of the invariants that are there to find it: one of them must. */
  readonly foundBy: readonly string[]
  /** In worlds of so many machines; absent: of one. */
  readonly hosts?: number
  /** A sentence: what the engine, or what it stands on, does wrong. */
  readonly means: string
  readonly name: string
  /** Puts it into a host that has not been booted yet. */
  readonly plant: (host: Host, world: World) => void
}

/** Where somebody who changes a port stands. */
export type At = { readonly host: Host; readonly life: Incarnation; readonly world: World }

type Plant = Bug['plant']

/** A kernel port, some methods of which do something else. */
export const inKernel =
  (change: (kernel: Kernel, at: At) => Partial<Kernel>): Plant =>
  (host, world) => {
    host.onPorts = (ports, life) => ({
      ...ports,
      openKernel: async (options) => {
        const kernel = await ports.openKernel(options)
        return { ...kernel, ...change(kernel, { host, life, world }) }
      },
    })
  }

/** A bus, some methods of which do something else: to the stream of logs, or to another one. */
export const inBus =
  (change: (bus: Bus, at: At) => Partial<Bus>, of: string = LOG_STREAM.name): Plant =>
  (host, world) => {
    host.onPorts = (ports, life) => {
      const { openBus } = ports
      if (openBus === undefined) return ports
      return {
        ...ports,
        openBus: async (options, stream) => {
          const bus = await openBus(options, stream)
          if (stream.name !== of) return bus
          return changed(bus, change(bus, { host, life, world }))
        },
      }
    }
  }

/** Parts of the engine. */
export const inEngine =
  (planted: Planted | ((host: Host, world: World) => Planted)): Plant =>
  (host, world) => {
    host.planted = typeof planted === 'function' ? planted(host, world) : planted
  }

/** The log that the engine opened, with some methods that do something else. */
export const inLog = (change: (log: Log<AnyFact>) => Partial<Log<AnyFact>>): Plant =>
  inEngine({ opened: (opened) => ({ ...opened, log: changed(opened.log, change(opened.log)) }) })

/** Decides on something else than what is there; what was decided is folded as always. */
export const inView = (seen: (view: View, command: Given['command']) => View): Plant =>
  inEngine({
    turn: (context, before, given) => {
      const { at, command, epoch, seq } = given
      const outcome = takeTurn(context, seen(before, command), given)
      const { facts } = outcome.draft
      const view = facts.reduce(
        (all, fact, nth) => evolveView(all, fact, { at, epoch, index: nth + 1, seq }),
        before,
      )
      return { ...outcome, view }
    },
  })

/** Writes something else than what was decided, and folds that. */
export const inFacts = (change: (fact: FactDraft<AnyFact>) => FactDraft<AnyFact>): Plant =>
  inEngine({
    turn: (context, before, given) => {
      const { at, epoch, seq } = given
      const outcome = takeTurn(context, before, given)
      const facts = outcome.draft.facts.map(change)
      const view = facts.reduce(
        (all, fact, nth) => evolveView(all, fact, { at, epoch, index: nth + 1, seq }),
        before,
      )
      return { ...outcome, draft: { ...outcome.draft, facts }, view }
    },
  })

/** Comes to something else than what was decided. */
export const inOutcome = (change: (outcome: TurnOutcome, before: View) => TurnOutcome): Plant =>
  inEngine({
    turn: (context, before, given) => change(takeTurn(context, before, given), before),
  })

/** A view with some projections in another state. */
export const withProjections = (view: View, change: Partial<View['projections']>): View => ({
  ...view,
  projections: { ...view.projections, ...change },
})

/** An object of a class with private fields, some methods of which do something else. */
function changed<T extends object>(target: T, change: Partial<T>): T {
  return new Proxy(target, {
    get: (whole, name) => {
      if (Object.hasOwn(change, name)) return Reflect.get(change, name)
      const value: unknown = Reflect.get(whole, name, whole)
      return typeof value === 'function' ? (value.bind(whole) as unknown) : value
    },
  })
}
