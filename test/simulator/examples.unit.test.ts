/** The examples of simulation, run as they stand. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const tsx = (file: string) => run(process.execPath, ['--import', 'tsx', file])

describe('examples of simulation', () => {
  it('simulate-network.ts: an engine dies in an attach, and the next one ends it', async () => {
    const { stderr, stdout } = await tsx('examples/simulate-network.ts')
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^killed at \d+ ms\nstarted again: till reaches shop\n\d+ of \d+ pairs/)
  })

  it('simulate-service.ts: a seed finds the bug of a service, and none finds it when it is mended', async () => {
    const { stderr, stdout } = await tsx('examples/simulate-service.ts')
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^seed \d+: at \d+ ms \w+ has renewed .* is not on the network\nmended: nobody/)
  }, 60_000)
})
