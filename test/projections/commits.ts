/** Facts and commits as a log would hold them, for folds. */
import type { AnyFact, Commit, FactOf, FactType, Stream } from '../../events/index.ts'

type Data<T extends FactType> = FactOf<T>['data']

/** A fact as a log would hold it; its version does not matter to folds. */
export const factOf = <T extends FactType>(stream: Stream, type: T, data: Data<T>): AnyFact =>
  ({ data, stream, type, v: 1, version: 1 }) as unknown as AnyFact

/** A commit of these facts. */
export const commitOf = (seq: number, facts: readonly AnyFact[]): Commit<AnyFact> =>
  ({
    actor: { kind: 'library' },
    at: new Date(Date.UTC(2026, 0, 1) + seq).toISOString(),
    command: { data: {}, id: `command ${seq}`, type: 'connect' },
    epoch: 1,
    facts,
    origin: 'o',
    prev: '',
    seq,
  }) as unknown as Commit<AnyFact>
