/**
 * Running a program in a sandbox's network namespace. `nsenter` (util-linux, on every Linux) enters it: a process of Node has many threads,
 * and only the one that would fork could enter.
 */
import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { constants as os } from 'node:os'
import { EngineError } from '../../events/index.ts'

/** Its exit status; of one that a signal ended, 128 and the signal's number, as shells say it. */
export async function execIn(netns: string, program: string, args: readonly string[]): Promise<number> {
  await access(netns, constants.R_OK).catch((cause: unknown) => {
    const text = `no namespace is at ${netns}; is the run directory the right one? 'chronet plan' says what the kernel lacks`
    throw new EngineError('ERR_NOT_FOUND', text, { cause })
  })
  const child = spawn('nsenter', [`--net=${netns}`, '--', program, ...args], { stdio: 'inherit' })
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal)
  process.on('SIGTERM', forward)
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', (status, signal) =>
        resolve(status ?? 128 + (signal === null ? 0 : os.signals[signal])),
      )
    })
  } finally {
    process.off('SIGTERM', forward)
  }
}
