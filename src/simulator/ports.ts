/**
 * The ports of a simulated machine: all that an engine can touch, in memory and in virtual time. The same seed and the same
 * calls give the same ids, the same log and the same world.
 */
import { openSimulatedKernel } from '../kernel/simulated/index.ts'
import type { KernelWorld } from '../kernel/simulated/world.ts'
import type { Ports } from '../ports.ts'
import { sha256 } from '../system/hash.ts'
import { SimulatedDisks } from './disk.ts'
import { seededIds } from './ids.ts'
import { VirtualTime } from './time.ts'

/** Ports for engines on one machine, and the handles by which a simulation moves it. */
export type SimulatedPorts = Ports & {
  readonly clock: VirtualTime
  /** Platters, for faults; `kill` and `crash`. */
  readonly disks: SimulatedDisks
  /** Nothing happens unless somebody steps it. */
  readonly time: VirtualTime
  readonly world: KernelWorld
}

/** The world is the machine's; `time` may be shared by several machines. */
export function simulatedPorts(options: {
  readonly seed: string
  readonly time?: VirtualTime
  readonly world: KernelWorld
}): SimulatedPorts {
  const { seed, time = new VirtualTime(), world } = options
  const ids = seededIds(seed, time, sha256)
  const disks = new SimulatedDisks(
    () => ids.origin(),
    (ms) => time.sleep(ms),
  )
  return {
    clock: time,
    disks,
    hash: sha256,
    ids,
    openDisk: (where) => disks.open(where),
    openKernel: (kernel) => openSimulatedKernel(world, { ...kernel, hash: sha256, timers: time }),
    time,
    timers: time,
    world,
  }
}
