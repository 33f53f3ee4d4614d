/** `chronet`: the words of this process, its streams and its signals. */
import type { Io } from './io.ts'
import { Outlet } from './outlet.ts'
import { VERSION } from '../version.ts'
import type { Reach } from './session.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal))
// Who reads what we write (`head`, a pager) may have seen enough: that is no failure of ours.
const out = new Outlet(1, () => process.exit(0))
/** Made when something is told of: where nothing is, it takes no time. */
let err: Outlet | undefined
const { width } = out

const io: Io = {
  env: process.env,
  flush: () => out.flush(),
  nowMs: () => Date.now(),
  signal: stop.signal,
  // Opened where it is read.
  get stdin() {
    return process.stdin
  },
  write: (text) => out.write(text),
  writeError: (text) => (err ??= new Outlet(2, () => undefined)).write(text),
  ...(width === undefined ? {} : { width }),
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
