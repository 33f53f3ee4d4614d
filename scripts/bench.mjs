/**
 * `npm run bench`: builds the benchmarks, runs them one after the other on this machine, and keeps their figures.
 *
 * Names choose (`npm run bench -- attach log`); without any, all run: some ten minutes. Each prints its tables; its last
 * line of JSON goes into `bench/figures.json`, and the README's table of figures is made of that file alone. They want a
 * quiet machine, root, and a C compiler for the floor.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { ensurePackages, requireNode } from './lib/install.mjs'
import { findNatsServers } from './lib/nats.mjs'
import { tableOf } from './lib/figures.mjs'
import { foreground, giveUp, inRoot, say } from './lib/run.mjs'

const FIGURES = inRoot('bench/figures.json')
const README = inRoot('README.md')
const BLOCK = /(<!-- figures: begin -->\n)[^]*(<!-- figures: end -->)/
const ALL = [
  'attach',
  'undecided',
  'share',
  'log',
  'engine',
  'replay',
  'past',
  'restart',
  'addresses',
  'families',
  'crowd',
  'transfer',
  'simulate',
  'replicate',
  'partition',
  'claims',
  'hosts',
]
/** They need a nats-server; where none can be had, they are left out, unless they were asked for. */
const WITH_SERVERS = ['replicate', 'partition', 'claims', 'hosts']

/** Folds make much short-lived garbage: with Node's default of 16 MB they lose a third of their speed. */
const NODE_FLAGS = ['--expose-gc', '--max-semi-space-size=64']
/** Of the simulator: short runs of all the code there is, so that compiling it at first sight pays, and a large heap does not. */
const FLAGS_OF = { simulate: ['--always-sparkplug'] }

requireNode()
await ensurePackages()
const names = process.argv.slice(2)
const unknown = names.filter((name) => !ALL.includes(name))
if (unknown.length > 0)
  giveUp(`there is no benchmark ${unknown.join(', ')}; there are: ${ALL.join(', ')}`, 64)
// What is measured is what users start: the bundle of the command line too.
for (const build of [
  [inRoot('scripts/build.mjs')],
  [inRoot('node_modules/typescript/bin/tsc'), '-p', inRoot('bench/tsconfig.json')],
]) {
  const built = await foreground(process.execPath, build)
  if (built !== 0) process.exit(built)
}

const wanted = names.length > 0 ? names : ALL
const { env, lack } = wanted.some((name) => WITH_SERVERS.includes(name)) ? await findNatsServers() : {}
const hasServer = env?.CHRONET_NATS_SERVER !== undefined
if (!hasServer && names.some((name) => WITH_SERVERS.includes(name))) giveUp(lack, 69)
if (!hasServer && lack) say(lack)

const figures = existsSync(FIGURES) ? JSON.parse(readFileSync(FIGURES, 'utf8')) : {}
for (const name of wanted.filter((each) => hasServer || !WITH_SERVERS.includes(each))) {
  figures[name] = await run(name)
  writeFileSync(FIGURES, `${JSON.stringify(figures, undefined, 2)}\n`)
}
const readme = readFileSync(README, 'utf8')
writeFileSync(
  README,
  readme.replace(BLOCK, (_, begin, end) => `${begin}\n${tableOf(figures)}\n\n${end}`),
)

/** Runs one, showing what it prints, and returns the figures of its last line of JSON. */
async function run(name) {
  const child = spawn(
    process.execPath,
    [...(FLAGS_OF[name] ?? NODE_FLAGS), inRoot(`dist/bench/${name}.js`)],
    {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const ended = new Promise((done) => child.on('exit', done))
  let last
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) last = JSON.parse(line)
    console.log(line)
  }
  if ((await ended) !== 0 || last === undefined) giveUp(`the benchmark ${name} failed`)
  return last
}
