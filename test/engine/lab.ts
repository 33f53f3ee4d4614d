/**
 * A laboratory: controllers on a simulated machine, in virtual time. What a test awaits goes through `lab.do`, which lets
 * time pass until it settles.
 */
import { createController, type Controller, type ControllerOptions } from '../../src/index.ts'
import { personAt } from '../../src/kernel/simulated/humans.ts'
import { canReach } from '../../src/kernel/simulated/reach.ts'
import { createKernelWorld, reboot, type KernelWorld } from '../../src/kernel/simulated/world.ts'
import { simulatedPorts, type SimulatedPorts } from '../../src/simulator/ports.ts'

export const DATA_DIR = '/data'
export const RUN_DIR = '/run/chronet'

export class Lab {
  readonly ports: SimulatedPorts
  readonly world: KernelWorld

  constructor(seed = 'lab') {
    this.world = createKernelWorld()
    this.ports = simulatedPorts({ seed, world: this.world })
  }

  /** Lets virtual time pass until the promise settles. */
  do<T>(promise: Promise<T>): Promise<T> {
    return this.ports.time.until(promise)
  }

  /** All of them at once; each outcome as `Promise.allSettled` gives it. */
  all<T>(promises: readonly Promise<T>[]): Promise<PromiseSettledResult<T>[]> {
    return this.do(Promise.allSettled(promises))
  }

  open(options: ControllerOptions = {}): Promise<Controller> {
    return this.do(createController({ dataDir: DATA_DIR, ports: this.ports, runDir: RUN_DIR, ...options }))
  }

  /** The engine dies where it stands; its kernel handle with it. */
  kill(): void {
    this.ports.disks.kill(DATA_DIR)
  }

  /** The machine restarts: the kernel's state and what was not synced are gone. */
  reboot(): void {
    this.ports.disks.crash()
    reboot(this.world)
  }

  get root(): ReturnType<typeof personAt> {
    return personAt(this.world, this.world.host)
  }

  /** A person in a sandbox, by id, who can also list what is there. */
  in(sandbox: string) {
    const ns = this.world.mounts.get(
      [...this.world.mounts.keys()].find((path) => path.endsWith(sandbox)) ?? '',
    )
    if (ns === undefined) throw new Error(`there is no sandbox ${sandbox}`)
    return {
      ...personAt(this.world, ns),
      links: () => [...ns.links.values()],
      routes: () => ns.routes.map(({ dst, link }) => `${dst} by ${link.name}`),
    }
  }

  /** Whether a packet from one sandbox (by name) gets to another. */
  reaches(
    controller: Controller,
    from: string,
    to: string,
    probe: 'icmp' | `tcp/${number}` = 'icmp',
  ): boolean {
    const { id } = controller.queries.sandbox(from)
    return canReach(this.world, id, controller.queries.sandbox(to).id, probe).reached
  }

  /** Names of links in the host namespace, without the loopback. */
  links(): string[] {
    return [...this.world.host.links.values()].map((link) => link.name).filter((name) => name !== 'lo')
  }
}

/** What is left in the kernel that bears any mark of ours. */
export const leftovers = (lab: Lab): string[] => [
  ...lab.links(),
  ...[...lab.world.mounts.keys()].filter((path) => path.includes('/netns/')),
  ...lab.world.host.tables.keys(),
]

/** The facts' type names of the whole log, commit by commit. */
export async function story(lab: Lab, controller: Controller): Promise<string[]> {
  const read = async (): Promise<string[]> => {
    const commits: string[] = []
    for await (const { facts } of controller.commits()) commits.push(facts.map((fact) => fact.type).join(' '))
    return commits
  }
  // Receipts of pure success wait a little for company on their way to the disk.
  await lab.ports.time.runFor(50)
  return lab.do(read())
}
