/**
 * Brings nats-servers for the tests of the bus: a current one and an old one. Nothing is installed: where none is on PATH,
 * Debian's package is fetched once from the machine's own mirror, and its one program kept in the user's cache.
 *
 * Debian 12 has 2.9, and what clusters need came with 2.11; the package of Debian's newest release is one Go program that asks
 * for libc 2.34 only, so it runs on older ones as it is.
 */
import { accessSync, chmodSync, constants, copyFileSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { quiet, say } from './run.mjs'

/** Minor versions of 2.x: from here on it is current; at most so much, it is old. */
const CURRENT_MIN = 11
const LEGACY_MAX = 9

const SERVERS = [
  {
    isWanted: (minor) => minor >= CURRENT_MIN,
    release: 'sid',
    variable: 'CHRONET_NATS_SERVER',
    what: `nats-server 2.${CURRENT_MIN} or newer`,
  },
  {
    isWanted: (minor) => minor <= LEGACY_MAX,
    release: 'bookworm',
    variable: 'CHRONET_NATS_SERVER_LEGACY',
    what: `nats-server 2.${LEGACY_MAX}`,
  },
]

/** No program may take longer, in seconds; a mirror that says nothing is given up sooner. */
const FETCH_S_MAX = 100
const SILENCE_S_MAX = 15

/**
 * Finds or fetches both.
 * @returns `{ env, lack }`: the variables that tell tests where they are, and undefined or a sentence that says what is missing
 */
export async function findNatsServers() {
  const found = await Promise.all(SERVERS.map(find))
  const env = Object.fromEntries(
    found.flatMap(({ program, variable }) => (program ? [[variable, program]] : [])),
  )
  const missing = found.filter(({ program }) => program === undefined)
  if (missing.length === 0) return { env }
  const which = missing.map(({ what, why }) => `no ${what} (${why})`).join(' and ')
  const how = missing.map(({ variable }) => variable).join(' and ')
  return { env, lack: `There is ${which}, so the tests that need it are skipped; name one in ${how}.` }
}

async function find({ isWanted, release, variable, what }) {
  const given = process.env[variable]
  const isGood = async (program) => isWanted(await minorOf(program))
  if (given)
    return { program: (await isGood(given)) ? given : undefined, variable, what, why: `${given} is none` }
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'chronet/nats-server')
  const cached = join(cache, release, 'nats-server')
  const folders = (process.env.PATH ?? '').split(':')
  for (const program of [...folders.map((folder) => join(folder, 'nats-server')), cached])
    if (await isGood(program)) return { program, variable }
  const why = await fetchInto(cached, release).catch((error) => error.message)
  if (why !== undefined) return { variable, what, why }
  return (await isGood(cached))
    ? { program: cached, variable }
    : { variable, what, why: `that of Debian ${release} does not run here` }
}

/** The minor version of a server 2.x that runs here; NaN otherwise. */
async function minorOf(program) {
  try {
    accessSync(program, constants.X_OK)
  } catch {
    return NaN
  }
  const { output } = await quiet(program, ['--version'], { timeout: 10_000 })
  return Number(/v2\.(\d+)\./.exec(output)?.[1])
}

/** @returns undefined, or why it cannot be had */
async function fetchInto(target, release) {
  const mirror = mirrorIn(aptSources(), codename())
  if (mirror === undefined) return 'no Debian mirror is configured on this machine'
  say(
    `chronet: fetching nats-server of Debian ${release} from ${mirror.uri} (for the tests; nothing is installed)`,
  )
  const work = mkdtempSync(join(tmpdir(), 'chronet-nats-'))
  try {
    return (await download(work, mirror, release)) ?? keep(join(work, 'root/usr/sbin/nats-server'), target)
  } finally {
    rmSync(work, { force: true, recursive: true })
  }
}

/** apt-get with lists and caches of its own: the machine's stay as they are. */
async function download(work, { signedBy, uri }, release) {
  const signed = signedBy === undefined ? '' : `[signed-by=${signedBy}] `
  writeFileSync(join(work, 'sources.list'), `deb ${signed}${uri} ${release} main\n`)
  for (const folder of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(work, folder), { recursive: true })
  const options = {
    'Acquire::Languages': 'none',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': SILENCE_S_MAX,
    'Acquire::https::Timeout': SILENCE_S_MAX,
    'APT::Update::Error-Mode': 'any',
    'Dir::Cache': join(work, 'cache'),
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(work, 'lists'),
  }
  const apt = [
    'apt-get',
    '-qq',
    ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
  ]
  const run = (command) => quiet('timeout', ['-k', '5', String(FETCH_S_MAX), ...command], { cwd: work })
  for (const command of [
    [...apt, 'update'],
    [...apt, 'download', 'nats-server'],
  ]) {
    const { output, status } = await run(command)
    if (status !== 0) return complaint(output) ?? `apt-get ended with status ${status}`
  }
  const [archive] = readdirSync(work).filter((name) => name.endsWith('.deb'))
  if (archive === undefined) return 'apt-get brought nothing'
  const { output, status } = await run(['dpkg-deb', '-x', archive, 'root'])
  return status === 0 ? undefined : (complaint(output) ?? 'its package cannot be unpacked')
}

/** Of what apt complains first: what follows from it says less, and what is no failure says nothing. */
function complaint(output) {
  const lines = output.trim().split('\n')
  return lines.find((line) => /^E:|failed/i.test(line)) ?? (lines.at(-1) || undefined)
}

/** In one step, since others may be bringing it at the same time. */
function keep(program, target) {
  mkdirSync(join(target, '..'), { recursive: true })
  const half = `${target}.${process.pid}`
  copyFileSync(program, half)
  chmodSync(half, 0o755)
  renameSync(half, target)
}

// ---------------------------------------------------------------- the machine's mirror

const textOf = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Undefined: this is no Debian. */
const codename = () =>
  /^ID=debian$/m.test(textOf('/etc/os-release'))
    ? (/^VERSION_CODENAME=(\S+)$/m.exec(textOf('/etc/os-release'))?.[1] ?? 'sid')
    : undefined

/** All of apt's sources, as `{ signedBy, suites, uri }`, of both formats (sources.list(5)). */
function aptSources() {
  const parts = '/etc/apt/sources.list.d'
  let names = []
  try {
    names = readdirSync(parts)
  } catch {
    // there are no parts
  }
  const texts = (end) => names.filter((name) => name.endsWith(end)).map((name) => textOf(join(parts, name)))
  return [
    ...texts('.sources').flatMap((text) => text.split(/\n\s*\n/).flatMap(inStanza)),
    ...[textOf('/etc/apt/sources.list'), ...texts('.list')].flatMap((text) =>
      text.split('\n').flatMap(inLine),
    ),
  ]
}

export function inStanza(text) {
  const field = (name) =>
    new RegExp(`^${name}:[ \\t]*(\\S.*)$`, 'im').exec(text)?.[1]?.trim().split(/\s+/) ?? []
  if (!field('Types').includes('deb') || field('Enabled')[0] === 'no') return []
  const [signedBy] = field('Signed-By').filter((each) => each.startsWith('/'))
  return field('URIs').map((uri) => ({ signedBy, suites: field('Suites'), uri }))
}

export function inLine(line) {
  const [, options = '', uri, suite] = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)/.exec(line) ?? []
  if (uri === undefined) return []
  return [{ signedBy: /signed-by=(\/[^\s,]+)/.exec(options)?.[1], suites: [suite], uri }]
}

/** Where the machine has its own release from: all of Debian's releases are there. */
export function mirrorIn(sources, release) {
  if (release === undefined) return undefined
  const names = [release, 'stable', 'testing', 'unstable', 'sid']
  return sources.find(
    ({ suites, uri }) => /^https?:/.test(uri) && suites.some((suite) => names.includes(suite)),
  )
}
