/** What clients were told, held against the log: A13, L3, L5, L6, L12 and L13. */
import {
  RefusedError,
  type AnyFact,
  type Commit,
  type CommandId,
  type EngineError,
} from '../../../events/index.ts'
import type { Answer } from '../../engine/answers.ts'
import type { Asked } from '../clients.ts'
import type { Ledger } from './invariant.ts'
import type { Witness } from './witness.ts'

/** Codes by which a client knows that nothing of its command was written; refusals say so, too. */
const NOTHING_WRITTEN: ReadonlySet<string> = new Set([
  'ERR_BACKPRESSURE',
  'ERR_LOG_BEHIND',
  'ERR_STORE_UNWRITABLE',
])

export class Told {
  readonly #asked: (id: CommandId) => Asked | undefined
  /** Who has an excuse to be told something else than before. */
  readonly #isExcused: () => boolean
  readonly #landed = new Set<CommandId>()
  readonly #ledger: Ledger
  /** Commands of which nothing was written, as their clients heard; how often, and the last time. */
  readonly #nothing = new Map<CommandId, { readonly asked: Asked; code: string; heard: number }>()
  /** Who heard that a later command overtook his, and of which commit. */
  #overtaken: { readonly asked: Asked; readonly seq: number }[] = []
  readonly #witness: Witness

  /** @param asked a client's command, by its id */
  constructor(
    witness: Witness,
    ledger: Ledger,
    isExcused: () => boolean,
    asked: (id: CommandId) => Asked | undefined,
  ) {
    this.#asked = asked
    this.#isExcused = isExcused
    this.#ledger = ledger
    this.#witness = witness
  }

  /** A client was told that it is done. */
  done({ answers, id }: Asked, { commit }: Answer): void {
    this.#witness.acknowledge(commit)
    const earlier = answers[0]?.commit
    const isSame = earlier?.seq === commit.seq || this.#isExcused()
    this.#ledger.check('L5', isSame ? undefined : `${id} was #${earlier?.seq ?? 0} and is #${commit.seq} now`)
  }

  /** A client was told that it is not done. */
  failed(asked: Asked, error: EngineError): void {
    const { commit: seq } = error.details
    if (error.code === 'ERR_SUPERSEDED' && typeof seq === 'number') this.#overtaken.push({ asked, seq })
    const { answers, command, id } = asked
    const wasDone = error instanceof RefusedError && answers.length > 0 && !this.#isExcused()
    this.#ledger.check(
      'L5',
      wasDone ? `${command.type} ${id} was done, and is refused now: ${error.code}` : undefined,
    )
    if (error.code === 'ERR_ADDRESS_EXHAUSTED') this.#ledger.check('A13', this.#isLeft(asked))
    if (error instanceof RefusedError || NOTHING_WRITTEN.has(error.code)) this.#hearNothing(asked, error.code)
    this.#check(id)
  }

  /** Addresses that were left to give. What is decided and not on disk yet may have taken one each. */
  #isLeft({ command: { data }, host, id }: Asked): string | undefined {
    const { network } = data as { readonly network?: unknown }
    const free = typeof network === 'string' ? this.#witness.freeOn(network) : undefined
    const underway = host.isUp ? host.controller.engine.waiting.commits : Infinity
    return free !== undefined && free > underway
      ? `${id} heard that no address is left on ${String(network)}, and there are ${free}`
      : undefined
  }

  /** L6: what a client expected of streams was so, just before. */
  #checkExpected(asked: Asked, { facts, seq }: Commit<AnyFact>): void {
    for (const { stream, version } of asked.expect ?? []) {
      const first = facts.find((fact) => fact.stream === stream)
      const before = first === undefined ? this.#witness.versionOf(stream) : first.version - 1
      this.#ledger.check(
        'L6',
        before === version
          ? undefined
          : `#${seq}: ${stream} was expected at ${version}, and was at ${before}`,
      )
    }
  }

  #hearNothing(asked: Asked, code: string): void {
    const told = this.#nothing.get(asked.id) ?? { asked, code, heard: 0 }
    this.#nothing.set(asked.id, Object.assign(told, { code, heard: told.heard + 1 }))
  }

  /** A commit is on disk. */
  landed(commit: Commit<AnyFact>): void {
    const {
      command: { id },
      facts,
    } = commit
    const asked = this.#asked(id)
    // What comes back was looked at when it was written.
    if (asked !== undefined && !this.#landed.has(id)) this.#checkExpected(asked, commit)
    this.#landed.add(id)
    this.#check(id)
    // What overtook a command may have fallen with the epoch before.
    if (facts.some(({ type }) => type === 'HostStarted')) this.#overtaken = []
  }

  /** L13: all that was decided is on disk. */
  atRest(): void {
    for (const { asked, seq } of this.#overtaken.splice(0)) {
      const { id, type } = { id: asked.id, type: asked.command.type }
      const isTrue = this.#isOvertaken(seq)
      this.#ledger.check(
        'L13',
        isTrue ? undefined : `${type} ${id} (#${seq}) was overtaken by nothing in the log`,
      )
    }
  }

  /** Something that is no receipt was written of the same entities, or a receipt that found their namespace gone. */
  #isOvertaken(seq: number): boolean {
    const { log } = this.#witness
    const mine = new Set(log[seq - 1]?.commit.facts.map(({ stream }) => stream))
    return log
      .slice(seq)
      .some(
        ({ commit: { command, facts } }) =>
          (command.type !== 'effects.settle' || facts.some(({ type }) => type === 'SandboxVanished')) &&
          facts.some(({ stream }) => mine.has(stream) && stream !== 'effects' && stream !== 'host'),
      )
  }

  /** Only where every time that it was asked came to that: else it may have been written the other time. */
  #check(id: CommandId): void {
    const told = this.#nothing.get(id)
    if (told === undefined) return
    const { codes, command, times } = told.asked
    if (told.heard + codes.filter((code) => code === 'DOWN').length < times) return
    const why = `the client of ${command.type} ${id} heard ${told.code}, and it is in the log`
    this.#ledger.check('L12', this.#landed.has(id) ? why : undefined)
  }
}
