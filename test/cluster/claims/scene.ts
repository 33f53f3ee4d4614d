/** A scene in which a killed process is gone: it has a link of its own to the servers, which is cut for good with it. */
import type { OpenBus } from '../../../src/bus/bus.ts'
import type { Controller } from '../../../src/index.ts'
import type { Ports } from '../../../src/ports.ts'
import { simulatedBus } from '../../../src/simulator/bus.ts'
import { Scene } from '../scene.ts'

export class ClaimScene extends Scene {
  readonly #lives = new Map<string, number>()

  override open(host: string, ports: Partial<Ports> = {}): Promise<Controller> {
    const openBus = simulatedBus(this.arbiter, { host: this.#linkOf(host), timers: this.lab.ports.timers })
    return super.open(host, { openBus: this.careful(openBus), ...ports })
  }

  /** The bus as hosts of this scene use it. */
  protected careful(openBus: OpenBus): OpenBus {
    return openBus
  }

  override kill(host: string): void {
    super.kill(host)
    this.cut(host)
    this.#lives.set(host, (this.#lives.get(host) ?? 0) + 1)
  }

  cut(host: string): void {
    this.arbiter.cut(this.#linkOf(host))
  }

  heal(host: string): void {
    this.arbiter.heal(this.#linkOf(host))
  }

  #linkOf(host: string): string {
    return `${host} ${this.#lives.get(host) ?? 0}`
  }
}
