/**
 * Running programs: quietly, with the output shown only when they fail, or in the foreground, as if the shell had started
 * them itself.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

/** The checkout, with a slash at its end. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Path of something in the checkout. */
export const inRoot = (path) => root + path

/** Debian keeps `ip`, `nft` and `mount` where an ordinary user's PATH does not look. */
process.env.PATH = [process.env.PATH ?? '/usr/bin:/bin', '/usr/sbin', '/sbin'].join(':')

/** Said by us, not by what we run. To stderr, so that stdout (`--json`) is the program's alone. */
export const say = (text) => process.stderr.write(`${text}\n`)

/** Says why, and ends with `status`: 1 failed, 69 something is not to be had, 77 not permitted. */
export function giveUp(text, status = 1) {
  say(text)
  process.exit(status)
}

/** @returns `{ status, output }` when it has ended; stdout and stderr in the order they came. Never rejects. */
export function quiet(command, args, options = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    let output = ''
    const take = (chunk) => {
      output += chunk
    }
    child.stdout.setEncoding('utf8').on('data', take)
    child.stderr.setEncoding('utf8').on('data', take)
    child.on('error', (error) => done({ output: `${command}: ${error.message}\n`, status: 127 }))
    child.on('close', (code, signal) => done({ output, status: code ?? 128 + constants.signals[signal] }))
  })
}

/**
 * Runs a program on our stdin, stdout and stderr and returns its exit status, or 128 and the signal that ended it.
 *
 * The terminal sends Ctrl-C and Ctrl-\ to the program and to us: it decides, we wait. TERM and HUP come to us alone (from
 * `kill`, npm, a supervisor), so we pass them on.
 */
export function foreground(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options })
    for (const signal of ['SIGINT', 'SIGQUIT']) process.on(signal, () => {})
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
    child.on('error', fail)
    child.on('exit', (code, signal) => done(code ?? 128 + constants.signals[signal]))
  })
}
