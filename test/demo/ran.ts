/** What a program came to that a test of the demo ran. */
import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'

export type Ran = { readonly errors: string; readonly output: string; readonly status: number | null }

/** Settles when it has ended, and all that it said was heard. */
export function ran(child: ChildProcessByStdio<null, Readable, Readable>): Promise<Ran> {
  let errors = ''
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  return new Promise((resolve) => child.on('close', (status) => resolve({ errors, output, status })))
}
