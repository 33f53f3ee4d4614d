/** `chronet log`: what happened, a sentence a fact, or an object a line; live with `--follow`, across the lives of engines. */
import type { AnyFact, Commit } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import { refuseIf } from '../../events/refuse.ts'
import { Names } from '../operations/names.ts'
import type { Operations } from '../operations/operations.ts'
import { factAsJson, linesOf } from './commit-lines.ts'
import { aborted } from './aborted.ts'
import { unknownStreams } from './known-streams.ts'
import type { Leaf, Values } from './leaf.ts'
import { logOfAll } from './log-cluster.ts'
import { beginning, beginningAt, lastIn, Wanted } from './selection.ts'
import { UsageError } from './problems.ts'
import { factTypes } from './sentences.ts'
import type { Session } from './session.ts'

/** Between two looks at a log that nobody serves, in milliseconds. */
const LOOK_MS = 500

export const log: Leaf = {
  examples: [
    'chronet log --since 10m',
    'chronet log --follow --type EndpointJoined --type DriftObserved',
    'chronet log --stream network/web --json',
    'chronet log --last 5',
    'chronet log --host host-b --type EndpointJoined',
    'chronet log --cluster --since 10m',
    'chronet log --cluster --follow --json',
  ],
  name: 'log',
  options: [
    { flags: '-f, --follow', what: 'go on with what happens, until interrupted' },
    {
      flags: '--stream <stream>',
      repeat: true,
      what: 'of this thing only: network/web, a name, an id, host, effects',
    },
    { flags: '--type <type>', repeat: true, what: 'facts of this type only: EndpointJoined, …' },
    { flags: '--since <moment>', what: 'from there on: #12, 10m, 09:13, 2026-01-31T09:30:00Z' },
    {
      flags: '--host <host>',
      what: "another host's log, as far as it is here: its name or id (chronet cluster peers)",
    },
    {
      flags: '--cluster',
      what: 'all hosts whose logs are here, in one order: by time, or with --follow as it comes',
    },
    { flags: '--last <number>', what: 'so many commits from the end' },
  ],
  run: async (session, _args, values) => {
    const host = values.text('host')
    if (host !== undefined && values.flag('follow'))
      throw new UsageError('--host shows what is here; it does not go with --follow')
    if (values.flag('cluster') && host !== undefined)
      throw new UsageError('--cluster shows all hosts; it does not go with --host')
    // What is wrong with the words is told before anything is opened.
    lastIn(values)
    const wanted = new Wanted(values)
    if (values.flag('cluster')) {
      await session.with('read', (operations) =>
        ofKnown(session, operations, wanted, values, () => logOfAll(session, operations, values, wanted)),
      )
      return undefined
    }
    const teller = new Teller(session, wanted, host)
    const more = await session.with('read', (operations) =>
      ofKnown(session, operations, wanted, values, () => teller.begin(operations, values)),
    )
    if (values.flag('follow') && more) await follow(session, teller)
    return undefined
  },
  summary: 'what happened, oldest first, in sentences',
  text: `A commit is what one command wrote: its facts stand under it. Types of facts: ${factTypes.join(', ')}.`,
}

/**
 * Shows it; streams that nobody knows are told: before what is followed, where they may still come, else behind what was shown.
 * @throws {RefusedError} ERR_NOT_FOUND
 */
async function ofKnown<T>(
  session: Session,
  operations: Operations,
  wanted: Wanted,
  values: Values,
  show: () => Promise<T>,
): Promise<T> {
  const peers = values.flag('cluster') ? (await operations.cluster()).peers : []
  const hosts = [values.text('host'), ...peers.map(({ origin }) => origin)]
  if (values.flag('follow')) {
    for (const { message } of await unknownStreams(operations, wanted.streams, hosts))
      session.note(`${message.replace(/;.*/s, '')} yet`)
    return show()
  }
  const shown = await show()
  refuseIf(await unknownStreams(operations, wanted.unseen, hosts))
  return shown
}

/** What a log that nobody serves gets, and what an engine that went away and came back has: until interrupted. */
async function follow(session: Session, teller: Teller): Promise<void> {
  const { signal } = session.io
  while (!signal.aborted) {
    try {
      await session.with('read', (operations) => teller.go(operations, true))
    } catch (error) {
      if (!isGone(error)) throw error
    }
    await pause(LOOK_MS, signal)
  }
}

/** The engine went away, or somebody else has the log for a while: it is looked at again. */
const isGone = (error: unknown): boolean =>
  error instanceof EngineError && (error.code === 'ERR_CLOSED' || error.code === 'ERR_STORE_LOCKED')

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })

/** Shows commits one after the other, and knows where it is. */
class Teller {
  readonly #session: Session
  readonly #wanted: Wanted
  readonly #stopped: Promise<undefined>
  readonly #host: string | undefined
  #names = new Names()
  #next = 1
  #shownFrom = 1

  /** @param host whose log it is; undefined: ours */
  constructor(session: Session, wanted: Wanted, host?: string) {
    this.#host = host
    this.#session = session
    this.#wanted = wanted
    this.#stopped = aborted(session.io.signal)
  }

  /** Shows what there is, and with `--follow` what comes. Says whether it may go on. */
  async begin(operations: Operations, values: Values): Promise<boolean> {
    if (this.#host !== undefined) {
      // From the first on, for the names of what is spoken of later.
      this.#shownFrom = await beginningAt(operations, this.#host, values)
      await this.go(operations, false)
      return false
    }
    const { from, names } = await beginning(operations, values, this.#session.io.nowMs())
    this.#names = names
    this.#next = from
    const { head } = await operations.status()
    // A damaged log is shown as far as it goes, and then the damage is told.
    if (from <= head.seq || values.flag('follow'))
      await this.go(operations, values.flag('follow')).catch((error: unknown) => {
        if (!values.flag('follow') || !isGone(error)) throw error
      })
    return !this.#session.io.signal.aborted
  }

  async go(operations: Operations, follow: boolean): Promise<void> {
    const { io } = this.#session
    const host = this.#host === undefined ? {} : { host: this.#host }
    const commits = operations.commits({ ...host, follow, from: this.#next })[Symbol.asyncIterator]()
    for (;;) {
      const step = await Promise.race([commits.next(), this.#stopped])
      if (step === undefined || step.done === true) break
      this.#tell(step.value)
      await io.flush()
    }
    if (io.signal.aborted) void commits.return?.()
  }

  #tell(commit: Commit<AnyFact>): void {
    this.#next = commit.seq + 1
    this.#names.add(commit)
    const isShown = commit.seq >= this.#shownFrom
    const facts = [...commit.facts.entries()].filter(
      ([, fact]) => isShown && this.#wanted.has(fact, this.#names),
    )
    if (facts.length > 0) {
      if (this.#session.json) for (const [i, fact] of facts) this.#session.show(factAsJson(commit, fact, i))
      else this.#session.print(...linesOf(commit, facts, this.#names, this.#session))
    }
    this.#names.forget(commit)
  }
}
