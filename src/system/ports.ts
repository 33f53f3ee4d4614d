/** The ports of a real machine: its clock, its chance, its disk and its kernel. */
import { createHash, hash as oneShot, randomBytes } from 'node:crypto'
import { asyncScheduler } from 'rxjs'
import { v7 } from 'uuid'
import type { CommandId, Origin } from '../../events/index.ts'
import { openLinuxKernel } from '../kernel/linux/index.ts'
import type { Hash, Ports } from '../ports.ts'
import { openDisk } from '../storage/disk.ts'

// crypto.hash is one call (Node >= 20.12, 21.7) and twice as fast as a Hash object for short texts.
const sha256: Hash =
  typeof oneShot === 'function'
    ? (text) => oneShot('sha256', text, 'hex')
    : (text) => createHash('sha256').update(text).digest('hex')

/** Made anew for each controller; nothing in it is shared but the machine. */
export function systemPorts(): Ports {
  return {
    clock: { monotonicMs: () => performance.now(), nowMs: () => Date.now() },
    hash: sha256,
    ids: {
      commandId: () => v7() as CommandId,
      origin: () => randomBytes(32).toString('hex') as Origin,
    },
    openDisk,
    openKernel: openLinuxKernel,
    timers: {
      afterTurn: (run) => void setImmediate(run),
      scheduler: asyncScheduler,
    },
  }
}
