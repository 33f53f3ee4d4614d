/**
 * `npm run build`: TypeScript to `dist`, as package.json's `exports` name it, and the command `chronet` (its `bin`) in few files: one
 * process is started for each command, and reading a hundred files would be half of its time. From nothing, so that no file
 * outlives its source.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'
import { foreground, inRoot } from './lib/run.mjs'

/** Packages that most commands need: dozens of small files, which would be found and read one by one. The others stay as they were installed. */
const BUNDLED = ['abstract-level', 'commander', 'level']

rmSync(inRoot('dist'), { force: true, recursive: true })
const tsc = inRoot('node_modules/typescript/bin/tsc')
const status = await foreground(process.execPath, [tsc, '-p', 'tsconfig.build.json'])
if (status === 0) await bundleCommand()
process.exit(status)

/**
 * Our own sources and those packages. The worker is a file of its own, since a thread starts with it. What is no module says `require`,
 * which a module has to make for itself.
 */
async function bundleCommand() {
  const { dependencies } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'))
  const { metafile } = await build({
    absWorkingDir: inRoot(''),
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)`,
    },
    bundle: true,
    entryPoints: { chronet: 'src/cli/main.ts', 'netns-worker': 'src/kernel/linux/netns-worker.ts' },
    external: Object.keys(dependencies).filter((name) => !BUNDLED.includes(name)),
    format: 'esm',
    legalComments: 'none', // they are in the file that {@link keepLicences} makes
    metafile: true,
    outdir: 'dist/bin',
    platform: 'node',
    plugins: [{ name: 'addon', setup: leaveAddon }],
    splitting: true,
    target: 'node20',
  })
  keepLicences(Object.keys(metafile.inputs))
  offerCommand()
}

/** LevelDB itself is no JavaScript: it is loaded from where it was installed, which `level` knows. */
function leaveAddon({ onLoad }) {
  const contents = `module.exports = require(require.resolve('classic-level/binding.js', { paths: [require.resolve('level')] }))`
  onLoad({ filter: /classic-level[/\\]binding\.js$/ }, () => ({ contents, loader: 'js' }))
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
