/**
 * What a projection is: a pure, total fold of facts into a state that can be thrown away.
 *
 * `evolve` returns the same object when nothing changed, and costs what changed, never what exists: states hold
 * {@link Table}s. Queries are functions beside it.
 */
import type { AnyFact, Epoch, FactOf, FactType, Instant, Seq } from '../events/index.ts'

/** Where a fact stands: its commit's number and time, and its place in the commit (from 1). */
export type Position = {
  readonly at: Instant
  readonly epoch: Epoch
  readonly index: number
  readonly seq: Seq
}

/** What one type of fact does to a state. */
export type Handler<S, T extends FactType> = (state: S, fact: FactOf<T>, position: Position) => S

export type Projection<S, T extends FactType = FactType> = {
  readonly evolve: Handler<S, T>
  /** What {@link evolve} does with facts of this type: for folds that look it up once. */
  readonly handlerOf: (type: T) => Handler<S, T>
  readonly init: S
  readonly name: string
  /** The facts it wants; others do not visit it. */
  readonly types: readonly T[]
  /** Raised when the meaning of the state changes: older snapshots are then folded anew. */
  readonly version: number
}

/** A fact of any type, as folds see it. */
export type FoldedFact = AnyFact
