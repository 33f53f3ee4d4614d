/**
 * Reads the log again in the background, a little at a time, since what nobody reads can rot unseen: first the store's files, whose
 * checksums LevelDB does not look at (and may end the process over), then the chain, from where the last engine had come to.
 * A pass takes {@link PASS_MS}, or longer if that were more than a hundredth of the time.
 */
import type { AnyFact, Log, Seq } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import type { Clock, Disk } from '../ports.ts'
import type { Alarms } from './alarms.ts'

/** How long one pass through the log takes, and from one start to the next, in milliseconds. */
export const PASS_MS = 4 * 3_600_000
/** Before the first step: a start has better things to do. */
const FIRST_MS = 600_000
const PAUSE_MS_MAX = 60_000
/** A step of work is followed by so many times its length of rest. */
const REST = 99
/** Commits that a step reads: half a millisecond of the main thread. */
export const STEP_COMMITS = 32
/** How far it came: among the consumers, with a name that nobody else can have. */
const NAME = '@scrubber'

export type ScrubberParts = {
  readonly alarms: Alarms
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly disk: Pick<Disk, 'checkFiles'>
  /** The log that is open; undefined: none is, or nothing may be written. */
  readonly log: () => Log<AnyFact> | undefined
  readonly onDamage: (damage: EngineError) => void
  readonly onProblem: (problem: unknown) => void
}

export class Scrubber {
  readonly #parts: ScrubberParts
  /** Steps of the look at the files; undefined: that is over. */
  #files: AsyncIterator<EngineError | undefined> | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(parts: ScrubberParts) {
    this.#parts = parts
    this.#beginPass(FIRST_MS)
  }

  /** When the step that is under way is over. Whoever waits has called off the alarms. */
  idle(): Promise<void> {
    return this.#running
  }

  #beginPass(pauseMs: number): void {
    this.#files = this.#parts.disk.checkFiles?.()[Symbol.asyncIterator]()
    this.#next(pauseMs)
  }

  #next(pauseMs: number): void {
    this.#parts.alarms.after(pauseMs, () => {
      this.#running = this.#step().catch((error: unknown) => this.#failed(error))
    })
  }

  /** One step, and the next after its rest. Ends for good with damage: that is told once. */
  async #step(): Promise<void> {
    const { clock, log: open, onDamage } = this.#parts
    const log = open()
    if (log === undefined) {
      this.#next(PAUSE_MS_MAX)
      return
    }
    const start = clock.monotonicMs()
    const outcome = await (this.#files === undefined ? this.#scrub(log) : this.#checkFile(this.#files))
    if (outcome instanceof EngineError) onDamage(outcome)
    else if (outcome === 'over') this.#beginPass(PASS_MS)
    else this.#next(Math.max(REST * (clock.monotonicMs() - start), paceMs(log)))
  }

  async #checkFile(files: AsyncIterator<EngineError | undefined>): Promise<EngineError | 'more'> {
    const step = await files.next()
    if (step.done === true) this.#files = undefined
    return step.done !== true && step.value !== undefined ? step.value : 'more'
  }

  /** The next few commits. `over`: those were the last. */
  async #scrub(log: Log<AnyFact>): Promise<'more' | 'over'> {
    const from = ((await log.checkpointOf(NAME).catch(() => undefined)) ?? 0) + 1
    let done = Math.min(from - 1, log.durable.seq)
    for await (const { verified } of log.scrub({
      from: (done + 1) as Seq,
      to: (done + STEP_COMMITS) as Seq,
    }))
      done = verified
    const isOver = done >= log.durable.seq
    await log.saveCheckpoint(NAME, (isOver ? 0 : done) as Seq)
    return isOver ? 'over' : 'more'
  }

  /** A log that closes while it is read is no damage: the next step looks for the log that is open then. */
  #failed(error: unknown): void {
    const code = error instanceof EngineError ? error.code : undefined
    if (code === 'ERR_LOG_DAMAGED') {
      this.#parts.onDamage(error as EngineError)
      return
    }
    if (code !== 'ERR_CLOSED' && this.#parts.log() !== undefined) this.#parts.onProblem(error)
    this.#next(PAUSE_MS_MAX)
  }
}

/** Milliseconds between steps, so that the log is read in {@link PASS_MS}; one that is short need not be dragged out. */
const paceMs = ({ durable }: Log<AnyFact>): number =>
  Math.min(PAUSE_MS_MAX, (PASS_MS * STEP_COMMITS) / Math.max(1, durable.seq))
