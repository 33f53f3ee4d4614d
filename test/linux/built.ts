/** What `npm run build` made, if it is newer than its sources: `npm test` builds first, and a process from sources takes seconds longer. */
import { readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const ROOMS = ['events', 'machines', 'projections', 'src']

/** Path of a file in `dist`; undefined: it is not there, or older than a source. */
export function built(file: string): string | undefined {
  const path = `${root}dist/${file}`
  const madeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const isNewest = ROOMS.every((room) =>
    readdirSync(root + room, { recursive: true }).every(
      (name) => statSync(`${root}${room}/${String(name)}`).mtimeMs <= madeMs,
    ),
  )
  return isNewest ? path : undefined
}
