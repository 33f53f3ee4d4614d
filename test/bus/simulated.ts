/** Simulated servers for the contract, whose virtual time goes on by itself as long as there is something to happen. */
import type { Bus, StreamOptions } from '../../src/bus/bus.ts'
import { SimulatedArbiter, type ArbiterOptions } from '../../src/simulator/arbiter.ts'
import { simulatedBus } from '../../src/simulator/bus.ts'
import { settle, VirtualTime } from '../../src/simulator/time.ts'
import type { Lab } from './contract.ts'

export class SimulatedLab implements Lab {
  readonly arbiter: SimulatedArbiter
  readonly time = new VirtualTime()
  #hosts = 0
  #isLost = false
  #isOver = false
  readonly #running: Promise<void>

  constructor(options: ArbiterOptions = {}) {
    this.arbiter = new SimulatedArbiter(this.time, options)
    this.#running = this.#run()
  }

  async fill({ name }: StreamOptions): Promise<void> {
    this.arbiter.stream(name).isFull = true
  }

  async lose(): Promise<void> {
    this.#isLost = true
    for (const host of this.#names()) this.arbiter.cut(host)
  }

  open(stream: StreamOptions, allowLegacyServer = true): Promise<Bus> {
    const host = `h${++this.#hosts}`
    if (this.#isLost) this.arbiter.cut(host)
    return simulatedBus(this.arbiter, { host, timers: this.time })({ allowLegacyServer, servers: [] }, stream)
  }

  async regain(): Promise<void> {
    this.#isLost = false
    for (const host of this.#names()) this.arbiter.heal(host)
  }

  async remake({ name }: StreamOptions): Promise<void> {
    this.arbiter.remake(name)
  }

  sleep(ms: number): Promise<void> {
    return this.time.sleep(ms)
  }

  async tearDown(): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  #names(): readonly string[] {
    return Array.from({ length: this.#hosts }, (_, i) => `h${i + 1}`)
  }

  async #run(): Promise<void> {
    while (!this.#isOver) if (!(await this.time.step())) await settle()
  }
}
