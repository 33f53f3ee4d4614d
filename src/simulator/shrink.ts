/**
 * Makes a tape that fails as small as it goes, and still fails of the same: hosts go first, then acts (delta debugging, Zeller
 * and Hildebrandt 2002), then what acts carry and do not need, then the pauses. Each try is a whole run, so the result is no
 * guess; another order of tries would come to another tape, as small in its way.
 */
import type { Act } from './acts/index.ts'
import type { Failure, RunResult } from './run.ts'
import { firstLine, playTape, type Tape } from './tape.ts'

export type ShrinkOptions = {
  /** Hears of each try. */
  readonly onTry?: (progress: { readonly acts: number; readonly tries: number }) => void
  /** Plays a tape: in a world and against invariants of your own, say. Default: {@link playTape}. */
  readonly play?: (tape: Tape) => Promise<Pick<RunResult, 'failure'>>
  /** Ends the trying; what was reached by then stays. */
  readonly signal?: AbortSignal
  /** Default: 2000. */
  readonly triesMax?: number
}

export type Shrunk = {
  /** As the smallest tape fails; undefined: the tape as it was given does not fail of the same, and is returned as it was. */
  readonly failure: Failure | undefined
  readonly tape: Tape
  readonly tries: number
}

/** @param given of a run that failed */
export async function shrink(given: Tape, options: ShrinkOptions = {}): Promise<Shrunk> {
  const search = new Search(given, options)
  if (!(await search.try(given))) return { failure: undefined, tape: given, tries: search.tries }
  await search.endSoon()
  await search.oneHost()
  await search.fewerHosts()
  // What was needed for an act that is gone may go now, too.
  for (let before = Infinity; sizeOf(search.tape) < before;) {
    before = sizeOf(search.tape)
    await search.fewerActs()
    await search.lessData()
  }
  await search.shorterPauses()
  await search.endSoon()
  return { failure: search.failure, tape: search.tape, tries: search.tries }
}

const sizeOf = ({ acts }: Tape): number => JSON.stringify(acts).length

class Search {
  failure: Failure | undefined
  tape: Tape
  tries = 0
  readonly #options: ShrinkOptions
  readonly #sign: string

  constructor(tape: Tape, options: ShrinkOptions) {
    this.tape = tape
    this.#options = options
    this.#sign = signOf(tape.invariant, tape.why)
  }

  /** Takes a tape if it fails of the same. */
  async try(tape: Tape): Promise<boolean> {
    const { onTry, play = playTape, signal, triesMax = 2000 } = this.#options
    if (this.tries >= triesMax || signal?.aborted === true) return false
    this.tries++
    onTry?.({ acts: this.tape.acts.length, tries: this.tries })
    const { failure } = await play(tape)
    if (failure === undefined || signOf(failure.id, failure.why) !== this.#sign) return false
    this.failure = failure
    this.tape = { ...tape, why: firstLine(failure.why) }
    return true
  }

  /** The phase in which acts happen ends after the last one. */
  async endSoon(): Promise<void> {
    const lastMs = Math.max(0, ...this.tape.acts.map(({ atMs }) => atMs))
    for (const afterMs of [1000, 10_000, 60_000]) {
      const phaseMs = lastMs + afterMs
      if (phaseMs < this.tape.phaseMs && (await this.try({ ...this.tape, phaseMs }))) return
    }
  }

  /** What is no matter of a cluster fails on one of its hosts alone; its ids become the first one's. */
  async oneHost(): Promise<void> {
    const { acts, hosts } = this.tape
    for (let host = 0; hosts > 1 && host < hosts; host++) {
      const own = acts.filter((act) => act.host === host).map((act) => ({ ...act, host: 0 }))
      if (await this.try({ ...this.tape, acts: own, hosts: 1 })) return
    }
  }

  /** One host after another goes, the last first; those behind it move up. Two are a cluster still. */
  async fewerHosts(): Promise<void> {
    for (let gone = this.tape.hosts - 1; gone >= 0 && this.tape.hosts > 2; gone--) {
      const acts = this.tape.acts
        .filter(({ host }) => host !== gone)
        .map((act) => (act.host > gone ? { ...act, host: act.host - 1 } : act))
      await this.try({ ...this.tape, acts, hosts: this.tape.hosts - 1 })
    }
  }

  fewerActs(): Promise<void> {
    return minimise(this.tape.acts, (acts) => this.try({ ...this.tape, acts }))
  }

  /** Fields that an act does not need, commands of many that are asked at once, numbers that can be smaller. */
  async lessData(): Promise<void> {
    for (let nth = 0; nth < this.tape.acts.length; nth++) while (await this.#lessOf(nth));
  }

  async #lessOf(nth: number): Promise<boolean> {
    const { data } = this.tape.acts[nth] ?? { data: {} }
    for (const smaller of smallerThan(data))
      if (await this.try(this.#with(nth, { data: smaller }))) return true
    return false
  }

  /** Every act a second after the one before it, or at once; where that is another story, as long after it as it was. */
  async shorterPauses(): Promise<void> {
    for (let nth = 0; nth < this.tape.acts.length; nth++) {
      const { atMs = 0 } = this.tape.acts[nth] ?? {}
      const beforeMs = this.tape.acts[nth - 1]?.atMs ?? 0
      for (const pauseMs of [0, 1000, 10_000]) {
        if (beforeMs + pauseMs >= atMs) break
        if (await this.try(this.#earlier(nth, atMs - beforeMs - pauseMs))) break
      }
    }
  }

  #with(nth: number, change: Partial<Act>): Tape {
    return {
      ...this.tape,
      acts: this.tape.acts.map((act, i) => (i === nth ? { ...act, ...change } : act)),
    }
  }

  /** It, and all after it. */
  #earlier(nth: number, byMs: number): Tape {
    const acts = this.tape.acts.map((act, i) => (i < nth ? act : { ...act, atMs: act.atMs - byMs }))
    return { ...this.tape, acts, phaseMs: this.tape.phaseMs - byMs }
  }
}

/**
 * What tells one failure from another: the invariant. What throws has no invariant of its own, so there it is the message too, without
 * what differs from run to run.
 */
const signOf = (id: string, why: string): string =>
  id === 'D1' ? `${id} ${firstLine(why).replace(/[0-9a-f-]{8,}|\d+/g, '#')}` : id

/** Leaves out as many as can be, in ever smaller pieces, until none can. `takes` keeps what it takes. */
export async function minimise<T>(
  all: readonly T[],
  takes: (some: readonly T[]) => Promise<boolean>,
): Promise<void> {
  let left = all
  for (let size = Math.ceil(left.length / 2); size >= 1; size = Math.max(1, size >> 1)) {
    let isSmaller = false
    // From the end: what came last is least likely to be a cause of what is kept.
    for (let end = left.length; end > 0; end -= size) {
      const some = [...left.slice(0, Math.max(0, end - size)), ...left.slice(end)]
      if (!(await takes(some))) continue
      left = some
      isSmaller = true
    }
    if (size === 1 && !isSmaller) return
  }
}

/** What is never left out: without it a command would be none. */
const KEPT: ReadonlySet<string> = new Set(['command', 'data', 'id', 'type'])

/** The data of an act with a little less in it, one change each: its own fields stay, and what a person types stays as it is. */
export function* smallerThan(data: object): Generator<object> {
  for (const [name, field] of Object.entries(data) as [string, unknown][])
    if (name !== 'args') for (const less of lessThan(field)) yield { ...data, [name]: less }
}

function* lessThan(value: unknown): Generator<unknown> {
  if (typeof value === 'number') {
    for (const less of [1, 1000, Math.trunc(value / 2)]) if (value > less && less > 0) yield less
  } else if (Array.isArray(value)) {
    const items = value as readonly unknown[]
    if (items.length > 1) for (let i = items.length - 1; i >= 0; i--) yield items.filter((_, j) => j !== i)
    for (const [i, item] of items.entries())
      for (const less of lessThan(item)) yield items.map((each, j) => (j === i ? less : each))
  } else if (typeof value === 'object' && value !== null) {
    for (const [name] of Object.entries(value).filter(([each]) => !KEPT.has(each)))
      yield Object.fromEntries(Object.entries(value).filter(([each]) => each !== name))
    yield* smallerThan(value)
  }
}
