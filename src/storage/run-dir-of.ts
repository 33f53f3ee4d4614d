/** Where a log's run directory is. Apart from what makes it: who only looks whether an engine is there needs no more. */
import { join } from 'node:path'

/** `<base>/<origin, 12 hex>`: where the run files of a log are. */
export const runDirOf = (base: string, origin: string): string => join(base, origin.slice(0, 12))
