/**
 * Following the log: durable facts only, gapless from a commit on, as an AsyncIterable or an rxjs Observable.
 */
import { Observable } from 'rxjs'
import type {
  AnyFact,
  Commit,
  FactOf,
  FactType,
  Instant,
  Log,
  Seq,
  Subscription,
} from '../../events/index.ts'
import { checkFollowable, type NamedReaders } from './named-readers.ts'

/** A fact with the commit it stands in. It narrows on `type`. */
export type LoggedFact<T extends FactType = FactType> = T extends FactType
  ? FactOf<T> & { readonly at: Instant; readonly seq: Seq }
  : never

export type FactsOptions<T extends FactType = FactType> = {
  /**
   * Commits that a reader may not have taken yet when the next come: with more it is dropped with ERR_SUBSCRIBER_SLOW. What
   * comes in one go may be more.
   */
  readonly buffer?: number
  /**
   * A name by which how far the reader has come is kept, in the data directory: it goes on from there, after a crash too, and
   * `from` counts only the first time. A commit is done when the fact after its last is asked for. One reader a name.
   */
  readonly consumer?: string
  /** The first commit, at most the one that comes next; or `now` (default): that one. */
  readonly from?: number | 'now'
  /** Only these types. */
  readonly types?: readonly T[]
}

/** Each iteration and each subscription is a reader of its own, from the same place on. */
export interface Facts<T extends FactType = FactType> extends AsyncIterable<LoggedFact<T>> {
  /** Completes when the controller closes; errors with ERR_SUBSCRIBER_SLOW, ERR_LOG_BEHIND (`from` lies beyond the next commit), ERR_LOG_DAMAGED, ERR_IN_USE (the consumer's name). */
  asObservable(): Observable<LoggedFact<T>>
}

/** The log of now, and the one that follows when its life ends; undefined: the engine is closed. */
export type LogSource = {
  readonly after: (ended: Log<AnyFact>) => Promise<Log<AnyFact> | undefined>
  readonly now: () => Log<AnyFact>
  readonly readers: NamedReaders
}

/** Commits without a wanted fact are done unseen; how far, is kept every so many. */
const UNSEEN_COMMITS = 256

export function factsOf<T extends FactType>(source: LogSource, options: FactsOptions<T>): Facts<T> {
  const { consumer, from = 'now' } = options
  const { readers } = source
  if (consumer !== undefined) readers.check(consumer)
  const start = from === 'now' ? source.now().nextSeq : (from as Seq)
  const wanted = options.types && new Set<string>(options.types)
  const buffer = options.buffer === undefined ? {} : { buffer: options.buffer }
  const follow = async function* (reading: Reading): AsyncGenerator<LoggedFact<T>> {
    const first = (): Seq => (from === 'now' ? start : checkFollowable(source.now(), start))
    let next = consumer === undefined ? first() : await readers.next(source.now(), consumer, first)
    for (let log: Log<AnyFact> | undefined = source.now(); log; log = await source.after(log)) {
      // What is decided may still be on its way to disk, and a log is followed from its durable end: that is passed over.
      const first = Math.min(next, log.durable.seq + 1) as Seq
      reading.commits = log.subscribe({ ...buffer, from: first })
      for await (const commit of reading.commits) {
        if (commit.seq < next) continue
        next = (commit.seq + 1) as Seq
        const facts = loggedIn<T>(commit, wanted)
        yield* facts
        if (consumer !== undefined && (facts.length > 0 || commit.seq % UNSEEN_COMMITS === 0))
          await readers.done(log, consumer, commit.seq)
      }
      if (reading.over) return
    }
  }
  const iterate = async function* (reading: Reading): AsyncGenerator<LoggedFact<T>> {
    const release = consumer === undefined ? undefined : readers.take(consumer)
    try {
      yield* follow(reading)
    } finally {
      release?.()
    }
  }
  return {
    [Symbol.asyncIterator]: () => endable(iterate),
    asObservable: () => observableOf(() => endable(iterate)),
  }
}

/** What a reader reads now, and whether it went away. */
type Reading = { commits?: Subscription<AnyFact>; over: boolean }

/** A generator that waits does not hear `return` before something comes: what it waits for is ended, too. */
function endable<T>(iterate: (reading: Reading) => AsyncGenerator<T>): AsyncIterableIterator<T, void, void> {
  const reading: Reading = { over: false }
  const facts = iterate(reading)
  return {
    next: () => facts.next(),
    return: async () => {
      reading.over = true
      await reading.commits?.return?.()
      return facts.return(undefined)
    },
    [Symbol.asyncIterator]() {
      return this
    },
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

function observableOf<T>(iterate: () => AsyncIterableIterator<T, void, void>): Observable<T> {
  return new Observable((out) => {
    const source = iterate()
    const pump = async (): Promise<void> => {
      for await (const value of source) out.next(value)
      out.complete()
    }
    pump().catch((error: unknown) => out.error(error))
    return () => void source.return?.()
  })
}
