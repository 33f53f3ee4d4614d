/**
 * The demo that `npm start` plays: chronet's main job, each step with its proof, on the kernel that this runs on or on a
 * simulated one. For the real one it expects to be started in namespaces that are thrown away (`scripts/start.mjs`).
 *
 *   node main.js [--json] [--simulated]
 *
 * Exit status: 0 all held, 1 something did not, 64 wrong usage, 129, 130, 141 or 143 ended early, as by that signal.
 */
import process from 'node:process'
import { failureOf } from './claim.ts'
import { jsonPrinter, linePrinter, painter, type Printer, type Told } from './print.ts'
import { Scene } from './scene.ts'
import type { Stage } from './stage.ts'
import { STORY, type Step } from './story.ts'

const USAGE = 'usage: npm start [-- [--json] [--simulated]]'

/** Each stage is loaded only if it is wanted: the real one brings what can be loaded on Linux only. */
async function openStage(isSimulated: boolean): Promise<Stage> {
  if (isSimulated) return new (await import('./simulated-stage.ts')).SimulatedStage()
  return (await import('./linux-stage.ts')).LinuxStage.open()
}

/** Plays one step. What does not hold is told, and the story goes on. */
async function tell(scene: Scene, step: Step, number: number): Promise<Told> {
  const before = scene.controller.queries.seq
  const outcome = await step.play(scene).then(
    (proof) => (typeof proof === 'string' ? { proof } : proof),
    (error: unknown) => ({ failure: failureOf(error), proof: '' }),
  )
  const after = scene.controller.queries.seq
  const ms = scene.takeMs()
  return {
    ...(after > before ? { commits: [before + 1, after] as const } : {}),
    ...(ms === undefined ? {} : { ms: Math.round(ms * 1000) / 1000 }),
    number,
    ...outcome,
    what: step.what,
  }
}

/** @returns how many steps did not hold. */
async function perform(stage: Stage, printer: Printer): Promise<number> {
  printer.open(stage.where)
  const scene = await Scene.open(stage)
  let failed = 0
  for (const [index, step] of STORY.entries()) {
    const told = await tell(scene, step, index + 1)
    if (told.failure !== undefined) failed++
    printer.step(told)
  }
  printer.close(failed, STORY.length)
  return failed
}

/** What ends the demo before its story does, with the exit status that a shell would show. */
const ENDS = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const

/**
 * Ctrl-C, a supervisor's end, or nobody who reads on (`npm start | head`; Node tells that by EPIPE): what is ours on disk
 * goes; the kernel throws the rest away with our namespaces.
 */
function endEarly(stage: Stage): void {
  const end = (status: number): void => {
    try {
      stage.cleanUp()
    } finally {
      process.exit(status)
    }
  }
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(signal, () => end(ENDS[signal]))
  process.stdout.on('error', () => end(ENDS.SIGPIPE))
}

const args = process.argv.slice(2)
if (args.some((arg) => arg !== '--json' && arg !== '--simulated')) {
  console.error(USAGE)
  process.exit(64)
}
const write = (text: string): void => void process.stdout.write(text)
const isColoured = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
const stage = await openStage(args.includes('--simulated'))
endEarly(stage)
try {
  const printer = args.includes('--json') ? jsonPrinter(write) : linePrinter(write, painter(isColoured))
  process.exitCode = (await perform(stage, printer)) === 0 ? 0 : 1
} finally {
  stage.cleanUp()
}
