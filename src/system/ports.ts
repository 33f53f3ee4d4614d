/** The ports of a real machine: its clock, its chance, its disk and its kernel. */
import { randomBytes, randomFillSync } from 'node:crypto'
import { asyncScheduler } from 'rxjs'
import { v7 } from 'uuid'
import type { CommandId, Origin } from '../../events/index.ts'
import type { Bus, OpenBus } from '../bus/bus.ts'
import type { Kernel, KernelOptions } from '../kernel/kernel.ts'
import type { Ports } from '../ports.ts'
import { openDisk } from '../storage/disk.ts'
import { sha256 } from './hash.ts'

/** Chance for this many ids is fetched at once: asking OpenSSL for 16 bytes costs as much as asking for 4096. */
const IDS_PER_FILL = 256
const chance = new Uint8Array(16 * IDS_PER_FILL)
let used = IDS_PER_FILL

/** 16 random bytes, of use until the next call. */
function random(): Uint8Array {
  if (used === IDS_PER_FILL) {
    randomFillSync(chance)
    used = 0
  }
  return chance.subarray(16 * used, 16 * ++used)
}

/** Loaded when it is opened, since it brings libc: what uses another kernel runs where there is no Linux. */
async function openLinuxKernel(options: KernelOptions): Promise<Kernel> {
  const linux = await import('../kernel/linux/index.ts')
  return linux.openLinuxKernel(options)
}

/** Loaded when it is opened: who is alone needs no client. */
async function openBus(...of: Parameters<OpenBus>): Promise<Bus> {
  const nats = await import('../bus/nats.ts')
  return nats.openNatsBus(...of)
}

/**
 * Whether the real kernel may be changed by this process, told before anything is made on disk: directories that a
 * stranger made would stand in the way of whoever may.
 * @returns what opens it, and does not ask again
 * @throws {EngineError} ERR_NOT_PERMITTED, ERR_KERNEL_UNSUPPORTED
 */
export async function permittedKernel(hostNetns: string | undefined): Promise<Ports['openKernel']> {
  const linux = await import('../kernel/linux/index.ts')
  linux.checkRights(hostNetns)
  return linux.openPermittedKernel
}

/** Made anew for each controller; nothing in it is shared but the machine and its chance. */
export function systemPorts(): Ports {
  return {
    clock: { monotonicMs: () => performance.now(), nowMs: () => Date.now() },
    hash: sha256,
    ids: {
      commandId: () => v7({ random: random() }) as CommandId,
      origin: () => randomBytes(32).toString('hex') as Origin,
    },
    openBus,
    openDisk,
    openKernel: openLinuxKernel,
    timers: {
      afterTurn: (run) => void setImmediate(run),
      scheduler: asyncScheduler,
    },
  }
}
