/**
 * The simulated kernel: the kernel port on a world of plain objects, with Linux's semantics, virtual latency, faults on
 * demand, and a hook that can kill the engine at any step.
 *
 * Differences on purpose: a namespace dies at once with its mount, unless `later` says when; steps of one call never
 * overtake each other; notifications never get lost unless `overrun` says so.
 */
import {
  type HostRoute,
  needsOf,
  providesOf,
  type ResourceKey,
  type Step,
  type StepFailure,
} from '../../../events/index.ts'
import type { Hash, Timers } from '../../ports.ts'
import { errnoClass } from '../errno.ts'
import type { FlowEnd, Hint, Kernel, KernelOptions, StepResult } from '../kernel.ts'
import { cut, type Done, ensure, remove } from './ensure.ts'
import { type Hand, handOf, refOf } from './hand.ts'
import { hostRoutes, observe } from './observe.ts'
import { type Change, type Fault, Refusal, type KernelWorld } from './world.ts'

/** What the simulated kernel needs beside the port's options. */
export type SimulatedKernelOptions = KernelOptions & { readonly hash: Hash; readonly timers: Timers }

/** Opens the port on a world. Many can be open on one world: engines, and engines after a crash. */
export async function openSimulatedKernel(
  world: KernelWorld,
  options: SimulatedKernelOptions,
): Promise<Kernel> {
  return new SimulatedKernel(handOf(world, options), options.timers)
}

/** A dead engine hears nothing more: its promises stay open for ever. */
const never = <T>(): Promise<T> => new Promise<T>(() => undefined)

class SimulatedKernel implements Kernel {
  readonly identity: Kernel['identity']
  readonly #ends = new Set<() => void>()
  readonly #hand: Hand
  readonly #timers: Timers
  #dead = false

  constructor(hand: Hand, timers: Timers) {
    this.#hand = hand
    this.#timers = timers
    this.identity = { bootId: hand.world.bootId, cookie: hand.host.cookie }
  }

  async apply(steps: readonly Step[]): Promise<readonly StepResult[]> {
    const failed = new Map<ResourceKey, StepFailure>()
    const results: StepResult[] = []
    for (const step of steps) {
      const latencyMs = this.#hand.world.latencyMs(step)
      if (latencyMs > 0) await this.#sleep(latencyMs)
      if (this.#dead || !this.#hook('beforeStep', step)) return never()
      const result = this.#run(step, failed)
      if (!this.#hook('afterStep', step, result)) return never()
      if (!result.ok && step.op === 'ensure')
        for (const key of providesOf(step.spec)) failed.set(key, result.failure)
      results.push(result)
    }
    return results
  }

  async observe(...[specs, options]: Parameters<Kernel['observe']>): ReturnType<Kernel['observe']> {
    return this.#dead ? never() : observe(this.#hand, specs, options?.strays ?? false)
  }

  onHint(listener: (hint: Hint) => void): () => void {
    const { listeners } = this.#hand.world
    const onChange = (change: Change | 'overrun'): void => {
      const hint = change === 'overrun' ? ({ ns: 'host', what: 'overrun' } as const) : this.#hintOf(change)
      if (hint !== undefined) this.#timers.afterTurn(() => listeners.has(onChange) && listener(hint))
    }
    listeners.add(onChange)
    const end = (): void => void listeners.delete(onChange)
    this.#ends.add(end)
    return end
  }

  async cookieAt(path: string): Promise<string | undefined> {
    return this.#dead ? never() : this.#hand.world.mounts.get(path)?.cookie
  }

  async flows(ends: readonly FlowEnd[]): Promise<number | undefined> {
    if (this.#dead) return never()
    const own = new Set(ends.flatMap(({ addresses }) => addresses))
    const { flows } = this.#hand.world
    return flows && [...flows].filter((flow) => flow.ends.some((ip) => own.has(ip))).length
  }

  async routes(): Promise<readonly HostRoute[]> {
    return this.#dead ? never() : hostRoutes(this.#hand)
  }

  async close(): Promise<void> {
    for (const end of this.#ends) end()
  }

  /** Strangers' namespaces send us nothing, and our own changes are not news. */
  #hintOf(change: Change): Hint | undefined {
    const ns = change.by === this ? undefined : refOf(this.#hand, change.ns)
    return ns === undefined ? undefined : { ns, subject: change.subject, what: change.what }
  }

  #run(step: Step, failed: ReadonlyMap<ResourceKey, StepFailure>): StepResult {
    const need = step.op === 'ensure' ? needsOf(step.spec).find((key) => failed.has(key)) : undefined
    const cause = need === undefined ? undefined : failed.get(need)
    if (cause !== undefined)
      return failure(step, cause.code, `needs ${cause.key}, which failed: ${cause.message}`, 'need')
    const { world } = this.#hand
    world.acting = this
    try {
      const fault = takeFault(world.faults, step)
      if (fault?.when === 'before') throw new Refusal(fault.errno, 'as a fault was ordered')
      if (fault?.when === 'within') world.breaking = fault.errno
      const done = this.#do(step)
      if (fault !== undefined) throw new Refusal(fault.errno, 'as a fault was ordered')
      return { changed: done.changed, key: step.key, ok: true, ...(done.seen && { seen: done.seen }) }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return failure(step, error.code, error.message)
    } finally {
      world.acting = undefined
      world.breaking = undefined
    }
  }

  #do({ op, spec }: Step): Done {
    const act = { cut, ensure, remove }[op]
    return act(this.#hand, spec)
  }

  /** False: the hook threw, and this engine is dead. */
  #hook(
    ...[name, step, result]: ['beforeStep', Step, undefined?] | ['afterStep', Step, StepResult]
  ): boolean {
    const { world } = this.#hand
    if (name === 'beforeStep') world.steps += 1
    try {
      if (name === 'beforeStep') world.hooks.beforeStep?.(step, world.steps)
      else world.hooks.afterStep?.(step, world.steps, result)
      return true
    } catch {
      this.#dead = true
      void this.close()
      return false
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timers.scheduler.schedule(() => resolve(), ms)
    })
  }
}

function takeFault(faults: Fault[], step: Step): Fault | undefined {
  const index = faults.findIndex((fault) => fault.match(step))
  const fault = faults[index]
  if (fault === undefined) return undefined
  fault.times -= 1
  if (fault.times <= 0) faults.splice(index, 1)
  return fault
}

function failure(
  { key, op }: Step,
  code: string,
  why: string,
  kind: StepFailure['class'] = errnoClass(code),
): StepResult {
  return { failure: { class: kind, code, key, message: `${op} ${key}: ${why} (${code})` }, key, ok: false }
}
