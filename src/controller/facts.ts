/**
 * Following the log: durable facts only, gapless from a commit on, as an AsyncIterable or an rxjs Observable.
 */
import { Observable } from 'rxjs'
import type { AnyFact, Commit, FactOf, FactType, Instant, Log, Seq } from '../../events/index.ts'

/** A fact with the commit it stands in. It narrows on `type`. */
export type LoggedFact<T extends FactType = FactType> = T extends FactType
  ? FactOf<T> & { readonly at: Instant; readonly seq: Seq }
  : never

export type FactsOptions<T extends FactType = FactType> = {
  /** Commits that may wait for a reader before it is dropped with ERR_SUBSCRIBER_SLOW. */
  readonly buffer?: number
  /** The first commit, or `now` (default): the next one. */
  readonly from?: number | 'now'
  /** Only these types. */
  readonly types?: readonly T[]
}

/** Each iteration and each subscription is a reader of its own, from the same place on. */
export interface Facts<T extends FactType = FactType> extends AsyncIterable<LoggedFact<T>> {
  /** Completes when the controller closes; errors with ERR_SUBSCRIBER_SLOW, ERR_LOG_DAMAGED. */
  asObservable(): Observable<LoggedFact<T>>
}

/** The log of now, and the one that follows when its life ends; undefined: the engine is closed. */
export type LogSource = {
  readonly after: (ended: Log<AnyFact>) => Promise<Log<AnyFact> | undefined>
  readonly now: () => Log<AnyFact>
}

export function factsOf<T extends FactType>(source: LogSource, options: FactsOptions<T>): Facts<T> {
  const { from = 'now' } = options
  const start = from === 'now' ? source.now().nextSeq : (from as Seq)
  const wanted = options.types && new Set<string>(options.types)
  const buffer = options.buffer === undefined ? {} : { buffer: options.buffer }
  const iterate = async function* (): AsyncGenerator<LoggedFact<T>> {
    let next = start
    for (let log: Log<AnyFact> | undefined = source.now(); log; log = await source.after(log)) {
      // What is decided may still be on its way to disk, and a log is followed from its durable end: that is passed over.
      const first = Math.min(next, log.durable.seq + 1) as Seq
      for await (const commit of log.subscribe({ ...buffer, from: first })) {
        if (commit.seq < next) continue
        next = (commit.seq + 1) as Seq
        yield* loggedIn<T>(commit, wanted)
      }
    }
  }
  return {
    [Symbol.asyncIterator]: iterate,
    asObservable: () => observableOf(iterate),
  }
}

function loggedIn<T extends FactType>(
  commit: Commit<AnyFact>,
  wanted: ReadonlySet<string> | undefined,
): LoggedFact<T>[] {
  return commit.facts
    .filter((fact) => wanted === undefined || wanted.has(fact.type))
    .map((fact) => ({ ...fact, at: commit.at, seq: commit.seq }) as unknown as LoggedFact<T>)
}

function observableOf<T>(iterate: () => AsyncGenerator<T>): Observable<T> {
  return new Observable((out) => {
    const source = iterate()
    const pump = async (): Promise<void> => {
      for await (const value of source) out.next(value)
      out.complete()
    }
    pump().catch((error: unknown) => out.error(error))
    return () => void source.return(undefined)
  })
}
