/**
 * One life of an engine's process: every call that it makes to a port goes through here, is written down with its outcome,
 * and may be the last. Nothing that a dead process still does reaches anything, and nothing answers it.
 */
import type { Owner } from './queue.ts'
import type { Trace } from './trace.ts'

/** When a process dies: at so many port calls from now, before the call has its effect or after. */
export type Doom = { calls: number; readonly when: 'after' | 'before' }

/** A dead process hears nothing more: its promises stay open for ever. */
export const never = <T>(): Promise<T> => new Promise<T>(() => undefined)

export type IncarnationParts = {
  /** Port calls of the host, and the one that will be the last. Outlives incarnations: a start can be cut off too. */
  readonly gate: Gate
  /** `h0.2`: the host and the number of its process. */
  readonly name: string
  readonly trace: Trace
}

/** Counts a host's port calls. */
export class Gate {
  calls = 0
  /** The call at which a process last died as it was told to. */
  diedAt: string | undefined
  doom: Doom | undefined
  /** Kills the process that runs. */
  readonly kill: () => void

  constructor(kill: () => void) {
    this.kill = kill
  }

  /** A port call begins or ends: is it the one? */
  pass(when: Doom['when'], what: string): void {
    if (when === 'before') this.calls++
    const { doom } = this
    if (doom === undefined) return
    if (when === 'before') doom.calls--
    if (doom.calls > 0 || doom.when !== when) return
    this.doom = undefined
    this.diedAt = what
    this.kill()
  }
}

export class Incarnation implements Owner {
  isDead = false
  /** It does nothing before. */
  wakesAtMs = 0
  readonly #onDeath: (() => void)[] = []
  readonly #parts: IncarnationParts

  constructor(parts: IncarnationParts) {
    this.#parts = parts
  }

  get name(): string {
    return this.#parts.name
  }

  /** A call that is awaited. */
  async call<T>(what: string, work: () => Promise<T>, told: (value: T) => string = () => 'ok'): Promise<T> {
    if (!this.passes('before', what)) return never()
    try {
      const value = await work()
      if (this.isDead) return await never()
      this.note(`${what} → ${told(value)}`)
      return this.passes('after', what) ? value : await never()
    } catch (error) {
      if (this.isDead) return never()
      this.note(`${what} → ${wordFor(error)}`)
      if (!this.passes('after', what)) return never()
      throw error
    }
  }

  /** A call that nobody waits for: a dead process's has no effect. */
  tell(what: string, work: () => void): void {
    if (!this.passes('before', what)) return
    work()
    this.note(what)
    this.passes('after', what)
  }

  /** Counts a call. False: the process is dead, now or already. */
  passes(when: Doom['when'], what: string): boolean {
    if (!this.isDead) this.#parts.gate.pass(when, what)
    return !this.isDead
  }

  note(what: string): void {
    this.#parts.trace.add(this.name, what)
  }

  /** What the kernel does for a process that ends: its sockets are closed. */
  atDeath(run: () => void): void {
    this.#onDeath.push(run)
  }

  die(): void {
    this.isDead = true
    for (const run of this.#onDeath.splice(0)) run()
  }
}

/** An error by its code, if it has one. */
export function wordFor(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' ? code : error.message
}
