/**
 * The process that tries mutants: keeps the bundled test files compiled, and runs one anew for each mutant, so that what is made
 * while modules are loaded is made by the mutant too.
 *
 * A mutant that loops without end is stopped by its switches, which count how often they are asked; one that waits for ever by
 * a timer here; and what neither stops by the parent, who ends the process.
 */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { inspect } from 'node:util'
import { Script, constants } from 'node:vm'
import fc from 'fast-check'
import { Collector } from './harness.ts'
import type { Answer, Asked, Bundle, Recorded, Run } from './protocol.ts'

type Switch = (id: number) => boolean
type Program = (require: (name: string) => unknown, module: object, exports: object, mutant: Switch) => void

// The same score each time; and what fails need not be made small.
fc.configureGlobal({ endOnFailure: true, seed: 1 })

const modules = new Map<string, unknown>()
const programs = new Map<string, Program>()
let isMutant: Switch = () => false
let onStray: (error: unknown) => void = () => undefined
process.on('unhandledRejection', (error) => onStray(error))
process.on('uncaughtException', (error) => onStray(error))

/** Runs the file; what it imports from outside of the project is loaded once and for all. */
async function load({ externals, file, path }: Bundle): Promise<Collector> {
  for (const name of externals) {
    if (modules.has(name)) continue
    const found = (await import(name)) as { readonly default?: object }
    modules.set(name, { ...found.default, ...found, __esModule: true })
  }
  let program = programs.get(path)
  if (program === undefined) {
    const code = `(function (require, module, exports, __mutant) {${readFileSync(path, 'utf8')}\n})`
    const importModuleDynamically = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
    program = new Script(code, { filename: path, importModuleDynamically }).runInThisContext() as Program
    programs.set(path, program)
  }
  const collector = new Collector(dirname(file))
  const api = collector.api()
  program(
    (name) => (name === 'vitest' ? api : modules.get(name)),
    { exports: {} },
    {},
    (id) => isMutant(id),
  )
  await collector.ready()
  return collector
}

/** Runs all tests of a file without a mutant, and notes which switches each of them asks. */
async function record(bundle: Bundle): Promise<Recorded> {
  let calls = 0
  let hits = new Set<number>()
  isMutant = (id) => {
    calls++
    hits.add(id)
    return false
  }
  const noted = <T extends object>(
    more: T,
  ): T & { readonly calls: number; readonly hits: readonly number[] } => {
    const all = { ...more, calls, hits: [...hits] }
    calls = 0
    hits = new Set()
    return all
  }
  const collector = await load(bundle)
  const loaded = noted({})
  const cases: Recorded['cases'][number][] = []
  for (const { name, run } of collector.cases) {
    const beganMs = performance.now()
    await run().catch((error: unknown) => {
      throw new Error(`${bundle.file} fails without any mutant: ${name}`, { cause: error })
    })
    cases.push(noted({ ms: performance.now() - beganMs, name }))
  }
  await collector.close()
  return { cases, loaded }
}

/** Runs the tests one after the other until one fails. */
async function attempt(mutant: number, runs: readonly Run[]): Promise<Answer> {
  let left = 0
  isMutant = (id) => {
    if (left-- < 0) throw new Error('asked too often: an endless loop')
    return id === mutant
  }
  for (const { bundle, cases, loadCalls } of runs) {
    let collector: Collector | undefined
    left = patience(loadCalls)
    const loaded = await outcomeOf(async () => void (collector = await load(bundle)), 0)
    if (loaded !== 'good') return { isDirty: loaded === 'stray', killer: [bundle.file, -1] }
    for (const { calls, index, ms } of cases) {
      left = patience(calls)
      const outcome = await outcomeOf(async () => collector?.cases[index]?.run(), ms)
      if (outcome !== 'good') return { isDirty: outcome === 'stray', killer: [bundle.file, index] }
    }
    left = patience(loadCalls)
    await outcomeOf(async () => collector?.close(), 0)
  }
  return {}
}

const patience = (calls: number): number => 100_000 + 20 * calls
const PATIENCE_MS = 2000
const TICK_MS = 50

/** `stray`: it did not end in time, or something that it began failed where nobody looks. */
function outcomeOf(run: () => Promise<unknown>, usualMs: number): Promise<'bad' | 'good' | 'stray'> {
  return new Promise((resolve) => {
    // Ticks that come late are not made up for: on a busy machine there is as much more time.
    let ticks = (PATIENCE_MS + 10 * usualMs) / TICK_MS
    const timer = setInterval(() => (--ticks < 0 ? resolve('stray') : undefined), TICK_MS)
    onStray = () => resolve('stray')
    const end = (outcome: 'bad' | 'good'): void => {
      clearInterval(timer)
      // What nobody handles shows in the turn after.
      setImmediate(() => resolve(outcome))
    }
    run().then(
      () => end('good'),
      () => end('bad'),
    )
  })
}

process.on('disconnect', () => process.exit(0))
process.on('message', (asked: Asked) => {
  const answer = 'runs' in asked ? attempt(asked.mutant, asked.runs) : record(asked.bundle)
  answer.then(
    (value) => process.send?.({ value }),
    (error: unknown) => process.send?.({ error: inspect(error) }),
  )
})
