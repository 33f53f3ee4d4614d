/** The demo's side of `victim.ts`: starts an engine of its own, waits until its attach is half done, and kills it. */
import { fork, type ChildProcess } from 'node:child_process'
import { lendKernel, type OpenKernel } from './lent-kernel.ts'
import { beside } from './place.ts'

export type Attach = {
  readonly dataDir: string
  readonly network: string
  readonly runDir: string
  readonly sandbox: string
  /** Kills it earlier, when the demo itself ends. */
  readonly signal: AbortSignal
}

/** @param lent the kernel that the engine gets; absent: the one that it runs on. @returns the signal that ended it */
export async function killInAttach(attach: Attach, lent?: OpenKernel): Promise<string> {
  const { dataDir, network, runDir, sandbox, signal } = attach
  const args = [dataDir, runDir, network, sandbox, lent === undefined ? 'own' : 'lent']
  const victim = fork(beside('victim'), args, {
    killSignal: 'SIGKILL',
    serialization: 'advanced', // what a kernel answers has maps in it
    signal,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  if (lent !== undefined) lendKernel(victim, lent)
  victim.on('error', () => undefined) // the demo ends; whoever asks for the end of this sees it die
  const ended = new Promise<string>((resolve) => {
    victim.on('exit', (code, by) => resolve(by ?? `exit ${code ?? 0}`))
  })
  const said = await Promise.race([firstWords(victim), ended])
  victim.kill('SIGKILL')
  const end = await ended
  return said === 'now' ? end : `it never came so far: ${said}`
}

/** Its other messages are calls of a lent kernel. */
const firstWords = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.on('message', (message) => {
      if (typeof message === 'string') resolve(message)
    })
  })
