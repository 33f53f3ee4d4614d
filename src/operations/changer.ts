/**
 * A data directory opened for one change, which is decided twice: first on the log as it is read, so that what is refused begins no
 * epoch and leaves no trace, and then by the engine that does it. Where there is a log, both read it once, under one lock.
 */
import { EngineError, parseCommand, RefusedError, type ClientCommand } from '../../events/index.ts'
import { openPlans, unswept } from '../../projections/index.ts'
import type { Engine } from '../engine/engine.ts'
import type { Ports } from '../ports.ts'
import type { Given, Operations, Place } from './operations.ts'
import { hasLog, openReader, type ReaderPorts } from './reader.ts'

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
  // A command that was given before is answered by what became of it.
  const isNew = change.given.id === undefined
  // An engine makes the directory that it opens.
  if (isNew && !hasLog(place)) await mustBePossible(place, change, readerPorts)
  const [{ createController }, { operationsOf, previewBy }] = await Promise.all([
    import('../controller/controller.ts'),
    import('./engine-operations.ts'),
  ])
  const admits = async (engine: Engine): Promise<void> => {
    const { applied, allocations } = engine.view.projections
    // What lacks its receipt is settled when the epoch begins, and more may be possible then.
    if (openPlans(applied).length + unswept(allocations).length > 0) return
    await refusal(() => previewBy(engine, change.command, change.given))
  }
  const { openDisk } = readerPorts
  try {
    const controller = await createController({
      ...place,
      ...(isNew ? { admits } : {}),
      heal: false,
      leavesDrift: true,
      ports: { openDisk, ...ports },
    })
    return operationsOf(controller)
  } catch (error) {
    // Who may not do it should not hear only after he may that it cannot be done.
    if (isNew && error instanceof EngineError && error.code === 'ERR_NOT_PERMITTED')
      await mustBePossible(place, change, readerPorts)
    throw error
  }
}

/**
 * Judged as a reader may: by all that stands in the log, or where that cannot be read, by the command alone.
 * @throws {RefusedError}; {EngineError} ERR_STORE_LOCKED
 */
async function mustBePossible(place: Place, { command, given }: Change, ports: ReaderPorts): Promise<void> {
  const reader = await openReader(place, ports).catch((error: unknown) => {
    // Who has it lets go of it soon: then it is asked again.
    if (error instanceof EngineError && error.code === 'ERR_STORE_LOCKED') throw error
    return undefined
  })
  if (reader === undefined) {
    mustBeSound(command)
    return
  }
  try {
    const { open, unswept } = await reader.status()
    if (open.length + unswept.length > 0) mustBeSound(command)
    else await refusal(() => reader.preview(command, given))
  } finally {
    await reader.close()
  }
}

function mustBeSound({ data, type }: ClientCommand): void {
  const parsed = parseCommand(type, data)
  if ('problems' in parsed) throw new RefusedError(parsed.problems)
}

/** @throws {RefusedError} and nothing else: what stands in the way otherwise, the engine meets again, and knows better how to tell it */
async function refusal(preview: () => Promise<unknown>): Promise<void> {
  try {
    await preview()
  } catch (error) {
    if (error instanceof RefusedError) throw error
  }
}
