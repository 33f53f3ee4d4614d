/**
 * The ports of a simulated machine: all that an engine can touch, in memory and in virtual time. The same seed and the same
 * calls give the same ids, the same log and the same world.
 */
import { createHash } from 'node:crypto'
import type { CommandId, Origin } from '../../events/index.ts'
import { openSimulatedKernel } from '../kernel/simulated/index.ts'
import type { World } from '../kernel/simulated/world.ts'
import type { Hash, Ids, Ports } from '../ports.ts'
import { SimulatedDisks } from './disk.ts'
import { VirtualTime } from './time.ts'

/** Ports for engines on one machine, and the handles by which a simulation moves it. */
export type SimulatedPorts = Ports & {
  readonly clock: VirtualTime
  /** Platters, for faults; `kill` and `crash`. */
  readonly disks: SimulatedDisks
  /** Nothing happens unless somebody steps it. */
  readonly time: VirtualTime
  readonly world: World
}

const sha256: Hash = (text) => createHash('sha256').update(text).digest('hex')

/** The world is the machine's; `time` may be shared by several machines. */
export function simulatedPorts(options: {
  readonly seed: string
  readonly time?: VirtualTime
  readonly world: World
}): SimulatedPorts {
  const { seed, time = new VirtualTime(), world } = options
  const ids = seededIds(seed, time)
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      time.scheduler.schedule(() => resolve(), ms)
    })
  const disks = new SimulatedDisks(() => ids.origin(), wait)
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

/** A uuid v7 (RFC 9562 §5.7) with the virtual time in it, and hashes of a counter for chance: one counter per kind. */
function seededIds(seed: string, time: VirtualTime): Ids {
  let commands = 0
  let origins = 0
  return {
    commandId: () => {
      const chance = sha256(`${seed} command ${++commands}`)
      const at = time.nowMs().toString(16).padStart(12, '0')
      const variant = '89ab'[parseInt(chance.charAt(3), 16) % 4] ?? '8'
      const tail = `7${chance.slice(0, 3)}-${variant}${chance.slice(4, 7)}-${chance.slice(7, 19)}`
      return `${at.slice(0, 8)}-${at.slice(8)}-${tail}` as CommandId
    },
    origin: () => sha256(`${seed} origin ${++origins}`) as Origin,
  }
}
