/**
 * The engine: takes commands, answers when they are durable and done, and follows the kernel through lives of its store.
 *
 * One at a time per data directory. It prints nothing, installs no signal handler and never exits the process.
 */
import type { AnyFact, ClientCommand, Log, SandboxId, Snapshots } from '../../events/index.ts'
import { EngineError } from '../../events/index.ts'
import { netnsPath, type Kernel } from '../kernel/kernel.ts'
import type { Disk, HeadRecord, Ports, Store } from '../ports.ts'
import { Alarms } from './alarms.ts'
import type { Answer } from './answers.ts'
import type { Claims } from './claims.ts'
import { contextOf, type TurnContext } from './context.ts'
import { Dispatcher, waitingIn, type DispatchOptions, type Waiting } from './dispatch.ts'
import { ENGINE, Life, type Taken } from './life.ts'
import { acceptBehind, openLogOf, type OpenedLog } from './open.ts'
import { openCurrent, type CurrentLog } from './open-current.ts'
import type { EngineOptions } from './options.ts'
import { Pauses } from './pauses.ts'
import { KnownPeers } from './known-peers.ts'
import { recover, type Recovered } from './recover.ts'
import { Scrubber } from './scrubber.ts'
import { SnapshotKeeper } from './snapshots.ts'
import { SweepRetries } from './sweep-retries.ts'
import type { View } from './view.ts'
import { Waiters } from './waiters.ts'

/** Pauses between attempts to reopen a store that cannot be written, in milliseconds. */
const REOPEN_MS = [0, 100, 500, 2000, 5000] as const

/** Pause of whoever waits for the next life, in milliseconds. */
const GIVE_WAY_MS = 10

const closedError = (): EngineError => new EngineError('ERR_CLOSED', 'the controller is closed; open another')
type Listener = (taken: Taken, view: View) => void

export class Engine {
  /** Claims in a cluster; undefined: this host is alone, or nobody follows the cluster. */
  claims: Claims | undefined
  readonly #alarms: Alarms
  readonly #context: TurnContext
  readonly #disk: Disk
  readonly #dispatcher: Dispatcher
  readonly #kernel: Kernel
  readonly #listeners = new Set<Listener>()
  readonly #options: EngineOptions
  readonly #sweeps: SweepRetries
  readonly #waiters = new Waiters()
  #closing: Promise<void> | undefined
  #life: Life | undefined
  #opened: OpenedLog | undefined
  #recovered: Recovered | undefined
  /** Whoever waits for a life waits for this: the first attempt to reopen the store. */
  #ready: Promise<void> = Promise.resolve()
  /** The attempt that is under way. */
  #attempt: Promise<void> = Promise.resolve()
  #keeper: SnapshotKeeper | undefined
  #scrubber: Scrubber | undefined
  #starting = true
  readonly #pauses: Pauses

  private constructor(options: EngineOptions, disk: Disk, kernel: Kernel) {
    const { drivers, ports } = options
    this.#options = options
    this.#alarms = new Alarms(ports.timers)
    this.#pauses = new Pauses(ports.timers)
    this.#disk = disk
    this.#kernel = kernel
    this.#context = contextOf(drivers, ports.hash, disk.origin)
    this.#sweeps = new SweepRetries(this.#alarms, this.#context)
    this.#dispatcher = new Dispatcher(ports, kernel, this.#context, () => this.claims)
  }

  /**
   * Locks the data directory, opens and verifies the log, begins an epoch and recovers.
   * @throws {EngineError} ERR_STORE_LOCKED, ERR_NOT_PERMITTED, ERR_RUN_DIR, ERR_STORE_UNWRITABLE, ERR_KERNEL_UNSUPPORTED
   */
  static async open(options: EngineOptions): Promise<Engine> {
    const { dataDir, hostNetns, ports, runDir } = options
    const disk = await ports.openDisk({ dataDir, runDir })
    let kernel: Kernel | undefined
    try {
      const { origin } = disk
      kernel = await ports.openKernel({
        ...(hostNetns === undefined ? {} : { hostNetns }),
        origin,
        runDir: disk.runDir,
      })
      const engine = new Engine(options, disk, kernel)
      await engine.#begin(options.admits)
      if (options.scrub !== false && !engine.blocked) engine.#scrubber = engine.#scrubs()
      return engine
    } catch (error) {
      await kernel?.close()
      await disk.close()
      throw error
    }
  }

  get context(): TurnContext {
    return this.#context
  }

  get kernel(): Kernel {
    return this.#kernel
  }

  /** The life that takes commands now; undefined: none does, for {@link blocked} or because the store is being reopened. */
  get life(): Life | undefined {
    return this.#life?.over === false ? this.#life : undefined
  }

  get log(): Log<AnyFact> {
    return this.#must(this.#opened).log
  }

  /** Where the log lies: for what lies beside it. Another one after each life. */
  get store(): Store {
    return this.#must(this.#opened).store
  }

  /** Views of the past, where folding may start. */
  get snapshots(): Snapshots {
    return this.#must(this.#opened).snapshots
  }

  get ports(): Ports {
    return this.#options.ports
  }

  /** What the start of this engine found and mended. */
  get recovered(): Recovered | undefined {
    return this.#recovered
  }

  /** What this directory's log is, and where its run files lie. */
  get disk(): Pick<Disk, 'dataDir' | 'origin' | 'runDir'> {
    return this.#disk
  }

  /** Where a sandbox's namespace is mounted. */
  netnsPath(sandbox: SandboxId): string {
    return netnsPath(this.#disk.runDir, sandbox)
  }

  /** Why nothing may be changed; undefined: it may. */
  get blocked(): EngineError | undefined {
    return this.#opened?.blocked
  }

  /** How much waits in it. */
  get waiting(): Waiting {
    return { ...this.#dispatcher.waiting, ...waitingIn(this.log, this.life), receipts: this.#waiters.size }
  }

  /** What queries see. */
  get view(): View {
    return this.#life?.heads.visible ?? this.#must(this.#opened).view
  }

  /** What the next turn will see: ahead of {@link view} by what is on its way to disk. */
  get decided(): View {
    return this.life?.heads.decided ?? this.view
  }

  /** Calls back at every commit that is queued. Returns the end of it. */
  onTaken(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  #tell(taken: Taken, view: View): void {
    for (const listener of this.#listeners) {
      try {
        listener(taken, view)
      } catch (error) {
        this.report(error)
      }
    }
  }

  async dispatch(command: ClientCommand, options: DispatchOptions = {}): Promise<Answer> {
    if (this.#closing) throw closedError()
    const life = this.life ?? (await this.#alive())
    return this.#dispatcher.dispatch(life, command, options)
  }

  /**
   * Takes no more commands, finishes what is under way, then closes log, kernel and lock. What it leaves in the kernel is
   * what the log says.
   * @param first what else uses log and kernel: awaited before they are closed
   */
  close(first: Promise<void> = Promise.resolve()): Promise<void> {
    return (this.#closing ??= this.#close(first))
  }

  async #close(first: Promise<void>): Promise<void> {
    await first
    this.#alarms.clear()
    this.#pauses.endAll()
    await this.#attempt.catch(() => undefined)
    await this.#scrubber?.idle()
    const life = this.life
    if (life) {
      // What waited for a plan may be taken when that has ended: it is finished as well.
      do await Promise.race([life.executor.idle().then(() => life.log.flush()), life.whenOver])
      while (!life.over && life.executor.open > 0)
      await life.end(closedError())
      await life.log.flush()
      await this.#keeper?.keep(life.log, life.heads.decided)
    }
    this.#waiters.fail(
      new EngineError('ERR_OUTCOME_UNKNOWN', 'the controller was closed before the receipt was written'),
    )
    try {
      await this.#opened?.log.close()
      await this.#kernel.close()
    } finally {
      await this.#disk.close()
    }
  }

  /** Tells whoever watches; that must not throw into a turn. */
  readonly report = (problem: unknown): void => {
    try {
      this.#options.onProblem?.(problem)
    } catch {
      // Who is told of problems and makes one of it is told nothing more of it.
    }
  }

  /** The log after one that has ended: the next life's, or undefined once the engine is closed. */
  async logAfter(ended: Log<AnyFact>): Promise<Log<AnyFact> | undefined> {
    while (!this.#closing && this.log === ended) {
      await this.#attempt.catch(() => undefined)
      await this.#pauses.wait(GIVE_WAY_MS)
    }
    return this.#closing ? undefined : this.log
  }

  /** Damage that was met while reading: nothing is written from now on. */
  block(damage: EngineError): void {
    if (this.#opened === undefined || this.#opened.blocked) return
    this.#opened = { ...this.#opened, blocked: damage }
    this.#disk.distrust?.()
    void this.#life?.end(damage)
    this.#waiters.fail(damage)
  }

  #scrubs(): Scrubber {
    return new Scrubber({
      alarms: this.#alarms,
      clock: this.ports.clock,
      disk: this.#disk,
      log: () => (this.#closing || this.blocked ? undefined : this.life?.log),
      onDamage: (damage) => {
        this.block(damage)
        this.report(damage)
      },
      onProblem: this.report,
    })
  }

  async #begin(admits?: EngineOptions['admits']): Promise<void> {
    const { opened, restored } = await this.#openLog()
    this.#opened = this.#options.acceptLogBehind === true ? acceptBehind(opened, this.#kernel) : opened
    // What was accepted is the log from now on: what this boot saw of the other is not held against it.
    if (this.#opened !== opened && !this.#opened.blocked) this.#bearHead(opened.log.durable)
    this.#keeper = new SnapshotKeeper(opened.snapshots, opened.snapshotSeq, this.report)
    const { log } = opened
    if (this.#opened.blocked) {
      // What a newer chronet wrote is whole.
      if (log.damage && !log.damage.newer) this.#disk.distrust?.()
      this.#life = undefined
      this.#waiters.fail(this.#opened.blocked)
      return
    }
    await admits?.(this)
    opened.log.onDurable(({ head }) => this.#bearHead(head))
    const life = new Life({
      context: this.#context,
      epoch: (opened.view.projections.host.epoch + 1) as Life['epoch'],
      kernel: this.#kernel,
      known: await KnownPeers.of(
        opened.store,
        this.ports.hash,
        opened.view.projections.host.cluster !== null,
      ),
      log: opened.log,
      newestMs: opened.newestMs,
      onDamage: (damage) => this.block(damage),
      onSettled: (settled, intended) => this.#sweeps.note(life, settled, intended),
      onStoreFailed: (ended) => this.#revive(ended),
      onProblem: this.report,
      onTaken: (taken, view) => this.#tell(taken, view),
      ports: this.ports,
      view: opened.view,
      waiters: this.#waiters,
    })
    try {
      const { torn } = this.#disk
      const found = { ...(restored ? { restored } : {}), ...(torn ? { torn } : {}) }
      this.#recovered = { ...(await this.#start(life)), ...found }
    } catch (error) {
      await life.end(error)
      throw opened.log.failure ? this.#unwritable() : error
    }
    this.#life = life
    this.#starting = false
    opened.log.onDurable(() => this.#keeper?.keepSometimes(opened.log, life.heads.visible))
    // All that was open is settled now; whose receipt was on the disk already when the store failed, hears of that.
    this.#waiters.fail(
      new EngineError('ERR_OUTCOME_UNKNOWN', 'the store failed while the receipt was written'),
    )
  }

  /** At first, the cluster is asked whether it has more of it; after a failed write, the disk alone counts. */
  async #openLog(): Promise<CurrentLog> {
    const [ports, disk, kernel] = [this.ports, this.#disk, this.#kernel]
    if (this.#opened !== undefined) return { opened: await openLogOf(ports, disk, kernel) }
    return openCurrent(ports, disk, kernel, this.#options.leavesDrift !== true)
  }

  #bearHead({ hash, seq }: Pick<HeadRecord, 'hash' | 'seq'>): void {
    this.#disk.writeHead({ bootId: this.#kernel.identity.bootId, hash, seq })
  }

  /** An epoch begins. Before the kernel is touched it is known that the store can be written. */
  async #start(life: Life): Promise<Recovered> {
    const last = life.heads.decided.projections.host
    const { bootId, cookie } = this.#kernel.identity
    await life.own('host.start', { bootId, code: this.#options.code, cookie })?.durable
    const fresh = last.bootId !== bootId || last.cookie !== cookie
    const { healedBy: by = ENGINE, leavesDrift = false } = this.#options
    // Recovery waits for receipts; a life that ends writes none.
    const over = life.whenOver.then((why) => Promise.reject(why as Error))
    const how = { by, fresh, heals: !leavesDrift }
    const recovered = await Promise.race([recover(life, this.#kernel, this.#context, how), over])
    if (life.over) throw this.#unwritable()
    return recovered
  }

  /** A life, when there is one again; what stands against it otherwise. */
  async #alive(): Promise<Life> {
    if (this.blocked) throw this.blocked
    await this.#ready.catch(() => undefined)
    if (this.life) return this.life
    throw this.#standsAgainst()
  }

  #standsAgainst(): EngineError {
    return this.blocked ?? this.#unwritable()
  }

  #unwritable(): EngineError {
    const cause = this.#opened?.log.failure
    return new EngineError(
      'ERR_STORE_UNWRITABLE',
      `the store in ${this.#disk.dataDir} cannot be written${cause ? ` (${cause.message})` : ''}; ` +
        'the kernel is left as it is, and the store is tried again by itself: make room or mend the disk',
      { cause },
    )
  }

  /** The store failed: fold anew what it really has, in a new life. Tried again with growing pauses until it works. */
  #revive(ended: Promise<void>): void {
    if (this.#starting || this.#closing) return
    this.#starting = true
    this.#ready = this.#attempt = ended.then(() => this.#reopen(0))
    this.#ready.catch(() => undefined)
  }

  async #reopen(attempt: number): Promise<void> {
    const waitMs = REOPEN_MS[Math.min(attempt, REOPEN_MS.length - 1)] ?? 0
    await this.#pauses.wait(waitMs)
    if (this.#closing) return
    try {
      for (const part of [this.#opened?.log, this.#opened?.store]) await part?.close().catch(() => undefined)
      await this.#begin()
    } catch (error) {
      this.report(error)
      this.#waiters.fail(new EngineError('ERR_OUTCOME_UNKNOWN', 'the store failed', { cause: error }))
      this.#attempt = this.#reopen(attempt + 1)
      this.#attempt.catch(() => undefined)
      throw error
    }
  }

  #must<T>(value: T | undefined): T {
    if (value === undefined) throw new EngineError('ERR_CLOSED', 'the engine is not open')
    return value
  }
}
