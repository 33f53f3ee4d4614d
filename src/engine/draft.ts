/**
 * A turn's scratch: the view it started from, the facts drafted so far, and the view as they change it.
 *
 * What a command decides later in the same turn sees what it decided earlier (connect: reserve, fold, join).
 */
import type { AnyFact, EffectsIntended, FactDraft, PlanId, Problem, Stream } from '../../events/index.ts'
import { assert } from '../../events/index.ts'
import {
  decideStream,
  problemsOfStream,
  type EntityState,
  type MachineCommand,
} from '../../machines/index.ts'
import { positionOf, type Position } from '../../projections/index.ts'
import { evolveView, type View } from './view.ts'

export class Draft {
  readonly before: View
  /** The plan that this turn's commit will carry, if it has steps or somebody must wait for it. */
  readonly plan: PlanId
  readonly position: Omit<Position, 'index'>
  readonly facts: FactDraft<AnyFact>[] = []
  view: View

  constructor(before: View, plan: PlanId, position: Omit<Position, 'index'>) {
    this.before = before
    this.view = before
    this.plan = plan
    this.position = position
  }

  /** The machine state of a stream as it is now in this turn; undefined: absent, or at its end. */
  stateOf(stream: Stream): EntityState | undefined {
    return this.view.machines.get(stream)
  }

  /** Why the entity's own machine would refuse; empty: it would not. */
  problems(stream: Stream, command: MachineCommand): readonly Problem[] {
    return problemsOfStream(stream, this.stateOf(stream), command)
  }

  /** Lets the entity's machine decide, and folds what it emits. An empty answer to a command nobody objected to is our defect. */
  decide(stream: Stream, command: MachineCommand): void {
    const facts = decideStream(stream, this.stateOf(stream), command)
    assert(facts.length > 0, `${stream} emitted nothing for ${command.type}`)
    for (const fact of facts) this.add(fact)
  }

  /** As {@link decide}, but silence is an answer: for receipts, which are current or not. Says whether there was one. */
  tell(stream: Stream, command: MachineCommand): boolean {
    const facts = decideStream(stream, this.stateOf(stream), command)
    for (const fact of facts) this.add(fact)
    return facts.length > 0
  }

  add(fact: FactDraft<AnyFact>): void {
    const position = positionOf(this.position, this.facts.push(fact) - 1)
    this.view = evolveView(this.view, fact, position)
  }

  /** The intent, always the last fact of its commit. */
  intend(data: EffectsIntended['data']): void {
    this.add({ data, stream: 'effects', type: 'EffectsIntended', v: 1 })
  }

  /** The streams of entities that this turn's facts are about, in order. */
  streams(): Stream[] {
    return [...new Set(this.facts.map((f) => f.stream))].filter((s) => s !== 'effects' && s !== 'host')
  }
}
