/**
 * Looking at a store's files before LevelDB may, which sees less, and ends the process over some of them. Nobody's lock is held
 * meanwhile: whoever has the store may be another process, and the lock is taken by opening it.
 *
 * So a look may fall into the middle of somebody's work: a table that the MANIFEST named is gone the moment after, since a compaction
 * has put another in its place. What LevelDB leaves between two of its system calls is whole, though: it syncs a table before the
 * MANIFEST names it, and removes one after that is over. Therefore a look counts if no file changed while it lasted: files of a store
 * only grow, come, go, or (CURRENT) are renamed into place, so that a change is seen by names, inodes and sizes alone.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ifGone, onDisk, type BrokenFile } from './errors.ts'
import { checkJournals, type Journals } from './journals.ts'
import { readManifest } from './manifest.ts'
import { checkTables } from './tables.ts'

/** First and longest pause between looks, and how long somebody may disturb them, in milliseconds. */
const PAUSE_MS_FIRST = 5
const PAUSE_MS_MAX = 200
const DISTURBED_MS_MAX = 2000

/** Looks until nobody disturbs it, or nothing is found. Undefined: somebody writes in it all the time. */
export async function lookAt(path: string, tables: boolean): Promise<Journals | undefined> {
  const end = performance.now() + DISTURBED_MS_MAX
  for (let pauseMs = PAUSE_MS_FIRST; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    const before = await stampOf(path)
    const found = await lookOnce(path, tables)
    if (found.broken.length + found.torn.length === 0 || before === (await stampOf(path))) return found
    if (performance.now() > end) return undefined
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

const lookOnce = (path: string, tables: boolean): Promise<Journals> =>
  onDisk(`store ${path}`, async () => {
    const manifest = await readManifest(path)
    const journals = await checkJournals(path)
    const rotten: readonly BrokenFile[] = tables ? await checkTables(path, manifest.tables) : []
    const known = new Set(rotten.map(({ file }) => file))
    // Of a table that is of another size, where it is broken says more.
    const others = manifest.broken.filter(({ file }) => !known.has(file))
    return { broken: [...others, ...journals.broken, ...rotten], torn: journals.torn }
  })

/** Names, inodes and sizes of all files, as a text to be compared. */
async function stampOf(path: string): Promise<string> {
  const files = await readdir(path).catch(ifGone<readonly string[]>([]))
  const stamps = await Promise.all(
    files.map(async (file) => {
      const there = await stat(join(path, file)).catch(ifGone(undefined))
      return there === undefined ? `${file} gone` : `${file} ${there.ino} ${there.size}`
    }),
  )
  return stamps.sort().join('\n')
}
