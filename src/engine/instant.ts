/** A clock's milliseconds as the log's times. */
import type { Instant } from '../../events/index.ts'

/** The time told last, and its text: many commits fall into one millisecond. */
let told: { readonly at: Instant; readonly ms: number } | undefined

/** @param ms since 1970, UTC */
export function instant(ms: number): Instant {
  if (told?.ms !== ms) told = { at: new Date(ms).toISOString() as Instant, ms }
  return told.at
}
