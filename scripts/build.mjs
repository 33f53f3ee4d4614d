/**
 * `npm run build`: TypeScript to `dist`, as package.json's `exports` name it, and the command `chronet` (its `bin`) in few files: one
 * process is started for each command, and reading a hundred files would be half of its time. From nothing, so that no file
 * outlives its source.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, transform } from 'esbuild'
import { foreground, inRoot } from './lib/run.mjs'

/** Packages that most commands need: dozens of small files, which would be found and read one by one. The others stay as they were installed. */
const BUNDLED = ['abstract-level', 'commander', 'level', 'rxjs', 'uuid']

rmSync(inRoot('dist'), { force: true, recursive: true })
const tsc = inRoot('node_modules/typescript/bin/tsc')
const status = await foreground(process.execPath, [tsc, '-p', 'tsconfig.build.json'])
if (status === 0) await bundleCommand()
process.exit(status)

/**
 * Our own sources and those packages, in files that are loaded when they are needed: made as modules, for only those can share what they
 * have in common, and then turned into what Node loads soonest. The worker is a file of its own, since a thread starts with it.
 */
async function bundleCommand() {
  const { dependencies } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'))
  const { metafile, outputFiles } = await build({
    absWorkingDir: inRoot(''),
    bundle: true,
    entryPoints: { command: 'src/cli/main.ts', 'netns-worker': 'src/kernel/linux/netns-worker.ts' },
    external: Object.keys(dependencies).filter((name) => !BUNDLED.includes(name)),
    format: 'esm',
    legalComments: 'none', // they are in the file that {@link keepLicences} makes
    metafile: true,
    outdir: 'dist/bin',
    platform: 'node',
    plugins: [
      { name: 'addon', setup: leaveAddon },
      { name: 'commands', setup: leaveProcesses },
    ],
    splitting: true,
    target: 'node20',
    write: false,
  })
  mkdirSync(inRoot('dist/bin'), { recursive: true })
  for (const { path, text } of outputFiles) writeFileSync(path, await withoutImports(text))
  writeFileSync(inRoot('dist/bin/package.json'), '{ "type": "commonjs" }\n')
  copyFileSync(inRoot('scripts/lib/launch.cjs'), inRoot('dist/bin/chronet.js'))
  keepLicences(Object.keys(metafile.inputs))
  keepCompiled()
  offerCommand()
}

/** A module as a script that says `require`. What it asks about itself, the launcher tells it. */
async function withoutImports(text) {
  const { code } = await transform(text, {
    define: { 'import.meta.resolve': 'undefined', 'import.meta.url': 'selfUrl' },
    format: 'cjs',
    platform: 'node',
    supported: { 'dynamic-import': false },
    target: 'node20',
  })
  return code
}

/** Keeps what V8 makes of the code; without it a start takes longer, and nothing else is lost. */
function keepCompiled() {
  const directory = mkdtempSync(join(tmpdir(), 'chronet-build-'))
  const words = [inRoot('dist/bin'), inRoot('test/golden/log-v1.ndjson'), directory]
  const { status, stderr } = spawnSync(process.execPath, [inRoot('scripts/lib/warm.cjs'), ...words])
  if (status !== 0) console.warn(`the command was not compiled beforehand: ${String(stderr)}`)
  rmSync(directory, { force: true, recursive: true })
}

/** LevelDB itself is no JavaScript: it is loaded from where it was installed, which `level` knows. */
function leaveAddon({ onLoad }) {
  const contents = `module.exports = require(require.resolve('classic-level/binding.js', { paths: [require.resolve('level')] }))`
  onLoad({ filter: /classic-level[/\\]binding\.js$/ }, () => ({ contents, loader: 'js' }))
}

/**
 * Commander can run commands that are programs of their own, which none of ours is. What starts processes takes a twentieth of the time
 * that Node takes to start, so it is not loaded for that.
 */
function leaveProcesses({ onLoad }) {
  const asked = "const childProcess = require('node:child_process');"
  onLoad({ filter: /commander[/\\]lib[/\\]command\.js$/ }, ({ path }) => {
    const text = readFileSync(path, 'utf8')
    if (!text.includes(asked)) throw new Error(`${path} no longer says ${asked}`)
    return { contents: text.replace(asked, ''), loader: 'js' }
  })
}

/** What is copied takes its licence along. */
function keepLicences(files) {
  const packages = new Set(
    files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  )
  const texts = [...packages].sort().map((path) => {
    const licence = readdirSync(inRoot(path)).find((name) => /^licen[cs]e/i.test(name))
    if (licence === undefined) throw new Error(`${path} has no licence file, and may not be bundled`)
    return `${path.replace(/^.*node_modules\//, '')}\n\n${readFileSync(inRoot(`${path}/${licence}`), 'utf8').trim()}\n`
  })
  writeFileSync(inRoot('dist/bin/LICENCES'), texts.join(`\n${'-'.repeat(80)}\n\n`))
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
