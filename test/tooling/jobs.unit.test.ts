/** Jobs are processes: one that ends by itself is told of at once, and the others go on. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const CHILD = fileURLToPath(new URL('jobs.child.ts', import.meta.url))

it('tells of a job that ended by itself at once, goes on with the others, and fails in the end', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', CHILD], {
    timeout: 60_000,
  })
  expect(stdout.trimEnd().split('\n')).toStrictEqual([
    'a job ended by itself (3) in "die"',
    'last',
    'Error: a job ended by itself (3) in "die"',
    'over, and some came',
  ])
}, 60_000)
