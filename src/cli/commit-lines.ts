/** A commit as lines for people, or its facts as objects for programs. */
import type { AnyFact, Commit } from '../../events/index.ts'
import type { Names } from '../operations/names.ts'
import { headline, sentence } from './sentences.ts'
import type { Session } from './session.ts'

/** A fact with the commit it stands in; keys in alphabetical order. */
export const factAsJson = (
  { actor, at, command, reason, seq }: Commit<AnyFact>,
  fact: AnyFact,
  i: number,
): object => ({
  actor,
  at,
  command: command.type,
  data: fact.data,
  index: i + 1,
  ...(reason === undefined ? {} : { reason }),
  seq,
  stream: fact.stream,
  type: fact.type,
  v: fact.v,
  version: fact.version,
})

const TYPE_WIDTH = 26

/** @param host whose commit it is; empty: ours, or it need not be said */
export function linesOf(
  commit: Commit<AnyFact>,
  facts: readonly (readonly [number, AnyFact])[],
  names: Names,
  { io, paint }: Session,
  host = '',
): readonly string[] {
  return [
    paint('bold', host + headline(commit, names, io.nowMs())),
    ...facts.map(
      ([i, fact]) =>
        `  ${paint('dim', `.${i + 1}`.padEnd(4) + fact.type.padEnd(TYPE_WIDTH))}${sentence(fact, names, commit.at)}`,
    ),
  ]
}
