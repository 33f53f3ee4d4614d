/** `chronet`: the words of this process, its streams and its signals. */
import { once } from 'node:events'
import type { Io } from './io.ts'
import { VERSION } from '../version.ts'
import type { Reach } from './session.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal))
// Who reads what we write (`head`, a pager) may have seen enough: that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

const io: Io = {
  env: process.env,
  flush: async () => {
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain')
  },
  nowMs: () => Date.now(),
  signal: stop.signal,
  stdin: process.stdin,
  write: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
  ...(process.stdout.isTTY ? { width: process.stdout.columns } : {}),
}

/** Loaded when it is needed: `--help` opens no store. */
const reach: Reach = async (place, purpose, given) =>
  (await import('./reach.ts')).reach(place, purpose, given)

async function main(words: readonly string[]): Promise<void> {
  if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) io.write(`${VERSION}\n`)
  else process.exitCode = await (await import('./run.ts')).run(words, io, reach)
}

/** When the command has ended. */
export const done = main(process.argv.slice(2))
