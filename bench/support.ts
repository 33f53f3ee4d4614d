/**
 * What all benchmarks share: namespaces of their own, quantiles, a table for people and one JSON line for programs.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kernel } from '../src/index.ts'

const INSIDE = 'CHRONET_BENCH_INSIDE'

/** Runs this program again as root of network and mount namespaces that are thrown away, and ends with its status. */
export function inOwnNamespaces(): void {
  if (process.env[INSIDE] !== undefined) return
  const script = 'mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up && exec "$0" "$@"'
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const { error, status } = spawnSync(
    'unshare',
    ['-n', '-m', '--propagation', 'private', 'sh', '-c', script, ...again],
    { env: { ...process.env, [INSIDE]: '1' }, stdio: 'inherit' },
  )
  if (error) throw error
  process.exit(status ?? 1)
}

/** A directory on the real disk, so that a sync costs what it costs; taken away after. */
export async function inDirectory<T>(run: (path: string) => Promise<T>, within = tmpdir()): Promise<T> {
  const path = await mkdtemp(join(within, 'chronet-bench-'))
  return run(path).finally(() => rm(path, { force: true, recursive: true }))
}

export const rounded = (value: number, digits = 0): number => Number(value.toFixed(digits))

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(q * (sorted.length - 1))] ?? NaN
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** A table of rows with the same columns, numbers to the right. */
export function printTable(title: string, rows: readonly Readonly<Record<string, number | string>>[]): void {
  const columns = Object.keys(rows[0] ?? {})
  const cell = (value: number | string | undefined): string => String(value ?? '')
  const widths = columns.map((name) => Math.max(name.length, ...rows.map((row) => cell(row[name]).length)))
  const line = (cells: readonly string[]): string =>
    cells.map((text, i) => (i === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[i] ?? 0))).join('  ')
  console.log(`\n${title}\n${line(columns)}`)
  for (const row of rows) console.log(line(columns.map((name) => cell(row[name]))))
}

/** One line that `scripts/bench.mjs` collects: `{"bench": name, …}`. */
export const printJson = (bench: string, figures: object): void =>
  console.log(JSON.stringify({ bench, ...figures }))

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Polls until it holds; fails after a minute. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 60_000
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited a minute for: ${what}`)
    await sleep(2)
  }
}

/** Megabytes that are alive, where Node was started with `--expose-gc`. */
export function heapMb(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 1e6
}

/** Links in this network namespace. */
export const linkCount = (): number => readFileSync('/proc/net/dev', 'utf8').trim().split('\n').length - 2

/**
 * Waits until the kernel has taken down the namespaces of earlier runs, which goes on for seconds and slows what is
 * measured up to five times. Others on the machine may make some all the time, so not for ever.
 */
export async function namespacesAreGone(): Promise<void> {
  const count = (): number =>
    Number(/^net_namespace +(\d+)/m.exec(readFileSync('/proc/slabinfo', 'utf8'))?.[1] ?? 0)
  const end = performance.now() + 20_000
  for (let before = Infinity, now = count(); now < before && performance.now() < end;) {
    before = now
    await sleep(500)
    now = count()
  }
}

/** A kernel in which all succeeds at once and nothing is ever seen. */
export const silentKernel: Kernel = {
  apply: (steps) => Promise.resolve(steps.map(({ key }) => ({ changed: true, key, ok: true }))),
  close: () => Promise.resolve(),
  cookieAt: () => Promise.resolve(undefined),
  flows: () => Promise.resolve(undefined),
  identity: { bootId: 'bench', cookie: '1' },
  observe: () => Promise.resolve({ found: new Map(), strays: [] }),
  onHint: () => () => undefined,
  routes: () => Promise.resolve([]),
}
