/**
 * The way to a log: an engine that runs and serves it, else the data directory itself, for the time of one command. What a command is
 * for decides what is opened: reading changes nothing, changing begins an epoch, healing puts back what others changed.
 */
import type { Change } from '../operations/changer.ts'
import type { Given, Operations, Place } from '../operations/operations.ts'
import { openReader, type ReaderPorts } from '../operations/reader.ts'
import { openOperations } from '../server/client.ts'
import { sha256 } from '../system/hash.ts'

/** What a command is for: a change is named beforehand. */
export type Purpose = Change | 'heal' | 'read'

/** @throws {EngineError} ERR_STORE_LOCKED after ten seconds, ERR_NOT_PERMITTED, … @throws {RefusedError} as `openChanger` */
export function reach(place: Place, purpose: Purpose, given: () => Given): Promise<Operations> {
  return openOperations(place, async () => {
    if (purpose === 'read') return openReader(place, readerPorts)
    if (purpose === 'heal') return openHealer(place, given())
    const { openChanger } = await import('../operations/changer.ts')
    return openChanger(place, purpose, readerPorts)
  })
}

/** LevelDB is loaded where there is a log. */
const openOwnDisk: ReaderPorts['openDisk'] = async (where) =>
  (await import('../storage/disk.ts')).openDisk(where, { role: 'command' })

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

async function openHealer(place: Place, healedBy: Given): Promise<Operations> {
  const [{ createController }, { operationsOf }] = await Promise.all([
    import('../controller/controller.ts'),
    import('../operations/engine-operations.ts'),
  ])
  const ports = { openDisk: openOwnDisk }
  return operationsOf(await createController({ ...place, heal: false, healedBy, ports, scrub: false }), {
    healed: true,
  })
}
