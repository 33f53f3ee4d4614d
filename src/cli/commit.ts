/**
 * Which code runs, more exactly than the version says: the commit of the checkout. A package that was installed has none, though it may lie
 * in somebody else's.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Of the sources and of what was built from them alike. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** As `3812b7a5d0c1`, and `3812b7a5d0c1-dirty` where files were changed since. Undefined: it is no checkout, or git is not there. */
export function commitOf(root = ROOT): Promise<string | undefined> {
  if (!existsSync(`${root}/.git`)) return Promise.resolve(undefined)
  const words = ['describe', '--always', '--dirty', '--exclude=*', '--abbrev=12']
  return new Promise((resolve) => {
    execFile('git', ['-C', root, ...words], (error, out) => resolve(error ? undefined : out.trim()))
  })
}
