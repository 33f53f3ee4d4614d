/**
 * A play: acts that befall the hosts of a world, drawn from its seed as time goes on, or taken from a tape. Engines that die are
 * started again, as a supervisor does.
 */
import { ACTS, type Act, type ActKind, type Scene } from './acts/index.ts'
import type { Clients } from './clients.ts'
import type { Climate } from './climate.ts'
import { wordFor } from './incarnation.ts'
import type { Host } from './host.ts'
import type { World } from './world.ts'

/** How soon a supervisor starts an engine again that died, or did not start, in milliseconds. */
const REVIVE_MS = 500
const AGAIN_MS = 2000

type BootOptions = { readonly acceptLogBehind?: boolean }

export class Play {
  readonly clients: Clients
  /** Hosts that were cloned, and the machine with the copy. */
  readonly copied = new Map<Host, Host>()
  readonly excuses = new Map<Host, string>()
  /** Hears of every act that was done. */
  onAct: ((act: Act) => void) | undefined
  /** Hears of every engine that takes commands. */
  onUp: ((host: Host) => void) | undefined
  /** What was done, to be played again. */
  readonly tape: Act[] = []
  /** What is pending is not done any more. */
  #healed = false
  readonly #undo: (() => void)[] = []
  readonly #world: World

  constructor(world: World) {
    this.#world = world
    this.clients = world.clients
    for (const host of world.hosts) host.onDeath = () => this.revive(host, REVIVE_MS)
  }

  /** Acts come as the climate says, until {@link heal}. */
  begin(climate: Climate): void {
    for (const host of this.#world.hosts)
      for (const [kind, everyMs] of climate) this.#source(host, kind, everyMs)
  }

  /** Acts come as a tape says. */
  replay(tape: readonly Act[]): void {
    for (const act of tape)
      this.#world.time.at(act.atMs - this.#world.nowMs, () => this.#healed || this.perform(act))
  }

  /** Does one act now. */
  perform(act: Act): void {
    this.tape.push(act)
    this.#world.trace.add('world', `h${act.host} ${act.kind} ${JSON.stringify(act.data)}`)
    ACTS[act.kind].perform(this.#scene(this.#world.host(act.host)), act.data)
    this.onAct?.(act)
  }

  /** Nothing befalls anybody any more; servers, disks and kernels work, and what was damaged is repaired. */
  heal(): void {
    this.#healed = true
    for (const undo of this.#undo.splice(0).reverse()) undo()
    this.#world.heal()
    for (const host of this.#world.hosts) {
      host.onDeath = undefined
      host.gate.doom = undefined
      host.life.wakesAtMs = 0
      host.disk.heal()
      host.kernel.heal()
    }
  }

  /** An engine that is dead by then is started, and again until it runs. */
  revive(host: Host, afterMs: number, options: BootOptions = {}): void {
    this.#world.time.at(afterMs, () => {
      if (this.#healed || host.isAlive) return
      this.boot(host, options).catch(() => this.revive(host, AGAIN_MS, options))
    })
  }

  /** Starts an engine and tells of it. */
  async boot(host: Host, options: BootOptions = {}): Promise<void> {
    try {
      await host.boot(options)
      this.onUp?.(host)
    } catch (error) {
      host.life.note(`did not start: ${wordFor(error)}`)
      throw error
    }
  }

  #source(host: Host, kind: ActKind, everyMs: number): void {
    const chance = this.#world.chance.of(`${host.name} ${kind}`)
    const next = (): void => {
      this.#world.time.at(chance.between(1, 2 * everyMs), () => {
        if (this.#healed) return
        const data = ACTS[kind].draw(chance, this.#scene(host))
        if (data !== undefined) this.perform({ atMs: this.#world.nowMs, data, host: host.index, kind })
        next()
      })
    }
    next()
  }

  #scene(host: Host): Scene {
    return {
      atHeal: (undo) => void this.#undo.push(undo),
      clients: this.clients,
      copied: this.copied,
      excuses: this.excuses,
      host,
      later: (ms, run) => void this.#world.time.at(ms, () => this.#healed || run()),
      revive: (which, afterMs, options) => this.revive(which, afterMs, options),
      world: this.#world,
    }
  }
}
