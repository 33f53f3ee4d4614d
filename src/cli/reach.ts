/**
 * The way to a log: an engine that runs and serves it, else the data directory itself, for the time of one command. What a command is
 * for decides what is opened: reading changes nothing, changing begins an epoch, healing puts back what others changed.
 */
import { openOperations } from '../server/client.ts'
import { sha256 } from '../system/hash.ts'
import { openDisk } from '../storage/disk.ts'
import type { Operations } from './operations.ts'
import { openReader, type Place, type ReaderPorts } from './reader.ts'

/** What a command is for. */
export type Purpose = 'change' | 'heal' | 'read'

/** @throws {EngineError} ERR_STORE_LOCKED after ten seconds, ERR_NOT_PERMITTED, … */
export function reach(place: Place, purpose: Purpose): Promise<Operations> {
  return openOperations(place, () =>
    purpose === 'read' ? openReader(place, readerPorts) : openChanger(place, purpose),
  )
}

const openOwnDisk: ReaderPorts['openDisk'] = (where) => openDisk(where, { role: 'command' })

const readerPorts: ReaderPorts = {
  afterTurn: (run) => void setImmediate(run),
  hash: sha256,
  later: (ms, run) => void setTimeout(run, ms),
  nowMs: () => Date.now(),
  openDisk: openOwnDisk,
  openKernel: async (options) => {
    const linux = await import('../kernel/linux/index.ts')
    return linux.openLinuxKernel(options)
  },
}

async function openChanger(place: Place, purpose: 'change' | 'heal'): Promise<Operations> {
  const [{ createController }, { operationsOf }] = await Promise.all([
    import('../controller/controller.ts'),
    import('./engine-operations.ts'),
  ])
  const healed = purpose === 'heal'
  const controller = await createController({
    ...place,
    heal: false,
    leavesDrift: !healed,
    ports: { openDisk: openOwnDisk },
  })
  return operationsOf(controller, { healed })
}
