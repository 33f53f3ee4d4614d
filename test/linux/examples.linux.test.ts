/** What the README shows, run as it stands: the quickstart, and the code block. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const tsx = (file: string) => run(process.execPath, ['--import', 'tsx', file])

describe('examples/quickstart.ts', () => {
  it('joins an endpoint to a sandbox, and remembers it after all is deleted', async () => {
    const { stderr, stdout } = await tsx('examples/quickstart.ts')
    expect(stderr).toBe('')
    expect(stdout).toMatch(
      /^Joined endpoint Endpoint1 \(02:42:0a:4d:00:02\) to sandbox container1 \(\/.*\)$/m,
    )
    expect(stdout).toMatch(/as it was at #\d+: \[ 'network1' \] \[ 'Endpoint1' \]/)
  })
})

describe('the code in the README', () => {
  it('runs as it stands', async () => {
    const readme = await readFile('README.md', 'utf8')
    const code = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? ''
    const scratch = await mkdtemp(join(tmpdir(), 'chronet-readme-'))
    // What the program leaves in the kernel is what its log says: it goes with the namespaces that tests run in.
    const runDir = `/run/chronet-readme-${process.pid}`
    // In the checkout, so that the package finds itself; with directories of its own.
    const file = join('examples', `.readme-${process.pid}.ts`)
    const own = code.replace("dataDir: '/var/lib/chronet'", `dataDir: '${scratch}/data', runDir: '${runDir}'`)
    try {
      expect(own).toContain(scratch)
      await writeFile(file, `${own}\nconsole.log(yesterday.networks().length, web.id.length)`)
      expect((await tsx(file)).stdout).toBe('0 64\n')
    } finally {
      await rm(file, { force: true })
      await rm(scratch, { force: true, recursive: true })
    }
  })
})
