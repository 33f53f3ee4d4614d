/** The ports of one incarnation: the same machine's as the one before had, and dead with it. */
import { EngineError, type Step } from '../../events/index.ts'
import type { OpenBus } from '../bus/bus.ts'
import type { Kernel, KernelOptions } from '../kernel/kernel.ts'
import { openSimulatedKernel } from '../kernel/simulated/index.ts'
import { Refusal, type KernelWorld } from '../kernel/simulated/world.ts'
import type { Clock, Disk, Hash, Ids, Ports } from '../ports.ts'
import type { SimulatedArbiter } from './arbiter.ts'
import { simulatedBus } from './bus.ts'
import type { SimulatedDisks } from './disk.ts'
import type { Incarnation } from './incarnation.ts'
import type { Via } from './store.ts'
import type { VirtualTime } from './time.ts'

/** What stays when a process ends. */
export type MachineParts = {
  readonly clock: Clock
  readonly disks: SimulatedDisks
  /** So many looks at the kernel come to nothing: the dump was interrupted (EINTR). */
  readonly dumps: { broken: number }
  readonly hash: Hash
  readonly ids: Ids
  readonly kernelWorld: KernelWorld
  readonly onApply: (steps: readonly Step[]) => void
  /** An engine has noted which head its log has. */
  readonly onHead: () => void
  /** The servers of the cluster, and what they call this machine's link; absent: it can be in none. */
  readonly servers?: { readonly arbiter: SimulatedArbiter; readonly host: string }
  readonly time: VirtualTime
}

export function portsOf(parts: MachineParts, life: Incarnation): Ports {
  const { clock, disks, hash, ids, servers, time } = parts
  const timers = time.timersOf(life)
  const via: Via = (what, work, told) => life.call(what, work, told)
  const wait = (ms: number): Promise<void> => time.sleep(ms, life)
  return {
    clock,
    hash,
    ids,
    openBus: servers ? busOf(servers, life, { timers, via }) : noBus,
    openDisk: async (where) =>
      diskOf(await via('openDisk', () => disks.open(where, { via, wait })), life, parts),
    openKernel: (options) => via('openKernel', () => openKernel(parts, life, { ...options, hash, timers })),
    timers,
  }
}

/** Never that of a real machine. */
const noBus: OpenBus = () =>
  Promise.reject(
    new EngineError('ERR_UNSUPPORTED', 'this world has no cluster: make it with `cluster: true`'),
  )

function busOf(
  { arbiter, host }: NonNullable<MachineParts['servers']>,
  life: Incarnation,
  how: { readonly timers: Ports['timers']; readonly via: Via },
): OpenBus {
  return simulatedBus(arbiter, { ...how, atDeath: (run) => life.atDeath(run), host, name: life.name })
}

function diskOf(disk: Disk, life: Incarnation, { onHead }: MachineParts): Disk {
  return {
    close: () => life.call('disk.close', () => disk.close()),
    dataDir: disk.dataDir,
    openStore: () => life.call('openStore', () => disk.openStore()),
    origin: disk.origin,
    readHead: () =>
      life.call(
        'readHead',
        () => disk.readHead(),
        (head) => `#${head?.seq ?? 0}`,
      ),
    runDir: disk.runDir,
    writeHead: (head) =>
      life.tell(`writeHead #${head.seq}`, () => {
        disk.writeHead(head)
        onHead()
      }),
  }
}

type Options = KernelOptions & Pick<Ports, 'hash' | 'timers'>

async function openKernel(parts: MachineParts, life: Incarnation, options: Options): Promise<Kernel> {
  const kernel = await openSimulatedKernel(parts.kernelWorld, options)
  life.atDeath(() => void kernel.close())
  const look = <T>(what: string, work: () => Promise<T>, told: (value: T) => string): Promise<T> =>
    life.call(
      what,
      async () => {
        if (parts.dumps.broken === 0) return work()
        parts.dumps.broken--
        throw new Refusal('EINTR', 'the dump was interrupted, as a fault was ordered')
      },
      told,
    )
  return {
    // Its steps are written down one by one: see `Host`.
    apply: (steps) =>
      life.call(`apply ${steps.length} steps`, () => {
        parts.onApply(steps)
        return kernel.apply(steps)
      }),
    close: () => kernel.close(),
    cookieAt: (path) =>
      look(
        `cookie at ${path}`,
        () => kernel.cookieAt(path),
        (cookie) => cookie ?? 'none',
      ),
    flows: (ends) =>
      look(
        `flows of ${ends.length} endpoints`,
        () => kernel.flows(ends),
        (flows) => String(flows ?? 'unknown'),
      ),
    identity: kernel.identity,
    observe: (specs, how) =>
      look(
        `observe ${specs.length} keys`,
        () => kernel.observe(specs, how),
        ({ found, strays }) => `${found.size} there, ${strays.length} strays`,
      ),
    onHint: (listener) => kernel.onHint(listener),
    routes: () =>
      look(
        'routes',
        () => kernel.routes(),
        (routes) => `${routes.length}`,
      ),
  }
}
