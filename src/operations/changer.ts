/**
 * A data directory opened for one change. The change is decided twice: on the log as it is read, so that what is refused begins no
 * epoch and leaves no trace, and then by the engine that does it. The directory stays locked from the one to the other.
 */
import type { ClientCommand } from '../../events/index.ts'
import { RefusedError } from '../../events/index.ts'
import type { Disk, Ports } from '../ports.ts'
import { withOthers, type Given, type Operations, type Place } from './operations.ts'
import { openReader, type ReaderPorts } from './reader.ts'

/** A command that is about to be given. */
export type Change = { readonly command: ClientCommand; readonly given: Given }

/**
 * An engine for the command, which is yet to be given.
 * @param ports of the engine; absent: the machine's own
 * @throws {RefusedError} the command would be refused; nothing was written
 * @throws {EngineError} ERR_STORE_LOCKED and others, as `openDisk` and `createController`
 */
export async function openChanger(
  place: Place,
  change: Change,
  readerPorts: ReaderPorts,
  ports: Partial<Ports> = {},
): Promise<Operations> {
  const lock = new SharedDisk(readerPorts.openDisk)
  try {
    const reader = await openReader(place, { ...readerPorts, openDisk: lock.open })
    await mustBePossible(reader, change).finally(() => reader.close())
    const engine = await openEngine(place, { ...ports, openDisk: lock.open })
    return withOthers(engine, { close: () => engine.close().finally(() => lock.close()) })
  } catch (error) {
    await lock.close()
    throw error
  }
}

async function openEngine(place: Place, ports: Partial<Ports>): Promise<Operations> {
  const [{ createController }, { operationsOf }] = await Promise.all([
    import('../controller/controller.ts'),
    import('./engine-operations.ts'),
  ])
  return operationsOf(await createController({ ...place, heal: false, leavesDrift: true, ports }))
}

/** @throws {RefusedError} the engine would refuse it, too */
async function mustBePossible(reader: Operations, { command, given }: Change): Promise<void> {
  // A command that was given before is answered by what became of it.
  if (given.id !== undefined) return
  const { open, unswept } = await reader.status()
  // What lacks its receipt is settled when the epoch begins, and more may be possible then.
  if (open.length + unswept.length > 0) return
  try {
    await reader.preview(command, given)
  } catch (error) {
    // Whatever else stands in the way, the engine meets it again, and knows better how to tell it.
    if (error instanceof RefusedError) throw error
  }
}

/** One lock for whoever has the directory in turn: only when all are done, it is let go. */
class SharedDisk {
  readonly #openDisk: Ports['openDisk']
  #disk: Disk | undefined

  constructor(openDisk: Ports['openDisk']) {
    this.#openDisk = openDisk
  }

  readonly open: Ports['openDisk'] = async (where) => {
    this.#disk ??= await this.#openDisk(where)
    return { ...this.#disk, close: () => Promise.resolve() }
  }

  async close(): Promise<void> {
    await this.#disk?.close()
  }
}
