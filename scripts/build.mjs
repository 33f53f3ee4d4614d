/**
 * `npm run build`: TypeScript to `dist`, as package.json's `exports` name it, and the command `chronet` (its `bin`) in few files: one
 * process is started for each command, and reading a hundred files would be half of its time. From nothing, so that no file
 * outlives its source.
 */
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { build } from 'esbuild'
import { foreground, inRoot } from './lib/run.mjs'

rmSync(inRoot('dist'), { force: true, recursive: true })
const tsc = inRoot('node_modules/typescript/bin/tsc')
const status = await foreground(process.execPath, [tsc, '-p', 'tsconfig.build.json'])
if (status === 0) await bundleCommand()
process.exit(status)

/** Our own sources only: packages stay as they were installed. The worker is a file of its own, since a thread starts with it. */
async function bundleCommand() {
  await build({
    absWorkingDir: inRoot(''),
    bundle: true,
    entryPoints: { chronet: 'src/cli/main.ts', 'netns-worker': 'src/kernel/linux/netns-worker.ts' },
    format: 'esm',
    outdir: 'dist/bin',
    packages: 'external',
    platform: 'node',
    splitting: true,
    target: 'node20',
  })
  offerCommand()
}

/**
 * What npm does for a package that it installs, but not for the checkout itself: so that `npx chronet` runs at once there, and does not
 * install the checkout somewhere else first.
 */
function offerCommand() {
  chmodSync(inRoot('dist/bin/chronet.js'), 0o755)
  if (process.platform === 'win32') return
  mkdirSync(inRoot('node_modules/.bin'), { recursive: true })
  rmSync(inRoot('node_modules/.bin/chronet'), { force: true })
  symlinkSync('../../dist/bin/chronet.js', inRoot('node_modules/.bin/chronet'))
}
