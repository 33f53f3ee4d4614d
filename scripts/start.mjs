/**
 * `npm start`: sets up, builds, and plays the demo in a throw-away network namespace on the real kernel.
 *
 * Arguments go to the demo (`npm start -- --json`). The exit status is the demo's: 0, or 1 if one of its claims failed;
 * 77 where no namespaces can be had. npm runs this by `exec`, so that signals reach us and not a shell.
 */
import { ensureBuild, ensurePackages, requireNode } from './lib/install.mjs'
import { findNamespaces } from './lib/namespaces.mjs'
import { foreground, giveUp, inRoot } from './lib/run.mjs'

/** Megabytes of young generation: folds make much short-lived garbage; Node's default of 16 costs a third of their speed. */
const SEMI_SPACE = '--max-semi-space-size=32'

requireNode()
if (process.platform !== 'linux') giveUp((await findNamespaces()).refusal, 77)
await ensurePackages()
const { refusal, wrap } = await findNamespaces()
if (refusal !== undefined) giveUp(refusal, 77)
await ensureBuild()

const demo = [process.execPath, SEMI_SPACE, inRoot('dist/src/demo/main.js'), ...process.argv.slice(2)]
process.exit(await foreground(...wrap(demo)))
