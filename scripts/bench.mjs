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
import { foreground, giveUp, inRoot, say } from './lib/run.mjs'

const FIGURES = inRoot('bench/figures.json')
const README = inRoot('README.md')
const BLOCK = /(<!-- figures: begin -->\n)[^]*(<!-- figures: end -->)/
const ALL = [
  'attach',
  'log',
  'engine',
  'replay',
  'past',
  'restart',
  'addresses',
  'families',
  'crowd',
  'transfer',
  'replicate',
  'partition',
]
/** They need a nats-server; where none can be had, they are left out, unless they were asked for. */
const WITH_SERVERS = ['replicate', 'partition']

/** Folds make much short-lived garbage: with Node's default of 16 MB they lose a third of their speed. */
const NODE_FLAGS = ['--expose-gc', '--max-semi-space-size=64']

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
  readme.replace(BLOCK, (_, begin, end) => `${begin}\n${table(figures)}\n\n${end}`),
)

/** Runs one, showing what it prints, and returns the figures of its last line of JSON. */
async function run(name) {
  const child = spawn(process.execPath, [...NODE_FLAGS, inRoot(`dist/bench/${name}.js`)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((done) => child.on('exit', done))
  let last
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) last = JSON.parse(line)
    console.log(line)
  }
  if ((await ended) !== 0 || last === undefined) giveUp(`the benchmark ${name} failed`)
  return last
}

/** The README's table: what was measured, beside what it is measured against. */
function table(figures) {
  const { addresses, attach, crowd, engine, families, log } = figures
  const { partition, past, replay, replicate, restart, transfer } = figures
  const rows = [['what', 'figure', 'beside it']]
  for (const level of attach?.levels ?? [])
    rows.push(
      [
        `attach, durable and done in the kernel, ${level.present} endpoints present`,
        `${level.attach} ms`,
        `${level.attachRatio}× the same kernel work in C (${level.floor} ms)`,
      ],
      [
        `the same, ${attach.burst} at once`,
        `${level.attach32} ms each`,
        `${level.ratio32}× C (${level.floor32} ms)`,
      ],
      [
        `detach, ${level.present} endpoints present`,
        `${level.detach} ms`,
        `in the kernel ${level.sweepRatio}× a deletion by group in C`,
      ],
    )
  if (attach) rows.push(['attach with `ip -batch`', `${attach.ipBatch} ms`, 'no log, no checks'])
  if (families)
    rows.push([
      'attach to a network of IPv6, and of both',
      `${families.v6} ms, ${families.dual} ms`,
      `${families.v6Ratio}× and ${families.dualRatio}× an attach with IPv4 alone (${families.v4} ms)`,
    ])
  if (crowd)
    rows.push([
      `attach with ${crowd.reserved} endpoints reserved, ${crowd.attached} of them attached`,
      `${crowd.next} ms`,
      `${crowd.ratio}× the tenth, our own share ${crowd.ownRatio}×; ${crowd.kbPerEndpoint} kB an endpoint`,
    ])
  if (log)
    rows.push(['facts appended by 128 writers, each on disk', `${log.log}/s`, `bare LevelDB ${log.bare}/s`])
  if (engine)
    rows.push([
      'commands by 128 writers, no kernel',
      `${engine.commandsPerSecond}/s`,
      `bare LevelDB ${engine.bare}/s`,
    ])
  if (replay)
    rows.push(['replay: verify, parse, fold all', `${replay.open} facts/s`, `bare LevelDB ${replay.bare}/s`])
  if (past)
    rows.push([
      `how all of ${past.facts} facts was at any moment`,
      `${past.wholeMedian} ms, ${past.wholeWorst} ms at worst`,
      `one endpoint of ${past.endpoints}: ${past.oneMedian} ms, ${past.oneWorst} ms at worst`,
    ])
  if (transfer)
    rows.push(
      [
        'export and import',
        `${transfer.exportPerSecond} and ${transfer.importPerSecond} facts/s`,
        'an import verifies and folds',
      ],
      [
        'start of `chronet --help`, and of `network ls` with a log of 1,000 facts',
        `${transfer.helpMs} ms, ${transfer.listMs} ms`,
        `\`node -e 0\` ${transfer.nodeMs} ms`,
      ],
    )
  if (addresses)
    rows.push([
      'the last free address of a /16, found',
      `${Math.max(addresses.chooseLastUs, addresses.chooseWrappedUs)} µs`,
      `${addresses.chooseRatio}× the first (${addresses.chooseFirstUs} µs); reserved, durable, ${addresses.createRatio}×`,
    ])
  if (restart)
    rows.push([
      `restart with ${restart.networks} networks and ${restart.endpoints} endpoints`,
      `${restart.controllerMs} ms, ${restart.writes} writes to the kernel`,
      `${restart.processMs} ms from the start of the process`,
    ])
  if (replicate)
    rows.push([
      'a log sent to another host, three processes on loopback',
      `${replicate.commitsPerSecond} commits/s`,
      `a commit is there in ${replicate.thereP50} ms (99 in 100: ${replicate.thereP99} ms)`,
    ])
  if (partition)
    rows.push([
      `${partition.hosts} hosts × ${partition.endpoints} endpoints, ${partition.cutS} s cut off, healed`,
      `${partition.convergedMs} ms to ${partition.digests} digests`,
      `leader killed in ${partition.leader_messages} messages: ${partition.leader_lost} lost, ${partition.leader_twice} twice`,
    ])
  return rows
    .flatMap((row, i) => [`| ${row.join(' | ')} |`, ...(i === 0 ? ['| --- | --- | --- |'] : [])])
    .join('\n')
}
