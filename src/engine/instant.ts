/** A clock's milliseconds as the log's times. */
import type { Instant } from '../../events/index.ts'

/** @param ms since 1970, UTC */
export const instant = (ms: number): Instant => new Date(ms).toISOString() as Instant
