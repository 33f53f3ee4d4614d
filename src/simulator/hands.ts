/** What a simulation can do to a host's disk and kernel at a moment of its choice. */
import type { Spec, Step } from '../../events/index.ts'
import { keys, seqOfKey } from '../../events/store.ts'
import { overrun, type KernelWorld, type Link } from '../kernel/simulated/world.ts'
import type { Backup, Platter, WriteFault } from './platter.ts'
import type { VirtualTime } from './time.ts'

/** The disk of a data directory. */
export class DiskHand {
  readonly platter: Platter
  readonly #time: VirtualTime
  /** What a synced write takes when the disk is not slow. */
  #usualMs: number | undefined

  constructor(platter: Platter, time: VirtualTime) {
    this.platter = platter
    this.#time = time
  }

  /** The next write fails: `landed` and `lost` say what is on disk all the same; `lie` does not even fail. */
  failNextWrite(fault: Exclude<WriteFault, 'full'>): void {
    this.platter.faults.push(fault)
  }

  /** Once, when the next synced write has begun. */
  atNextWrite(run: () => void): void {
    this.platter.whenBegun = run
  }

  /** No write succeeds for so long; without a time, until {@link heal}. */
  fill(ms?: number): void {
    if (!this.platter.faults.includes('full')) this.platter.faults.unshift('full')
    if (ms !== undefined) this.#time.at(ms, () => this.empty())
  }

  /** There is room again. */
  empty(): void {
    const { faults } = this.platter
    for (let at = faults.indexOf('full'); at >= 0; at = faults.indexOf('full')) faults.splice(at, 1)
  }

  /** Synced writes take so long, for so long. */
  slow(syncMs: number, forMs: number): void {
    this.#usualMs ??= this.platter.syncMs
    this.platter.syncMs = syncMs
    this.#time.at(forMs, () => this.#asUsual())
  }

  /** The next commits that are read come out wrong. */
  misread(times = 1): void {
    this.platter.misreads += times
  }

  /** Commits in the middle are gone; the store opens as if nothing were. */
  punchHole(from: number, count = 1): void {
    for (let seq = from; seq < from + count; seq++) this.platter.damage(keys.commit(seq), undefined)
  }

  /** A commit reads otherwise than it was written. */
  garble(seq: number): void {
    this.platter.garble(keys.commit(seq))
  }

  /** The last commit on disk; 0: none. */
  get head(): number {
    const [last] = this.platter.range({ ...keys.commits(0), limit: 1, reverse: true })
    return (last && seqOfKey(last[0])) ?? 0
  }

  backup(): Backup {
    return this.platter.backup()
  }

  /** @param rows as {@link backup} gave them. No engine may run. */
  restore(rows: Backup): void {
    this.platter.restore(rows)
  }

  /** Nothing fails any more, and what was damaged is repaired from a good copy. */
  heal(): void {
    this.platter.faults.length = 0
    this.platter.misreads = 0
    this.platter.whenBegun = undefined
    this.platter.mend()
    this.#asUsual()
  }

  #asUsual(): void {
    this.platter.syncMs = this.#usualMs ?? this.platter.syncMs
    this.#usualMs = undefined
  }
}

/** Which steps a fault is for; nothing said: all. */
export type StepMatch = { readonly kind?: Spec['kind']; readonly op?: Step['op'] }

/** How a step fails. `within`: about half of it is done. Default: once, before it has any effect. */
export type StepFault = StepMatch & {
  readonly errno: string
  readonly times?: number
  readonly when?: 'after' | 'before' | 'within'
}

/** The kernel of a host. */
export class KernelHand {
  readonly #dumps: { broken: number }
  readonly #time: VirtualTime
  /** What a step takes when the kernel is not slow. */
  #usual: KernelWorld['latencyMs'] | undefined
  /** All that the kernel remembers. */
  readonly world: KernelWorld

  constructor(world: KernelWorld, dumps: { broken: number }, time: VirtualTime) {
    this.world = world
    this.#dumps = dumps
    this.#time = time
  }

  /** The next steps of a kind fail. */
  refuse({ errno, kind, op, times = 1, when = 'before' }: StepFault): void {
    const match = (step: Step): boolean =>
      (op === undefined || step.op === op) && (kind === undefined || step.spec.kind === kind)
    this.world.faults.push({ errno, match, times, when })
  }

  /** The next looks at the kernel come to nothing (EINTR). */
  interruptDumps(times = 1): void {
    this.#dumps.broken += times
  }

  /** Notifications were lost (ENOBUFS). */
  overrun(): void {
    overrun(this.world)
  }

  /** Links of a namespace die so long after its mount. 0: with it. */
  delayNamespaceDeath(ms: number): void {
    this.world.later = ms === 0 ? undefined : (die) => void this.#time.at(ms, die)
  }

  /** New links get the lowest free index, as after 2^31 of them. */
  reuseIndexes(on = true): void {
    this.world.reuseIfindex = on
  }

  /** Every step takes so long, for so long; without a time, from now on. */
  slow(stepMs: number, forMs?: number): void {
    if (forMs !== undefined) this.#usual ??= this.world.latencyMs
    this.world.latencyMs = () => stepMs
    if (forMs !== undefined) this.#time.at(forMs, () => this.#asUsual())
  }

  /** Links of the host's namespace, loopback and all. */
  links(): readonly Link[] {
    return [...this.world.host.links.values()]
  }

  /** Nothing fails any more. What people made or broke stays so. */
  heal(): void {
    this.world.faults.length = 0
    this.#dumps.broken = 0
    this.delayNamespaceDeath(0)
    this.#asUsual()
  }

  #asUsual(): void {
    this.world.latencyMs = this.#usual ?? this.world.latencyMs
    this.#usual = undefined
  }
}
