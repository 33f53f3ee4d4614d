/** What makes a change of a directory outlive a power cut. */
import { open, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Origin } from '../../events/index.ts'

/** A name that was made, changed or taken in a directory is on the disk (fsync(2): syncing the file alone does not say so). */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  await directory.sync().finally(() => directory.close())
}

/** Says whose log a data directory is for: a temporary file, synced, then renamed, so that it is there or is not. */
export async function writeOrigin(dataDir: string, origin: Origin): Promise<void> {
  const path = join(dataDir, 'origin')
  await writeFile(`${path}.new`, `${origin}\n`, { flush: true, mode: 0o600 })
  await rename(`${path}.new`, path)
  await syncDirectory(dataDir)
}
