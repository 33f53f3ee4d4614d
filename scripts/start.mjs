/**
 * `npm start`: sets up, builds, and plays the demo in a throw-away network namespace on the real kernel. Where none can be
 * had, it says why, and how to come to one, and plays on the simulated kernel.
 *
 * Arguments go to the demo (`npm start -- --json`); with `--simulated` the real kernel is not even tried. The exit status is
 * the demo's: 0, or 1 if one of its claims failed. npm runs this by `exec`, so that signals reach us and not a shell.
 */
import { ensureBuild, ensurePackages, requireNode } from './lib/install.mjs'
import { findNamespaces } from './lib/namespaces.mjs'
import { foreground, inRoot, say } from './lib/run.mjs'

/** Megabytes of young generation: folds make much short-lived garbage; Node's default of 16 costs a third of their speed. */
const SEMI_SPACE = '--max-semi-space-size=32'
const SIMULATED = '--simulated'

const args = process.argv.slice(2)

requireNode()
await ensurePackages()
const { refusal, wrap } = args.includes(SIMULATED) ? {} : await findNamespaces()
if (refusal !== undefined) say(`${refusal}\nUntil then, on a simulated kernel:\n`)
await ensureBuild()

const demo = [process.execPath, SEMI_SPACE, inRoot('dist/src/demo/main.js'), ...args]
if (wrap !== undefined) process.exit(await foreground(...wrap(demo)))
const [program, ...rest] = refusal === undefined ? demo : [...demo, SIMULATED]
process.exit(await foreground(program, rest))
