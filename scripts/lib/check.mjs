/**
 * The checks that need no run: lint (purity and import arrows among them), format, types, dependencies. They run side by
 * side and are shown in order, each only if it has something to say.
 */
import { readFileSync } from 'node:fs'
import { inRoot, quiet } from './run.mjs'

const bin = (path) => inRoot(`node_modules/${path}`)

const CHECKS = [
  { args: [bin('eslint/bin/eslint.js'), '.', '--max-warnings', '0'], name: 'lint' },
  { args: [bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'], name: 'format' },
  { args: [bin('typescript/bin/tsc'), '-p', 'tsconfig.json'], name: 'types' },
  { args: [bin('knip/bin/knip.js'), '--no-progress'], name: 'dependencies' },
]

/** @returns the names of the checks that failed; prints a line for each, and the output of those that speak. */
export async function check() {
  const runs = CHECKS.map(async ({ args, name }) => ({ name, ...(await quiet(process.execPath, args)) }))
  const failed = []
  for (const run of runs) {
    const { name, output, status } = await run
    process.stdout.write(`check ${name}: ${status === 0 ? 'ok' : `failed (status ${status})`}\n`)
    if (output.trim() !== '') process.stdout.write(`${output.trimEnd()}\n`)
    if (status !== 0) failed.push(name)
  }
  await sayLongFiles()
  return failed
}

/** Lint refuses files above 400 lines; here is a word in time, from 300 on. */
async function sayLongFiles() {
  const { output } = await quiet('git', [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    '*.ts',
    '*.mjs',
  ])
  for (const path of output.split('\n').filter(Boolean)) {
    const lines = lineCount(path)
    if (lines > 300) process.stdout.write(`long: ${path} has ${lines} lines (400 is the limit)\n`)
  }
}

function lineCount(path) {
  try {
    return readFileSync(inRoot(path), 'utf8').split('\n').length - 1
  } catch {
    return 0 // git still lists it, or git is not there
  }
}
