/**
 * Set-up that `npm start` and `npm test` share: Node, the npm packages, the build, and the Debian programs that tests
 * use as second opinions. Each says one line when it has something to do, and nothing when it has not.
 */
import { accessSync, constants, existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { giveUp, inRoot, quiet, say } from './run.mjs'

const readJson = (path) => JSON.parse(readFileSync(inRoot(path), 'utf8'))

/** Ends with a sentence unless this Node is one that package.json's `engines` takes (its form is `>=MAJOR.MINOR`). */
export function requireNode() {
  const wanted = readJson('package.json').engines.node.replace('>=', '')
  const [major, minor] = wanted.split('.').map(Number)
  const [ourMajor, ourMinor] = process.versions.node.split('.').map(Number)
  if (ourMajor > major || (ourMajor === major && ourMinor >= minor)) return
  giveUp(`chronet needs Node ${wanted} or newer; this is ${process.versions.node}.`, 69)
}

/**
 * Does what npm installed (`node_modules/.package-lock.json`) agree with the lockfile? Packages for other platforms are
 * optional in the lockfile and absent in what was installed.
 */
export function packagesAgree(lock, installed) {
  const agrees = ([path, { integrity, optional }]) => {
    const found = installed.packages[path]
    return found === undefined ? optional === true : found.integrity === integrity
  }
  const wanted = Object.entries(lock.packages).filter(([path]) => path !== '') // '' is the project itself
  return wanted.every(agrees) && Object.keys(installed.packages).every((path) => path in lock.packages)
}

function packagesAreInstalled() {
  const record = 'node_modules/.package-lock.json'
  return existsSync(inRoot(record)) && packagesAgree(readJson('package-lock.json'), readJson(record))
}

/** `npm ci` if node_modules is missing or is not what the lockfile says. */
export async function ensurePackages() {
  if (packagesAreInstalled()) return
  say('chronet: installing npm packages (npm ci)')
  // `prepare` would build; who needs the build asks for it, so that a type error does not look like a failed download.
  const { output, status } = await quiet('npm', ['ci', '--include=dev', '--no-progress'], {
    env: { ...process.env, CHRONET_SKIP_PREPARE: '1' },
  })
  if (status !== 0) giveUp(`${output}\nchronet: npm ci failed (status ${status}).`, 69)
}

/** The newest change below a path, in milliseconds: of folders too, so that a file's removal counts. */
function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat?.isDirectory()) return stat?.mtimeMs ?? 0
  return readdirSync(path).reduce((max, name) => Math.max(max, newest(join(path, name))), stat.mtimeMs)
}

const SOURCES = [
  'events',
  'machines',
  'projections',
  'src',
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
]

/** Builds `dist` if it is missing or older than a source. The compiler writes every file anew, so one file's time will do. */
export async function ensureBuild() {
  const witness = inRoot('dist/events/index.js')
  const builtMs = existsSync(witness) ? statSync(witness).mtimeMs : 0
  if (SOURCES.every((path) => newest(inRoot(path)) <= builtMs)) return
  say('chronet: building (tsc)')
  const { output, status } = await quiet(process.execPath, [inRoot('scripts/build.mjs')])
  if (status !== 0) giveUp(`${output}\nchronet: the build failed.`)
}

/** The programs that tests ask for a second opinion, and the Debian packages that have them. */
const TOOLS = { ip: 'iproute2', nft: 'nftables', ping: 'iputils-ping', sysctl: 'procps' }

const isExecutable = (path) => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const missingTools = () =>
  Object.keys(TOOLS).filter(
    (tool) => !process.env.PATH.split(':').some((folder) => isExecutable(join(folder, tool))),
  )

/** apt-get without questions; the package lists are fetched only if it fails without (a fresh machine has none). */
async function aptInstall(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = () =>
    quiet('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...packages], { env })
  if ((await install()).status === 0) return
  const update = await quiet('apt-get', ['update', '-qq'], { env })
  const again = await install()
  if (again.status !== 0) say(update.output + again.output)
}

/**
 * Installs {@link TOOLS} where we may.
 * @returns undefined, or a sentence that says what is missing and what to run.
 */
export async function ensureTools() {
  let missing = missingTools()
  if (missing.length === 0) return undefined
  const packages = missing.map((tool) => TOOLS[tool])
  const isApt = existsSync('/usr/bin/apt-get')
  if (isApt && process.geteuid() === 0) {
    say(
      `chronet: installing ${packages.join(', ')} (for the tests: they compare with what these programs see)`,
    )
    await aptInstall(packages)
    missing = missingTools()
    if (missing.length === 0) return undefined
  }
  const how = isApt ? `sudo apt-get install ${packages.join(' ')}` : `install ${packages.join(', ')}`
  return `${missing.join(', ')} not found, and the tests need it; run: ${how}`
}
