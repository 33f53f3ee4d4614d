/** Hosts on one simulated machine, each with a data directory and a link to the servers of its own, in virtual time. */
import { createKernelWorld } from '../../src/kernel/simulated/world.ts'
import { openSimulatedKernel } from '../../src/kernel/simulated/index.ts'
import type { Controller, ControllerOptions } from '../../src/index.ts'
import type { Ports } from '../../src/ports.ts'
import { SimulatedArbiter, type ArbiterOptions } from '../../src/simulator/arbiter.ts'
import { simulatedBus } from '../../src/simulator/bus.ts'
import { sha256 } from '../../src/system/hash.ts'
import { Lab } from '../engine/lab.ts'

export const SERVERS = ['nats://servers:4222']

export class Scene {
  readonly arbiter: SimulatedArbiter
  readonly lab = new Lab('cluster')
  readonly problems: unknown[] = []

  constructor(options: ArbiterOptions = {}) {
    this.arbiter = new SimulatedArbiter(this.lab.ports.time, options)
  }

  /** A host's engine. */
  open(
    host: string,
    ports: Partial<Ports> = {},
    options: Partial<ControllerOptions> = {},
  ): Promise<Controller> {
    const openBus = simulatedBus(this.arbiter, { host, timers: this.lab.ports.timers })
    return this.lab.open({
      dataDir: `/data/${host}`,
      onProblem: (problem) => this.problems.push(problem),
      ports: { ...this.lab.ports, openBus, ...ports },
      runDir: `/run/${host}`,
      ...options,
    })
  }

  /** Another machine, with a copy of a host's data directory as it is now. */
  clone(host: string, name: string): Promise<Controller> {
    const { disks, openDisk, timers } = this.lab.ports
    const origin = disks.originOf(`/data/${host}`)
    disks.platter(`/data/${name}`).restore(disks.platter(`/data/${host}`).backup())
    const world = createKernelWorld()
    return this.open(name, {
      openDisk: async (where) => ({ ...(await openDisk(where)), ...(origin ? { origin } : {}) }),
      openKernel: (kernel) => openSimulatedKernel(world, { ...kernel, hash: sha256, timers }),
    })
  }

  /** The same, in the cluster. */
  async member(host: string): Promise<Controller> {
    const controller = await this.open(host)
    await this.lab.do(controller.dispatch({ data: { host, servers: SERVERS }, type: 'cluster.join' }))
    return controller
  }

  /** The engine dies where it stands. */
  kill(dir: string): void {
    this.lab.ports.disks.kill(`/data/${dir}`)
  }

  async pass(ms = 1000): Promise<void> {
    await this.lab.ports.time.runFor(ms)
  }

  /** What one host has of another's log: each commit's text. */
  async copyOf(controller: Controller, host: string): Promise<readonly string[]> {
    return this.#textsOf(controller.peerCommits(host))
  }

  async logOf(controller: Controller): Promise<readonly string[]> {
    return this.#textsOf(controller.commits())
  }

  async #textsOf(commits: AsyncIterable<object>): Promise<readonly string[]> {
    const texts: string[] = []
    const read = async (): Promise<void> => {
      for await (const commit of commits) texts.push(JSON.stringify(commit))
    }
    await this.lab.do(read())
    return texts
  }
}

export const codesOf = (problems: readonly unknown[]): readonly unknown[] =>
  problems.map((problem) => (problem as { readonly code?: unknown }).code)
