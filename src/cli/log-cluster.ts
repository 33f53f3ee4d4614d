/** `chronet log --cluster`: what happened on all hosts whose logs are here, in one order. */
import type { AnyFact, Commit } from '../../events/index.ts'
import { peerName } from '../cluster/peers.ts'
import { parseMoment } from '../controller/moment.ts'
import { Names } from '../operations/names.ts'
import type { Happened, Operations } from '../operations/operations.ts'
import { momentOf } from '../operations/words.ts'
import { aborted } from './aborted.ts'
import type { Values } from './leaf.ts'
import { factAsJson, linesOf } from './commit-lines.ts'
import { UsageError } from './problems.ts'
import { lastIn, type Wanted } from './selection.ts'
import type { Session } from './session.ts'

/** Shows it; with `--follow` in the order in which it comes here, else by time. @throws {UsageError} */
export async function logOfAll(
  session: Session,
  operations: Operations,
  values: Values,
  wanted: Wanted,
): Promise<void> {
  const follow = values.flag('follow')
  const [last, since] = [lastIn(values), sinceIn(session, values)]
  if (follow && last !== undefined) throw new UsageError('--last does not go with --cluster --follow')
  const teller = new Teller(session, wanted, await namesOfHosts(operations))
  const found = operations.history(follow ? { arrival: true, follow } : {})[Symbol.asyncIterator]()
  const stopped = aborted(session.io.signal)
  let held: readonly Happened[] = []
  for (;;) {
    const step = await Promise.race([found.next(), stopped])
    if (step === undefined || step.done === true) break
    const isShown = since === undefined || step.value.commit.at >= since
    if (last === undefined) teller.tell(step.value, isShown)
    else if (isShown) held = await hold(teller, [...held, step.value], last)
    await session.io.flush()
  }
  for (const one of held) teller.tell(one, true)
  if (follow && !session.io.signal.aborted)
    session.note('no engine runs here that would follow other hosts: nothing more comes')
  if (session.io.signal.aborted) void found.return?.()
}

/** Of what is too early to be shown, the names count. */
async function hold(teller: Teller, held: readonly Happened[], last: number): Promise<readonly Happened[]> {
  for (const one of held.slice(0, -last || held.length)) teller.tell(one, false)
  return last === 0 ? [] : held.slice(-last)
}

/** Numbers are those of one host, so that only a time says the same to all. */
function sinceIn({ io }: Session, values: Values): string | undefined {
  const since = values.text('since')
  if (since === undefined) return undefined
  const moment = parseMoment(momentOf(since, io.nowMs()), io.nowMs())
  if ('at' in moment) return moment.at
  throw new UsageError('--since takes a time with --cluster, as 10m or 09:13: numbers are those of one host')
}

/** What hosts are called, by their ids. */
async function namesOfHosts(operations: Operations): Promise<ReadonlyMap<string, string>> {
  const { host, origin, peers } = await operations.cluster()
  return new Map([
    ...peers.map((peer) => [peer.origin, peerName(peer)] as const),
    [origin, host ?? origin.slice(0, 12)],
  ])
}

class Teller {
  /** Plans are numbered by each host for itself. */
  readonly #byHost = new Map<string, Names>()
  readonly #hosts: ReadonlyMap<string, string>
  readonly #session: Session
  readonly #wanted: Wanted

  constructor(session: Session, wanted: Wanted, hosts: ReadonlyMap<string, string>) {
    this.#hosts = hosts
    this.#session = session
    this.#wanted = wanted
  }

  tell({ commit, position }: Happened, isShown: boolean): void {
    const names = this.#namesFor(commit)
    names.add(commit)
    const facts = [...commit.facts.entries()].filter(([, fact]) => isShown && this.#wanted.has(fact, names))
    if (facts.length > 0) this.#show(commit, facts, position)
    names.forget(commit)
  }

  #show(
    commit: Commit<AnyFact>,
    facts: readonly (readonly [number, AnyFact])[],
    position: number | undefined,
  ): void {
    const host = this.#hosts.get(commit.origin) ?? commit.origin.slice(0, 12)
    if (!this.#session.json)
      return this.#session.print(...linesOf(commit, facts, this.#namesFor(commit), this.#session, host))
    const where = { host, origin: commit.origin, ...(position === undefined ? {} : { position }) }
    for (const [i, fact] of facts) this.#session.show({ ...factAsJson(commit, fact, i), ...where })
  }

  #namesFor({ origin }: Commit): Names {
    const found = this.#byHost.get(origin) ?? new Names()
    this.#byHost.set(origin, found)
    return found
  }
}
