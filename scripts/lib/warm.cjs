/**
 * Lets commands run that change nothing but a log of their own, and keeps what V8 compiled for them:
 * `node warm.cjs <dist/bin> <an export> <an empty directory>`.
 */
const { writeFileSync } = require('node:fs')
const { join } = require('node:path')

const [bin, exported, directory] = process.argv.slice(2)
const { cacheOf, scripts, start } = require(join(bin, 'chronet.js'))

process.env.CHRONET_DATA_DIR = join(directory, 'data')
process.env.CHRONET_RUN_DIR = join(directory, 'run')
const COMMANDS = [
  ['--help'],
  ['import', exported],
  ['network', 'ls'],
  ['sandbox', 'ls'],
  ['endpoint', 'ls'],
  ['show'],
  ['log'],
  ['sandbox', 'create', 'warm', '--dry-run'],
]

async function warm() {
  for (const words of COMMANDS) {
    process.argv = [process.argv[0], join(bin, 'chronet.js'), ...words]
    await start().done
    if (process.exitCode) throw new Error(`chronet ${words.join(' ')} ended with ${process.exitCode}`)
  }
  for (const [path, script] of scripts) writeFileSync(cacheOf(path), script.createCachedData())
}

warm()
