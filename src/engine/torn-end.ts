/**
 * A torn end that is not cut, since this boot has seen more of the log: an older copy was put back, and whoever brought it up to the
 * stream died in the middle of a write. It is mended from the stream, which is no repair of what rotted, if two things are proven: the
 * store's files are as they were written (its write-ahead logs were looked at when it was opened), so that what is broken was never
 * whole; and what follows in the stream leads to the very commit that was seen, so that nothing is lost of which somebody was told.
 * Else it is damage, and waits for somebody.
 */
import { EngineError, type ClaimedLink } from '../../events/index.ts'
import type { Disk } from '../ports.ts'
import type { OpenedLog } from './open.ts'

/** What was seen of a log whose end is torn; undefined: it is whole, or damaged otherwise. */
export const seenOfTorn = (opened: OpenedLog, { damage }: Disk): ClaimedLink | undefined =>
  damage === undefined ? opened.log.damage?.torn : undefined

/** @throws {EngineError} ERR_LOG_DAMAGED: files of the store are not as they were written */
export async function mustBeAsWritten(disk: Disk): Promise<void> {
  for await (const broken of disk.checkFiles?.() ?? []) if (broken !== undefined) throw broken
}

/** Nobody said in time that there is more of it. */
const NOT_SAID = new Error('its servers did not say in time that they have what is lacking')

/** The log as it is, and why it was not mended. */
export function stillTorn(opened: OpenedLog, why: unknown = NOT_SAID): OpenedLog {
  const { blocked } = opened
  if (blocked === undefined) return opened
  const text =
    `${blocked.message}; it looks as a copy does that was put back and not yet brought up to the cluster, and was not mended from ` +
    `there (${why instanceof Error ? why.message : String(why)}): start again when the servers can be reached, or run chronet cluster restore`
  return {
    ...opened,
    blocked: new EngineError('ERR_LOG_DAMAGED', text, { cause: why, details: blocked.details }),
  }
}
