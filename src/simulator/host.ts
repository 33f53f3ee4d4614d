/**
 * A simulated machine and the engine on it: the real one, whose process can be killed, whose power can be cut, whose clock
 * can be set, whose disk and kernel can be made to fail.
 */
import type { Origin, Step } from '../../events/index.ts'
import type { ControllerOptions } from '../controller/controller-options.ts'
import { createController, type Controller } from '../controller/controller.ts'
import { plant, type Planted } from '../engine/planted.ts'
import { netnsPath, type StepResult } from '../kernel/kernel.ts'
import { personAt, type Person } from '../kernel/simulated/humans.ts'
import { createKernelWorld, reboot, type KernelWorld } from '../kernel/simulated/world.ts'
import type { HeadRecord, Ports } from '../ports.ts'
import { sha256 } from '../system/hash.ts'
import type { SimulatedArbiter } from './arbiter.ts'
import { SimulatedDisks } from './disk.ts'
import { DiskHand, KernelHand } from './hands.ts'
import { portsOf, type MachineParts } from './incarnation-ports.ts'
import { Gate, Incarnation } from './incarnation.ts'
import { seededIds } from './ids.ts'
import type { Fate } from './platter.ts'
import type { VirtualTime } from './time.ts'
import type { Trace } from './trace.ts'

/** Where engines in a simulated world keep their things. */
export const DATA_DIR = '/var/lib/chronet'
export const RUN_DIR = '/run/chronet'

/** What a host is made of. */
export type HostParts = {
  /** The servers of its cluster; absent: it can be in none. */
  readonly arbiter?: SimulatedArbiter
  /** Whose data directory it has a copy of, as it is now; absent: an empty one. */
  readonly copyOf?: Host
  readonly index: number
  /** For every boot, unless the boot says otherwise. */
  readonly options?: ControllerOptions
  readonly seed: string
  readonly time: VirtualTime
  readonly trace: Trace
}

export class Host {
  /** Ports for the engines that are started from now on, made of those that they would have: some that lie, or that count. */
  onPorts: ((ports: Ports, life: Incarnation) => Ports) | undefined
  /** For tests of the simulator itself: bugs of the engines that are started from now on. */
  planted: Planted = {}
  /** Hears of deaths; whoever wants the engine to run again restarts it. */
  onDeath: (() => void) | undefined
  /** Hears of every call that asks the kernel for steps, before any is taken. */
  onApply: ((steps: readonly Step[]) => void) | undefined
  /** Hears of every head that an engine notes: {@link notedHead}. */
  onHead: (() => void) | undefined
  /** Hears of the kernel's end: all that it had is gone. */
  onReboot: (() => void) | undefined
  /** Hears of every step of the kernel, with its result. */
  onStep: ((step: Step, result: StepResult) => void) | undefined
  /** Hears of what the engine reports by itself. */
  onProblem: ((problem: unknown) => void) | undefined
  /** How far it ever went from the right time, both ways, in milliseconds. */
  clockMsMax = 0
  clockMsMin = 0
  readonly disk: DiskHand
  readonly gate = new Gate(() => this.crash())
  readonly index: number
  readonly kernel: KernelHand
  readonly name: string
  /** People at the machine, in its first namespace: `ip`, `nft` and `sysctl` by hand. */
  readonly person: Person
  #accepts = false
  #clockMs = 0
  #closing: Promise<void> | undefined
  #controller: Controller | undefined
  readonly #kernelWorld: KernelWorld
  #life: Incarnation
  #lives = 0
  readonly #machine: MachineParts
  readonly #parts: HostParts
  #ports: Ports

  constructor(parts: HostParts) {
    const { arbiter, copyOf, index, seed, time } = parts
    this.#parts = parts
    this.index = index
    this.name = `h${index}`
    const clock = { monotonicMs: () => time.monotonicMs(), nowMs: () => time.nowMs() + this.#clockMs }
    const ids = seededIds(`${seed} ${this.name}`, clock, sha256)
    const disks = new SimulatedDisks(
      () => ids.origin(),
      (ms) => time.sleep(ms),
    )
    this.#kernelWorld = createKernelWorld({ bootId: bootIdOf(index, 1) })
    const dumps = { broken: 0 }
    const kernelWorld = this.#kernelWorld
    const onApply = (steps: readonly Step[]): void => this.onApply?.(steps)
    const onHead = (): void => this.onHead?.()
    const servers = arbiter && { arbiter, host: this.name }
    if (copyOf?.origin) disks.adopt(DATA_DIR, copyOf.origin, copyOf.disk.backup())
    this.#machine = {
      clock,
      disks,
      dumps,
      hash: sha256,
      ids,
      kernelWorld,
      onApply,
      onHead,
      ...(servers ? { servers } : {}),
      time,
    }
    this.disk = new DiskHand(disks.platter(DATA_DIR), time)
    this.kernel = new KernelHand(this.#kernelWorld, dumps, time)
    this.person = personAt(this.#kernelWorld, () => this.#kernelWorld.host)
    this.#life = this.#newLife()
    this.#ports = portsOf(this.#machine, this.#life)
    this.#listen()
  }

  /** The engine. @throws {Error} none runs */
  get controller(): Controller {
    if (this.#controller === undefined) throw new Error(`no engine runs on ${this.name}`)
    return this.#controller
  }

  get isUp(): boolean {
    return this.#controller !== undefined
  }

  /** A process lives, though its engine may still be starting. */
  get isAlive(): boolean {
    return !this.#life.isDead
  }

  /** The engine ends as its owner wants, and takes nothing more. */
  get isClosing(): boolean {
    return this.#closing !== undefined && this.isAlive
  }

  /** The process that runs, or ran last. */
  get life(): Incarnation {
    return this.#life
  }

  /** All that the engine's process can touch. */
  get ports(): Ports {
    return this.#ports
  }

  /** Which log this machine has. */
  get origin(): Origin | undefined {
    return this.#machine.disks.originOf(DATA_DIR)
  }

  /** The head of the log that engines have noted since the machine was switched on. */
  get notedHead(): HeadRecord | undefined {
    return this.#machine.disks.headIn({ dataDir: DATA_DIR, runDir: RUN_DIR })
  }

  /** The engine that was started last was told to go on with an older log. */
  get acceptsLogBehind(): boolean {
    return this.#accepts
  }

  /** Starts an engine. Settles when it takes commands; never, if it is killed before. */
  async boot(options: ControllerOptions = {}): Promise<Controller> {
    if (!this.#life.isDead) throw new Error(`an engine runs on ${this.name} already`)
    const life = (this.#life = this.#newLife())
    this.#accepts = options.acceptLogBehind ?? false
    this.#closing = undefined
    const ports = portsOf(this.#machine, life)
    this.#ports = plant(this.onPorts?.(ports, life) ?? ports, this.planted)
    try {
      const controller = await createController({
        dataDir: DATA_DIR,
        onProblem: (problem) => this.onProblem?.(problem),
        runDir: RUN_DIR,
        ...this.#parts.options,
        ...options,
        ports: this.#ports,
      })
      if (!life.isDead) this.#controller = controller
      return controller
    } catch (error) {
      // Like any program that fails to start, its process ends; whoever started it hears of it, and nobody else.
      if (!life.isDead) this.#end()
      throw error
    }
  }

  /** Kills the engine and starts another. */
  restart(options: ControllerOptions = {}): Promise<Controller> {
    this.crash()
    return this.boot(options)
  }

  /** The process is killed. Kernel and disk stay as they are; `fate` is that of a write that was under way. */
  crash(fate?: Fate): void {
    if (this.#life.isDead) return
    this.#end(fate)
    this.onDeath?.()
  }

  /** The power is cut: kernel, run directories and what was not synced are gone, and the process with them. */
  reboot(fate?: Fate): void {
    const ran = !this.#life.isDead
    if (ran) this.#die()
    this.#machine.disks.crash(fate)
    reboot(this.#kernelWorld)
    this.onReboot?.()
    this.#parts.trace.add(this.name, 'reboots')
    if (ran) this.onDeath?.()
  }

  /** Ends the engine as its owner does. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const life = this.#life
    try {
      await this.#controller?.close()
    } finally {
      if (!life.isDead) this.#end()
    }
  }

  /** The process dies at so many port calls from now, within the call or at its end. */
  crashAt(calls: number, when: 'after' | 'before' = 'before'): void {
    this.gate.doom = { calls, when }
  }

  /** The process does nothing for so long, and does not notice: a pause of the garbage collector, a suspended machine. */
  stall(ms: number): void {
    this.#life.wakesAtMs = this.#parts.time.monotonicMs() + ms
  }

  /** Nobody has set the machine's clock yet. */
  get clockIsRight(): boolean {
    return this.clockMsMin === 0 && this.clockMsMax === 0
  }

  /** Somebody sets the machine's clock. */
  jumpClock(ms: number): void {
    this.#clockMs += ms
    this.clockMsMin = Math.min(this.clockMsMin, this.#clockMs)
    this.clockMsMax = Math.max(this.clockMsMax, this.#clockMs)
  }

  /** A person in a sandbox, by id. @throws {Error} it has no namespace */
  personIn(sandbox: string): Person {
    const path = [...this.#kernelWorld.mounts.keys()].find((each) => each.endsWith(`/netns/${sandbox}`))
    const ns = path === undefined ? undefined : this.#kernelWorld.mounts.get(path)
    if (ns === undefined) throw new Error(`${this.name} has no namespace for sandbox ${sandbox}`)
    return personAt(this.#kernelWorld, () => ns)
  }

  /** Where a sandbox's namespace is mounted. */
  netnsPath(sandbox: string): string {
    return netnsPath(`${RUN_DIR}/${this.origin?.slice(0, 12) ?? ''}`, sandbox)
  }

  #end(fate?: Fate): void {
    this.#die()
    this.#machine.disks.kill(DATA_DIR, fate)
  }

  #die(): void {
    this.#controller = undefined
    this.#life.die()
    this.#life.note('dies')
  }

  #newLife(): Incarnation {
    const life = new Incarnation({
      gate: this.gate,
      name: `${this.name}.${this.#lives}`,
      trace: this.#parts.trace,
    })
    if (this.#lives++ === 0) life.isDead = true
    return life
  }

  #listen(): void {
    this.#kernelWorld.hooks = {
      afterStep: (step, _nth, result) => {
        this.onStep?.(step, result)
        this.#life.note(`${step.op} ${step.key} → ${told(result)}`)
        this.#pass('after', step)
      },
      beforeStep: (step) => this.#pass('before', step),
    }
  }

  #pass(when: 'after' | 'before', { key, op }: Step): void {
    if (!this.#life.passes(when, `${op} ${key}`)) throw new Error('killed')
  }
}

const told = (result: StepResult): string => {
  if (result.ok) return result.changed ? 'done' : 'as it was'
  return result.failure.code
}

const bootIdOf = (host: number, nth: number): string =>
  `${String(host).padStart(8, '0')}-0000-4000-8000-${String(nth).padStart(12, '0')}`
