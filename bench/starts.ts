/**
 * How long a command takes to start, in turns with `node -e 0`: by the clock, and in processor time, which says the same on a busy
 * machine. Where there is no log, a listing does all that it does but for reading one: what it takes more where there is one, is the log's.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { median, rounded } from './support.ts'

/** What was built, as users run it: beside the benchmarks, or from the sources' place. */
const COMMAND = ['../bin/chronet.js', '../dist/bin/chronet.js']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path))

export type Start = {
  readonly env?: NodeJS.ProcessEnv
  readonly what: string
  readonly words: readonly string[]
}

/** Milliseconds: median by the clock, mean of the processor's. */
export type Took = { readonly clockMs: number; readonly cpuMs: number; readonly what: string }

/** Processor time is counted in ticks of 10 ms, so that one start alone says little. */
const IN_A_ROW = 5

/** Of the children that were waited for (proc_pid_stat(5): the 16th and 17th field), in milliseconds. */
function childrenCpuMs(): number {
  const [, behind = ''] = readFileSync('/proc/self/stat', 'utf8').split(') ')
  const fields = behind.split(' ')
  return (Number(fields[13]) + Number(fields[14])) * 10
}

/** @param rounds in each, every one is started five times in a row */
export function starts(all: readonly Start[], rounds: number): readonly Took[] {
  const took = all.map(({ what }) => ({ clocks: [] as number[], cpuMs: 0, what }))
  for (let round = 0; round < rounds; round++)
    for (const [i, start] of all.entries()) {
      const before = childrenCpuMs()
      const clocks = Array.from({ length: IN_A_ROW }, () => once(start))
      took[i]?.clocks.push(...clocks)
      if (took[i]) took[i].cpuMs += childrenCpuMs() - before
    }
  return took.map(({ clocks, cpuMs, what }) => ({
    clockMs: rounded(median(clocks), 1),
    cpuMs: rounded(cpuMs / clocks.length, 1),
    what,
  }))
}

/** One start; how long it took by the clock. */
function once({ env = {}, words }: Start): number {
  const begin = performance.now()
  const { status, stderr } = spawnSync(process.execPath, words, { env: { ...process.env, ...env } })
  if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}: ${String(stderr)}`)
  return performance.now() - begin
}

export function command(...words: readonly string[]): readonly string[] {
  if (COMMAND === undefined) throw new Error('dist/bin/chronet.js is not there: npm run build')
  return [COMMAND, ...words]
}
