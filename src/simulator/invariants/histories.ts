/**
 * What the servers of a cluster were told of each host, by a model of its own: one history for each name (C3), each commit once and
 * whole, also what was lost and told again (C4, C6).
 */
import { GENESIS, type Origin } from '../../../events/index.ts'
import type { BusMessage, Outgoing } from '../../bus/bus.ts'
import { bodiesIn, headIn, LOG_STREAM, originOf } from '../../cluster/message.ts'
import type { PublishOutcome } from '../arbiter.ts'
import type { World } from '../world.ts'
import type { Bodies } from './bodies.ts'
import type { Ledger } from './invariant.ts'

/** A commit's place in a history. */
type Told = { readonly hash: string; readonly prev: string; readonly seq: number }

export class Histories {
  /** How often a publish came to what. */
  readonly outcomes = new Map<PublishOutcome, number>()
  readonly #bodies: Bodies
  /** Processes that were told to publish nothing more. */
  readonly #fenced = new Set<string>()
  readonly #isJudged: (origin: Origin) => boolean
  readonly #ledger: Ledger
  /** What was sent and will come late: whoever sent it may be told something else before. */
  readonly #underWay = new Set<string>()
  /** Numbers were given again by then, and what came late may have found the one that it expected: who reads passes over it. */
  #cameAfterLoss = false
  /** The servers forgot something: what was fenced by it may come again. */
  #lost = false
  readonly #told = new Map<Origin, Told[]>()
  readonly #whole: Wholes
  readonly #world: World

  /** @param isJudged whether a host has one history, as far as anybody could know */
  constructor(world: World, ledger: Ledger, bodies: Bodies, isJudged: (origin: Origin) => boolean) {
    this.#bodies = bodies
    this.#whole = new Wholes(bodies)
    this.#isJudged = isJudged
    this.#ledger = ledger
    this.#world = world
  }

  /** The hash of a host's commit as it was first told; undefined: it was not. */
  hashAt(origin: Origin, seq: number): string | undefined {
    return this.#historyOf(origin)[seq - 1]?.hash
  }

  /** The last commit that was told of a host. */
  headOf(origin: Origin): { readonly hash: string; readonly seq: number } {
    return this.#historyOf(origin).at(-1) ?? GENESIS
  }

  /** A process said that it stopped for good. */
  fence(process: string): void {
    this.#fenced.add(process)
  }

  /** The servers lost something of it. */
  lose(): void {
    this.#lost = true
  }

  get hasLost(): boolean {
    return this.#lost
  }

  /** What is wrong with a host's log as the stream has it now; undefined: it is there whole, each commit once. */
  wrongIn(origin: Origin): string | undefined {
    const whole = new Wholes(this.#bodies)
    let seq = 0
    for (const message of this.#world.servers.messages(LOG_STREAM.name)) {
      if (originOf(message.subject) !== origin) continue
      for (const told of whole.commitsIn(message, origin)) {
        if (told.seq <= seq && this.#cameAfterLoss) continue
        if (told.seq <= seq) return `#${told.seq} is in the stream twice`
        if (told.seq > seq + 1) return `#${seq + 1} is not in the stream, and #${told.seq} is`
        seq = told.seq
      }
    }
    return undefined
  }

  /** Something was published, or should have been. */
  hear(message: Outgoing, outcome: PublishOutcome, from: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
    this.#world.trace.add('bus', `${outcome} ${message.id.slice(-24)} of ${from}`)
    if (outcome === 'late') this.#underWay.add(message.id)
    if (outcome !== 'stored') return
    const origin = originOf(message.subject)
    if (origin === undefined) return
    const isLate = this.#underWay.delete(message.id)
    this.#cameAfterLoss ||= isLate && this.#lost
    const isFenced = this.#fenced.has(from) && !this.#lost && !isLate
    this.#ledger.check('C3', isFenced ? `${from} was fenced, and ${message.id} of it was taken` : undefined)
    for (const told of this.#whole.commitsIn(message, origin)) this.#add(origin, told)
  }

  #add(origin: Origin, told: Told): void {
    const history = this.#historyOf(origin)
    const known = history[told.seq - 1]
    const before = history[told.seq - 2]?.hash ?? GENESIS.hash
    const isNext = told.seq === history.length + 1
    const isSame = known === undefined ? isNext && told.prev === before : known.hash === told.hash
    if (this.#isJudged(origin)) {
      const name = origin.slice(0, 12)
      this.#ledger.check('C3', isSame ? undefined : `#${told.seq} of ${name} does not follow what was told`)
    }
    if (isSame && known !== undefined) return
    history.length = Math.min(history.length, told.seq - 1)
    history.push(told)
  }

  #historyOf(origin: Origin): Told[] {
    const found = this.#told.get(origin) ?? []
    this.#told.set(origin, found)
    return found
  }
}

/** Puts together again what came in parts. */
class Wholes {
  readonly #bodies: Bodies
  readonly #parts = new Map<Origin, Buffer>()

  constructor(bodies: Bodies) {
    this.#bodies = bodies
  }

  commitsIn(message: BusMessage | Outgoing, origin: Origin): readonly Told[] {
    const head = headIn({ seq: 0, ...message })
    if (head === undefined) return []
    const { part } = head
    let bytes: Uint8Array = message.payload
    if (part !== undefined) {
      const before = part.offset === 0 ? Buffer.alloc(0) : (this.#parts.get(origin) ?? Buffer.alloc(0))
      bytes = Buffer.concat([before, bytes])
      this.#parts.set(origin, Buffer.from(bytes))
      if (part.end < part.size) return []
    }
    return bodiesIn(bytes).map((body) => {
      const { commit, hash } = this.#bodies.of(body)
      return { hash, prev: commit.prev, seq: commit.seq }
    })
  }
}
