/** Clients of a host's engine: what they asked, how often, and all that they heard. What a dead engine would have said, nobody heard. */
import type { ClientCommand, CommandId, Stream } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import type { Answer } from '../engine/answers.ts'
import type { Host } from './host.ts'
import type { VirtualTime } from './time.ts'

/** A stream, and the version of its last fact that the client has seen. */
export type ExpectedVersion = { readonly stream: Stream; readonly version: number }

/** One command, and its fate so far. */
export type Asked = {
  readonly answers: Answer[]
  /** In the order in which they were heard; `DOWN`: there was nobody to ask. */
  readonly codes: string[]
  readonly command: ClientCommand
  /** What it expected of streams every time that it was asked; undefined: nothing, or not always. */
  expect: readonly ExpectedVersion[] | undefined
  readonly host: Host
  readonly id: CommandId
  /** Times it was asked and not answered yet, by an engine that still runs. */
  open: number
  /** Nobody knows what became of it: its engine died, or said so. */
  isUnknown: boolean
  /** Times it was asked. */
  times: number
}

/** How a command is asked. */
export type Asking = {
  /** The client stops waiting after so long. */
  readonly cancelMs?: number
  readonly command: ClientCommand
  readonly expect?: readonly ExpectedVersion[]
  readonly id: CommandId
  readonly settle?: 'durable' | 'settled'
}

export class Clients {
  /** In the order in which they were first asked. */
  readonly asked = new Map<CommandId, Asked>()
  /** Hears of every answer. */
  onAnswer: ((asked: Asked, answer: Answer) => void) | undefined
  /** Hears of what no client should ever hear: an error without a code. */
  onDefect: ((asked: Asked, error: unknown) => void) | undefined
  /** Hears of every error with a code. */
  onFailure: ((asked: Asked, error: EngineError) => void) | undefined
  /** How often each outcome was heard: `done`, or a code. */
  readonly outcomes = new Map<string, number>()
  readonly #time: VirtualTime

  constructor(time: VirtualTime) {
    this.#time = time
  }

  /** Asks, and does not wait. The same id may be asked again, at the same time too. */
  ask(host: Host, { cancelMs, command, expect, id, settle = 'settled' }: Asking): Asked {
    const asked = this.#entry(host, command, id)
    if (asked.times++ === 0) asked.expect = expect
    else if (expect === undefined) asked.expect = undefined
    if (!host.isUp) {
      this.#hear(asked, 'DOWN')
      return asked
    }
    const { life } = host
    asked.open++
    life.atDeath(() => {
      asked.isUnknown ||= asked.open > 0
      asked.open = 0
    })
    const end = cancelMs === undefined ? undefined : new AbortController()
    if (cancelMs !== undefined) this.#time.at(cancelMs, () => end?.abort())
    const how = {
      ...(expect ? { expect } : {}),
      id,
      settle,
      ...(end === undefined ? {} : { signal: end.signal }),
    }
    host.controller.dispatch(command, how).then(
      (answer) => life.isDead || this.#answered(asked, answer),
      (error: unknown) => life.isDead || this.#failed(asked, error, end?.signal.aborted === true),
    )
    return asked
  }

  /** Those whose outcome nobody knows, oldest first. */
  unknown(host: Host): readonly Asked[] {
    return [...this.asked.values()].filter((each) => each.host === host && each.isUnknown)
  }

  /** How many wait for an engine that runs. */
  get waiting(): number {
    return [...this.asked.values()].reduce((sum, { open }) => sum + open, 0)
  }

  #entry(host: Host, command: ClientCommand, id: CommandId): Asked {
    const found = this.asked.get(id)
    if (found !== undefined) return found
    const made: Asked = {
      answers: [],
      codes: [],
      command,
      expect: undefined,
      host,
      id,
      isUnknown: false,
      open: 0,
      times: 0,
    }
    this.asked.set(id, made)
    return made
  }

  #answered(asked: Asked, answer: Answer): void {
    asked.open--
    asked.isUnknown = false
    asked.answers.push(answer)
    this.#hear(asked, 'done')
    asked.host.life.note(`answers ${asked.id}: done as #${answer.commit.seq}`)
    this.onAnswer?.(asked, answer)
  }

  #failed(asked: Asked, error: unknown, isCancelled: boolean): void {
    asked.open--
    if (isCancelled && !(error instanceof EngineError)) {
      asked.isUnknown = true
      this.#hear(asked, 'CANCELLED')
      return
    }
    const code = error instanceof EngineError ? error.code : 'DEFECT'
    asked.isUnknown = code === 'ERR_OUTCOME_UNKNOWN'
    asked.host.life.note(`answers ${asked.id}: ${code}`)
    this.#hear(asked, code)
    if (error instanceof EngineError) this.onFailure?.(asked, error)
    else this.onDefect?.(asked, error)
  }

  #hear(asked: Asked, outcome: string): void {
    if (outcome !== 'done') asked.codes.push(outcome)
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
  }
}
